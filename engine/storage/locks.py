"""Locks between threads and processes, which the system frees when their holder dies. A lock file is never deleted."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BusyError
from engine.storage import platform
from engine.storage.disk import close, disk, misplaced
from engine.storage.folder import FILE, NO_FOLLOW

if TYPE_CHECKING:
    from filelock import BaseFileLock

PATIENCE = 60.0
"""Seconds to wait for a lock that is held for milliseconds; a crowd of processes gets it in no order, so that on a busy
machine some wait for many others."""
_POLL = 0.02
"""Seconds between two tries. The lock of the disk is held for about as long; more tries would only take the processor
from its holder."""
# Where a look takes the lock for an instant, others who look must not be mistaken for its holder.
_INSTANT = 0.02


class Lock:
    """The exclusive lock of the file at `path`, for one holder: who wants it in a thread beside makes another one.

    Where the system has flock it is that; where there is another kind of lock, or none, filelock holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._other: BaseFileLock | None = None

    def acquire(self, patience: float) -> bool:
        """Waits for it up to `patience` seconds. False: somebody else holds it. The file is made where it is missing.

        Raises plain OSError, and StorageError for what is no file.
        """
        end = time.monotonic() + patience
        while not self._is_taken():
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True

    def _is_taken(self) -> bool:
        """One try."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | FILE | NO_FOLLOW, 0o666)
        except BlockingIOError:  # a lease on it is broken just now
            return False
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise misplaced(self.path, status)
            taken = platform.system.lock(fd)
            if taken and os.fstat(fd).st_nlink:  # else it guards a name that another file has by now
                self._fd, fd = fd, -1
                return True
        finally:
            if fd >= 0:
                close(fd)
        return taken is None and self._is_taken_otherwise()

    def _is_taken_otherwise(self) -> bool:
        from filelock import Timeout  # takes a while to import

        lock: BaseFileLock
        if platform.system.has_flock:
            from filelock import SoftFileLock

            # This file system lacks it: the lock is a file that only its holder makes, and ours is there already.
            lock = SoftFileLock(self.path.with_name(f"{self.path.name}.soft"), thread_local=False)
        else:
            from filelock import FileLock

            lock = FileLock(self.path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._other = lock
        return True

    def renew(self, patience: float) -> bool:
        """Goes on to hold it where another file, or none, has the name by now: by the one that has it then. False:
        somebody else holds that. Raises like `acquire`.
        """
        if self._fd < 0 or self._has_name():
            return True
        other = Lock(self.path)
        try:
            if not other.acquire(patience):
                return False
        except FileNotFoundError:  # its folder is gone, too
            return True
        close(self._fd)
        self._fd, self._other = other._fd, other._other
        return True

    def _has_name(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), self.path.lstat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Lets go of it, so that others find it free at once."""
        if self._other is not None:
            self._other.release()
            self._other = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                platform.system.unlock(fd)  # a program that is started just now may have the descriptor yet
            finally:
                close(fd)


@contextmanager
def hold(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Holds the lock at `path`. BusyError when it is not free after `patience` seconds, StorageError when it cannot be
    had."""
    lock = Lock(path)
    with disk(path, "lock"):
        if not lock.acquire(patience):
            raise BusyError(
                f"Another engine has held {str(path)!r} for {patience:g} seconds.",
                hint="Wait for it, or end it.",
                path=str(path),
            )
    try:
        yield
    finally:
        with disk(path, "unlock"):
            lock.release()


def is_held(path: Path) -> bool:
    """Whether anybody holds the lock at `path`, this process included. A lock that is not there is not held, and is not
    made where the system can do without. StorageError when there is no telling."""
    with disk(path, "look at"):
        try:
            descriptor = os.open(path, os.O_RDONLY | FILE)
        except FileNotFoundError:
            return False
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise misplaced(path, status)
            held = platform.system.is_locked(descriptor)
        finally:
            close(descriptor)
        if held is not None:
            return held
        lock = Lock(path)
        if not lock.acquire(_INSTANT):
            return True
        lock.release()
        return False
