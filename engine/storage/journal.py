"""A log that only grows: one JSON record a line, numbered, with a checksum, shared by threads and processes.

The writer repairs a torn tail before it appends; readers hold back what is torn or damaged. Past `limit`
bytes the file is renamed to `<stem>-<last number>.jsonl` and a new one is begun, both under the lock, so that
nothing is lost. A reader that comes back for more reads only what is new, and one that wants the latest records
reads from the end.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from engine.errors import FlowError, SecurityError, StorageError
from engine.storage.disk import misplaced
from engine.storage.folder import Folder
from engine.storage.locks import hold

_WRITING = os.O_RDWR | os.O_CREAT | os.O_APPEND
_TAIL = 65_536
_WAIT = 10.0


class _Place(NamedTuple):
    """Where a reader goes on that has seen all up to `number`: in which file (its inode), and how far into it."""

    file: int
    offset: int
    number: int


class Journal:
    """The log at `path`. Threads may share it."""

    def __init__(self, path: Path, *, limit: int = 10_000_000) -> None:
        self.path = path
        self._limit = limit
        self._place: _Place | None = None

    def append(self, record: Mapping[str, Any], *, durable: bool = True) -> int:
        """Write one record and return its sequence number. StorageError: nothing of it is there.

        A loss of power may take along the last records that were not `durable`.
        """
        try:
            with self._folder(make=True) as folder, hold(self.path.with_suffix(".lock"), _WAIT):
                return self._append(folder, record, durable)
        except FlowError as error:
            raise StorageError(f"The log is not complete: {error.message}", hint=error.hint) from error
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}.", hint="The log is not complete.") from error

    def records(self, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """Every whole record with a higher number than `after`, oldest first, through all files.

        Whoever asks for what is behind the last record that was read costs no more than what is new. StorageError
        when a file cannot be read.
        """
        with ExitStack() as files:
            # Opened before the older ones are looked for, so that a rotation in between hides nothing.
            current = self._open(self.path, files)
            place, offset, number = self._place, 0, 0
            status = os.fstat(current.fileno()) if current is not None else None
            if (
                place is not None
                and status is not None
                and (status.st_ino, after >= place.number, status.st_size >= place.offset)
                == (place.file, True, True)
            ):
                offset, number = place.offset, place.number
            else:
                for path in self._older():
                    if _last_of(path) > after and (older := self._open(path, files)) is not None:
                        for record, _ in self._whole_lines(older):
                            if record["seq"] > max(after, number):
                                number = record["seq"]
                                yield record
            if current is None or status is None:
                return
            current.seek(offset)
            for record, length in self._whole_lines(current):
                offset += length
                if record["seq"] > number:
                    number = record["seq"]
                    if number > after:
                        yield record
            self._place = _Place(status.st_ino, offset, number)

    def latest(self) -> Iterator[dict[str, Any]]:
        """Every whole record, newest first; what is not asked for is not read. StorageError as for `records`."""
        with ExitStack() as files:
            current = self._open(self.path, files)
            number: int | None = None
            for path in [self.path, *reversed(self._older())]:
                file = current if path == self.path else self._open(path, files)
                for line in _backwards(file) if file is not None else ():
                    record = _whole(line)
                    if record is not None and (number is None or record["seq"] < number):
                        number = record["seq"]
                        yield record

    def _open(self, path: Path, files: ExitStack) -> BinaryIO | None:
        """One of the files, closed with `files`; None when there is none."""
        try:
            with self._folder() as folder:
                descriptor = folder.open(path.name)
        except FileNotFoundError:
            return None
        except SecurityError as error:
            raise StorageError(f"The log cannot be shown: {error.message}", hint=error.hint) from error
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}.", hint="The log cannot be shown.") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StorageError(
                f"{path} is no regular file.", hint="Move it away: the engine makes a new log."
            )
        return files.enter_context(os.fdopen(descriptor, "rb"))

    def _whole_lines(self, file: BinaryIO) -> Iterator[tuple[dict[str, Any], int]]:
        """The records from here on, each with its length; a damaged line is an empty record, a torn tail none."""
        for line in file:
            if line.endswith(b"\n"):
                yield _whole(line.rstrip(b"\r\n")) or {"seq": 0}, len(line)

    def _older(self) -> list[Path]:
        found = self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}")
        return sorted(path for path in found if path.stem.rpartition("-")[2].isdecimal())

    def _folder(self, *, make: bool = False) -> Folder:
        """The open folder of the log. Links are not followed: they may have come with a clone, and lead anywhere."""
        folder = self.path.parent
        return Folder.within(folder.parent, folder.name, make=make)

    def _append(self, folder: Folder, record: Mapping[str, Any], durable: bool) -> int:
        handle = folder.open(self.path.name, _WRITING)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise misplaced(self.path, os.fstat(handle))
            size, last = _repair(handle)
            number = (last if last is not None else self._last(size)) + 1
            if size > self._limit:
                older = self.path.with_stem(f"{self.path.stem}-{number - 1:012d}")
                folder.replace(self.path.name, folder, older.name)
                os.close(handle)
                handle = folder.open(self.path.name, _WRITING)
                size = 0
            line = _line({"seq": number, **record})
            try:
                written = 0
                while written < len(line):
                    written += os.write(handle, line[written:])
                if durable:
                    getattr(os, "fdatasync", os.fsync)(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
            return number
        finally:
            os.close(handle)

    def _last(self, size: int) -> int:
        """The number of the last record, where the last line of the current file, of this size, is none."""
        if size:
            return max((record["seq"] for record in self.records()), default=0)
        older = self._older()
        return _last_of(older[-1]) if older else 0


def _last_of(path: Path) -> int:
    """The number of the last record of a file that was rotated away, by its name."""
    return int(path.stem.rpartition("-")[2])


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, the last one first; what stands behind the last line end is left out."""
    end, rest, is_tail = file.seek(0, os.SEEK_END), b"", True
    while end:
        start = max(0, end - _TAIL)
        file.seek(start)
        lines = (file.read(end - start) + rest).split(b"\n")
        if is_tail:
            lines.pop()
            is_tail = False
        rest = lines.pop(0) if start and lines else b""
        yield from reversed(lines)
        end = start


def _repair(handle: int) -> tuple[int, int | None]:
    """Cuts what stands behind the last line end. Returns the size then, and the number of the record in the last line,
    if that is a whole one."""
    size = end = os.fstat(handle).st_size
    tail = b""
    while end:
        start = max(0, end - _TAIL)
        os.lseek(handle, start, os.SEEK_SET)
        tail = os.read(handle, end - start)
        at = tail.rfind(b"\n")
        tail = tail[: at + 1]
        if at >= 0:
            end = start + at + 1
            break
        end = start
    if end != size:
        os.ftruncate(handle, end)
    record = _whole(tail[tail.rfind(b"\n", 0, -1) + 1 : -1])
    return end, record["seq"] if record is not None else None


def _line(record: Mapping[str, Any]) -> bytes:
    try:
        data = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # what somebody typed was not UTF-8: its bytes become escapes
        data = json.dumps(record, separators=(",", ":")).encode()
    return b'%s,"sum":"%08x"}\n' % (data[:-1], zlib.crc32(data))


def _whole(line: bytes) -> dict[str, Any] | None:
    text, mark, tail = line.rpartition(b',"sum":"')
    if not mark or tail != b'%08x"}' % zlib.crc32(text + b"}"):
        return None
    try:
        record = json.loads(text + b"}")
    except (ValueError, RecursionError):  # no engine wrote that: numbers without end, or nested too deep
        return None
    return record if isinstance(record, dict) and isinstance(record.get("seq"), int) else None
