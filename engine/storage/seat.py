"""`swap/`: where files wait on their way in or out of place, each with a record of its target.

Every target has a folder here, named by the hash of its path, whose file `target` holds that path. What waits
in it tells by its name which revisions it stands between, so that the record of a swap costs no write of its
own:

    swap/<key>/target                        the path of the target, relative to the project
    swap/<key>/beside                        exists when files wait beside the target (another file system)
    swap/<key>/<nonce>.<base>.<new>          whole: before the swap the new bytes, then the old ones
    swap/<key>/<nonce>.<base>.<new>.was      the old file, where two names cannot be exchanged
    swap/<key>/<nonce>.<base>.<new>.part     not whole yet; it was never in place

A nonce begins with the time, so that the names are in its order.
    swap/own.<pid>.<start>.<nonce>.part      one of the engine's own files, not whole yet
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import time
from bisect import bisect, insort
from pathlib import Path
from typing import NamedTuple

from engine.errors import SecurityError
from engine.storage import platform
from engine.storage.disk import close, put, read_all, revision_of
from engine.storage.folder import Folder
from engine.storage.paths import FLOW

SWAP = "swap"
RECORD = "target"
ABSENT = "0" * 64
"""Stands for the revision of a file that does not exist."""
_ENOUGH = 32
"""Digits of a revision in a name: 128 bits tell contents apart, and short names are read in half the time."""
_NAME = re.compile(rf"[0-9a-f]+\.([0-9a-f]{{{_ENOUGH}}})\.([0-9a-f]{{{_ENOUGH}}})(\.was)?(\.part)?")
_OWN = re.compile(r"own\.(\d+)\.(\d+)\.[0-9a-f]+\.part")
_BESIDE = ".flow-swap."
_counter = itertools.count()


def is_key(name: str) -> bool:
    """Whether an entry of `swap/` is the folder of a target."""
    return len(name) == 24 and all(character in "0123456789abcdef" for character in name)


def target_of(root: Path, key: str, folder: Folder) -> Path:
    """The file for which a folder of `swap/`, named `key`, was made. Raises plain OSError, and SecurityError where no
    engine made it: a `swap/` may have come with a clone.
    """
    fd = folder.open(RECORD)
    try:
        record = read_all(fd)
    finally:
        close(fd)
    if revision_of(record)[:24] != key or not _is_record(record):
        raise SecurityError(
            f"{str(folder.path)!r} is for no file that is edited here.",
            hint="It may have come with a clone: look through it, then remove it.",
            path=str(folder.path),
        )
    return root / os.fsdecode(record)


def _is_record(data: bytes) -> bool:
    """Whether these bytes are the path of a plan, or of a file of the project that is no one else's business."""
    parts = os.fsdecode(data).split("/")
    if b"\0" in data or any(part in ("", ".", "..") or Path(part).anchor for part in parts):
        return False
    first, *below = [part.lower() for part in parts]
    if ".git" in (first, *below) or FLOW in below:
        return False
    return first != FLOW or (parts[0] == FLOW and parts[-1].lower().endswith(".md"))


def own_part() -> str:
    """A fresh name in `swap/` for one of the engine's own files; it tells whose it is."""
    pid = os.getpid()
    return f"own.{pid}.{_started(pid, platform.system)}.{_nonce()}.part"


def is_orphan(name: str) -> bool:
    """Whether this is such a name, and its process is gone."""
    match = _OWN.fullmatch(name)
    return match is not None and platform.system.started(int(match[1])) != match[2]


@functools.lru_cache(maxsize=1)
def _started(pid: int, system: platform.Portable) -> str:
    return system.started(pid) or "0"


def _nonce() -> str:
    return f"{_stamp(time.time_ns())}{next(_counter) & 0xFFFF:04x}"


def _stamp(made: int) -> str:
    """A moment in nanoseconds since 1970 as it stands in names, which are in order of time by it."""
    return f"{made:016x}"


class Waiting(NamedTuple):
    """A file in a seat: `name` in the folder, the beginnings of the revisions it stands between, and `kind`: "", ".was"
    or ".part".
    """

    name: str
    base: str
    new: str
    kind: str

    def is_either(self, revision: str) -> bool:
        """Whether this is one of the two revisions."""
        return revision[:_ENOUGH] in (self.base, self.new)


class Seat:
    """The place where one target's files wait; open until `close`.

    `folders` and `name` lead from the root of the project to the target.
    """

    def __init__(self, root: Path, target: Path, swap: Folder) -> None:
        """`swap`: the open folder of all seats."""
        self.target = target
        self.root = root
        parts = target.parts[len(root.parts) :]
        *self.folders, self.name = parts
        record = os.fsencode("/".join(parts))
        self.key = revision_of(record)[:24]
        self.folder = swap.below(self.key, make=True)
        self._near: Folder | None = None
        try:
            # Listed once: whoever opens a seat holds the lock, so that nobody else puts anything in.
            self._found = self.folder.names()
            self._note(RECORD, record)
        except OSError:
            self.close()
            raise

    def wait_beside(self, near: Folder) -> None:
        """From now on, files wait in `near`, the folder of the target, and the record says so."""
        self._note("beside", b"")
        self._near = near

    def _note(self, name: str, data: bytes) -> None:
        """Makes a small file durably, once: what has its name is whole."""
        if name in self._found:
            return
        part = f"{name}.part"
        fd = self.folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)  # for all who share the project
        try:
            try:
                put(fd, data)
            finally:
                close(fd)
            self.folder.replace(part, self.folder, name)
        except OSError:
            self.folder.discard(part)
            raise
        self.folder.sync()
        insort(self._found, name)

    @property
    def here(self) -> Folder:
        """The folder in which files wait."""
        return self._near if self._near is not None else self.folder

    @property
    def _prefix(self) -> str:
        return f"{_BESIDE}{self.key}." if self._near is not None else ""

    def make(self, base: str, new: str, data: bytes, *, like: int | None = None) -> str:
        """Writes a new file, whole and durable, and returns its name. Nothing stays behind when that fails.

        The name need not be durable: until the file is in place its loss costs nothing, and then it has another one.
        `like`: a descriptor of the file whose mode, owner and extended attributes it gets.
        """
        name = f"{self._prefix}{_nonce()}.{base[:_ENOUGH]}.{new[:_ENOUGH]}"
        part = f"{name}.part"
        fd = self.here.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if like is None else 0o600)
        try:
            try:
                put(fd, data, like=like)
            finally:
                close(fd)
            self.here.replace(part, self.here, name)
        except OSError:
            self.here.discard(part)
            raise
        return name

    def waiting(self, spared: tuple[int, int] | None = None) -> list[Waiting]:
        """What waited, when this was opened, where files wait now; oldest first.

        `spared`: what is whole and was made after the first and before the second of these moments is left out.
        """
        found: list[Waiting] = []
        prefix = self._prefix
        names = self._found if self._near is None else self._near.names()
        if spared is not None:
            # By far the most, where a file is swapped over and over: told by their place alone.
            first, end = (bisect(names, prefix + _stamp(moment)) for moment in spared)
            names = [
                *names[:first],
                *(name for name in names[first:end] if name[-5:] == ".part"),
                *names[end:],
            ]
        for name in names:
            match = _NAME.fullmatch(name, len(prefix)) if name.startswith(prefix) else None
            if match is not None:
                found.append(Waiting(name, match[1], match[2], match[4] or match[3] or ""))
            elif self._near is None and name in (f"{RECORD}.part", "beside.part"):
                found.append(Waiting(name, "", "", ".part"))
        return found

    @property
    def waits_beside(self) -> bool:
        """Whether files of this target ever had to wait beside it."""
        return "beside" in self._found

    def close(self) -> None:
        self.folder.close()
