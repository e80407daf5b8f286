"""What the tortures share: how much of them runs, and a folder in memory to run the races in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.torture.storage.oracle")


@pytest.fixture(scope="session")
def torture() -> int:
    """How much: 1 by default, a share for CI; FLOW_TORTURE=20, or `full`, is everything."""
    wanted = os.environ.get("FLOW_TORTURE", "1")
    return 20 if wanted == "full" else max(1, int(wanted))


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Path]:
    """A project in memory where there is one, so that races meet more often than disks turn."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        (tmp_path / ".flow").mkdir()
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="flow-torture-", dir=memory))
    (folder / ".flow").mkdir()
    yield folder
    shutil.rmtree(folder)
