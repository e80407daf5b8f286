"""The facade of the disk: every write of the engine goes through a `Store`."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import FlowError, NoProjectError, SecurityError, StorageError, UnsupportedFileError
from engine.storage import platform
from engine.storage.copies import copies_of
from engine.storage.disk import Snapshot, close, disk, misplaced, put, read_all, unsupported, write_all
from engine.storage.folder import FILE, Folder
from engine.storage.guarantee import Guarantee
from engine.storage.locks import PATIENCE, hold
from engine.storage.paths import FLOW, SafePath
from engine.storage.seat import RECORD, SWAP, Seat, is_key, own_part, target_of
from engine.storage.settle import Kept, settle_all, settle_seat
from engine.storage.swap import Swapped, create, swap


def read(path: Path | SafePath, *, limit: int | None = None) -> Snapshot:
    """The file as it is now. StorageError when it cannot be read, or does not exist.

    UnsupportedFileError for what is no regular file, or has more than `limit` bytes; neither is read.
    """
    with disk(_shown(path), "read"):
        if not isinstance(path, SafePath):
            fd = os.open(path, os.O_RDONLY | FILE)
            return _snapshot(fd, _shown(path), limit)
        *folders, name = path.parts
        with Folder.within(path.base, *folders) as folder:
            return _snapshot(folder.open(name), _shown(path), limit)


def read_if_exists(path: Path | SafePath) -> Snapshot | None:
    """Like `read`, but None for a file that does not exist."""
    if not isinstance(path, SafePath):
        try:
            os.lstat(
                path
            )  # most often asked for what is not there, and an error for people takes longer to make
        except FileNotFoundError:
            return None
        except OSError:
            pass  # reading it tells
    try:
        return read(path)
    except StorageError as error:
        if error.fields.get("errno") in ("ENOENT", "ENOTDIR"):
            return None
        raise


def _snapshot(fd: int, shown: str, limit: int | None = None) -> Snapshot:
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise unsupported(shown, status)
        if limit is not None and status.st_size > limit:
            raise UnsupportedFileError(
                f"{shown!r} has {status.st_size} bytes, and {limit} are the limit.", path=shown
            )
        return Snapshot.of(read_all(fd), status)
    finally:
        close(fd)


def _shown(path: Path | SafePath) -> str:
    return path.relative if isinstance(path, SafePath) else str(path)


class Store:
    """The disk of one project. Methods raise StorageError for whatever the disk refuses; then the old content
    stands. NoProjectError when `.flow/` is gone: it is never made anew.

    Two kinds of files: the engine's own, under `.flow/` (`replace`, `append`, `rename`, `remove`: paths are
    absolute), and those that others write too, plans and sources (`swap`, `create`).
    """

    def __init__(self, root: Path) -> None:
        with disk(root, "open"):
            self.root = Path(os.path.realpath(root))
        self.flow = self.root / FLOW
        self._kept: list[Kept] = []
        self.unsettled: list[FlowError] = []
        """Why some of what waits in `swap/` must go on waiting, as of the last settling; each on its own."""
        self._is_settled = False
        self._folders = threading.local()

    @contextmanager
    def lock(self, patience: float = PATIENCE) -> Iterator[None]:
        """Holds `.flow/lock`: no other thread, process or engine commits meanwhile. May be nested in one
        thread.

        BusyError when it is not free after `patience` seconds.
        """
        if "held" in self._folders.__dict__:  # by this thread: every thread has a state of its own
            yield
            return
        with self._flow() as flow, hold(self.flow / "lock", patience):
            self._folders.held = {FLOW: flow.hold()}
            try:
                if not self._is_settled:
                    self._is_settled = True
                    with suppress(StorageError, SecurityError):  # whatever needs the folder tells
                        self._settle_all()
                yield
            finally:
                self._let_go()

    def _open(self, *parts: str, make: bool = False) -> Folder:
        """A folder below `.flow/`, reached from the root without following links.

        While this thread holds the lock, `.flow` and `swap` stay open, so that not every step begins at the root.
        """
        held: dict[str, Folder] | None = getattr(self._folders, "held", None)
        if held is None:
            return self._flow().below(*parts, make=make)
        if parts[:1] != (SWAP,):
            return held[FLOW].below(*parts, make=make)
        if SWAP not in held:
            held[SWAP] = held[FLOW].below(SWAP, make=make).hold()
        return held[SWAP].below(*parts[1:], make=make)

    def require(self) -> None:
        """Raises NoProjectError when `.flow/` is gone."""
        self._flow().close()

    def _flow(self) -> Folder:
        """The open `.flow/`."""
        with disk(self.flow, "open"):
            try:
                return Folder.within(self.root, FLOW)
            except FileNotFoundError as error:
                raise NoProjectError(
                    f"{str(self.flow)!r} is gone: the project was deleted or moved.",
                    hint="Put the folder back, or go to where it is now.",
                    path=str(self.flow),
                ) from error

    def _let_go(self) -> None:
        held: dict[str, Folder] = self._folders.__dict__.pop("held", {})
        for folder in held.values():
            folder.close()

    # The engine's own files

    def read(self, path: Path) -> bytes | None:
        """All of one of the engine's own files, or None when it does not exist."""
        with disk(path, "read"):
            try:
                with self._own(path) as (_, fd):
                    return read_all(fd)
            except FileNotFoundError:
                return None

    def read_from(self, path: Path, offset: int, limit: int = 1 << 20) -> bytes:
        """At most `limit` bytes from `offset` (negative: counted from the end) of a file that grows."""
        with disk(path, "read"):
            try:
                with self._own(path) as (_, fd):
                    size = os.fstat(fd).st_size
                    os.lseek(fd, max(0, size + offset) if offset < 0 else offset, os.SEEK_SET)
                    return os.read(fd, limit)
            except FileNotFoundError:
                return b""

    def replace(
        self, path: Path, data: bytes, *, durable_name: bool = True, spent: str | None = None
    ) -> None:
        """Durably puts a whole new content in place: after a crash the file is the old one or the new one.

        Without `durable_name` a loss of power may still bring back what had the name before. `spent` is the name of a
        file beside it that goes, whatever becomes of this call: its room is written anew, which costs less than to free
        it and to take other.
        """
        with disk(path, "write"):
            try:
                self._replace(path, data, durable_name, spent)
            except FileNotFoundError:  # somebody took a folder away in this moment, as a clean-up does
                self._replace(path, data, durable_name, None)

    def _replace(self, path: Path, data: bytes, durable_name: bool, spent: str | None) -> None:
        with self._folder(path, make=True) as folder, self._swap_folder() as waiting:
            part = own_part()
            fd = _part_of(spent, folder, waiting, part) if spent is not None else None
            if fd is None:
                fd = waiting.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                try:
                    put(fd, data)
                finally:
                    close(fd)
                waiting.replace(part, folder, path.name)
            except OSError:
                waiting.discard(part)
                raise
            if durable_name:
                folder.sync()

    def append(self, path: Path, data: bytes, *, durable: bool = True) -> None:
        """Adds to the end; the file is made when it is missing. A failure leaves the old length.

        Call it under a lock that all writers of this file take.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with disk(path, "append to"), self._own(path, flags) as (folder, fd):
            size = os.fstat(fd).st_size
            try:
                write_all(fd, data)
                if durable:
                    platform.system.sync_data(fd)
            except OSError:
                os.ftruncate(fd, size)
                raise
            if size == 0 and durable:  # its name may be new
                folder.sync()

    def truncate(self, path: Path, size: int) -> None:
        """Durably cuts a file of the engine to `size` bytes: for torn tails of logs."""
        with disk(path, "cut"), self._own(path, os.O_WRONLY) as (_, fd):
            os.ftruncate(fd, size)
            platform.system.sync(fd)

    def rename(self, path: Path, new: Path) -> None:
        """Durably gives one of the engine's files another name, over whatever had it."""
        with disk(path, "rename"), self._folder(path) as folder, self._folder(new, make=True) as other:
            folder.replace(path.name, other, new.name)
            other.sync()
            folder.sync()

    def remove(self, path: Path, *, durable: bool = True) -> None:
        """Removes a file; one that is missing is fine."""
        with disk(path, "remove"):
            try:
                with self._folder(path) as folder:
                    folder.unlink(path.name)
                    if durable:
                        folder.sync()
            except FileNotFoundError:
                return

    def names(self, path: Path) -> list[str]:
        """The sorted names in a folder of the engine; none when it does not exist."""
        with disk(path, "list"):
            try:
                with self._open(*self._inside(path)) as folder:
                    return folder.names()
            except FileNotFoundError:
                return []

    @contextmanager
    def _own(self, path: Path, flags: int = os.O_RDONLY) -> Iterator[tuple[Folder, int]]:
        """One of the engine's own files, open, and its folder, made where the file is. Whatever else has its name is
        neither waited for nor changed.
        """
        with self._folder(path, make=bool(flags & os.O_CREAT)) as folder:
            fd = folder.open(path.name, flags)
            try:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode):
                    raise misplaced(path, status)
                yield folder, fd
            finally:
                close(fd)

    def _folder(self, path: Path, *, make: bool = False) -> Folder:
        """The open folder of an own file, reached from the root without following links."""
        return self._open(*self._inside(path)[:-1], make=make)

    def _inside(self, path: Path) -> tuple[str, ...]:
        """The parts of a path below `.flow/`."""
        depth = len(self.flow.parts)
        if path.parts[:depth] != self.flow.parts or len(path.parts) == depth:
            raise SecurityError(f"{str(path)!r} is outside of {FLOW}/.", path=str(path))
        parts = path.parts[depth:]
        if ".." in parts:
            raise SecurityError(f"{str(path)!r} may leave the project.", path=str(path))
        return parts

    # Files that others write too

    def swap(
        self,
        path: SafePath,
        edit: Callable[[Snapshot], bytes],
        *,
        base: str | None = None,
        limit: int | None = None,
    ) -> Swapped:
        """Compare-and-swap: reads, calls `edit` once with what was read, and puts its result durably in
        place.

        An `edit` that returns what it was given writes nothing. `base` is the revision that must be there,
        `limit` the greatest size in bytes. ContentChangedError (with the three texts) when another program
        wrote in between or the base is another one: then nothing was written. BusyError while a program has
        the file open for writing, UnsupportedFileError for what cannot be replaced. What `edit` raises passes
        through.
        """
        with disk(path.relative, "change"), self.lock(), self._seat(path) as seat:
            self._settle(seat)
            return swap(path, seat, edit, base=base, limit=limit)

    def create(self, path: SafePath, data: bytes) -> Snapshot:
        """Durably makes a file that does not exist yet; ContentChangedError when it does by now."""
        with disk(path.relative, "make"), self.lock(), self._seat(path) as seat:
            self._settle(seat)
            return create(path, seat, data)

    @contextmanager
    def _seat(self, path: SafePath) -> Iterator[Seat]:
        seat = Seat(self.root, path.path, self._swap_folder())
        try:
            yield seat
        finally:
            seat.close()

    def _swap_folder(self) -> Folder:
        return self._open(SWAP, make=True)

    def settle(self) -> list[Kept]:
        """Settles swaps that a crash left unfinished, and looks once more at what earlier swaps displaced.

        The first lock that is taken here does so too, so that whatever writes comes after it. Returns what was kept of
        other programs' bytes, here and in swaps since the last call. Idempotent.
        """
        self._is_settled = True
        self.unsettled = []
        if self._is_waiting():
            with self.lock():
                self._settle_all()
        kept, self._kept = self._kept, []
        return kept

    def _settle_all(self) -> None:
        if not self.names(self.flow / SWAP):
            return
        with disk(self.flow / SWAP, "settle"), self._swap_folder() as folder:
            kept, self.unsettled = settle_all(self.root, folder)
        self._kept += kept

    def _settle(self, seat: Seat) -> None:
        """What cannot be settled waits on: the next start tells."""
        self._kept += settle_seat(seat, spare_the_new=True).kept

    def _is_waiting(self) -> bool:
        """Whether there may be anything to settle: a look that takes no lock, for the many starts without."""
        swap = self.flow / SWAP
        try:
            return any(not is_key(name) or self.names(swap / name) != [RECORD] for name in self.names(swap))
        except (StorageError, SecurityError):
            return True

    def conflict_copies(self) -> list[Path]:
        """The conflict copies beside files of this project that nobody has removed yet."""
        targets: list[Path] = []
        for key in filter(is_key, self.names(self.flow / SWAP)):
            # What is no folder of the engine's is among what is unsettled.
            with suppress(OSError, SecurityError), self._open(SWAP, key) as folder:
                targets.append(target_of(self.root, key, folder))
        return copies_of(targets)

    def guarantee(self) -> Guarantee:
        """What the file system of this project gives a swap, found out by trying it in `swap/`."""
        with disk(self.flow / SWAP, "try"), self.lock():
            names = [own_part(), own_part()]
            with self._swap_folder() as folder:
                try:
                    for name in names:
                        close(folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                    return _try(folder, names[0], names[1])
                finally:
                    for name in names:
                        folder.discard(name)


def _part_of(spent: str, folder: Folder, waiting: Folder, part: str) -> int | None:
    """A file that is needed no more, out of its folder and open for writing as `part`.

    None: it is gone, and was not certainly ours alone, but a link, or open in another program, or with a second name in
    somebody's copy of the folder.
    """
    try:
        folder.replace(spent, waiting, part)
    except FileNotFoundError:
        return None
    with suppress(OSError):
        fd = waiting.open(part, os.O_WRONLY)
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and platform.system.is_unshared(fd):
            return fd
        close(fd)
    waiting.unlink(part)
    return None


def _try(folder: Folder, one: str, other: str) -> Guarantee:
    try:
        folder.exchange(one, folder, other)
    except OSError:
        return Guarantee.COMPARED
    fd = folder.open(one)
    try:
        leased = platform.system.lease(fd)
    finally:
        close(fd)
    return Guarantee.LEASED if leased else Guarantee.EXCHANGED


def is_filled(path: Path) -> bool:
    """Whether the path is a folder with anything in it; True also for what cannot be looked at."""
    try:
        with os.scandir(path) as entries:
            return any(True for _ in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
