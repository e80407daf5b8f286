"""An open folder: names are looked up in it, so that nobody can put another one in its place meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from importlib.machinery import all_suffixes
from pathlib import Path
from types import TracebackType

from engine.errors import SecurityError
from engine.storage import platform
from engine.storage.disk import close

_MODULES = tuple(all_suffixes())
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
FILE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_UNSEEN = getattr(os, "O_NOATIME", 0)
"""Reading writes nothing: else the first look at whatever was changed costs the file system a stamp to be kept."""


def _open(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None) -> int:
    if _UNSEEN:
        try:
            return os.open(name, flags | _UNSEEN, mode, dir_fd=dir_fd)
        except PermissionError:
            pass  # only the owner of a file may read it so
    return os.open(name, flags, mode, dir_fd=dir_fd)


def _is_a_link(path: Path) -> SecurityError:
    return SecurityError(
        f"{str(path)!r} is a symbolic link where a folder was expected.",
        hint="Somebody may have put it there meanwhile; look at it before you go on.",
        path=str(path),
    )


class Folder:
    """One folder, held by descriptor where the platform can (`fd`), else by its path (`fd` is None).

    Symbolic links are never followed below the base it was opened from: a path that holds one raises
    SecurityError. All methods take the name of an entry, never a path, and raise plain OSError.
    """

    __slots__ = ("_base", "_is_held", "_parts", "fd")

    def __init__(self, base: Path, fd: int | None, *parts: str) -> None:
        """The folder base/parts, open as `fd`."""
        self._base = base
        self._parts = parts
        self.fd = fd
        self._is_held = False

    @property
    def path(self) -> Path:
        return self._base.joinpath(*self._parts)

    @classmethod
    def within(cls, base: Path, *parts: str, make: bool = False) -> Folder:
        """The folder base/parts. With `make`, folders that are missing are made, durably."""
        if not platform.system.has_folders:
            return cls._by_path(base, parts, make)
        fd = os.open(base, os.O_RDONLY | _FOLDER)
        return cls(base, fd).below(*parts, make=make)

    def below(self, *parts: str, make: bool = False) -> Folder:
        """The folder self/parts, in place of this one, which is closed; unless it is held, then beside it."""
        if self.fd is None:
            return self._by_path(self.path, parts, make)
        folder = self
        for part in parts:
            with folder:
                folder = folder._enter(part, make)
        return folder

    def hold(self) -> Folder:
        """From now on, only `close` closes it, the end of a `with` does not."""
        self._is_held = True
        return self

    def _enter(self, part: str, make: bool) -> Folder:
        try:
            fd = _open(part, os.O_RDONLY | _FOLDER | NO_FOLLOW, dir_fd=self.fd)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):  # another process may make it in this moment
                os.mkdir(part, 0o777, dir_fd=self.fd)
            self.sync()
            fd = _open(part, os.O_RDONLY | _FOLDER | NO_FOLLOW, dir_fd=self.fd)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and self.is_link(part):
                raise _is_a_link(self.path / part) from error
            error.filename = str(self.path / part)  # it knows only the last part
            raise
        return Folder(self._base, fd, *self._parts, part)

    @classmethod
    def _by_path(cls, base: Path, parts: tuple[str, ...], make: bool) -> Folder:
        path = base
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise _is_a_link(path)
            if make:
                path.mkdir(exist_ok=True)
        if not stat.S_ISDIR(path.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        return cls(path, None)

    def at(self, name: str) -> str:
        """What to hand to an `os` function together with `dir_fd=self.fd`."""
        return name if self.fd is not None else str(self.path / name)

    def open(self, name: str, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        """A descriptor of the entry. A symbolic link is refused, a pipe never waited for."""
        if not NO_FOLLOW and self.is_link(name):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        return _open(self.at(name), flags | FILE | NO_FOLLOW, mode, dir_fd=self.fd)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)

    def is_link(self, name: str) -> bool:
        try:
            return stat.S_ISLNK(self.stat(name).st_mode)
        except FileNotFoundError:
            return False

    def exists(self, name: str) -> bool:
        try:
            self.stat(name)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path if self.fd is None else self.fd))  # noqa: PTH208

    def unlink(self, name: str) -> None:
        os.unlink(self.at(name), dir_fd=self.fd)

    def discard(self, name: str) -> None:
        """Removes the entry if it can: for clearing up behind a failure that is about to be reported."""
        try:
            self.unlink(name)
        except OSError:
            return  # what stays is found and cleared by the next start

    def replace(self, name: str, target: Folder, new: str) -> None:
        """Renames over whatever has the new name."""
        os.replace(self.at(name), target.at(new), src_dir_fd=self.fd, dst_dir_fd=target.fd)

    def move_new(self, name: str, target: Folder, new: str) -> None:
        """Renames, or raises FileExistsError."""
        platform.system.move_new(self.fd, self.at(name), target.fd, target.at(new))

    def exchange(self, name: str, target: Folder, other: str) -> None:
        """Swaps two names in one step, or raises OSError where that cannot be."""
        platform.system.exchange(self.fd, self.at(name), target.fd, target.at(other))

    def link(self, name: str, target: Folder, new: str) -> None:
        """A second name for the same file."""
        os.link(
            self.at(name), target.at(new), src_dir_fd=self.fd, dst_dir_fd=target.fd, follow_symlinks=False
        )

    def device(self) -> int:
        return (self.path.stat() if self.fd is None else os.fstat(self.fd)).st_dev

    def sync(self) -> None:
        """Makes names durable. Systems that cannot open folders do so by themselves."""
        if self.fd is not None:
            platform.system.sync(self.fd)

    def close(self) -> None:
        if self.fd is not None:
            fd, self.fd = self.fd, None
            close(fd)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_held:
            self.close()


def module_in(folder: Path) -> str | None:
    """The name of an entry that Python would import from this folder; None where there is none, or no such folder."""
    try:
        with os.scandir(folder) as entries:
            return next((each.name for each in entries if _is_module(each)), None)
    except OSError:
        return None


def _is_module(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir():
        return entry.name.isidentifier() and entry.name != "__pycache__"
    return entry.name.endswith(_MODULES)
