"""macOS: exchange of two names without leases, and an fsync that reaches the disk."""

from __future__ import annotations

import errno
import fcntl
import os

from engine.storage.platform.posix import Posix

_FULL_SYNC = 51  # F_FULLFSYNC: fsync alone leaves the data in the cache of the drive


class Darwin(Posix):
    name = "darwin"
    renaming = "renameatx_np"
    working_directory = -2
    exchanging, exclusive = 2, 4

    def sync(self, descriptor: int) -> None:
        try:
            fcntl.fcntl(descriptor, _FULL_SYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(descriptor)

    def sync_data(self, descriptor: int) -> None:
        self.sync(descriptor)
