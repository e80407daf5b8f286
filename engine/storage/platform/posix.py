"""What Linux and macOS share: folders as descriptors, renaming with flags, process groups, sessions."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import signal
from typing import Any

from engine.storage.platform.portable import Portable

_NOT_HERE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}
_TAKEN = {errno.EWOULDBLOCK, errno.EACCES}  # the second on some file systems


class Posix(Portable):
    """A system whose C library has a function that renames with flags; the class of it names function and flags."""

    name = "posix"
    has_exchange = True
    has_folders = True
    has_flock = True
    has_groups = True
    renaming = ""
    working_directory = 0
    """AT_FDCWD, which stands for a folder of None."""
    exchanging = exclusive = 0

    def prepare(self) -> None:
        library()

    def exchange(self, one: int | None, first: str, other: int | None, second: str) -> None:
        self._rename(self.exchanging, one, first, other, second)

    def move_new(self, one: int | None, first: str, other: int | None, second: str) -> None:
        try:
            self._rename(self.exclusive, one, first, other, second)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            super().move_new(one, first, other, second)

    def _rename(self, flags: int, one: int | None, first: str, other: int | None, second: str) -> None:
        import ctypes

        call = getattr(library(), self.renaming, None)
        if call is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)
        old = self.working_directory if one is None else one
        new = self.working_directory if other is None else other
        while call(old, os.fsencode(first), new, os.fsencode(second), flags) != 0:
            number = ctypes.get_errno()
            if number != errno.EINTR:
                raise OSError(number, os.strerror(number), first, None, second)

    def lock(self, descriptor: int) -> bool | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            if error.errno in _NOT_HERE:
                return None
            raise
        return True

    def unlock(self, descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def is_locked(self, descriptor: int) -> bool | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                return True
            if error.errno in _NOT_HERE:
                return None
            raise
        return False

    def session(self) -> dict[str, Any]:
        return {"start_new_session": True}

    def group_of(self, pid: int) -> int | None:
        return os.getpgid(pid)

    def signal_group(self, leader: int, *, hard: bool) -> bool:
        try:
            os.killpg(leader, signal.SIGKILL if hard else signal.SIGTERM)
        except ProcessLookupError:
            return False
        return True


@functools.cache
def library() -> Any:
    """The C library, for what Python does not offer."""
    import ctypes  # only writing needs it

    return ctypes.CDLL(None, use_errno=True)
