"""The four edits, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Insert:
    """New lines before or after the lines that hold the anchor.

    With `indent`, text that starts unindented gets the indentation of the anchor's line.
    """

    anchor: str
    text: str
    where: Literal["after", "before"] = "after"
    indent: bool = True


@dataclass(frozen=True, slots=True)
class ReplaceBlock:
    """Other lines between the line with `start` and the line with `end`, which both stay."""

    start: str
    end: str
    text: str
    indent: bool = True


@dataclass(frozen=True, slots=True)
class Append:
    """New lines at the end of the file."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplaceLine:
    """Other text in place of line number `line` (from 1), which must be `expect`. Empty text removes the line."""

    line: int
    expect: str
    text: str
    indent: bool = True


Edit = Insert | ReplaceBlock | Append | ReplaceLine


@dataclass(frozen=True, slots=True)
class FileEdit:
    """An edit of a file. `path` is relative to the project; `base` the revision that the edit was made for."""

    path: str
    edit: Edit
    base: str | None = None
