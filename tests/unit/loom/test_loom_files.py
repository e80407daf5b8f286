"""The Loom on real files: what may be edited, what is refused, what is kept (INVENTORY section 9)."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path

import pytest

from engine.errors import (
    AnchorError,
    ConfigurationError,
    ContentChangedError,
    SecurityError,
    StorageError,
    UnsupportedFileError,
    UsageError,
)
from engine.loom import Append, FileEdit, Insert, Loom, ReplaceLine
from engine.loom.globs import matches
from engine.storage import Guarantee, Store, revision_of
from engine.storage.platform import Portable


@pytest.fixture
def loom(store: Store) -> Loom:
    return Loom(store)


@pytest.fixture
def file(root: Path) -> Path:
    path = root / "CHANGELOG.md"
    path.write_bytes(b"# Changes\n\n## Unreleased\n\n- one\n")
    return path


NEW = [FileEdit("CHANGELOG.md", Insert("## Unreleased", "- new"))]


def unchanged(root: Path, path: Path, data: bytes) -> None:
    """The file is as it was, and nothing half done lies about."""
    assert path.read_bytes() == data
    assert [entry.name for entry in root.rglob("*") if entry.name.endswith(".part")] == []


def test_read_preview_and_write(loom: Loom, file: Path, system: Portable) -> None:
    text = loom.read("CHANGELOG.md")
    assert text.text == file.read_text() and text.revision == revision_of(file.read_bytes())
    before = file.read_bytes()
    preview = loom.preview(NEW)
    assert file.read_bytes() == before and not preview.already
    assert preview.revision == text.revision and "+- new" in preview.diff
    written = loom.write(NEW, base=text.revision)
    assert file.read_text() == preview.after
    assert written.changed and written.path == "CHANGELOG.md"
    assert (written.before_revision, written.after_revision) == (preview.revision, preview.after_revision)
    assert written.guarantee is (Guarantee.LEASED if system.has_leases else Guarantee.COMPARED)


def test_t6_04_paths_outside_of_the_allowed_globs(store: Store, root: Path, file: Path) -> None:
    narrow = Loom(store, ["src/**", "*.txt"])
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("x\n")
    narrow.write([FileEdit("src/a.py", Append("y"))])
    for path in ("CHANGELOG.md", "other/src/a.py"):
        with pytest.raises(SecurityError) as caught:
            narrow.write([FileEdit(path, Append("y"))])
        assert "flow.toml" in str(caught.value)
    (root / "link.txt").symlink_to("CHANGELOG.md")
    with pytest.raises(SecurityError, match=r"CHANGELOG\.md"):
        narrow.write([FileEdit("link.txt", Append("y"))])
    unchanged(root, file, b"# Changes\n\n## Unreleased\n\n- one\n")


@pytest.mark.parametrize(
    ("glob", "fits", "others"),
    [
        ("[z-a]*", [], ["a.py", "z.py", "-.py"]),
        ("[a&&b]*", ["a.py", "&.py"], ["c.py"]),
        ("[a||c~~d[]*", ["a.py", "[.py", "~.py", "|.py"], ["e.py"]),
        (r"[\d^]*", ["\\.py", "d.py", "^.py"], ["1.py"]),
        ("[!a-c]*", ["d.py", "-.py"], ["b.py", "/b"]),
        ("[!z-a]*", ["d.py"], ["/b"]),
        ("[a-]*", ["a.py", "-.py"], ["b.py"]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_t6_04_sets_in_globs_are_literal(glob: str, fits: list[str], others: list[str]) -> None:
    assert [path for path in (*fits, *others) if matches(path, [glob])] == fits


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_a_text_that_would_spoil_the_file_is_refused(loom: Loom, root: Path, file: Path, text: str) -> None:
    edits = [FileEdit("CHANGELOG.md", Append("fine")), FileEdit("CHANGELOG.md", Append(text))]
    for ask in (loom.preview, loom.write):
        with pytest.raises(UsageError, match="nothing was written"):
            ask(edits)
    unchanged(root, file, b"# Changes\n\n## Unreleased\n\n- one\n")


@pytest.mark.parametrize(
    "path",
    [
        ".flow/status.md",
        ".git/config",
        ".GIT/config",
        "sub/.git/config",
        "sub/.flow/flow.toml",
        "sub/.FLOW",
        "./.flow/x",
        ".flow//x",
        "../x",
    ],
)
def test_t6_04_the_project_s_own_folders_are_never_edited(loom: Loom, root: Path, path: str) -> None:
    (root / "sub" / ".git").mkdir(parents=True)
    with pytest.raises(SecurityError):
        loom.read(path)
    with pytest.raises(SecurityError):
        loom.write([FileEdit(path, Append("y"))])


def test_t6_04_a_link_into_flow_is_refused(loom: Loom, root: Path) -> None:
    (root / ".flow" / "status.md").write_text("- [ ] a\n")
    (root / "plan.md").symlink_to(".flow/status.md")
    with pytest.raises(SecurityError):
        loom.write([FileEdit("plan.md", Append("y"))])


def test_t6_14_another_case_is_refused_and_the_spelling_named(loom: Loom, file: Path) -> None:
    with pytest.raises(SecurityError, match=r"CHANGELOG\.md"):
        loom.read("changelog.md")
    with pytest.raises(SecurityError, match=r"CHANGELOG\.md"):
        loom.write([FileEdit("Changelog.md", Append("y"))])


def test_a_missing_file_is_a_clear_error(loom: Loom, root: Path) -> None:
    edits = [FileEdit("none/x.txt", Append("y"))]
    for attempt in (lambda: loom.read("none/x.txt"), lambda: loom.preview(edits), lambda: loom.write(edits)):
        with pytest.raises(UsageError, match=r"There is no 'none/x\.txt'"):
            attempt()
    assert not (root / "none").exists()


def test_what_is_no_regular_file_is_refused_at_once(loom: Loom, root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "socket"))
        for name in ("folder", "pipe", "socket"):
            edits = [FileEdit(name, Append("y"))]
            for attempt in (
                partial(loom.read, name),
                partial(loom.preview, edits),
                partial(loom.write, edits),
            ):
                with pytest.raises((UnsupportedFileError, StorageError)) as caught:
                    attempt()
                assert name in caught.value.message and caught.value.hint
    (root / "zero").symlink_to("/dev/zero")
    with pytest.raises(SecurityError, match="leads out of"):
        loom.read("zero")


@pytest.mark.parametrize(
    "data",
    [b"caf\xe9\n", b"\xff\xfea\0b\0", b"a\0b\n", b"\xed\xa0\x80\n"],
    ids=["Latin-1", "UTF-16", "NUL", "CESU"],
)
def test_t6_07_what_is_not_utf_8_is_refused_untouched(loom: Loom, root: Path, data: bytes) -> None:
    (root / "x").write_bytes(data)
    for attempt in (lambda: loom.read("x"), lambda: loom.write([FileEdit("x", Append("y"))])):
        with pytest.raises(UnsupportedFileError):
            attempt()
    unchanged(root, root / "x", data)


def test_t6_12_a_byte_order_mark_is_kept(loom: Loom, root: Path) -> None:
    (root / "x").write_bytes(b"\xef\xbb\xbffirst\r\nlast")
    assert loom.read("x").text == "first\r\nlast"
    loom.write([FileEdit("x", Insert("first", "new"))])
    assert (root / "x").read_bytes() == b"\xef\xbb\xbffirst\r\nnew\r\nlast"


def test_t6_09_a_file_of_2_gb_is_refused_without_reading_it(loom: Loom, root: Path) -> None:
    with (root / "huge").open("wb") as huge:
        huge.truncate(2 << 30)
    before = (root / "huge").stat()
    for attempt in (lambda: loom.read("huge"), lambda: loom.write([FileEdit("huge", Append("y"))])):
        with pytest.raises(UnsupportedFileError, match="10000000"):
            attempt()
    assert (root / "huge").stat().st_mtime_ns == before.st_mtime_ns


def test_mode_link_and_hard_links(loom: Loom, root: Path, file: Path) -> None:
    file.chmod(0o754)
    (root / "link").symlink_to("CHANGELOG.md")
    loom.write([FileEdit("link", Append("y"))])
    assert (root / "link").is_symlink() and file.read_text().endswith("y\n")
    assert file.stat().st_mode & 0o777 == 0o754
    os.link(file, root / "second")
    with pytest.raises(UnsupportedFileError, match="hard links"):
        loom.write([FileEdit("CHANGELOG.md", Append("z"))])


def test_t6_02_t6_05_nothing_is_written_when_an_anchor_does_not_fit(
    loom: Loom, root: Path, file: Path
) -> None:
    before = file.read_bytes()
    with pytest.raises(AnchorError, match=r"CHANGELOG\.md"):
        loom.write([FileEdit("CHANGELOG.md", Append("x")), FileEdit("CHANGELOG.md", Insert("nowhere", "y"))])
    unchanged(root, file, before)
    with file.open("ab") as again:
        again.write(b"no lease is left behind\n")


def test_t6_15_the_same_edit_again_is_reported_as_no_change(loom: Loom, file: Path) -> None:
    first = loom.write(NEW)
    stamp = file.stat().st_mtime_ns
    again = loom.write(NEW)
    assert not again.changed and again.before_revision == again.after_revision == first.after_revision
    assert file.stat().st_mtime_ns == stamp
    assert loom.preview(NEW).already
    assert not loom.write(NEW, base=first.before_revision).changed, "there is nothing left to overwrite"


def test_several_edits_are_made_in_one_step(loom: Loom, file: Path) -> None:
    written = loom.write([*NEW, FileEdit("CHANGELOG.md", ReplaceLine(1, "# Changes", "# Changelog"))])
    assert written.changed and file.read_text().startswith("# Changelog\n\n## Unreleased\n- new\n")


def test_edits_of_several_files_or_revisions_are_refused(loom: Loom, file: Path) -> None:
    with pytest.raises(ConfigurationError, match="one file"):
        loom.write([*NEW, FileEdit("other", Append("x"))])
    with pytest.raises(ConfigurationError, match="none"):
        loom.write([])
    with pytest.raises(ConfigurationError, match="revisions"):
        loom.write([FileEdit("CHANGELOG.md", Append("x"), "0" * 64)], base="1" * 64)


def test_another_base_is_a_conflict_with_the_texts_that_are_known(loom: Loom, file: Path) -> None:
    base = loom.read("CHANGELOG.md")
    file.write_text("# Rewritten\n")
    with pytest.raises(ContentChangedError) as caught:
        loom.write(NEW, base=base.revision)
    assert caught.value.base == base.text and caught.value.disk == "# Rewritten\n"
    assert caught.value.edit is not None and "- new" in caught.value.edit
    with pytest.raises(ContentChangedError) as unknown:
        Loom(Store(file.parent)).preview([FileEdit("CHANGELOG.md", NEW[0].edit, base.revision)])
    assert unknown.value.base is None and unknown.value.edit is None
    assert file.read_text() == "# Rewritten\n"
