"""What every system has: the weaker half of each promise. Windows runs on this class as it is."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Any


class Portable:
    """The interface to what is special to a platform. Folders are descriptors where the system has them, else
    None.

    Methods raise plain `OSError`; `engine.storage` turns those into errors for people.
    """

    name = "portable"
    has_leases = False
    has_exchange = False
    has_folders = False
    """Whether folders can be opened, so that names are looked up in a folder that cannot be swapped
    meanwhile.
    """
    has_flock = False
    """Whether there are locks of open files. A file system may be without them all the same."""
    has_groups = False

    # Files

    def sync(self, descriptor: int) -> None:
        """Returns once everything written through this descriptor survives a loss of power."""
        os.fsync(descriptor)

    def sync_data(self, descriptor: int) -> None:
        """Like `sync`, but stamps need not survive: enough for a file that grew."""
        os.fsync(descriptor)

    def lock(self, descriptor: int) -> bool | None:
        """Takes the exclusive lock of this open file, without waiting. False: somebody has it, this process included.
        None where there are no such locks.
        """
        return None

    def unlock(self, descriptor: int) -> None:
        """Lets go of it, whoever else got the descriptor meanwhile."""

    def is_locked(self, descriptor: int) -> bool | None:
        """Whether somebody holds the lock of this file; None where only taking it tells."""
        return None

    def lease(self, descriptor: int) -> bool:
        """Takes a read lease: from now on whoever opens this file for writing waits for us, and we can see
        it.

        False where there are none, or no permission. BlockingIOError while somebody has the file open for
        writing.
        """
        return False

    def lease_stands(self, descriptor: int) -> bool:
        """Whether nobody has asked for the file since `lease` returned True."""
        return False

    def end_lease(self, descriptor: int) -> None:
        """Lets go of the lease, and of whoever waits for it."""

    def is_unshared(self, descriptor: int) -> bool:
        """Whether it is certain that nobody else has this file open. The descriptor is one for writing."""
        return False

    def writers(self, descriptor: int) -> list[str]:
        """Which programs have this file open for writing, said for people, as far as this user may know."""
        return []

    def prepare(self) -> None:
        """Loads what `exchange` needs, so that this is not done while a writer waits for the lease to end."""

    def exchange(self, one: int | None, first: str, other: int | None, second: str) -> None:
        """Swaps what two names stand for, in one step. ENOSYS, EINVAL or ENOTSUP where that does not exist."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)

    def move_new(self, one: int | None, first: str, other: int | None, second: str) -> None:
        """Renames without ever replacing anything: FileExistsError when the new name is taken."""
        if os.name == "nt":
            os.rename(first, second)  # noqa: PTH104 - on Windows it refuses to replace, which is the point
            return
        os.link(first, second, src_dir_fd=one, dst_dir_fd=other, follow_symlinks=False)
        os.unlink(first, dir_fd=one)

    # Processes

    def session(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that start a child away from our terminal and from our signals."""
        if sys.platform == "win32":
            import subprocess

            return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        return {}

    def group_of(self, pid: int) -> int | None:
        """The process group of a process, where there are groups; ProcessLookupError when it is gone."""
        return None

    def signal_group(self, leader: int, *, hard: bool) -> bool:
        """Asks (or, `hard`, forces) a process and all under it to end. False when nothing was left."""
        import psutil

        try:
            process = psutil.Process(leader)
            family = [*process.children(recursive=True), process]
        except psutil.NoSuchProcess:
            return False
        for member in family:
            try:
                member.kill() if hard else member.terminate()
            except psutil.NoSuchProcess:
                continue
        return True

    def adopt_orphans(self) -> bool:
        """Makes this process the parent of what its children leave behind, where that exists."""
        return False

    def stop_signals(self) -> tuple[signal.Signals, ...]:
        """The signals that ask this process to end while its work goes on."""
        found = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP", "SIGBREAK")]
        return tuple(one for one in found if one is not None)

    def terminal_signals(self) -> tuple[signal.Signals, ...]:
        """The signals that come from a terminal, which a supervisor outlives."""
        found = [
            getattr(signal, name, None) for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGBREAK")
        ]
        return tuple(one for one in found if one is not None)

    def started(self, pid: int) -> str | None:
        """What tells a process from a later one with the same number; None when there is no such process."""
        import psutil

        try:
            return f"{psutil.Process(pid).create_time() * 1000:.0f}"
        except psutil.NoSuchProcess:
            return None

    def boot_id(self) -> str:
        """What is the same for all processes since the machine started, and another afterwards."""
        import psutil

        return f"{psutil.boot_time():.0f}"
