"""Linux: read leases, exchange of two names, subreapers."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path

from engine.storage.platform.posix import Posix, library

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_NO_LEASE = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


class Linux(Posix):
    name = "linux"
    has_leases = True
    renaming = "renameat2"
    working_directory = -100
    exclusive, exchanging = 1, 2

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

    def is_unshared(self, descriptor: int) -> bool:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)  # given to the only one who has it open
        except OSError:
            return False
        self.end_lease(descriptor)
        return True

    def writers(self, descriptor: int) -> list[str]:
        wanted = os.fstat(descriptor)
        found: list[str] = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError, ValueError):  # it ended meanwhile, or is another user's
                    if any(_writes(process, link.name, wanted) for link in (process / "fd").iterdir()):
                        name = (process / "comm").read_text("utf-8", "replace").rstrip("\n")
                        found.append(f"{name!r} (process {process.name})")
        return found

    def adopt_orphans(self) -> bool:
        return bool(library().prctl(_SUBREAPER, 1, 0, 0, 0) == 0)

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


def _writes(process: Path, number: str, wanted: os.stat_result) -> bool:
    """Whether this descriptor of a process is open for writing, on that very file."""
    status = (process / "fd" / number).stat()
    if (status.st_dev, status.st_ino) != (wanted.st_dev, wanted.st_ino):
        return False
    info = (process / "fdinfo" / number).read_text().split()
    return int(info[info.index("flags:") + 1], 8) & os.O_ACCMODE != os.O_RDONLY
