"""A log that only grows: one JSON record a line, numbered, with a checksum, shared by threads and processes.

The writer repairs a torn tail before it appends; readers hold back what is torn or damaged. Past `limit`
bytes the file is renamed to `<stem>-<last number>.jsonl` and a new one is begun, both under the lock, so that
nothing is lost.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import StorageError

_TAIL = 65_536
_WAIT = 10.0


class Journal:
    def __init__(self, path: Path, *, limit: int = 10_000_000) -> None:
        self.path = path
        self._limit = limit
        self._lock = path.with_suffix(".lock")

    def append(self, record: Mapping[str, Any]) -> int:
        """Write one record and return its sequence number. StorageError: nothing of it is there."""
        from filelock import FileLock, Timeout  # takes a while to import, and reading needs none

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock, timeout=_WAIT):
                return self._append(record)
        except Timeout as error:
            raise StorageError(f"{self._lock} stays locked.", hint="Is another engine hanging?") from error
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}.", hint="The log is not complete.") from error

    def records(self, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """Every whole record with a higher number than `after`, oldest first, through all files."""
        for path in [*self._older(), self.path]:
            if path != self.path and int(path.stem.rpartition("-")[2]) <= after:
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            for line in data.splitlines():
                record = _whole(line)
                if record is not None and record["seq"] > after:
                    yield record

    def _older(self) -> list[Path]:
        found = self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}")
        return sorted(path for path in found if path.stem.rpartition("-")[2].isdigit())

    def _append(self, record: Mapping[str, Any]) -> int:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            size = _repair(handle)
            number = self._last(handle, size) + 1
            if size > self._limit:
                self.path.rename(self.path.with_stem(f"{self.path.stem}-{number - 1:012d}"))
                os.close(handle)
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
                size = 0
            line = _line({"seq": number, **record})
            try:
                written = 0
                while written < len(line):
                    written += os.write(handle, line[written:])
                getattr(os, "fdatasync", os.fsync)(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
            return number
        finally:
            os.close(handle)

    def _last(self, handle: int, size: int) -> int:
        start = max(0, size - _TAIL)
        os.lseek(handle, start, os.SEEK_SET)
        for line in reversed(os.read(handle, size - start).splitlines()):
            record = _whole(line)
            if record is not None:
                return int(record["seq"])
        if start:
            return max((record["seq"] for record in self.records()), default=0)
        older = self._older()
        return int(older[-1].stem.rpartition("-")[2]) if older else 0


def _repair(handle: int) -> int:
    """Cut what stands behind the last line end; returns the size then."""
    size = os.fstat(handle).st_size
    end = size
    while end:
        start = max(0, end - _TAIL)
        os.lseek(handle, start, os.SEEK_SET)
        at = os.read(handle, end - start).rfind(b"\n")
        if at >= 0:
            end = start + at + 1
            break
        end = start
    if end != size:
        os.ftruncate(handle, end)
    return end


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"sum":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def _whole(line: bytes) -> dict[str, Any] | None:
    text, mark, tail = line.rpartition(b',"sum":"')
    if not mark or tail != b'%08x"}' % zlib.crc32(text + b"}"):
        return None
    record = json.loads(text + b"}")
    return record if isinstance(record, dict) else None
