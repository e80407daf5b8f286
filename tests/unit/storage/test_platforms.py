"""What the platform modules promise, on the system the tests run on (T1.38)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.storage.platform import Portable, choose


def test_t1_38_other_systems_get_what_every_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(choose("win32")) is Portable and type(choose("cygwin")) is Portable
    monkeypatch.setenv("FLOW_PLATFORM", "portable")
    assert type(choose()) is Portable


def test_t1_38_nothing_is_special_on_a_system_without_anything(tmp_path: Path) -> None:
    system = Portable()
    (tmp_path / "x").write_text("x")
    fd = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        assert system.lease(fd) is False
        assert system.lease_stands(fd) is False
        system.end_lease(fd)
    finally:
        os.close(fd)
    with pytest.raises(OSError):
        system.exchange(None, str(tmp_path / "x"), None, str(tmp_path / "y"))
    system.move_new(None, str(tmp_path / "x"), None, str(tmp_path / "y"))
    (tmp_path / "x").write_text("again")
    with pytest.raises(FileExistsError):
        system.move_new(None, str(tmp_path / "x"), None, str(tmp_path / "y"))
    assert (tmp_path / "y").read_text() == "x"
    assert system.group_of(os.getpid()) is None and system.session() == {}
    assert system.boot_id()


def test_a_lease_is_broken_by_a_writer_without_a_signal_handler(tmp_path: Path, system: Portable) -> None:
    if not system.has_leases:
        pytest.skip("no leases here")
    path = tmp_path / "x"
    path.write_text("x")
    found: list[bool] = []

    def hold() -> None:
        fd = os.open(path, os.O_RDONLY)
        found.append(system.lease(fd))
        writer = threading.Thread(target=lambda: path.write_text("theirs"))
        writer.start()
        while system.lease_stands(fd):
            pass
        found.append(path.read_text() == "x")
        system.end_lease(fd)
        writer.join()
        os.close(fd)

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert found == [True, True] and path.read_text() == "theirs"


def test_a_lease_is_refused_while_somebody_writes(tmp_path: Path, system: Portable) -> None:
    if not system.has_leases:
        pytest.skip("no leases here")
    path = tmp_path / "x"
    with path.open("w"):
        fd = os.open(path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            system.lease(fd)
        os.close(fd)


def test_exchange_swaps_two_names(tmp_path: Path, system: Portable) -> None:
    if not system.has_exchange:
        pytest.skip("no exchange here")
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        system.exchange(folder, "a", folder, "b")
        system.exchange(None, str(tmp_path / "a"), folder, "b")
        system.exchange(folder, "a", None, str(tmp_path / "b"))
        with pytest.raises(FileNotFoundError):
            system.exchange(folder, "a", folder, "none")
    finally:
        os.close(folder)
    assert (tmp_path / "a").read_text() == "b"


def test_the_machine_and_its_groups_have_names(system: Portable) -> None:
    assert system.boot_id() == system.boot_id() != ""
    assert set(system.stop_signals()) & set(system.terminal_signals())
    assert system.group_of(os.getpid()) in (None, getattr(os, "getpgrp", lambda: None)())
