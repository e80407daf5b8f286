"""Conflict copies: bytes of another writer that found no other place, kept beside the file they were meant
for.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from engine.storage.disk import close, put, read_all
from engine.storage.folder import Folder

MARK = ".flow-conflict-"
_STAMP = "%Y%m%dT%H%M%S.%f"
_ROOM = 255 - len(MARK) - len("20260101T000000.000000") - len(".99")
"""Bytes of a name that are left for that of the original."""


def keep_copy(folder: Folder, name: str, beside: Folder, original: str) -> Path:
    """Moves an entry to `ORIGINAL.flow-conflict-TIME` and returns where it is now. Nothing is ever replaced.

    The file itself is moved, not its bytes: a writer that still holds it open goes on writing into the copy.
    """
    stamp = datetime.now(UTC).strftime(_STAMP)
    for number in range(100):
        copy = f"{_stem(original)}{MARK}{stamp}" + (f".{number}" if number else "")
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


def _stem(original: str) -> str:
    """As much of a name, in whole characters, as has room in that of a copy."""
    while len(os.fsencode(original)) > _ROOM:
        original = original[:-1]
    return original


def copies_of(targets: Iterable[Path]) -> list[Path]:
    """The conflict copies of these files that are still there."""
    stems: dict[Path, set[str]] = {}
    for target in targets:
        stems.setdefault(target.parent, set()).add(_stem(target.name))
    found: list[Path] = []
    for folder, wanted in stems.items():
        with suppress(OSError):  # it is gone, or nobody may look into it
            found += [entry for entry in folder.iterdir() if entry.name.rpartition(MARK)[0] in wanted]
    return sorted(found)
