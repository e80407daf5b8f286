"""Whether a lock is held, found out without writing anything where the system allows that."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.storage import platform
from engine.storage.disk import close, disk, misplaced
from engine.storage.folder import FILE

# Where a look takes the lock for an instant, others who look must not be mistaken for its holder.
_INSTANT = 0.02


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
        return held if held is not None else _is_taken(path)


def _is_taken(path: Path) -> bool:
    from filelock import FileLock, Timeout  # takes a while to import

    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=_INSTANT, poll_interval=_INSTANT / 4)
    except Timeout:
        return True
    lock.release()
    return False
