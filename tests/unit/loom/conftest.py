"""A project on a real disk, once with this system's storage and once with what every system has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.storage import Plans, Store, platform
from engine.storage.platform import Portable, choose


@pytest.fixture(params=["native", "portable"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portable]:
    chosen = choose() if request.param == "native" else Portable()
    monkeypatch.setattr(platform, "system", chosen)
    yield chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".flow").mkdir()
    return tmp_path


@pytest.fixture
def store(root: Path) -> Store:
    return Store(root)


@pytest.fixture
def plans(store: Store) -> Plans:
    return Plans(store)
