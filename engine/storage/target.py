"""The file that an edit is for: opened where the check said, read under a lease, known by its inode."""

from __future__ import annotations

import os
import stat
import time

from engine.errors import FileBusyError, StorageError, UnsupportedFileError
from engine.storage import platform
from engine.storage.disk import Snapshot, close, read_all, unsupported
from engine.storage.folder import Folder
from engine.storage.paths import SafePath

PATIENCE = 2.0
"""Seconds to wait for a program that has the file open for writing."""


class Target:
    """An open file in its folder. `snapshot` is what was read; `leased` tells whether writers are held off.

    Raises FileBusyError while another program has the file open for writing, UnsupportedFileError for what cannot
    be replaced safely, plain OSError for the rest.
    """

    def __init__(self, path: SafePath, limit: int | None) -> None:
        self.path = path
        *folders, self.name = path.parts
        self.folder = Folder.within(path.base, *folders)
        self.fd = -1
        self.leased = False
        try:
            self._open(limit)
        except BaseException:
            self.close()
            raise

    def _open(self, limit: int | None) -> None:
        # A file that is replaced while it is opened is opened again: the lease must be on the one that has
        # the name.
        for _ in range(100):
            self.fd = self.folder.open(self.name)
            self._check(os.fstat(self.fd), limit)
            self.leased = self._lease()
            status = os.fstat(self.fd)
            if self.is_named():
                self._check(status, limit)
                self.snapshot = Snapshot.of(read_all(self.fd), os.fstat(self.fd))
                return
            self.let_go()
        raise FileBusyError(
            f"{self.path.relative!r} is replaced over and over by another program; nothing was written.",
            hint="Wait until it is done, then do it again.",
            path=self.path.relative,
        )

    def _check(self, status: os.stat_result, limit: int | None) -> None:
        where = self.path.relative
        self.identity = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode):
            raise unsupported(where, status)
        if status.st_nlink > 1:
            raise UnsupportedFileError(
                f"{where!r} has {status.st_nlink} hard links; replacing it would part them.",
                hint="Copy it over itself (cp FILE NEW && mv NEW FILE) if it may stand alone.",
                path=where,
            )
        if limit is not None and status.st_size > limit:
            raise UnsupportedFileError(
                f"{where!r} has {status.st_size} bytes, and {limit} are the limit.", path=where
            )

    def _lease(self) -> bool:
        if not platform.system.has_leases:
            return False
        end = time.monotonic() + PATIENCE
        pause = 0.0005
        while True:
            try:
                return platform.system.lease(self.fd)
            except BlockingIOError as error:
                if time.monotonic() > end:
                    raise self._held() from error
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def _held(self) -> FileBusyError:
        writers = platform.system.writers(self.fd)
        return FileBusyError(
            f"{self.path.relative!r} is held open for writing by {', '.join(writers) or 'another program'}; "
            "nothing was written.",
            hint="Close it there (or wait until it is done), then do it again.",
            path=self.path.relative,
            writers=writers,
        )

    def is_named(self) -> bool:
        """Whether the name still stands for the file that was opened."""
        try:
            status = self.folder.stat(self.name)
        except FileNotFoundError:
            return False
        return self.is_it(status)

    def is_it(self, status: os.stat_result) -> bool:
        """Whether this is the file that was opened."""
        return (status.st_dev, status.st_ino) == self.identity

    def is_quiet(self) -> bool:
        """Whether the open file, wherever it stands now, had no writer since it was read, and none waits for it."""
        if self.leased:
            return platform.system.lease_stands(self.fd)
        return self.is_unchanged()

    def is_unchanged(self) -> bool:
        """The same, and its bytes are looked at in any case."""
        if self.leased and not platform.system.lease_stands(self.fd):
            return False
        return read_all(self.fd) == self.snapshot.data

    def now(self) -> bytes | None:
        """What stands at the name now; None when nothing readable does."""
        return read_named(self.folder, self.name)

    def let_go(self) -> None:
        """Closes the file and ends the lease; the folder stays open."""
        if self.fd < 0:
            return
        if self.leased:
            platform.system.end_lease(self.fd)
            self.leased = False
        fd, self.fd = self.fd, -1
        close(fd)

    def close(self) -> None:
        self.let_go()
        self.folder.close()


def read_named(folder: Folder, name: str) -> bytes | None:
    """The bytes of an entry, or None when there is none, or none that can be read."""
    try:
        fd = folder.open(name)
    except (OSError, StorageError):
        return None
    try:
        return read_all(fd)
    except OSError:
        return None
    finally:
        close(fd)
