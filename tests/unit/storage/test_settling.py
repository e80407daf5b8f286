"""What a crash left in `swap/` is settled by hash, as often as it is tried."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.storage import Plans, Store, platform, revision_of, safe_path
from engine.storage.folder import Folder
from engine.storage.seat import ABSENT, SWAP, Seat, own_part

BASE, NEW = b"old bytes\n", b"new bytes\n"


@pytest.fixture
def file(root: Path) -> Path:
    path = root / "sub" / "x.md"
    path.parent.mkdir()
    path.write_bytes(BASE)
    return path


@pytest.fixture
def seat(store: Store, file: Path) -> Seat:
    return Seat(store.root, file, Folder.within(store.flow, SWAP, make=True))


def put(seat: Seat, data: bytes, suffix: str = "", base: str = "", nonce: str = "1") -> Path:
    name = f"{nonce}.{(base or revision_of(BASE))[:32]}.{revision_of(NEW)[:32]}{suffix}"
    path = seat.folder.path / name
    path.write_bytes(data)
    return path


def check_settled(store: Store, file: Path, content: bytes | None) -> None:
    for _ in range(2):
        assert store.settle() == []
        assert (file.read_bytes() if file.exists() else None) == content
        assert [path.name for path in (store.flow / "swap").rglob("*") if path.is_file()] == ["target"]


def test_the_new_bytes_wait_so_the_swap_did_not_happen(store: Store, file: Path, seat: Seat) -> None:
    put(seat, NEW)
    check_settled(store, file, BASE)


def test_the_old_bytes_wait_so_it_did(store: Store, file: Path, seat: Seat) -> None:
    put(seat, BASE)
    file.write_bytes(NEW)
    check_settled(store, file, NEW)


def test_both_waited_where_names_are_not_exchanged(store: Store, file: Path, seat: Seat) -> None:
    put(seat, NEW)
    was = put(seat, BASE, ".was")
    was.unlink()
    was.hardlink_to(file)
    check_settled(store, file, BASE)
    assert file.stat().st_nlink == 1


def test_the_second_name_of_a_file_that_was_changed_since_is_no_copy(
    store: Store, file: Path, seat: Seat
) -> None:
    was = put(seat, BASE, ".was")
    was.unlink()
    was.hardlink_to(file)
    file.write_bytes(b"somebody's, in place")
    check_settled(store, file, b"somebody's, in place")
    assert file.stat().st_nlink == 1


@pytest.mark.parametrize("length", range(0, len(NEW), 3))
def test_a_torn_new_file_was_never_in_place(store: Store, file: Path, seat: Seat, length: int) -> None:
    put(seat, NEW[:length], ".part")
    put(seat, BASE[:length], ".was.part")
    file.write_bytes(b"somebody else's since then")
    check_settled(store, file, b"somebody else's since then")


def test_a_new_file_that_was_not_made(store: Store, file: Path, seat: Seat) -> None:
    file.unlink()
    put(seat, NEW, base=ABSENT)
    check_settled(store, file, None)


def test_anything_else_is_somebody_s_and_is_kept(store: Store, file: Path, seat: Seat) -> None:
    put(seat, b"written by somebody in that moment")
    file.write_bytes(NEW)
    (kept,) = store.settle()
    assert kept.path == file and kept.copy.read_bytes() == b"written by somebody in that moment"
    assert kept.copy.parent == file.parent
    assert file.read_bytes() == NEW
    check_settled(store, file, NEW)


def test_many_copies_of_one_moment_have_names_of_their_own(store: Store, file: Path, seat: Seat) -> None:
    for number in range(3):
        put(seat, b"%d" % number, nonce=f"{number}")
    assert len({kept.copy for kept in store.settle()}) == 3
    assert len(store.conflict_copies()) == 3


def test_a_copy_whose_target_and_folder_are_gone_is_kept(store: Store, file: Path, seat: Seat) -> None:
    put(seat, b"somebody's")
    file.unlink()
    file.parent.rmdir()
    (kept,) = store.settle()
    assert kept.copy.read_bytes() == b"somebody's"


def test_own_files_of_dead_processes_go_and_those_of_living_ones_stay(store: Store) -> None:
    swap = store.flow / "swap"
    swap.mkdir()
    (swap / f"own.{2**22 + 5}.1.1.part").write_bytes(b"half")
    (swap / f"own.{os.getpid()}.1.1.part").write_bytes(b"of an earlier process with our number")
    alive = swap / own_part()
    alive.write_bytes(b"half")
    store.settle()
    assert list(swap.iterdir()) == [alive]


def test_strange_entries_are_left_alone(store: Store) -> None:
    strange = store.flow / "swap" / "notes.txt"
    strange.parent.mkdir()
    strange.write_text("mine")
    assert store.settle() == []
    assert strange.exists()


def test_whatever_is_written_first_comes_after_the_settling(store: Store, file: Path, seat: Seat) -> None:
    put(seat, b"somebody's\n")
    (store.root / "other").write_bytes(b"x")
    started = Store(store.root)
    started.swap(safe_path(store.root, "other"), lambda now: b"y")
    (copy,) = started.conflict_copies()
    assert copy.parent == file.parent and copy.read_bytes() == b"somebody's\n"
    assert [kept.copy for kept in started.settle()] == [copy] and started.settle() == []


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_what_is_no_file_is_moved_unread(store: Store, file: Path, seat: Seat, kind: str) -> None:
    """Another program put it in place right before the exchange, and then the engine was killed."""
    waiting = put(seat, b"")
    waiting.unlink()
    if kind == "a link":
        waiting.symlink_to("nowhere")
    elif kind == "a folder":
        waiting.mkdir()
        (waiting / "inside").write_bytes(b"theirs")
    else:
        os.mkfifo(waiting)
    expected = waiting.lstat().st_ino
    if kind == "a folder" and not store_moves_folders():
        assert store.settle() == [] and len(store.unsettled) == 1 and (waiting / "inside").exists()
    else:
        (kept,) = store.settle()
        assert kept.copy.lstat().st_ino == expected and store.conflict_copies() == [kept.copy]
    store.swap(safe_path(store.root, "sub/x.md"), lambda now: b"goes on\n")
    assert file.read_bytes() == b"goes on\n"


def store_moves_folders() -> bool:
    """Without a renaming that never replaces, a move is a second name, which folders cannot have."""
    return platform.system.has_folders


@pytest.mark.parametrize("became", ["a link", "a file"])
def test_a_folder_that_became_something_else_stands_in_nobody_s_way(
    store: Store, file: Path, seat: Seat, became: str
) -> None:
    """Files had to wait in it once: it was on another file system then."""
    seat.wait_beside(Folder.within(file.parent))
    file.unlink()
    file.parent.rmdir()
    if became == "a link":
        (store.root / "elsewhere").mkdir()
        file.parent.symlink_to("elsewhere")
    else:
        file.parent.write_bytes(b"")
    (store.root / "other").write_bytes(b"x")
    started = Store(store.root)
    started.swap(safe_path(store.root, "other"), lambda now: b"y")
    assert started.settle() == [] and started.unsettled == []


def stray_file(swap: Path) -> None:
    (swap / ("0" * 24)).write_bytes(b"")


def stray_link(swap: Path) -> None:
    (swap / ("0" * 24)).symlink_to("nowhere")


def without_a_record(swap: Path) -> None:
    (swap / ("0" * 24) / "x").mkdir(parents=True)


def a_folder_for_a_record(swap: Path) -> None:
    (swap / ("0" * 24) / "target").mkdir(parents=True)
    (swap / ("0" * 24) / f"1.{'1' * 32}.{'2' * 32}").write_bytes(b"theirs")


def a_target_in_a_file(swap: Path) -> None:
    Seat(swap.parents[1], swap.parents[1] / "other" / "z", Folder.within(swap))
    key = revision_of(b"other/z")[:24]
    (swap / key / f"1.{'1' * 32}.{'2' * 32}").write_bytes(b"theirs")


@pytest.mark.parametrize(
    "stray", [stray_file, stray_link, without_a_record, a_folder_for_a_record, a_target_in_a_file]
)
def test_what_cannot_be_settled_stops_nothing_else(
    store: Store, file: Path, seat: Seat, stray: Callable[[Path], None]
) -> None:
    put(seat, b"somebody's\n")
    put(seat, b"somebody's second\n", nonce="2")
    (store.root / "other").write_bytes(b"x")
    stray(store.flow / "swap")
    started = Store(store.root)
    started.swap(safe_path(store.root, "other"), lambda now: b"y")
    assert [kept.copy.parent for kept in started.settle()] == [file.parent] * 2
    assert len(started.conflict_copies()) == 2
    (error,) = started.unsettled
    assert ".flow/swap/" in error.message and error.hint
    assert Store(store.root).settle() == []


def test_what_waits_for_a_name_that_is_no_utf_8_is_kept(store: Store) -> None:
    file = store.root / os.fsdecode(b"caf\xe9.txt")
    file.write_bytes(BASE)
    seat = Seat(store.root, file, Folder.within(store.flow, SWAP, make=True))
    put(seat, b"late")
    (kept,) = store.settle()
    assert kept.copy.name.startswith(file.name) and kept.copy.read_bytes() == b"late"
    assert store.conflict_copies() == [kept.copy]


@pytest.mark.parametrize("name", ["x" * 244, "é" * 122, "x" * 254])
def test_copies_of_a_long_name_are_found(store: Store, name: str) -> None:
    file = store.root / name
    file.write_bytes(BASE)
    seat = Seat(store.root, file, Folder.within(store.flow, SWAP, make=True))
    put(seat, b"late")
    (kept,) = store.settle()
    assert store.conflict_copies() == [kept.copy]


@pytest.mark.parametrize(
    "record",
    [
        ".git/hooks/x",
        "sub/.GIT/config",
        ".flow/atoms/x.py",
        ".flow/flow.toml",
        ".FLOW/x.md",
        "sub/.flow/x.md",
    ],
)
def test_a_record_of_what_nobody_may_edit_leads_nowhere(store: Store, record: str) -> None:
    folder = store.flow / "swap" / revision_of(record.encode())[:24]
    folder.mkdir(parents=True)
    (folder / "target").write_bytes(record.encode())
    (folder / f"1.{'1' * 32}.{'2' * 32}").write_bytes(b"theirs")
    assert store.settle() == [] and store.conflict_copies() == [] and len(store.unsettled) == 1
    assert not (store.root / record).parent.exists() or not list(
        (store.root / record).parent.glob("*conflict*")
    )


def test_a_copy_of_a_plan_is_kept_beside_it(store: Store) -> None:
    (store.flow / "sub").mkdir()
    seat = Seat(store.root, store.flow / "sub" / "b.md", Folder.within(store.flow, SWAP, make=True))
    put(seat, b"theirs")
    (kept,) = store.settle()
    assert kept.copy.parent == store.flow / "sub"


def test_many_files_of_one_folder_are_looked_for_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = Folder.within(store.flow, SWAP, make=True).hold()
    for number in range(30):
        Seat(store.root, store.root / f"{number}.txt", swap).close()
        (store.root / f"{number}.txt.flow-conflict-1").write_bytes(b"")
    listed: list[Path] = []
    real = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert len(store.conflict_copies()) == 30
    assert listed == [store.root]


@pytest.mark.parametrize("record", ["../outside/x", "/tmp/x", "sub/../../outside/x", "a\0b", "", ".."])
def test_a_record_that_came_from_elsewhere_leads_nowhere(
    root: Path, tmp_path_factory: pytest.TempPathFactory, record: str
) -> None:
    """Whoever clones a project may get a `swap/` with it that somebody made up."""
    project = root / "project"
    folder = project / ".flow" / "swap" / revision_of(record.encode())[:24]
    folder.mkdir(parents=True)
    (root / "outside").mkdir()
    (folder / "target").write_bytes(record.encode())
    (folder / f"1.{'1' * 32}.{'2' * 32}").write_bytes(b"theirs")
    store = Store(project)
    assert store.settle() == [] and store.conflict_copies() == []
    assert list((root / "outside").iterdir()) == []


def test_a_record_of_plans_that_came_from_elsewhere_stands_in_nobody_s_way(plans: Plans) -> None:
    meta = {"plans": {}, "previous": {"../x": "1" * 64, "a\0b": "1" * 64}, "settled": False}
    (plans.store.flow / "status.meta").write_text(json.dumps(meta) + "\n")
    plans.write("status.md", None, b"- [ ] a\n")
    now = plans.read("status.md")
    assert now is not None and not plans.outside("status.md", now)
