"""Edits as pure functions: a text in, a text out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import AnchorError
from engine.loom.anchors import Place, find, find_one, nearest, readings
from engine.loom.edits import Append, Edit, Insert, ReplaceBlock, ReplaceLine
from engine.loom.lines import Lines, as_lines, indented, loosely


@dataclass(frozen=True, slots=True)
class Applied:
    """The text after an edit. Not `changed`: it stood there already. `line`: where the edit is, from 1."""

    text: str
    changed: bool
    line: int


def apply(edit: Edit, text: str, path: str = "") -> Applied:
    """Makes one edit. Line endings, byte-order mark and final newline stay as they are.

    `path` is only for messages. Raises AnchorError with the fields `lines` and `candidates`.
    """
    lines = Lines.of(text)
    if isinstance(edit, Insert):
        start, end, new = _insert(edit, lines, path)
    elif isinstance(edit, ReplaceBlock):
        start, end, new = _block(edit, lines, path)
    elif isinstance(edit, Append):
        start, end, new = _append(edit, lines)
    else:
        start, end, new = _line(edit, lines, path)
    if lines.contents[start:end] == new:
        return Applied(text, False, start + 1)
    return Applied(lines.splice(start, end, new), True, start + 1)


def apply_all(edits: Iterable[Edit], text: str, path: str = "") -> Applied:
    """Makes edits one after the other, each on the result of those before it; all or none. `line` is the first's."""
    before, first = text, 0
    for edit in edits:
        applied = apply(edit, text, path)
        if applied.changed and not first:
            first = applied.line
        text = applied.text
    return Applied(text, text != before, first or 1)


def _insert(edit: Insert, lines: Lines, path: str) -> tuple[int, int, list[str]]:
    """The lines to replace and by what. When the text stands there already, it is replaced by itself."""
    for places in readings(lines, edit.anchor):
        for place in places:
            new = _fitting(edit.text, lines, place.first, edit.indent)
            start = place.last + 1 if edit.where == "after" else place.first - len(new)
            end = start + len(new)
            if start >= 0 and lines.contents[start:end] == new and _is_alone(place, places, start, end):
                return start, end, new
    place = find_one(lines, edit.anchor, path)
    at = place.last + 1 if edit.where == "after" else place.first
    return at, at, _fitting(edit.text, lines, place.first, edit.indent)


def _block(edit: ReplaceBlock, lines: Lines, path: str) -> tuple[int, int, list[str]]:
    for starts in readings(lines, edit.start):
        for place in starts:
            new = _fitting(edit.text, lines, place.first, edit.indent)
            first = place.last + 1
            last = first + len(new)
            if lines.contents[first:last] == new and _is_alone(place, starts, first, last):
                for ends in readings(lines, edit.end, after=place.last):
                    if any(end.first == last and _is_alone(end, ends, first, last) for end in ends):
                        return first, last, new
    start = find_one(lines, edit.start, path)
    end = find_one(lines, edit.end, path, after=start.last)
    return start.last + 1, end.first, _fitting(edit.text, lines, start.first, edit.indent)


def _is_alone(place: Place, places: list[Place], start: int, end: int) -> bool:
    """Whether all other places are in these lines: a text that holds its own anchor is one more place of it, and a
    stricter one maybe, once it is there.
    """
    return len(places) <= 1 + end - start and all(
        other == place or (start <= other.first and other.last < end) for other in places
    )


def _append(edit: Append, lines: Lines) -> tuple[int, int, list[str]]:
    new = as_lines(edit.text)
    size = len(lines.contents)
    start = size - len(new)
    if start >= 0 and lines.contents[start:] == new:
        return start, size, new
    return size, size, new


def _line(edit: ReplaceLine, lines: Lines, path: str) -> tuple[int, int, list[str]]:
    at = edit.line - 1
    there = lines.contents[at] if 0 <= at < len(lines.contents) else None
    new = _fitting(edit.text, lines, at, edit.indent) if there is not None else []
    if new and lines.contents[at : at + len(new)] == new:
        return at, at + len(new), new
    if there is None or not _is_expected(edit.expect, there):
        raise _not_expected(edit, lines, there, path)
    return at, at + 1, new


def _is_expected(expect: str, line: str) -> bool:
    if loosely(line) == loosely(expect):
        return True
    return expect == expect.lstrip() and loosely(line).strip() == loosely(expect)


def _not_expected(edit: ReplaceLine, lines: Lines, there: str | None, path: str) -> AnchorError:
    where = f"Line {edit.line}" + (f" of {path}" if path else "")
    places = find(lines, edit.expect) if edit.expect.strip() else []
    candidates = (
        [{"line": place.first + 1, "text": lines.contents[place.first][:160]} for place in places]
        if places
        else nearest(lines, edit.expect)
    )
    hint = "Read the file again."
    if candidates:
        hint = "It stands in line " + ", ".join(str(one["line"]) for one in candidates[:5]) + "."
        hint = hint if places else hint.replace("It stands", "Something like it stands")
    what = f"is {there[:160]!r}, not {edit.expect!r}" if there is not None else "does not exist"
    return AnchorError(
        f"{where} {what}.",
        hint=hint,
        path=path,
        anchor=edit.expect,
        lines=[place.first + 1 for place in places],
        candidates=candidates,
    )


def _fitting(text: str, lines: Lines, at: int, indent: bool) -> list[str]:
    new = as_lines(text)
    return indented(new, lines.contents[at]) if indent else new
