"""The fault matrix: every write, open, sync, rename and close fails, once and from then on; and a disk that is full."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from engine.errors import FlowError, StorageError, UnsupportedFileError
from engine.loom import Append, FileEdit, Loom
from engine.storage import Plans, Store
from tests.torture.tracing import can_trace

from . import oracle
from .actions import OLD_PLAN, OLD_TEXT
from .stage import Ran, Stage

pytestmark = pytest.mark.torture
T = TypeVar("T")
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
# What can only look fails in one way; what has to do with no disk cannot.
_LOOKING = {"newfstatat", "getdents64", "read", "fcntl", "flock", "flistxattr"}
_CANNOT = {"getpid", "mmap", "munmap", "brk", "futex", "rt_sigprocmask", "rt_sigaction", "ioctl", "lseek"}
TIMES = {"ENOSPC": None, "EIO": None, "EDQUOT": None, "EINTR": 25}
"""How often in a row it fails at most: for ever, but for what only says: try again."""
SHARE = 40


def sample(matrix: list[T], share: int | None) -> list[T]:
    """A share that is the same every time, or all of it."""
    if share is None or SHARE * share >= len(matrix):
        return matrix
    return random.Random(4).sample(matrix, SHARE * share)


class Matrix:
    """Faults, each tried on a fresh project, and what failed."""

    def __init__(self, fast: Path) -> None:
        self.template = oracle.make_project(fast / "template")
        self.root = fast / "project"
        self.failures: list[str] = []

    def attempt(self, what: str, run: Callable[[Path], Ran]) -> None:
        shutil.copytree(self.template, self.root)
        try:
            ran = run(self.root)
            assert ran.code in (0, 74), f"it ended with {ran}"
            said = [text for text in ran.said if not text.startswith("writes ")]
            if ran.code == 74 and said:
                # Where even saying it failed, the exit code alone tells.
                assert any(text.startswith("error ") for text in said) or what.startswith("write "), ran
            oracle.check(self.root, ran.said)
        except (AssertionError, FlowError) as failed:
            self.failures.append(f"{what}: {oracle.where(failed)}")
        shutil.rmtree(self.root)

    def report(self, what: str, recorded: int, tried: int, capsys: pytest.CaptureFixture[str]) -> None:
        with capsys.disabled():
            print(f"\n{what}: {recorded} recorded, {tried} tried, {len(self.failures)} failures")  # noqa: T201
        assert not self.failures, "\n".join(self.failures)


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace: no fault matrix")
def test_every_call_fails_once_and_for_good(
    fast: Path, share: int | None, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = Matrix(fast)
    with Stage(system) as stage:
        recorded = Path(shutil.copytree(matrix.template, fast / "recorded"))
        points = stage.record("commit", recorded, fast / "log")
        faults = [
            (point, error, times)
            for point in points
            if point.name not in _CANNOT
            for error in (("EIO",) if point.name in _LOOKING else ERRORS)
            for times in (1, TIMES[error])
        ]
        some = sample(faults, share)
        for point, error, times in some:
            matrix.attempt(
                f"{point.name} {point.ordinal} {error} {'for good' if times is None else times}",
                lambda root, point=point, error=error, times=times: stage.inject(  # type: ignore[misc]
                    "commit", root, point, f"error={error}", times=times
                ),
            )
    matrix.report(f"faults, {system}", len(faults), len(some), capsys)


@pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace: no stage")
def test_every_write_comes_up_short(
    fast: Path, share: int | None, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once; from there on; and once, because the disk is full."""
    matrix = Matrix(fast)
    with Stage(system) as stage:
        recorded = Path(shutil.copytree(matrix.template, fast / "recorded"))
        *_, counted = stage.shorten("commit", recorded, "0").said
        faults = [
            f"{number}{then}" for number in range(1, int(counted.split()[1]) + 1) for then in ("", "+", "!")
        ]
        some = sample(faults, share)
        for how in some:
            matrix.attempt(f"short {how}", lambda root, how=how: stage.shorten("commit", root, how))  # type: ignore[misc]
    matrix.report(f"short writes, {system}", len(faults), len(some), capsys)


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
