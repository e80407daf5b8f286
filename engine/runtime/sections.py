"""A part of a person's file that belongs to this program: between two marker lines, everything around it untouched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigurationError, UnsupportedFileError
from engine.storage import Snapshot, Store, read_if_exists, safe_path


@dataclass(frozen=True, slots=True)
class Section:
    """Where it is: a file (relative to the project's root, forward slashes), and its first and last line (ASCII)."""

    file: str
    begin: str
    end: str


def put_section(root: Path, section: Section, text: str) -> bool:
    """Make `text` what stands between the markers; at the end of the file, or in a new one, where there is none yet.

    Returns whether anything was written. The write is a swap like every other; ContentChangedError, StorageError,
    UnsupportedFileError (binary), ConfigurationError (a first marker without a last) leave the file as it was.
    """
    return _change(root, section, f"{section.begin}\n{text.strip()}\n{section.end}\n")


def drop_section(root: Path, section: Section) -> bool:
    """Take the section out again, and the blank line before it. Returns whether there was one."""
    return _change(root, section, "")


def _change(root: Path, section: Section, block: str) -> bool:
    store = Store(root)
    path = safe_path(store.root, section.file)
    if read_if_exists(path) is None:
        if block:
            store.create(path, block.encode())
        return bool(block)
    return store.swap(path, lambda snapshot: _with(snapshot, section, block)).changed


def _with(snapshot: Snapshot, section: Section, block: str) -> bytes:
    data = snapshot.data
    if b"\0" in data:
        raise UnsupportedFileError(f"{section.file!r} is binary (it holds NUL bytes).", path=section.file)
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    new = block.encode().replace(b"\n", newline)
    begin, end = (re.escape(marker.encode()) + rb"[ \t]*\r?" for marker in (section.begin, section.end))
    found = re.search(rb"^" + begin + rb"\n(?:.*\n)*?" + end + rb"(?:\n|\Z)", data, re.MULTILINE)
    if found is not None:
        start = found.start() if new else _without_blank_line(data, found.start(), newline)
        return data[:start] + new + data[found.end() :]
    if not new:
        return data
    if re.search(rb"^" + begin + rb"$", data, re.MULTILINE):
        raise ConfigurationError(
            f"{section.file!r} has the line {section.begin!r}, and after it none that says {section.end!r}.",
            hint="Mend or remove that part of the file.",
        )
    gap = b"" if not data else newline if data.endswith(b"\n") else newline * 2
    return data + gap + new


def _without_blank_line(data: bytes, start: int, newline: bytes) -> int:
    before = start - len(newline)
    return before if data[before:start] == newline and data[:before].endswith(b"\n") else start
