"""What is left in `swap/`, settled by hash: by the next swap of a file, and for all files by the next start.

Every step leaves a state that the same rules settle again, so being killed in here is harmless.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from engine.storage import platform
from engine.storage.copies import keep_copy
from engine.storage.disk import close, read_all, revision_of
from engine.storage.folder import Folder
from engine.storage.seat import RECORD, Seat, Waiting, is_key, is_orphan

_MOMENT = 250_000_000
"""Nanoseconds that a program may be held up between finding a file by its name and opening it."""


class Kept(NamedTuple):
    """Another program's bytes were found and kept: those meant for `path` are in `copy` now."""

    path: Path
    copy: Path


def clear(swap: Folder) -> list[str]:
    """Removes what dead processes left unfinished: of the engine's own files (a living one is still at work), and the
    folders of targets whose record was never finished, in which nothing can wait yet.

    Returns the folders in which something waits.
    """
    waiting: list[str] = []
    for name in swap.names():
        if is_orphan(name):
            swap.discard(name)
        elif is_key(name):
            with Folder.within(swap.path, name) as seat:
                names = seat.names()
                if RECORD in names:
                    waiting += [name] if names != [RECORD] else []
                    continue
                for part in names:
                    seat.unlink(part)
            os.rmdir(swap.at(name), dir_fd=swap.fd)
    return waiting


def settle_seat(seat: Seat, *, spare_the_new: bool = False) -> list[Kept]:
    """Settles what waits for one target. Raises plain OSError.

    `spare_the_new`: leaves what was displaced a moment ago. A program may have found the file by its name just before
    and open it only now; what it writes then must not go with a file that was looked at too soon.
    """
    now = time.time_ns()
    spared = (now - _MOMENT, now) if spare_the_new else None
    kept = _settle_here(seat, spared)
    if seat.waits_beside:
        try:
            near = Folder.within(seat.root, *seat.folders)
        except FileNotFoundError:
            return kept
        with near:
            seat.wait_beside(near)
            kept += _settle_here(seat, spared)
    return kept


def _settle_here(seat: Seat, spared: tuple[int, int] | None) -> list[Kept]:
    kept: list[Kept] = []
    for waiting in seat.waiting(spared):
        if waiting.kind == ".part":
            seat.here.unlink(waiting.name)
            continue
        copy = _settle_one(seat, waiting)
        if copy is not None:
            kept.append(Kept(seat.target, copy))
    return kept


def _settle_one(seat: Seat, waiting: Waiting) -> Path | None:
    """Equals the new revision: the swap did not happen. Equals the base: it did. Neither: someone else's
    bytes.
    """
    here = seat.here
    try:
        fd = here.open(waiting.name)
    except FileNotFoundError:
        return None
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
        with Folder.within(seat.root, *seat.folders, make=True) as beside:
            return keep_copy(here, waiting.name, beside, seat.name)
    finally:
        if leased:
            platform.system.end_lease(fd)
        close(fd)


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
