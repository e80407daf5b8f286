"""The engine's own files: durable, whole, and nothing left behind when the disk refuses (T3.04)."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import BusyError, NoProjectError, SecurityError, StorageError, UnsupportedFileError
from engine.storage import Guarantee, Plans, Store, read_if_exists, safe_path
from engine.storage.platform import Portable
from tests.unit.on_disk import full_disk, held_to_permissions


def everything(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_replace_makes_folders_and_files(store: Store) -> None:
    path = store.flow / "logs" / "output" / "x.json"
    store.replace(path, b"one")
    store.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert store.names(store.flow / "swap") == []


def test_append_truncate_rename_remove_and_read(store: Store) -> None:
    log = store.flow / "logs" / "events.jsonl"
    store.append(log, b"a\n")
    store.append(log, b"b\n")
    assert store.read_from(log, 2) == b"b\n"
    assert store.read_from(log, -2) == b"b\n"
    assert store.read_from(log, -100) == b"a\nb\n"
    store.truncate(log, 2)
    assert store.read(log) == b"a\n"
    older = store.flow / "logs" / "old" / "events.1.jsonl"
    store.rename(log, older)
    assert store.read(log) is None and store.read_from(log, 0) == b""
    assert older.read_bytes() == b"a\n"
    store.remove(older)
    store.remove(older)
    assert store.names(older.parent) == [] and store.names(store.flow / "none") == []


def test_t3_04_a_full_disk_leaves_the_old_content_and_no_temp_file(store: Store, root: Path) -> None:
    store.replace(store.flow / "x", b"old")
    store.append(store.flow / "log", b"old\n")
    (root / "source.txt").write_bytes(b"old")
    store.swap(safe_path(root, "source.txt"), lambda now: now.data)
    before = everything(root)
    big = b"n" * 10_000
    with full_disk(5_000):
        for write in (
            lambda: store.replace(store.flow / "x", big),
            lambda: store.append(store.flow / "log", big),
            lambda: store.swap(safe_path(root, "source.txt"), lambda now: big),
            lambda: store.create(safe_path(root, "new.txt"), big),
        ):
            with pytest.raises(StorageError) as caught:
                write()
            assert caught.value.exit_code == 74
            assert caught.value.fields["errno"] == "EFBIG"
            assert caught.value.hint
    after = everything(root)
    assert {name for name in after if not name.endswith("/target")} == {
        name for name in before if not name.endswith("/target")
    }
    assert all(after[name] == before[name] for name in before)
    store.replace(store.flow / "x", big)
    store.swap(safe_path(root, "source.txt"), lambda now: big)
    assert (root / "source.txt").read_bytes() == big


def test_t3_04_errors_say_what_where_and_how_to_mend(store: Store, root: Path) -> None:
    (root / ".flow" / "x").mkdir()
    with pytest.raises(StorageError, match="x") as caught:
        store.replace(root / ".flow" / "x", b"data")
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.hint == caught.value.hint
    assert error.as_json()["path"].endswith("x")
    assert isinstance(caught.value, OSError)
    assert store.names(store.flow / "swap") == []


def test_t3_04_a_folder_without_write_permission(store: Store, root: Path) -> None:
    closed = root / "closed"
    closed.mkdir()
    (closed / "x").write_text("old")
    closed.chmod(0o500)
    with held_to_permissions(), pytest.raises(StorageError, match="ermission") as caught:
        store.swap(safe_path(root, "closed/x"), lambda now: b"new")
    closed.chmod(0o700)
    assert caught.value.fields["errno"] == "EACCES" and caught.value.hint
    assert (closed / "x").read_text() == "old"
    assert [path.name for path in closed.iterdir()] == ["x"]
    store.settle()
    assert [path.name for path in (store.flow / "swap").rglob("*") if path.is_file()] == ["target"]


def test_t3_04_a_file_that_may_not_be_read(store: Store, root: Path) -> None:
    for path in (root / "x", store.flow / "x"):
        path.write_bytes(b"old")
        path.chmod(0)
    with held_to_permissions():
        for attempt in (
            lambda: store.swap(safe_path(root, "x"), lambda now: b"new"),
            lambda: store.read(store.flow / "x"),
            lambda: store.append(store.flow / "x", b"new"),
        ):
            with pytest.raises(StorageError, match="ermission"):
                attempt()
    assert (root / "x").read_bytes() == (store.flow / "x").read_bytes() == b"old"


def test_t3_04_a_read_only_file_in_a_folder_that_is_not_is_replaced_and_stays_read_only(
    store: Store, root: Path
) -> None:
    """As every program that saves by renaming does: whose folder it is decides."""
    (root / "x").write_bytes(b"old")
    (root / "x").chmod(0o444)
    with held_to_permissions():
        store.swap(safe_path(root, "x"), lambda now: b"new")
    assert (root / "x").read_bytes() == b"new" and (root / "x").stat().st_mode & 0o777 == 0o444


def test_own_files_never_leave_the_project(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "events.jsonl").write_text("theirs\n")
    (store.flow / "logs").symlink_to(outside)
    with pytest.raises(SecurityError):
        store.append(store.flow / "logs" / "events.jsonl", b"ours\n")
    (store.flow / "log").symlink_to(outside / "events.jsonl")
    with pytest.raises(StorageError):
        store.append(store.flow / "log", b"ours\n")
    with pytest.raises(SecurityError):
        store.replace(outside / "x", b"")
    with pytest.raises(SecurityError):
        store.replace(store.flow / ".." / ".." / "x", b"")
    assert (outside / "events.jsonl").read_text() == "theirs\n"


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_regular_file_is_neither_waited_for_nor_changed(store: Store, kind: str) -> None:
    path = store.flow / "x"
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    before = path.stat()
    attempts: tuple[Callable[[], object], ...] = (
        lambda: store.read(path),
        lambda: store.read_from(path, 0),
        lambda: store.append(path, b"x"),
        lambda: store.truncate(path, 0),
    )
    for attempt in attempts:
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.fields["path"] == str(path) and caught.value.hint
    if kind == "pipe":  # one that somebody reads is no file either
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(StorageError, match="is a pipe"):
            store.append(path, b"x")
        os.close(reader)
    assert path.stat().st_mode == before.st_mode
    with pytest.raises(UnsupportedFileError, match=f"is a {kind}, and a file was expected"):
        read_if_exists(path)


@pytest.mark.parametrize("name", ["swap", "backups"])
def test_a_file_where_one_of_the_engine_s_folders_belongs_is_named(plans: Plans, name: str) -> None:
    (plans.store.flow / name).write_text("x")
    with pytest.raises(StorageError, match=rf"\.flow/{name}\b") as caught:
        plans.write("status.md", None, b"- [ ] a\n")
    assert caught.value.hint
    assert not (plans.store.flow / "status.md").exists()


def test_a_project_that_was_deleted_is_not_made_anew(plans: Plans, root: Path) -> None:
    store = plans.store
    plans.write("status.md", None, b"- [ ] a\n")
    snapshot = plans.read("status.md")
    (root / "x").write_bytes(b"x")
    inside, outside = safe_path(store.flow, "status.md"), safe_path(root, "x")
    shutil.rmtree(store.flow)
    for attempt in (
        lambda: store.read(store.flow / "x"),
        lambda: store.replace(store.flow / "x", b"x"),
        lambda: store.append(store.flow / "logs" / "x", b"x"),
        lambda: store.remove(store.flow / "x"),
        lambda: store.names(store.flow / "backups"),
        lambda: store.swap(inside, lambda now: b"y"),
        lambda: store.swap(outside, lambda now: b"y"),
        lambda: store.create(inside, b"y"),
        lambda: store.settle(),
        lambda: store.guarantee(),
        lambda: plans.write("status.md", snapshot, b"- [x] a\n"),
        lambda: plans.put_record("key", {}),
    ):
        with pytest.raises(NoProjectError, match="is gone"):
            attempt()
        assert not store.flow.exists()
    assert (root / "x").read_bytes() == b"x"


def test_the_lock_is_nested_in_a_thread_and_exclusive_between_threads(store: Store, root: Path) -> None:
    with store.lock(), store.lock():
        refused: list[BaseException] = []

        def other() -> None:
            try:
                with Store(root).lock(patience=0.01):
                    pass
            except BusyError as error:
                refused.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(refused) == 1
    with store.lock(patience=0.01):
        pass


def test_the_same_store_locks_between_threads(store: Store) -> None:
    inside: list[int] = []
    worst: list[int] = []

    def work() -> None:
        for _ in range(50):
            with store.lock():
                inside.append(1)
                worst.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(worst) == 1 and len(worst) == 200


def test_the_guarantee_is_tried_out_and_named(store: Store, system: Portable) -> None:
    found = store.guarantee()
    if system.name == "portable":
        assert found is Guarantee.COMPARED
    elif system.name == "linux":
        assert found is Guarantee.LEASED
    assert all(one.means for one in Guarantee)
    assert store.names(store.flow / "swap") == []


def test_a_record_that_cannot_be_written_leaves_nothing_open(store: Store, root: Path) -> None:
    """Else the file system of the project could not be unmounted as long as the app runs."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("what is open is not told here")
    (root / "x").write_bytes(b"old")
    before = len(list(descriptors.iterdir()))
    for _ in range(3):
        with full_disk(0), pytest.raises(StorageError):
            store.swap(safe_path(root, "x"), lambda now: b"new")
    assert len(list(descriptors.iterdir())) == before
