"""Compare-and-swap: what is kept, what is refused, and what happens when another program writes meanwhile."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from engine.errors import ContentChangedError, FileBusyError, StorageError, UnsupportedFileError
from engine.storage import Guarantee, Journal, Snapshot, Store, safe_path
from engine.storage import target as target_module
from engine.storage.platform import Portable

Write = Callable[[Path], None]


def meanwhile(work: Callable[[], None]) -> threading.Thread:
    """Lets another writer loose, and returns when it is done, or waits for the lease."""
    thread = threading.Thread(target=work)
    thread.start()
    locks = Path("/proc/locks")
    while thread.is_alive() and not (locks.exists() and "BREAKING" in locks.read_text()):
        time.sleep(0.001)
    return thread


def in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"THEIR")


def appending(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"their line\n")


def truncating(path: Path) -> None:
    path.write_bytes(b"theirs alone\n")


def by_rename(path: Path) -> None:
    beside = path.with_name("theirs.tmp")
    beside.write_bytes(b"theirs, renamed\n")
    beside.replace(path)


def same_size_and_time(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"THEIR")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


WRITERS: list[Write] = [in_place, appending, truncating, by_rename, same_size_and_time]


@pytest.fixture
def file(root: Path) -> Path:
    path = root / "source.txt"
    path.write_bytes(b"first line\nsecond line\n")
    return path


def _with_line(now: Snapshot, line: bytes) -> bytes:
    return now.data + line


def left_in_swap(store: Store) -> list[str]:
    return [
        str(path) for path in (store.flow / "swap").rglob("*") if path.is_file() and path.name != "target"
    ]


def test_a_swap_changes_the_file_and_says_how_sure_it_was(store: Store, file: Path, system: Portable) -> None:
    swapped = store.swap(safe_path(store.root, "source.txt"), lambda now: now.data + b"third\n")
    assert file.read_bytes() == b"first line\nsecond line\nthird\n"
    assert swapped.changed and swapped.before.data == b"first line\nsecond line\n"
    assert swapped.after_revision == Snapshot.of(file.read_bytes()).revision
    assert swapped.guarantee is (Guarantee.LEASED if system.has_leases else Guarantee.COMPARED)
    store.settle()
    assert left_in_swap(store) == []


def test_t3_08_the_same_bytes_are_not_written(store: Store, file: Path) -> None:
    before = file.stat()
    swapped = store.swap(safe_path(store.root, "source.txt"), lambda now: now.data)
    assert not swapped.changed and swapped.after_revision == swapped.before.revision
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert left_in_swap(store) == []


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_a_writer_between_reading_and_writing_wins(store: Store, file: Path, writer: Write) -> None:
    waiting: list[threading.Thread] = []

    def edit(now: Snapshot) -> bytes:
        waiting.append(meanwhile(lambda: writer(file)))
        return now.data + b"ours\n"

    with pytest.raises(ContentChangedError) as caught:
        store.swap(safe_path(store.root, "source.txt"), edit)
    waiting[0].join()
    expected = file.with_name("expected")
    expected.write_bytes(b"first line\nsecond line\n")
    writer(expected)
    assert file.read_bytes() == expected.read_bytes()
    assert caught.value.path == "source.txt"
    assert caught.value.base == "first line\nsecond line\n"
    assert caught.value.edit == "first line\nsecond line\nours\n"
    assert caught.value.disk is not None
    assert left_in_swap(store) == []
    assert store.settle() == [] and store.conflict_copies() == []


def test_a_file_removed_meanwhile_is_a_conflict(store: Store, file: Path) -> None:
    def edit(now: Snapshot) -> bytes:
        file.unlink()
        return b"ours"

    with pytest.raises(ContentChangedError) as caught:
        store.swap(safe_path(store.root, "source.txt"), edit)
    assert caught.value.disk is None and not file.exists()
    assert left_in_swap(store) == []


def test_another_base_is_a_conflict(store: Store, file: Path) -> None:
    with pytest.raises(ContentChangedError) as caught:
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours", base="0" * 64)
    assert caught.value.disk == "first line\nsecond line\n"
    assert file.read_bytes() == b"first line\nsecond line\n"


def test_a_file_held_open_for_writing_is_busy(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.has_leases:
        pytest.skip("without leases nobody can tell")
    monkeypatch.setattr(target_module, "PATIENCE", 0.01)
    before = file.stat()
    with file.open("ab"), pytest.raises(FileBusyError) as caught:
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours")
    error = caught.value
    assert "'source.txt' is held open for writing by" in error.message and f"(process {os.getpid()})" in str(
        error
    )
    assert "Close it there" in error.hint and error.fields["writers"]
    assert (error.exit_code, error.code, error.title) == (6, "busy", "The file is in use")
    assert file.stat() == before and left_in_swap(store) == []


def test_a_writer_that_lets_go_soon_is_waited_for(store: Store, file: Path, system: Portable) -> None:
    held = file.open("ab")
    timer = threading.Timer(0.05, held.close)
    timer.start()
    swapped = store.swap(safe_path(store.root, "source.txt"), lambda now: now.data + b"ours\n")
    timer.join()
    assert swapped.changed and file.read_bytes().endswith(b"ours\n")


def test_a_late_writer_into_the_displaced_file_is_noticed_and_kept(
    store: Store, file: Path, system: Portable
) -> None:
    held: list[int] = []

    def edit(now: Snapshot) -> bytes:
        held.append(os.open(file, os.O_RDONLY))
        return b"ours\n"

    store.swap(safe_path(store.root, "source.txt"), edit)
    late = os.open(f"/proc/self/fd/{held[0]}", os.O_WRONLY | os.O_APPEND)
    os.write(late, b"late\n")
    if system.has_leases:
        assert store.settle() == [], "nothing is decided while the writer has it open"
    os.close(late)
    os.close(held[0])
    kept = store.settle()
    assert [one.path for one in kept] == [file]
    assert kept[0].copy.name.startswith("source.txt.flow-conflict-")
    assert kept[0].copy.read_bytes() == b"first line\nsecond line\nlate\n"
    assert file.read_bytes() == b"ours\n"
    assert store.conflict_copies() == [kept[0].copy]
    assert store.settle() == []
    kept[0].copy.unlink()
    assert store.conflict_copies() == []


def test_a_writer_that_was_held_up_before_it_opened_is_kept(store: Store, file: Path) -> None:
    """It found the first version by its name; two swaps happen before it opens and writes."""
    found = os.open(file, os.O_PATH) if hasattr(os, "O_PATH") else -1
    if found < 0:
        pytest.skip("what a program found and did not open yet cannot be held here")
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours\n")
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours again\n")
    with open(f"/proc/self/fd/{found}", "ab") as late:  # noqa: PTH123
        late.write(b"late\n")
    os.close(found)
    (kept,) = store.settle()
    assert kept.copy.read_bytes() == b"first line\nsecond line\nlate\n"
    assert file.read_bytes() == b"ours again\n"


def test_mode_and_attributes_are_kept(store: Store, file: Path) -> None:
    file.chmod(0o751)
    try:
        os.setxattr(file, "user.flow", b"kept")
        has_attributes = True
    except OSError:
        has_attributes = False
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"new")
    assert file.stat().st_mode & 0o777 == 0o751
    if has_attributes:
        assert os.getxattr(file, "user.flow") == b"kept"


def test_a_link_is_followed_to_its_target(store: Store, file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to("source.txt")
    store.swap(safe_path(store.root, "link"), lambda now: b"through the link")
    assert link.is_symlink() and file.read_bytes() == b"through the link"


def test_hard_links_are_refused(store: Store, file: Path) -> None:
    os.link(file, file.with_name("second"))
    with pytest.raises(UnsupportedFileError, match="hard links"):
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"new")
    assert file.with_name("second").read_bytes() == file.read_bytes() == b"first line\nsecond line\n"


def test_what_is_no_file_is_refused(store: Store, root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(UnsupportedFileError):
            store.swap(safe_path(root, name), lambda now: b"new")
    with pytest.raises(StorageError, match="none"):
        store.swap(safe_path(root, "none"), lambda now: b"new")


def test_a_large_file_is_refused_before_it_is_read(store: Store, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(UnsupportedFileError, match="2147483648"):
        store.swap(safe_path(root, "huge"), lambda now: b"", limit=10_000_000)


def test_what_the_edit_raises_passes_and_nothing_is_left(store: Store, file: Path) -> None:
    def edit(now: Snapshot) -> bytes:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        store.swap(safe_path(store.root, "source.txt"), edit)
    assert left_in_swap(store) == []
    with file.open("ab") as again:
        again.write(b"the lease is gone\n")


def test_create_never_replaces(store: Store, root: Path) -> None:
    safe = safe_path(root, "sub/new.txt")
    assert store.create(safe, b"one").data == b"one"
    with pytest.raises(ContentChangedError) as caught:
        store.create(safe, b"two")
    assert caught.value.disk == "one" and caught.value.edit == "two"
    assert (root / "sub" / "new.txt").read_bytes() == b"one"
    assert left_in_swap(store) == []


def test_swaps_from_many_threads_lose_nothing(store: Store, file: Path) -> None:
    """Leases and their signals work outside of the main thread."""
    file.write_bytes(b"")
    path = safe_path(store.root, "source.txt")

    def work(name: int) -> None:
        for number in range(15):
            line = f"{name}.{number}\n".encode()
            store.swap(path, partial(_with_line, line=line))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.read_text().split()) == sorted(
        f"{name}.{number}" for name in range(4) for number in range(15)
    )


def test_exchange_refused_by_the_file_system_takes_the_weaker_path(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "exchange", Portable().exchange)
    swapped = store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours")
    assert swapped.guarantee is Guarantee.COMPARED and file.read_bytes() == b"ours"
    assert store.settle() == [] and left_in_swap(store) == []


def test_a_writer_right_before_the_exchange_is_put_back(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.has_exchange:
        pytest.skip("only exchange gives back what it displaced")
    real = system.exchange
    calls: list[str] = []

    def exchange(one: int | None, first: str, other: int | None, second: str) -> None:
        if not calls:
            by_rename(file)
        calls.append(first)
        real(one, first, other, second)

    monkeypatch.setattr(system, "exchange", exchange)
    with pytest.raises(ContentChangedError) as caught:
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours")
    assert len(calls) == 2
    assert file.read_bytes() == b"theirs, renamed\n" and caught.value.disk == "theirs, renamed\n"
    assert store.settle() == [] and left_in_swap(store) == []
    # Another copy: they may be replaced yet, by a program that read our version in the moment that it stood there.
    (copy,) = store.conflict_copies()
    assert copy.read_bytes() == b"theirs, renamed\n" and caught.value.fields["copy"] == str(copy)


def test_what_is_made_of_our_version_after_it_is_taken_back_loses_nothing(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.has_exchange:
        pytest.skip("only exchange takes back")
    real = system.exchange
    seen: list[bytes] = []

    def exchange(one: int | None, first: str, other: int | None, second: str) -> None:
        if not seen:
            by_rename(file)
        seen.append(file.read_bytes())
        real(one, first, other, second)

    monkeypatch.setattr(system, "exchange", exchange)
    with pytest.raises(ContentChangedError):
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours\n")
    part = file.with_name("part")
    part.write_bytes(seen[-1] + b"their next line\n")
    part.replace(file)
    store.settle()
    assert file.read_bytes() == b"ours\ntheir next line\n"
    assert [copy.read_bytes() for copy in store.conflict_copies()] == [b"theirs, renamed\n"]


def test_what_is_written_into_our_version_before_it_is_taken_back_is_kept(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.has_exchange:
        pytest.skip("only exchange takes back")
    real = system.exchange
    calls: list[str] = []

    def exchange(one: int | None, first: str, other: int | None, second: str) -> None:
        by_rename(file) if not calls else appending(file)
        calls.append(first)
        real(one, first, other, second)

    monkeypatch.setattr(system, "exchange", exchange)
    with pytest.raises(ContentChangedError) as caught:
        store.swap(safe_path(store.root, "source.txt"), lambda now: b"ours\n")
    assert file.read_bytes() == b"theirs, renamed\n"
    copies = {copy.read_bytes(): str(copy) for copy in store.conflict_copies()}
    assert set(copies) == {b"ours\ntheir line\n", b"theirs, renamed\n"}
    assert caught.value.fields["copy"] == copies[b"ours\ntheir line\n"]


def test_a_swap_across_file_systems_waits_beside_its_target(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.storage.folder.Folder.device", lambda self: hash(str(self.path)))
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"new")
    assert file.read_bytes() == b"new"
    assert any(path.name.startswith(".flow-swap.") for path in store.root.iterdir())
    assert left_in_swap(store) == [str(next((store.flow / "swap").rglob("beside")))]
    assert store.settle() == []
    assert sorted(path.name for path in store.root.iterdir()) == [".flow", "source.txt"]
    store.create(safe_path(store.root, "second.txt"), b"two")
    assert sorted(path.name for path in store.root.iterdir()) == [".flow", "second.txt", "source.txt"]


def test_one_device_mounted_twice_is_not_renamed_across(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders look alike, but the system refuses to rename between them."""
    real, swap = system.move_new, store.flow / "swap"

    def move_new(one: int | None, first: str, other: int | None, second: str) -> None:
        here = Path(f"/proc/self/fd/{one}").readlink() if one is not None else Path(first).parent
        if swap in here.parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), first)
        real(one, first, other, second)

    monkeypatch.setattr(system, "move_new", move_new)
    store.create(safe_path(store.root, "sub/new.txt"), b"one")
    assert [path.name for path in (store.root / "sub").iterdir()] == ["new.txt"]
    assert (store.root / "sub" / "new.txt").read_bytes() == b"one" and store.settle() == []


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EPERM, errno.ENOSYS])
def test_a_file_system_without_attributes_and_modes_can_be_written(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in ("listxattr", "fchmod", "fchown"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"new")
    assert file.read_bytes() == b"new"


def test_a_mode_that_is_changed_right_before_the_exchange_is_kept(
    store: Store, file: Path, system: Portable, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system.has_exchange:
        pytest.skip("without an exchange the old file is not looked at again by its name")
    real = system.exchange

    def exchange(one: int | None, first: str, other: int | None, second: str) -> None:
        file.chmod(0o755)
        real(one, first, other, second)

    monkeypatch.setattr(system, "exchange", exchange)
    store.swap(safe_path(store.root, "source.txt"), lambda now: b"new")
    assert file.read_bytes() == b"new" and file.stat().st_mode & 0o777 == 0o755


def test_a_short_reading_is_no_end(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: real(fd, min(size, 5)))
    store.swap(safe_path(store.root, "source.txt"), lambda now: now.data + b"third\n")
    assert file.read_bytes() == b"first line\nsecond line\nthird\n"
    assert store.settle() == [] and store.conflict_copies() == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become others")
def test_whoever_shares_the_project_may_write(store: Store, file: Path) -> None:
    """Folders that hand on their group, and a umask that lets it write."""
    group, before = 12_345, os.umask(0o002)
    for path in (store.root, store.flow):
        os.chown(path, -1, group)
        path.chmod(0o2775)
    for folder in store.root.parents[:-2]:
        folder.chmod(0o755)
    file.chmod(0o664)
    os.chown(file, 1001, group)
    try:
        for user in (1001, 1002, 1001):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    os.setgroups([])
                    os.setgid(group)
                    os.setuid(user)
                    own = Store(store.root)
                    own.swap(safe_path(own.root, "source.txt"), partial(_with_line, line=b"%d\n" % user))
                    Journal(own.flow / "logs" / "events.jsonl").append({"user": user})
                    own.settle()
                    code = len(own.unsettled)
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        os.umask(before)
    assert file.read_bytes().endswith(b"1001\n1002\n1001\n")
