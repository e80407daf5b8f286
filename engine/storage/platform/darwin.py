"""macOS: exchange of two names without leases, and an fsync that reaches the disk."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
from typing import Any

from engine.storage.platform.posix import Posix

_HERE = -2  # AT_FDCWD
_SWAP, _EXCLUSIVE = 2, 4  # RENAME_SWAP, RENAME_EXCL
_FULL_SYNC = 51  # F_FULLFSYNC: fsync alone leaves the data in the cache of the drive


class Darwin(Posix):
    name = "darwin"
    has_exchange = True

    def sync(self, descriptor: int) -> None:
        try:
            fcntl.fcntl(descriptor, _FULL_SYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(descriptor)

    def sync_data(self, descriptor: int) -> None:
        self.sync(descriptor)

    def exchange(self, one: int | None, first: str, other: int | None, second: str) -> None:
        _rename(one, first, other, second, _SWAP)

    def move_new(self, one: int | None, first: str, other: int | None, second: str) -> None:
        try:
            _rename(one, first, other, second, _EXCLUSIVE)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
                raise
            super().move_new(one, first, other, second)


@functools.cache
def _library() -> Any:
    import ctypes  # only writing needs it

    return ctypes.CDLL(None, use_errno=True)


def _rename(one: int | None, first: str, other: int | None, second: str, flags: int) -> None:
    import ctypes

    call = getattr(_library(), "renameatx_np", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)
    old = _HERE if one is None else one
    new = _HERE if other is None else other
    while call(old, os.fsencode(first), new, os.fsencode(second), flags) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), first, None, second)
