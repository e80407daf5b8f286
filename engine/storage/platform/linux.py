"""Linux: read leases, exchange of two names, subreapers."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import signal
from pathlib import Path
from typing import Any

from engine.storage.platform.posix import Posix

_HERE = -100  # AT_FDCWD
_NO_REPLACE, _EXCHANGE = 1, 2
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_NO_LEASE = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


class Linux(Posix):
    name = "linux"
    has_leases = True
    has_exchange = True

    def sync_data(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def lease(self, descriptor: int) -> bool:
        try:
            # The kernel tells the holder of a lease by SIGIO, which ends a process that has no handler, and
            # only a main thread can install one. SIGURG is ignored by default, so it is safe in every thread.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in _NO_LEASE:
                return False
            raise
        return True

    def lease_stands(self, descriptor: int) -> bool:
        return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK

    def end_lease(self, descriptor: int) -> None:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    def exchange(self, one: int | None, first: str, other: int | None, second: str) -> None:
        _rename(one, first, other, second, _EXCHANGE)

    def move_new(self, one: int | None, first: str, other: int | None, second: str) -> None:
        try:
            _rename(one, first, other, second, _NO_REPLACE)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EINVAL):
                raise
            super().move_new(one, first, other, second)

    def adopt_orphans(self) -> bool:
        return bool(_library().prctl(_SUBREAPER, 1, 0, 0, 0) == 0)

    def started(self, pid: int) -> str | None:
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == b"Z" else fields[19].decode("ascii")

    def boot_id(self) -> str:
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            return super().boot_id()


@functools.cache
def _library() -> Any:
    import ctypes  # only writing needs it

    return ctypes.CDLL(None, use_errno=True)


def _rename(one: int | None, first: str, other: int | None, second: str, flags: int) -> None:
    import ctypes

    call = getattr(_library(), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)
    old = _HERE if one is None else one
    new = _HERE if other is None else other
    while call(old, os.fsencode(first), new, os.fsencode(second), flags) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), first, None, second)
