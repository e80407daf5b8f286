"""Conflict copies: bytes of another writer that found no other place, kept beside the file they were meant
for.
"""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

from engine.storage.disk import close, put, read_all
from engine.storage.folder import Folder

MARK = ".flow-conflict-"


def keep_copy(folder: Folder, name: str, beside: Folder, original: str) -> Path:
    """Moves an entry to `ORIGINAL.flow-conflict-TIME` and returns where it is now. Nothing is ever replaced.

    The file itself is moved, not its bytes: a writer that still holds it open goes on writing into the copy.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    stem = original.encode()[: 255 - len(MARK) - len(stamp) - 4].decode("utf-8", "ignore")
    for number in range(100):
        copy = f"{stem}{MARK}{stamp}" + (f".{number}" if number else "")
        try:
            folder.move_new(name, beside, copy)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _move_far(folder, name, beside, copy)
        beside.sync()
        return beside.path / copy
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), original)


def _move_far(folder: Folder, name: str, beside: Folder, copy: str) -> None:
    source = folder.open(name)
    try:
        data, mode = read_all(source), os.fstat(source).st_mode & 0o777
    finally:
        close(source)
    fd = beside.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        put(fd, data, mode=mode)
    finally:
        close(fd)
    folder.unlink(name)


def copies_of(folder: Path, name: str) -> list[Path]:
    """The conflict copies of one file that are still there."""
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name.startswith(name + MARK))
    except OSError:
        return []
