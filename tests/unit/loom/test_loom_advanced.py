"""T6.10: the file changes between read and write. No byte of either writer is lost, however it was written."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from engine.errors import ContentChangedError
from engine.loom import Append, Applied, Edit, FileEdit, Insert, Loom, apply_all
from engine.storage import Store

BASE = b"one\ntwo\nthree\n"
EDITS = [FileEdit("source.txt", Insert("two", "ours"))]
OURS = "one\ntwo\nours\nthree\n"
Write = Callable[[Path], None]


def same_size_and_time(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"ONE")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def same_size_and_time_by_rename(path: Path) -> None:
    before = path.stat()
    beside = path.with_name("beside")
    beside.write_bytes(b"ONE\ntwo\nthree\n")
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    beside.replace(path)


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"theirs\n")


def truncated_and_written(path: Path) -> None:
    path.write_bytes(b"theirs alone\n")


def renamed_over(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(b"theirs, renamed\n")
    beside.replace(path)


def removed_and_made_again(path: Path) -> None:
    path.unlink()
    path.write_bytes(BASE + b"made again\n")


WRITERS: list[Write] = [
    same_size_and_time,
    same_size_and_time_by_rename,
    appended,
    truncated_and_written,
    renamed_over,
    removed_and_made_again,
]


@pytest.fixture
def file(root: Path) -> Path:
    path = root / "source.txt"
    path.write_bytes(BASE)
    return path


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What is put in this list runs once, after the Loom has read the file and before it writes."""
    waiting: list[Callable[[], None]] = []
    threads: list[threading.Thread] = []

    def hooked(edits: Iterable[Edit], text: str, path: str = "") -> Applied:
        applied = apply_all(edits, text, path)
        while waiting:
            threads.append(loose(waiting.pop()))
        return applied

    monkeypatch.setattr("engine.loom.loom.apply_all", hooked)
    yield waiting
    for thread in threads:
        thread.join()


def loose(work: Callable[[], None]) -> threading.Thread:
    """Starts another writer, and returns when it is done, or waits in `open` for our lease."""
    thread = threading.Thread(target=work)
    thread.start()
    locks = Path("/proc/locks")
    while thread.is_alive() and not (locks.exists() and "BREAKING" in locks.read_text()):
        time.sleep(0.001)
    return thread


def after(writer: Write, folder: Path) -> bytes:
    """What the writer alone would have made of the file."""
    alone = folder / "alone"
    alone.write_bytes(BASE)
    writer(alone)
    data = alone.read_bytes()
    alone.unlink()
    return data


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_t6_10_a_change_between_read_and_write_is_a_conflict(
    store: Store,
    file: Path,
    between: list[Callable[[], None]],
    writer: Write,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    theirs = after(writer, tmp_path_factory.mktemp("alone"))
    loom = Loom(store)
    between.append(lambda: writer(file))
    with pytest.raises(ContentChangedError) as caught:
        loom.write(EDITS)
    assert caught.value.path == "source.txt"
    assert caught.value.base == BASE.decode() and caught.value.edit == OURS
    wait_for(lambda: file.exists() and file.read_bytes() == theirs)
    # Reload: computed anew from what is there now.
    preview = loom.preview([FileEdit("source.txt", Append("ours"))])
    assert preview.before == theirs.decode()
    # Retry: at once, to what is there now; nothing of theirs is lost.
    loom.write([FileEdit("source.txt", Append("ours"))])
    assert file.read_bytes() == theirs + b"ours\n"
    assert store.settle() == [] and store.conflict_copies() == []


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_t6_10_a_change_between_preview_and_write_is_a_conflict(
    store: Store, file: Path, writer: Write
) -> None:
    loom = Loom(store)
    preview = loom.preview(EDITS)
    writer(file)
    theirs = file.read_bytes()
    with pytest.raises(ContentChangedError) as caught:
        loom.write(EDITS, base=preview.revision)
    assert (caught.value.base, caught.value.disk, caught.value.edit) == (BASE.decode(), theirs.decode(), OURS)
    assert file.read_bytes() == theirs


def test_t6_10_the_file_is_removed_between_read_and_write(
    store: Store, file: Path, between: list[Callable[[], None]]
) -> None:
    between.append(file.unlink)
    with pytest.raises(ContentChangedError) as caught:
        Loom(store).write(EDITS)
    assert caught.value.disk is None and caught.value.edit == OURS
    assert not file.exists()


def test_t6_10_the_naive_way_loses_what_this_keeps(file: Path) -> None:
    """The control: stat, edit, stat again, write. It cannot see a change that keeps size and time."""
    before = file.stat()
    text = file.read_text()
    same_size_and_time(file)
    now = file.stat()
    assert (before.st_size, before.st_mtime_ns) == (now.st_size, now.st_mtime_ns)
    file.write_text(text + "ours\n")
    assert b"ONE" not in file.read_bytes()
