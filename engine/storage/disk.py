"""Errors of the disk, said for people; and the few loops that every write needs."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from engine.errors import FlowError, StorageError, UnsupportedFileError
from engine.storage import platform

_CHUNK = 1 << 20
_LEAST = 1 << 14
_NOT_OURS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What a file system says that has no modes, owners or attributes, or leaves them to others."""
_HINTS = {
    errno.ENOSPC: "The disk is full: free some space, then do it again.",
    errno.EDQUOT: "Your disk quota is used up: free some space, then do it again.",
    errno.EROFS: "The file system is mounted read-only.",
    errno.EACCES: "Check the permissions of the file and of its folder.",
    errno.EPERM: "Check the owner and the attributes of the file and of its folder.",
    errno.EIO: "The device reported an error: check the disk before you go on.",
    errno.ENOENT: "Check the name; names are case-exact.",
    errno.EISDIR: "It is a folder, and a file was expected.",
    errno.ENOTDIR: "A part of the path is a file, and a folder was expected.",
    errno.ELOOP: "The symbolic links of this path lead in a circle.",
    errno.ENOTEMPTY: "Look through what is in it, and move that away.",
    errno.EMFILE: "This program has too many files open.",
    errno.ENAMETOOLONG: "The name is too long for this file system.",
    errno.ENXIO: "It is no regular file.",
    errno.EBUSY: "It is in use, or a mount point.",
}


class disk:
    """Turns an OSError into a StorageError that says what could not be done to which path, why, and what
    helps.
    """

    __slots__ = ("_path", "_verb")

    def __init__(self, path: Path | str, verb: str) -> None:
        self._path = path
        self._verb = verb

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, FlowError):
            raise failure(self._path, self._verb, error) from error


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no room left for us, or for no more files. A quota that is used up does not
    tell."""
    import shutil  # which takes long to import

    try:
        return shutil.disk_usage(folder).free < _LEAST or not _has_files_left(folder)
    except OSError:
        return False  # whoever writes there is told why it cannot be


def _has_files_left(folder: Path) -> bool:
    """Whether its file system, where it has a number of files set aside, has one for us."""
    if not hasattr(os, "statvfs"):
        return True
    status = os.statvfs(folder)
    return not status.f_files or status.f_favail > 0


def failure(path: Path | str, verb: str, error: OSError) -> StorageError:
    """The StorageError for an OSError. Its fields: `path` and `errno`, the symbolic name such as `ENOSPC`."""
    number = error.errno or 0
    reason = error.strerror or str(error)
    if isinstance(error.filename, str) and error.filename.startswith("/") and error.filename != str(path):
        reason += f": {error.filename!r}"
    return StorageError(
        f"Cannot {verb} {os.fspath(path)!r}: {reason}.",
        hint=_HINTS.get(number, "What was there before is intact."),
        path=str(path),
        errno=errno.errorcode.get(number, str(number)),
    )


def unsupported(shown: str, status: os.stat_result) -> UnsupportedFileError:
    """The error for what is no regular file, but was to be read or edited."""
    return UnsupportedFileError(
        f"{shown!r} is {_kind(status)}, and a file was expected.",
        hint="Only regular files are read and edited.",
        path=shown,
    )


def misplaced(path: Path, status: os.stat_result) -> StorageError:
    """The error for what has the name of one of the engine's own files, and is none."""
    return StorageError(
        f"{str(path)!r} is {_kind(status)}, and a file was expected.",
        hint="Move it away; the engine makes what it needs.",
        path=str(path),
        errno="EINVAL",
    )


def _kind(status: os.stat_result) -> str:
    for is_one, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISLNK, "a symbolic link"),
    ):
        if is_one(status.st_mode):
            return name
    return "a device"


def revision_of(data: bytes) -> str:
    """The revision of these bytes: their SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Snapshot(NamedTuple):
    """A file as it was read: its bytes, their revision, and the stamps of that moment."""

    data: bytes
    revision: str
    mtime_ns: int = 0
    mode: int = 0o644
    inode: int = 0

    @classmethod
    def of(cls, data: bytes, status: os.stat_result | None = None) -> Snapshot:
        if status is None:
            return cls(data, revision_of(data))
        mode = stat.S_IMODE(status.st_mode)
        return cls(data, revision_of(data), status.st_mtime_ns, mode, status.st_ino)

    @property
    def text(self) -> str:
        """The bytes as UTF-8; what is none shows as replacement characters."""
        return self.data.decode("utf-8", "replace")


def write_all(descriptor: int, data: bytes) -> None:
    """Writes every byte, however short the single writes turn out."""
    view = memoryview(data)
    while view:
        written = os.write(descriptor, view)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]


def read_all(descriptor: int) -> bytes:
    """The whole file from its start. OSError for what is no file, of which reading might have no end."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"it is {_kind(status)}, and a file was expected")
    os.lseek(descriptor, 0, os.SEEK_SET)
    parts: list[bytes] = []
    missing = status.st_size
    while True:
        asked = min(max(missing + 1, 4096), _CHUNK)
        part = os.read(descriptor, asked)
        parts.append(part)
        missing -= len(part)
        # Any reading may come up short; one that ends where the file ended when we began needs no other one to tell.
        if not part or (missing == 0 and len(part) < asked):
            return b"".join(parts)


def close(descriptor: int) -> None:
    """Closes. What a close can report (EIO, EINTR) is no news here: all that must last was synced before."""
    try:
        os.close(descriptor)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise


def put(descriptor: int, data: bytes, *, mode: int | None = None, like: int | None = None) -> None:
    """Gives a file that nobody else knows these bytes, so that they survive a loss of power. The name of it is the
    caller's concern.

    `like`: a descriptor of the file whose mode, owner and extended attributes it gets, as far as this user
    may.
    """
    write_all(descriptor, data)
    if os.fstat(descriptor).st_size > len(data):  # it was another file before
        os.ftruncate(descriptor, len(data))
    if like is not None:
        _take_after(descriptor, like)
    if mode is not None:
        set_mode(descriptor, mode)
    platform.system.sync(descriptor)


def set_mode(descriptor: int, mode: int) -> None:
    """Gives an open file its mode, where the file system lets this user."""
    if hasattr(os, "fchmod"):
        with _as_far_as_may_be():
            os.fchmod(descriptor, mode)


@contextmanager
def _as_far_as_may_be() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise


def _take_after(descriptor: int, original: int) -> None:
    status = os.fstat(original)
    mine = os.fstat(descriptor)
    if hasattr(os, "fchown") and (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        with _as_far_as_may_be():  # who may write the folder may replace the file, but not give it away
            os.fchown(descriptor, status.st_uid, status.st_gid)
    set_mode(descriptor, stat.S_IMODE(status.st_mode))
    attributes: list[str] = []
    if hasattr(os, "listxattr"):
        with _as_far_as_may_be():
            attributes = os.listxattr(original)
    for attribute in attributes:
        try:
            os.setxattr(descriptor, attribute, os.getxattr(original, attribute))
        except OSError:
            continue  # attributes of the system are its own
