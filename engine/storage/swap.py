"""Compare-and-swap of a file that other programs write too (DESIGN section 4).

What decides is content, and the swap is one step: the new file and the old one exchange their names, and the
old one, now out of everybody's way, is looked at again. Whatever another program wrote meanwhile is back in
place, in the displaced file, or in a conflict copy; in no case is it gone.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from engine.errors import ContentChangedError, FlowError, UnsupportedFileError
from engine.storage import platform
from engine.storage.copies import keep_copy
from engine.storage.disk import Snapshot, close, put, read_all, revision_of, set_mode
from engine.storage.folder import Folder
from engine.storage.guarantee import Guarantee
from engine.storage.paths import SafePath
from engine.storage.seat import ABSENT, Seat
from engine.storage.target import Target, read_named

Done = TypeVar("Done")
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


class Swapped(NamedTuple):
    """What a swap did: from `before` to `after_revision`, under which guarantee. Not `changed`: nothing was
    written.
    """

    before: Snapshot
    after_revision: str
    guarantee: Guarantee
    changed: bool


def changed(
    path: str, base: bytes | None, disk: bytes | None, edit: bytes | None, *, why: str = ""
) -> ContentChangedError:
    """The error of a swap that met another writer; the bytes become texts, None where they are none."""
    return ContentChangedError(
        why or f"{path!r} was changed by another program meanwhile; nothing was written.",
        hint="Read it again and make the edit for what is there now.",
        path=path,
        base=_text(base),
        disk=_text(disk),
        edit=_text(edit),
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")


def swap(
    path: SafePath,
    seat: Seat,
    edit: Callable[[Snapshot], bytes],
    *,
    base: str | None,
    limit: int | None,
) -> Swapped:
    """Reads the file, edits it in memory, and puts the result in place if nobody else wrote in between."""
    platform.system.prepare()
    target = Target(path, limit)
    try:
        before = target.snapshot
        if base is not None and base != before.revision:
            raise changed(path.relative, None, before.data, None)
        data = edit(before)
        if data == before.data:
            return Swapped(before, before.revision, _best(target), changed=False)
        attempt = _Attempt(target, seat, data)
        return Swapped(before, attempt.new, attempt.run(), changed=True)
    finally:
        target.close()


def _best(target: Target) -> Guarantee:
    if not platform.system.has_exchange:
        return Guarantee.COMPARED
    return Guarantee.LEASED if target.leased else Guarantee.EXCHANGED


def _within_reach(seat: Seat, folder: Folder, work: Callable[[], Done]) -> Done:
    """What `work` returns, with files waiting where one rename leads into this folder."""
    if seat.folder.device() != folder.device():
        seat.wait_beside(folder)
    try:
        return work()
    except OSError as error:
        if error.errno != errno.EXDEV or seat.here is folder:
            raise
    seat.wait_beside(folder)  # one device mounted twice: the folders look alike, but no rename goes between
    return work()


class _Attempt:
    """One try to put `data` in place of what was read."""

    def __init__(self, target: Target, seat: Seat, data: bytes) -> None:
        self.target = target
        self.seat = seat
        self.data = data
        self.new = revision_of(data)

    def run(self) -> Guarantee:
        return _within_reach(self.seat, self.target.folder, self._run)

    def _run(self) -> Guarantee:
        target, here = self.target, self.seat.here
        before = target.snapshot
        name = self.seat.make(before.revision, self.new, self.data, like=target.fd)
        try:
            own = here.stat(name)
            if not (target.is_named() and target.is_quiet()):
                raise self._conflict()
            try:
                here.exchange(name, target.folder, target.name)
            except FileNotFoundError as error:
                raise self._conflict() from error
            except OSError as error:
                if error.errno == errno.EBUSY:
                    raise _mounted(target.path.relative) from error
                if error.errno not in _NO_EXCHANGE:
                    raise
                return self._replace(name)
        except (OSError, FlowError):
            here.discard(name)
            raise
        return self._verify(name, own)

    def _verify(self, name: str, own: os.stat_result) -> Guarantee:
        """After the exchange: durable if the displaced file is what was read, else taken back."""
        target = self.target
        try:
            displaced = self.seat.here.stat(name)
            if target.is_it(displaced) and target.is_unchanged():
                if displaced.st_mode != own.st_mode:
                    self._follow_mode(own, displaced.st_mode)
                # The folder of the displaced file need not be durable: wherever it stands then, its hash tells.
                target.folder.sync()
                # Looked at twice: a writer that had found the old file just before the exchange shows by now.
                if target.is_quiet():
                    return Guarantee.LEASED if target.leased else Guarantee.EXCHANGED
        except OSError:
            self._take_back(name, own)
            raise
        raise self._conflict(self._take_back(name, own))

    def _follow_mode(self, own: os.stat_result, mode: int) -> None:
        """Another program changed the mode of the file after ours was made like it: ours, in place by now, gets it."""
        fd = self.target.folder.open(self.target.name)
        try:
            if os.path.samestat(os.fstat(fd), own):
                set_mode(fd, stat.S_IMODE(mode))
                platform.system.sync(fd)
        finally:
            close(fd)

    def _take_back(self, name: str, own: os.stat_result) -> Path | None:
        """Exchanges back, and returns the conflict copy of what somebody had written meanwhile.

        The lease still holds, so a writer that waits lands in the file that it meant.
        """
        stranger = self._stranger(name)
        copy = self._exchange_back(name, own)
        if stranger is None:
            return copy
        # Whoever read our version in this moment may still replace the file by what they made of it, and with it these
        # bytes, of which that version knows nothing.
        part = f"{name}.part"
        _write_part(self.seat.here, part, stranger)
        kept = keep_copy(self.seat.here, part, self.target.folder, self.target.name)
        return copy or kept

    def _stranger(self, name: str) -> Snapshot | None:
        """The displaced file where it is another one than was read: somebody put it in place just before."""
        try:
            if self.target.is_it(self.seat.here.stat(name)):
                return None
            fd = self.seat.here.open(name)
            try:
                return Snapshot.of(read_all(fd), os.fstat(fd))
            finally:
                close(fd)
        except OSError:
            return None  # what cannot be read goes back to its place unseen

    def _exchange_back(self, name: str, own: os.stat_result) -> Path | None:
        target, here = self.target, self.seat.here
        try:
            here.exchange(name, target.folder, target.name)
        except FileNotFoundError:
            # Somebody removed our version in this moment: what it had displaced is kept, never put in its
            # place.
            return keep_copy(here, name, target.folder, target.name)
        target.folder.sync()
        # Ours stays where it is, for the next start to settle: a program that found it in this moment may open it yet.
        # So does what cannot be read.
        if os.path.samestat(here.stat(name), own) and self._holds(here, name, self.data):
            return None
        return keep_copy(here, name, target.folder, target.name)

    def _replace(self, name: str) -> Guarantee:
        """The weaker path: compare, keep the old file under a second name, replace, look at the old one again."""
        target, here = self.target, self.seat.here
        was = f"{name}.was"
        if not platform.system.has_folders:
            target.let_go()  # Windows replaces no file that is open
        try:
            if not self._holds(target.folder, target.name, target.snapshot.data):
                raise self._conflict()
            try:
                target.folder.link(target.name, here, was)
            except (OSError, NotImplementedError):
                _copy(here, was, target.snapshot)
            here.replace(name, target.folder, target.name)
        except (OSError, FlowError):
            here.discard(was)
            raise
        target.folder.sync()
        try:
            if self._holds(here, was, target.snapshot.data) and (not target.leased or target.is_unchanged()):
                return Guarantee.COMPARED
        except OSError:
            self._put_back(was)
            raise
        raise self._conflict(self._put_back(was))

    @staticmethod
    def _holds(folder: Folder, name: str, data: bytes) -> bool:
        """Whether an entry has these bytes; plain OSError when it cannot be read."""
        try:
            fd = folder.open(name)
        except FileNotFoundError:
            return False
        try:
            return read_all(fd) == data
        finally:
            close(fd)

    def _put_back(self, was: str) -> Path | None:
        """Puts the old file back in place of ours, or returns its conflict copy when another one has the name.

        What cannot be read stays where it is, for the next start to settle.
        """
        target, here = self.target, self.seat.here
        if not self._holds(target.folder, target.name, self.data):
            return keep_copy(here, was, target.folder, target.name)
        here.replace(was, target.folder, target.name)
        target.folder.sync()
        return None

    def _conflict(self, copy: Path | None = None) -> ContentChangedError:
        target = self.target
        error = changed(target.path.relative, target.snapshot.data, target.now(), self.data)
        if copy is not None:
            error.fields["copy"] = str(copy)
        return error


def create(path: SafePath, seat: Seat, data: bytes) -> Snapshot:
    """Puts a new file in place, durably; ContentChangedError when the name is taken by then."""
    *folders, name = path.parts
    with Folder.within(path.base, *folders, make=True) as folder:
        return _within_reach(seat, folder, lambda: _create(path, folder, name, seat, data))


def _create(path: SafePath, folder: Folder, name: str, seat: Seat, data: bytes) -> Snapshot:
    here = seat.here
    waiting = seat.make(ABSENT, revision_of(data), data)
    try:
        here.move_new(waiting, folder, name)
    except FileExistsError as error:
        here.discard(waiting)
        raise changed(path.relative, None, read_named(folder, name), data) from error
    except OSError:
        here.discard(waiting)
        raise
    folder.sync()
    return Snapshot.of(data, folder.stat(name))


def _copy(folder: Folder, name: str, snapshot: Snapshot) -> None:
    part = f"{name}.part"
    _write_part(folder, part, snapshot)
    try:
        folder.replace(part, folder, name)
    except OSError:
        folder.discard(part)
        raise


def _write_part(folder: Folder, part: str, snapshot: Snapshot) -> None:
    fd = folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            put(fd, snapshot.data, mode=snapshot.mode)
        finally:
            close(fd)
    except OSError:
        folder.discard(part)
        raise


def _mounted(relative: str) -> UnsupportedFileError:
    return UnsupportedFileError(
        f"{relative!r} is a mount point and cannot be replaced.",
        hint="Edit the file outside, where it is mounted from.",
        path=relative,
    )
