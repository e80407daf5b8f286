"""What is left in `swap/`, settled by hash: by the next swap of a file, and for all files by the next start.

Every step leaves a state that the same rules settle again, so being killed in here is harmless. What cannot be settled
stays where it is, and stands in the way of nothing else.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from engine.errors import FlowError, SecurityError, StorageError
from engine.storage import platform
from engine.storage.copies import keep_copy
from engine.storage.disk import close, disk, read_all, revision_of
from engine.storage.folder import Folder
from engine.storage.seat import RECORD, Seat, Waiting, is_key, is_orphan, target_of

_MOMENT = 250_000_000
"""Nanoseconds that a program may be held up between finding a file by its name and opening it."""


class Kept(NamedTuple):
    """Another program's bytes were found and kept: those meant for `path` are in `copy` now."""

    path: Path
    copy: Path


class Settled(NamedTuple):
    """What was kept of other programs' bytes, and why some of what waits must go on waiting."""

    kept: list[Kept]
    failed: list[FlowError]


def settle_all(root: Path, swap: Folder) -> Settled:
    """Settles what waits for every target of the project at `root`, each on its own. Raises plain OSError when `swap`,
    which is held, cannot be listed.

    Removes what dead processes left unfinished: of the engine's own files (a living one is still at work), and the
    folders of targets whose record was never finished, in which nothing can wait yet.
    """
    settled = Settled([], [])
    for name in swap.names():
        if is_orphan(name):
            swap.discard(name)
        elif is_key(name):
            try:
                with disk(swap.path / name, "settle"):
                    _settle_key(root, swap, name, settled)
            except (StorageError, SecurityError) as error:
                settled.failed.append(error)
    return settled


def _settle_key(root: Path, swap: Folder, key: str, settled: Settled) -> None:
    with swap.below(key) as folder:
        names = folder.names()
        if names == [RECORD]:
            return
        target = target_of(root, key, folder) if RECORD in names else None
        if target is None:
            folder.discard(f"{RECORD}.part")
    if target is None:
        os.rmdir(swap.at(key), dir_fd=swap.fd)
        return
    seat = Seat(root, target, swap)
    try:
        found = settle_seat(seat)
    finally:
        seat.close()
    settled.kept.extend(found.kept)
    settled.failed.extend(found.failed)


def settle_seat(seat: Seat, *, spare_the_new: bool = False) -> Settled:
    """Settles what waits for one target.

    `spare_the_new`: leaves what was displaced a moment ago. A program may have found the file by its name just before
    and open it only now; what it writes then must not go with a file that was looked at too soon.
    """
    now = time.time_ns()
    spared = (now - _MOMENT, now) if spare_the_new else None
    settled = Settled([], [])
    _settle_here(seat, spared, settled)
    if seat.waits_beside:
        try:
            near = Folder.within(seat.root, *seat.folders)
        except (FileNotFoundError, NotADirectoryError, SecurityError):
            return settled  # the folder of the target is gone, and with it what waited there
        with near:
            seat.wait_beside(near)
            _settle_here(seat, spared, settled)
    return settled


def _settle_here(seat: Seat, spared: tuple[int, int] | None, settled: Settled) -> None:
    for waiting in seat.waiting(spared):
        try:
            with disk(seat.here.path / waiting.name, "settle"):
                copy = _settle_one(seat, waiting)
        except (StorageError, SecurityError) as error:
            settled.failed.append(error)
            continue
        if copy is not None:
            settled.kept.append(Kept(seat.target, copy))


def _settle_one(seat: Seat, waiting: Waiting) -> Path | None:
    """Settles one file, and returns the conflict copy that it became, if it did. What is no file was displaced by
    another program's right before it, and is moved as it is.
    """
    try:
        if waiting.kind == ".part":
            seat.here.unlink(waiting.name)
            return None
        return _settle_file(seat, waiting)
    except FileNotFoundError:
        if seat.here.exists(waiting.name):
            raise
        return None
    except OSError:
        if stat.S_ISREG(seat.here.stat(waiting.name).st_mode):
            raise
    return _keep(seat, waiting)


def _settle_file(seat: Seat, waiting: Waiting) -> Path | None:
    """Equals the new revision: the swap did not happen. Equals the base: it did. Neither: someone else's
    bytes.
    """
    here = seat.here
    fd = here.open(waiting.name)
    leased = False
    try:
        try:
            leased = platform.system.lease(fd)
        except BlockingIOError:
            return None  # a program writes into it right now: the next start looks again
        known = waiting.is_either(revision_of(read_all(fd)))
        if known or _is_target(seat, fd):
            if not leased or platform.system.lease_stands(fd):
                here.unlink(waiting.name)  # else a program waits to write into it: the next start looks again
            return None
        return _keep(seat, waiting)
    finally:
        if leased:
            platform.system.end_lease(fd)
        close(fd)


def _keep(seat: Seat, waiting: Waiting) -> Path:
    with Folder.within(seat.root, *seat.folders, make=True) as beside:
        return keep_copy(seat.here, waiting.name, beside, seat.name)


def _is_target(seat: Seat, fd: int) -> bool:
    """Whether this is only a second name of the file that stands in place."""
    status = os.fstat(fd)
    if status.st_nlink < 2:
        return False
    try:
        target = seat.target.lstat()
    except FileNotFoundError:
        return False
    return (target.st_dev, target.st_ino) == (status.st_dev, status.st_ino)
