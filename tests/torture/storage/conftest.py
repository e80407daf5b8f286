"""A project in memory, so that races meet more often than disks turn."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.torture.storage.oracle")


@pytest.fixture
def fast(fast: Path) -> Path:
    (fast / ".flow").mkdir()
    return fast
