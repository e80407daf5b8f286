"""Loss of power: what a weak file system may leave of a piece of work that was interrupted at any point.

`Recorder` notes every operation that the storage makes. `crashes` then yields, for every prefix of them, every state
that a disk may hold: what was synced is there; of what was not, every subset of the changes of names, and each file's
bytes whole, missing, cut short or zeros. A change of names in two folders is two changes, one of which may be lost.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.storage import platform

Op = tuple[Any, ...]


class Recorder:
    """Notes operations below `root` as data: paths are absolute, files are inode numbers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ops: list[Op] = []
        self._folders: dict[int, str] = {}
        self._files: dict[int, int] = {}

    def note(self, label: str) -> None:
        """What was reported as done at this point."""
        self.ops.append(("said", label))

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real_open = os.open

        def path_of(path: Any, dir_fd: int | None) -> str:
            folder = Path(f"/proc/self/fd/{dir_fd}").readlink() if dir_fd is not None else Path()
            return str(folder / os.fspath(path))

        def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            where = path_of(path, dir_fd)
            is_new = bool(flags & os.O_CREAT) and not os.path.lexists(where)
            fd = real_open(path, flags, mode, dir_fd=dir_fd)
            status = os.fstat(fd)
            if where.startswith(str(self.root)):
                if is_new:
                    self.ops.append(("name", str(Path(where).parent), Path(where).name, status.st_ino))
                elif flags & os.O_TRUNC:
                    self.ops.append(("cut", status.st_ino, 0))
            return fd

        def write(fd: int, data: Any) -> int:
            written: int = real["write"](fd, data)
            position = os.lseek(fd, 0, os.SEEK_CUR)
            self.ops.append(("bytes", os.fstat(fd).st_ino, position - written, bytes(data[:written])))
            return written

        def ftruncate(fd: int, size: int) -> None:
            real["ftruncate"](fd, size)
            self.ops.append(("cut", os.fstat(fd).st_ino, size))

        def fsync(fd: int) -> None:
            real["fsync"](fd)
            target = Path(f"/proc/self/fd/{fd}").readlink()
            is_folder = target.is_dir()
            self.ops.append(("sync folder", str(target)) if is_folder else ("sync", os.fstat(fd).st_ino))

        def unlink(path: Any, *, dir_fd: int | None = None) -> None:
            where = Path(path_of(path, dir_fd))
            real["unlink"](path, dir_fd=dir_fd)
            self.ops.append(("name", str(where.parent), where.name, None))

        def replace(
            src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
        ) -> None:
            one, other = Path(path_of(src, src_dir_fd)), Path(path_of(dst, dst_dir_fd))
            inode = one.lstat().st_ino
            real["replace"](src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
            self._moved(one, other, inode, None)

        def link(src: Any, dst: Any, **options: Any) -> None:
            other = Path(path_of(dst, options.get("dst_dir_fd")))
            real["link"](src, dst, **options)
            self.ops.append(("name", str(other.parent), other.name, other.lstat().st_ino))

        def mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
            real["mkdir"](path, mode, dir_fd=dir_fd)
            self.ops.append(("folder", path_of(path, dir_fd)))

        real: dict[str, Callable[..., Any]] = {
            name: getattr(os, name)
            for name in ("write", "ftruncate", "fsync", "unlink", "replace", "link", "mkdir")
        }
        for name, made in (
            ("open", open_),
            ("write", write),
            ("ftruncate", ftruncate),
            ("fsync", fsync),
            ("fdatasync", fsync),
            ("unlink", unlink),
            ("replace", replace),
            ("link", link),
            ("mkdir", mkdir),
        ):
            patch.setattr(os, name, made)
        system = platform.system
        for name, swaps in (("exchange", True), ("move_new", False)):
            patch.setattr(system, name, self._renaming(getattr(system, name), path_of, swaps))

    def _renaming(
        self, real: Callable[..., None], path_of: Callable[..., str], swaps: bool
    ) -> Callable[..., None]:
        def rename(one: int | None, first: str, other: int | None, second: str) -> None:
            src, dst = Path(path_of(first, one)), Path(path_of(second, other))
            inode = src.lstat().st_ino
            displaced = dst.lstat().st_ino if swaps else None
            before = len(self.ops)
            real(one, first, other, second)
            del self.ops[before:]  # what it did by itself, where it is made of a link and an unlink
            self._moved(src, dst, inode, displaced)

        return rename

    def _moved(self, src: Path, dst: Path, inode: int, displaced: int | None) -> None:
        if src.parent == dst.parent:
            names = ((dst.name, inode), (src.name, displaced))
            self.ops.append(("names", str(src.parent), names))
            return
        self.ops.append(("name", str(dst.parent), dst.name, inode))
        self.ops.append(("name", str(src.parent), src.name, displaced))


@dataclass
class Disk:
    """What is durable, and what is pending, at one point."""

    folders: dict[str, dict[str, int]] = field(default_factory=dict)
    data: dict[int, bytes] = field(default_factory=dict)
    pending_names: list[Op] = field(default_factory=list)
    pending_data: dict[int, bytes] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path) -> Disk:
        disk = cls()
        for folder, _, names in os.walk(root):
            disk.folders[folder] = {name: (Path(folder) / name).lstat().st_ino for name in names}
            for name in names:
                disk.data[(Path(folder) / name).lstat().st_ino] = (Path(folder) / name).read_bytes()
        return disk

    def apply(self, op: Op) -> None:
        kind = op[0]
        if kind == "said":
            self.said.append(op[1])
        elif kind == "folder":
            self.folders[op[1]] = {}
        elif kind in ("name", "names"):
            self.pending_names.append(op)
            if kind == "name" and op[3] is not None and op[3] not in self.data:
                self.data[op[3]] = b""
        elif kind == "bytes":
            old = self.pending_data.get(op[1], self.data.get(op[1], b"")).ljust(op[2], b"\0")
            self.pending_data[op[1]] = old[: op[2]] + op[3] + old[op[2] + len(op[3]) :]
        elif kind == "cut":
            self.pending_data[op[1]] = self.pending_data.get(op[1], self.data.get(op[1], b""))[: op[2]]
        elif kind == "sync":
            if op[1] in self.pending_data:
                self.data[op[1]] = self.pending_data.pop(op[1])
        elif kind == "sync folder":
            for change in [change for change in self.pending_names if change[1] == op[1]]:
                _rename(self.folders, change)
                self.pending_names.remove(change)
        else:
            raise OSError(errno.EINVAL, kind)

    def states(self) -> Iterator[tuple[dict[str, dict[str, int]], dict[int, bytes]]]:
        """Everything that may be found after power was lost here."""
        recent = self.pending_names[-7:]  # older ones are taken as there: seven make 128 subsets
        variants = {inode: _torn(self.data.get(inode, b""), new) for inode, new in self.pending_data.items()}
        for size in range(len(recent) + 1):
            for subset in itertools.combinations(recent, size):
                folders = {folder: dict(names) for folder, names in self.folders.items()}
                for change in (
                    *self.pending_names[: len(self.pending_names) - len(recent)],
                    *subset,
                ):
                    _rename(folders, change)
                for chosen in itertools.product(*variants.values()):
                    yield folders, {**self.data, **dict(zip(variants, chosen, strict=True))}


def _torn(old: bytes, new: bytes) -> list[bytes]:
    """A file's bytes that were written and not synced: all, none, a part, or zeros of the right size."""
    return list(
        dict.fromkeys([new, old, new[: (len(old) + len(new)) // 2], old + b"\0" * (len(new) - len(old))])
    )


def _rename(folders: dict[str, dict[str, int]], change: Op) -> None:
    names = folders.setdefault(change[1], {})
    for name, inode in change[2] if change[0] == "names" else ((change[2], change[3]),):
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def crashes(before: Disk, ops: list[Op]) -> Iterator[tuple[int, tuple[str, ...], Mapping[str, bytes]]]:
    """For every prefix: its length, what had been reported, and every different tree of files that may be left."""
    seen: set[object] = set()
    for length in range(len(ops) + 1):
        if length:
            before.apply(ops[length - 1])
        for folders, data in before.states():
            tree = {
                f"{folder}/{name}": data.get(inode, b"")
                for folder, names in folders.items()
                for name, inode in names.items()
            }
            key = (tuple(before.said), frozenset(tree.items()), frozenset(folders))
            if key not in seen:
                seen.add(key)
                yield length, tuple(before.said), tree
