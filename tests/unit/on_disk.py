"""The fixtures of storage and Loom: a project on a real disk, once with this system's storage and once with what every
system has (T1.38). Only what leases or an exchange alone can win is skipped the second time."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def held_to_permissions() -> Iterator[None]:
    """In here, permissions count for us even when we are root (whose power over files is laid down meanwhile)."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("root may do everything here")
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    before, lesser = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert library.capget(header, before) == library.capget(header, lesser) == 0
    lesser[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert library.capset(header, lesser) == 0
    try:
        yield
    finally:
        assert library.capset(header, before) == 0


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow past `size` bytes: writes come up short, then fail, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
