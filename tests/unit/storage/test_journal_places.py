"""The log is written where it belongs, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage import Journal


def test_a_link_in_the_place_of_the_log_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    victim = outside / "events.jsonl"
    victim.write_bytes(b"no line end")
    journal = Journal(root / ".flow" / "logs" / "events.jsonl")
    (root / ".flow" / "logs").symlink_to(outside)
    for attempt in (lambda: journal.append({"what": "x"}), lambda: list(journal.records())):
        with pytest.raises(StorageError, match="symbolic link"):
            attempt()
    (root / ".flow" / "logs").unlink()
    (root / ".flow" / "logs").mkdir()
    journal.path.symlink_to(victim)
    for attempt in (lambda: journal.append({"what": "x"}), lambda: list(journal.records())):
        with pytest.raises(StorageError):
            attempt()
    assert victim.read_bytes() == b"no line end" and [path.name for path in outside.iterdir()] == [
        victim.name
    ]


def test_a_pipe_in_the_place_of_the_log_is_not_waited_for(root: Path) -> None:
    journal = Journal(root / ".flow" / "logs" / "events.jsonl")
    journal.append({"what": "x"})
    journal.path.unlink()
    os.mkfifo(journal.path)
    for attempt in (lambda: journal.append({"what": "x"}), lambda: list(journal.records())):
        with pytest.raises(StorageError, match=r"pipe|regular"):
            attempt()


def test_a_deleted_project_gets_no_log(root: Path) -> None:
    journal = Journal(root / ".flow" / "logs" / "events.jsonl")
    shutil.rmtree(root / ".flow")
    with pytest.raises(StorageError):
        journal.append({"what": "x"})
    assert not (root / ".flow").exists()
