"""The fault matrix: every write, open, sync, rename and close fails, once and from then on; and a disk that is full."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import FlowError, StorageError, UnsupportedFileError
from engine.loom import Append, FileEdit, Loom
from engine.storage import Plans, Store
from tests.torture.tracing import Point, can_trace

from . import oracle
from .actions import OLD_PLAN, OLD_TEXT
from .stage import Stage

pytestmark = pytest.mark.torture
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
NAMES = {
    "write",
    "openat",
    "fsync",
    "fdatasync",
    "renameat",
    "renameat2",
    "rename",
    "close",
    "unlinkat",
    "linkat",
}
NAMES |= {"mkdirat", "fchmod"}
SHARE = 40


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace: no fault matrix")
def test_every_call_fails_once_and_for_good(
    fast: Path, share: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    template = oracle.make_project(fast / "template")
    failures: list[str] = []
    with Stage() as stage:
        points = stage.record("commit", Path(shutil.copytree(template, fast / "recorded")), fast / "log")
        matrix = [
            (point, error, onwards)
            for point in points
            if point.name in NAMES
            for error in ERRORS
            for onwards in (False, True)
            # Interrupted again and again is not a fault but the kernel's way of saying: try again.
            if not (error == "EINTR" and onwards)
        ]
        if share is None or SHARE * share >= len(matrix):
            some = matrix
        else:
            some = random.Random(4).sample(matrix, SHARE * share)
        for point, error, onwards in some:
            root = Path(shutil.copytree(template, fast / "project"))
            try:
                attempt(stage, root, point, error, onwards)
            except (AssertionError, FlowError) as failed:
                failures.append(
                    f"{point} {error} {'from there on' if onwards else 'once'}: {oracle.where(failed)}"
                )
            shutil.rmtree(root)
    with capsys.disabled():
        print(f"\nfaults: {len(matrix)} recorded, {len(some)} tried, {len(failures)} failures")  # noqa: T201
    assert not failures, "\n".join(failures)


def attempt(stage: Stage, root: Path, point: Point, error: str, onwards: bool) -> None:
    ran = stage.inject("commit", root, point, f"error={error}", onwards=onwards)
    assert ran.code in (0, 74), f"it ended with {ran}"
    if ran.code == 74 and ran.said:
        # Where even saying it failed, the exit code alone tells.
        assert any(text.startswith("error ") for text in ran.said) or point.name == "write", ran
    oracle.check(root, ran.said)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system is not permitted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_t7_08_a_disk_that_is_really_full(small_disk: Path) -> None:
    root = oracle.make_project(small_disk / "p")
    store = Store(root)
    plans = Plans(store)
    store.settle()
    filler = small_disk / "filler"
    base = plans.read("status.md")
    free = os.statvfs(small_disk)
    for spare in range(8):
        fill(filler, free.f_bavail * free.f_frsize - spare * 4096)
        try:
            plans.write("status.md", plans.read("status.md"), b"- [ ] %d\n" % spare * 900)
            Loom(store).write([FileEdit("source.txt", Append("x" * 9000 + str(spare)))])
        except StorageError as error:
            assert error.fields["errno"] == "ENOSPC" and error.hint
        else:
            break
        store.settle()
        assert oracle.leftovers(root) == []
        plan = plans.read("status.md")
        assert plan is not None and not plans.outside("status.md", plan)
        assert (root / "source.txt").read_bytes() == OLD_TEXT
    filler.unlink()
    now = plans.read("status.md")
    assert base is not None and now is not None
    plans.write("status.md", now, OLD_PLAN)
    (root / "source.txt").write_bytes(OLD_TEXT)
    oracle.check(root)


def fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        try:
            file.write(b"\0" * max(0, size))
        except OSError:
            return


def test_t3_04_a_file_system_that_is_read_only(small_disk: Path) -> None:
    root = oracle.make_project(small_disk / "p")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        store = Store(root)
        with pytest.raises(StorageError) as caught:
            Loom(store).write([FileEdit("source.txt", Append("x"))])
        assert caught.value.fields["errno"] == "EROFS"
        assert Plans(store).read("status.md") is not None
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    oracle.check(root)


def test_a_file_that_is_a_mount_point_is_refused(small_disk: Path, tmp_path: Path) -> None:
    root = oracle.make_project(tmp_path / "p")
    (small_disk / "other").write_bytes(b"mounted\n")
    subprocess.run(["mount", "--bind", str(small_disk / "other"), str(root / "source.txt")], check=True)
    try:
        with pytest.raises(UnsupportedFileError, match="mount"):
            Loom(Store(root)).write([FileEdit("source.txt", Append("x"))])
        assert (root / "source.txt").read_bytes() == b"mounted\n"
        assert oracle.leftovers(root) == []
    finally:
        subprocess.run(["umount", str(root / "source.txt")], check=True)


def test_a_folder_on_another_file_system_is_edited_in_place_there(small_disk: Path, tmp_path: Path) -> None:
    root = oracle.make_project(tmp_path / "p")
    (small_disk / "x.txt").write_bytes(b"old\n")
    (root / "far").mkdir()
    subprocess.run(["mount", "--bind", str(small_disk), str(root / "far")], check=True)
    try:
        store = Store(root)
        written = Loom(store).write([FileEdit("far/x.txt", Append("new"))])
        assert written.changed and (root / "far" / "x.txt").read_bytes() == b"old\nnew\n"
        store.settle()
        assert [path.name for path in (root / "far").iterdir()] == ["x.txt"]
    finally:
        subprocess.run(["umount", str(root / "far")], check=True)
