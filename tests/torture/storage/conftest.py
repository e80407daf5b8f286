"""A project in memory, so that races meet more often than disks turn; and the systems that the matrices run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.storage import platform
from engine.storage.platform import Portable, choose

pytest.register_assert_rewrite("tests.torture.storage.oracle")


@pytest.fixture
def fast(fast: Path) -> Path:
    (fast / ".flow").mkdir()
    return fast


@pytest.fixture(params=["native", "portable"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """This system's storage, then what every system has (T1.38); here, and by its name for other processes."""
    name: str = request.param
    monkeypatch.setattr(platform, "system", choose() if name == "native" else Portable())
    return name
