"""What the kill matrix over a step shares: how much of it runs, the stage, and a folder in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stage import Stage

pytest.register_assert_rewrite("tests.torture.runtime.oracle")


@pytest.fixture
def share() -> int | None:
    """How many of the points: a few by default, N times as many with FLOW_TORTURE=N, None (all) with `full`."""
    wanted = os.environ.get("FLOW_TORTURE", "1")
    return None if wanted == "full" else max(1, int(wanted))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("home")) as stage:
        yield stage


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses nothing that was written, on whatever it was."""
    memory = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="flow-torture-", dir=memory if os.access(memory, os.W_OK) else tmp_path)
    )
    yield folder
    shutil.rmtree(folder)
