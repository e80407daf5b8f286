"""Scaffolding makes what is missing and touches nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SecurityError, StorageError
from engine.storage import scaffold


def test_files_and_folders_are_made_once(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    files = {".flow/status.md": b"one", ".flow/sub/x.md": b"two"}
    assert scaffold(files, target) == [target / ".flow/status.md", target / ".flow/sub/x.md"]
    (target / ".flow/status.md").write_bytes(b"mine")
    assert scaffold({**files, "new": b""}, target) == [target / "new"]
    assert (target / ".flow/status.md").read_bytes() == b"mine"
    assert sorted(path.name for path in (target / ".flow").iterdir()) == ["status.md", "sub"]


@pytest.mark.parametrize("relative", ["../x", "/x", "a/../../x", ""])
def test_nothing_is_made_outside(tmp_path: Path, relative: str) -> None:
    with pytest.raises(SecurityError):
        scaffold({relative: b""}, tmp_path / "in")


def test_a_link_on_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".flow").symlink_to(tmp_path)
    with pytest.raises(SecurityError):
        scaffold({".flow/status.md": b""}, tmp_path / "in")
    assert not (tmp_path / "status.md").exists()


def test_a_file_where_a_folder_belongs_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(StorageError, match="x"):
        scaffold({"a": b""}, tmp_path / "x")
