"""Locks: one holder at a time, whoever it is, and none that outlives its process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock, SoftFileLock, Timeout

from engine.errors import BusyError, StorageError
from engine.storage import platform
from engine.storage.locks import Lock, hold, is_held
from engine.storage.platform import Portable

HOLDER = """
import os
import sys
from pathlib import Path
from engine.storage.locks import Lock
if number := int(sys.argv[2]):
    import fcntl
    def flock(descriptor, operation):
        raise OSError(number, os.strerror(number))
    fcntl.flock = flock
lock = Lock(Path(sys.argv[1]))
assert lock.acquire(0)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[0, errno.ENOSYS, errno.EOPNOTSUPP], ids=["flock", "ENOSYS", "EOPNOTSUPP"])
def failing(request: pytest.FixtureRequest, system: Portable, monkeypatch: pytest.MonkeyPatch) -> int:
    """What flock fails with on this file system, if it does; a system that knows none is asked once."""
    number: int = request.param
    if number:
        if not system.has_flock:
            pytest.skip("filelock holds it there, of a kind that this system lacks")

        def flock(descriptor: int, operation: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("fcntl.flock", flock)
    return number


@pytest.fixture
def path(failing: int, tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def holder(path: Path, failing: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), str(failing)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_one_at_a_time_among_threads_and_engines(path: Path, failing: int) -> None:
    first, second = Lock(path), Lock(path)
    assert first.acquire(0) and not second.acquire(0) and is_held(path)
    first.release()
    first.release()  # once is enough, twice does no harm
    assert not is_held(path) and second.acquire(0)
    with pytest.raises(BusyError, match="has held"), hold(path, 0.05):
        pytest.fail("it is held")
    second.release()
    other = SoftFileLock(f"{path}.soft") if failing else FileLock(path)
    with hold(path), pytest.raises(Timeout):
        other.acquire(timeout=0)


def test_who_waits_gets_it_as_soon_as_it_is_free(path: Path) -> None:
    first, second = Lock(path), Lock(path)
    assert first.acquire(0)
    got: list[bool] = []
    waiting = threading.Thread(target=lambda: got.append(second.acquire(60)))
    waiting.start()
    first.release()
    waiting.join(60)
    assert got == [True]
    second.release()


def test_a_holder_that_is_killed_holds_nothing(path: Path, failing: int) -> None:
    with holder(path, failing) as process:
        assert is_held(path) and not Lock(path).acquire(0)
        process.kill()
        process.wait()
        lock = Lock(path)
        assert lock.acquire(5)
        lock.release()
    assert path.exists()


def test_a_lock_that_was_deleted_meanwhile_guards_nothing(tmp_path: Path) -> None:
    """Whoever opened the file before it was deleted must not hold a lock of which nobody else knows."""
    path = tmp_path / "lock"
    path.touch()
    real = platform.system.lock

    def deleted_first(descriptor: int) -> bool | None:
        path.unlink(missing_ok=True)
        monkeypatch.undo()
        return real(descriptor)

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(platform.system, "lock", deleted_first)
    lock = Lock(path)
    assert lock.acquire(5) and path.exists() and is_held(path)
    lock.release()


def test_a_lock_that_is_let_go_is_free_though_a_program_that_starts_has_it_open(tmp_path: Path) -> None:
    """Between fork and exec a child has all descriptors of its parent."""
    path = tmp_path / "lock"
    lock = Lock(path)
    assert lock.acquire(0)
    if lock._fd < 0:
        pytest.skip("filelock sees to it")
    with subprocess.Popen(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[lock._fd]
    ) as child:
        lock.release()
        assert not is_held(path)
        child.kill()


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a link"])
def test_what_is_no_file_is_no_lock(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lock"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError) as caught, hold(path, 0):
        pytest.fail("there is no lock")
    assert str(path) in caught.value.message and caught.value.hint
    assert not (tmp_path / "elsewhere").exists()
