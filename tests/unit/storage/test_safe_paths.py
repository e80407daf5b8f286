"""Where a project is (T1.31, T1.32) and which paths are refused (T1.33, T2.10, T2.12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NoProjectError, SecurityError, StorageError
from engine.storage import Store, find_root, read, read_if_exists, safe_path
from engine.storage.platform import Portable
from tests.unit.on_disk import held_to_permissions


def test_t1_31_the_nearest_root_is_found_from_anywhere_inside(root: Path) -> None:
    deep = root / "a" / "b" / "c"
    deep.mkdir(parents=True)
    inner = root / "a" / ".flow"
    assert find_root(deep) == root
    assert find_root(root / ".flow") == root
    inner.mkdir()
    assert find_root(deep) == root / "a"


def test_t1_31_a_file_counts_as_its_folder(root: Path) -> None:
    (root / "file.txt").write_text("")
    assert find_root(root / "file.txt") == root


def test_t1_31_the_working_directory_is_where_it_starts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert find_root() == root


def test_t1_32_no_root(tmp_path: Path) -> None:
    if any((folder / ".flow").exists() for folder in tmp_path.parents):
        pytest.skip("a project stands above the temporary folder")
    with pytest.raises(NoProjectError, match="flow init") as caught:
        find_root(tmp_path)
    assert caught.value.exit_code == 7


def test_t1_32_flow_is_a_file(tmp_path: Path) -> None:
    (tmp_path / ".flow").write_text("")
    with pytest.raises(NoProjectError, match="is a file"):
        find_root(tmp_path)


def test_t1_32_flow_is_a_link_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / ".flow").symlink_to(".flow")
    with pytest.raises(NoProjectError, match="circle"):
        find_root(tmp_path)


def test_t1_32_flow_is_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / ".flow").symlink_to("gone")
    with pytest.raises(NoProjectError, match="nowhere"):
        find_root(tmp_path)


def test_t1_32_start_is_a_link_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(NoProjectError):
        find_root(tmp_path / "loop")


def test_t1_32_the_working_directory_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NoProjectError, match="deleted"):
        find_root()
    monkeypatch.chdir(tmp_path)


def test_t1_32_an_unreadable_parent(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0)
    with held_to_permissions(), pytest.raises(NoProjectError, match="ermission"):
        find_root(closed / "inner")
    closed.chmod(0o700)


REFUSED = [
    "../x",
    "a/../../x",
    "..",
    "/etc/passwd",
    "//server/share",
    "\\\\server\\share",
    "a\\b",
    "C:\\x",
    "C:/x",
    "c:x",
    "javascript:x",
    "data:x",
    "file:///etc/passwd",
    "a\0b",
    "a\nb",
    "a\x1b[2Jb",
    "CON",
    "con",
    "PRN.txt",
    "sub/NUL",
    "COM1",
    "lpt9.md",
    "aux .md",
    "",
    ".",
    " ",
    "x" * 5000,
    "y/" * 2500,
    "z" * 256,
]


@pytest.mark.parametrize("relative", REFUSED, ids=[repr(text[:20]) for text in REFUSED])
def test_t1_33_what_no_path_may_be(root: Path, relative: str) -> None:
    with pytest.raises(SecurityError) as caught:
        safe_path(root, relative)
    assert len(str(caught.value)) < 400


def test_t1_33_a_link_that_leaves_the_base(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("s")
    (root / "link").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for relative in ("link/secret", "link/new", "file"):
        with pytest.raises(SecurityError, match="leads out"):
            safe_path(root, relative)


def test_t1_33_a_link_that_stays_inside_is_followed(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "x.md").write_text("x")
    (root / "link").symlink_to("real")
    assert safe_path(root, "link/x.md").path == root / "real" / "x.md"
    assert read(safe_path(root, "link/x.md")).data == b"x"


def test_t1_33_a_link_in_a_circle_is_refused_when_it_is_opened(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises((SecurityError, StorageError)):
        read(safe_path(root, "a/x"))


def test_t1_33_a_folder_exchanged_for_a_link_after_the_check(
    root: Path, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.md").write_text("not yours")
    (root / "sub").mkdir()
    (root / "sub" / "x.md").write_text("yours")
    safe = safe_path(root, "sub/x.md")
    (root / "sub").rename(root / "moved")
    (root / "sub").symlink_to(outside)
    with pytest.raises(SecurityError, match="symbolic link"):
        read(safe)
    with pytest.raises(SecurityError, match="symbolic link"):
        store.swap(safe, lambda now: now.data + b"!")
    assert (outside / "x.md").read_text() == "not yours"


def test_t1_33_a_file_exchanged_for_a_link_after_the_check(
    root: Path, store: Store, tmp_path_factory: pytest.TempPathFactory, system: Portable
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("not yours")
    (root / "x.md").write_text("yours")
    safe = safe_path(root, "x.md")
    (root / "x.md").unlink()
    (root / "x.md").symlink_to(outside)
    with pytest.raises(StorageError):
        read(safe)
    with pytest.raises(StorageError):
        store.swap(safe, lambda now: now.data + b"!")
    assert outside.read_text() == "not yours"


@given(
    st.lists(
        st.one_of(st.sampled_from(["..", ".", "a", "b c", "é", "x.md", ""]), st.text(min_size=1, max_size=8)),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_accepted_stays_inside(parts: list[str]) -> None:
    base = Path(os.path.realpath(Path(__file__).parent))
    try:
        safe = safe_path(base, "/".join(parts))
    except SecurityError:
        return
    assert base in safe.path.parents


def test_a_missing_file_is_none_and_an_unreadable_one_an_error(root: Path) -> None:
    assert read_if_exists(safe_path(root, "none.md")) is None
    assert read_if_exists(root / "none.md") is None
    (root / "folder").mkdir()
    with pytest.raises(StorageError):
        read(root / "none.md")
