"""What all tortures share: how much of them runs, and a folder in memory to run them in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.amount import SHARE


@pytest.fixture
def share() -> int | None:
    """How many times the little is tried; None is all."""
    return SHARE


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses nothing that was written, on whatever it was."""
    memory = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="flow-torture-", dir=memory if os.access(memory, os.W_OK) else tmp_path)
    )
    yield folder
    shutil.rmtree(folder)
