"""Three versions of a file beside each other, where they differ: what was read, what is there now, what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from rich.cells import cell_len, chop_cells
from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.text import one_line

CONTEXT = 3
SIDE_BY_SIDE = 90
"""From this width (cells) on the versions stand beside each other, below it they stand one above the other."""

_LIMIT = 400
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Piece = tuple[str, bool]
"""Text, and whether it differs from the base."""


@dataclass(frozen=True, slots=True)
class Region:
    """Lines that belong together: `changed` where at least one version differs from the base. `line` is the line in
    the file as it is on disk, from 1."""

    base: list[str]
    disk: list[str]
    edit: list[str]
    changed: bool
    line: int


def regions(base: str, disk: str, edit: str) -> list[list[Region]]:
    """The hunks in which the three texts differ, each a list of regions with a few unchanged lines around."""
    b, d, e = base.splitlines(), disk.splitlines(), edit.splitlines()
    changes = sorted([*_changes(b, d, 0), *_changes(b, e, 1)])
    merged: list[list[int]] = []
    for start, end, _ in changes:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    to_disk, to_edit = _Map(b, d), _Map(b, e)
    hunks: list[list[Region]] = []
    last = 0
    for number, (start, end) in enumerate(merged):
        beyond = merged[number + 1][0] if number + 1 < len(merged) else len(b)
        lead = max(last, start - CONTEXT)
        tail = min(beyond, end + CONTEXT)
        joined = bool(hunks) and lead == last and number > 0
        hunk = hunks[-1] if joined else []
        if not joined:
            hunks.append(hunk)
        hunk += _same(b, to_disk, lead, start)
        disk_at = to_disk.span(start, end)
        hunk.append(
            Region(
                b[start:end], d[slice(*disk_at)], e[slice(*to_edit.span(start, end))], True, disk_at[0] + 1
            )
        )
        hunk += _same(b, to_disk, end, tail)
        last = tail
    return hunks


def _same(base: list[str], to_disk: _Map, start: int, end: int) -> list[Region]:
    if start >= end:
        return []
    lines = base[start:end]
    return [Region(lines, lines, lines, False, to_disk.span(start, end)[0] + 1)]


def _changes(base: list[str], other: list[str], which: int) -> Iterator[tuple[int, int, int]]:
    for tag, start, end, _, _ in SequenceMatcher(None, base, other, autojunk=False).get_opcodes():
        if tag != "equal":
            yield start, end, which


class _Map:
    """From a range of lines of the base, whose ends are unchanged, to the range of another version."""

    def __init__(self, base: list[str], other: list[str]) -> None:
        self._codes = SequenceMatcher(None, base, other, autojunk=False).get_opcodes()
        self._length = len(other)

    def span(self, start: int, end: int) -> tuple[int, int]:
        first: int | None = None
        last = 0
        for tag, i1, i2, j1, j2 in self._codes:
            if tag == "equal":
                low, high = max(start, i1), min(end, i2)
                if low > high:
                    continue
                low, high = j1 + low - i1, j1 + high - i1
            elif start <= i1 and i2 <= end:
                low, high = j1, j2
            else:
                continue
            first = low if first is None else min(first, low)
            last = max(last, high)
        return (first if first is not None else self._length, max(last, first or 0))


class ThreeWay(Static):
    """Draws the hunks beside each other where there is room, one above the other where there is not."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")

    def __init__(self, base: str, disk: str, edit: str) -> None:
        super().__init__()
        self.hunks = regions(base, disk, edit)
        self._drawn = 0

    def on_resize(self, event: events.Resize) -> None:
        width = event.size.width
        if width != self._drawn and width > 10:
            self._drawn = width
            self.update(beside(self.hunks, width) if width >= SIDE_BY_SIDE else stacked(self.hunks, width))


_HEADS = (("base", "what was read"), ("disk", "what is there now"), ("edit", "what this task meant"))
_STYLES = ("$muted", "$warning", "$primary")


def beside(hunks: list[list[Region]], width: int) -> Content:
    """Three columns: base, disk, edit."""
    column = (width - 6) // 3
    lines: list[Content] = [
        _row(
            [[(f"{name}: {what}", False)] for name, what in _HEADS],
            column,
            [f"bold {style}" for style in _STYLES],
        )
    ]
    rule = Content.styled("─" * column, "$edge")
    for hunk in hunks:
        lines.append(Content("   ").join([rule, rule, rule]))
        for region in hunk:
            count = max(len(region.base), len(region.disk), len(region.edit))
            for number in range(count):
                base = _at(region.base, number)
                cells = [
                    _plain(base),
                    _marked(base, _at(region.disk, number)),
                    _marked(base, _at(region.edit, number)),
                ]
                lines += _wrapped(cells, column, region.changed)
    return Content("\n").join(lines)


def _wrapped(cells: list[list[Piece] | None], column: int, changed: bool) -> list[Content]:
    """One line of the file, in as many lines of the screen as its longest version needs."""
    parts = [_chop(cell, column - 2) for cell in cells]
    lines: list[Content] = []
    for number in range(max(1, *(len(part) for part in parts))):
        shown: list[list[Piece]] = []
        for which, part in enumerate(parts):
            sign = "  "
            if changed and part and number == 0:
                sign = "- " if which == 0 else "+ " if _differs(cells[which]) else "  "
            shown.append([(sign, False), *(part[number] if number < len(part) else [])])
        styles = [
            _STYLES[which] if changed and _differs(cells[which]) else "$muted" for which in range(len(cells))
        ]
        lines.append(_row(shown, column, styles))
    return lines


def stacked(hunks: list[list[Region]], width: int) -> Content:
    """The versions of each changed place one above the other, with their names."""
    lines: list[Content] = []
    for hunk in hunks:
        lines.append(Content.styled(f"── line {hunk[0].line} ".ljust(width, "─"), "$edge"))
        for region in hunk:
            if not region.changed:
                lines += [_labelled("", _plain(line), width, "$muted") for line in region.disk]
                continue
            for which, (name, version) in enumerate(
                (("base", region.base), ("disk", region.disk), ("edit", region.edit))
            ):
                style = _STYLES[which]
                if not version:
                    lines.append(_labelled(name, [("(no line)", False)], width, "$faint"))
                for number, line in enumerate(version):
                    cell = _plain(line) if which == 0 else _marked(_at(region.base, number), line)
                    shade = style if which == 0 or _differs(cell) else "$muted"
                    lines.append(_labelled(name, cell, width, shade))
    return Content("\n").join(lines)


def _labelled(name: str, cell: list[Piece] | None, width: int, style: str) -> Content:
    lines = _chop(cell, width - 7) or [[]]
    shown: list[Content] = []
    for number, pieces in enumerate(lines):
        label = (f"{name if number == 0 else '':>4} ", f"bold {style}")
        shown.append(Content.assemble(label, ("│ ", "$edge"), *_styled(pieces, style)))
    return Content("\n").join(shown)


def _row(cells: list[list[Piece]], column: int, styles: list[str]) -> Content:
    parts: list[tuple[str, str]] = []
    for number, (cell, style) in enumerate(zip(cells, styles, strict=True)):
        chopped = _chop(cell, column)
        pieces = chopped[0] if chopped else []
        parts += _styled(pieces, style)
        parts.append((" " * max(0, column - sum(cell_len(text) for text, _ in pieces)), ""))
        if number < len(cells) - 1:
            parts.append((" │ ", "$edge"))
    return Content.assemble(*parts)


def _styled(pieces: list[Piece], style: str) -> list[tuple[str, str]]:
    return [(text, f"{style} bold reverse" if mark else style) for text, mark in pieces]


def _at(lines: list[str], number: int) -> str | None:
    return lines[number] if number < len(lines) else None


def _plain(line: str | None) -> list[Piece] | None:
    return None if line is None else [(one_line(line.expandtabs(4), _LIMIT), False)]


def _marked(base: str | None, line: str | None) -> list[Piece] | None:
    """The words of a line, those marked that its base does not have. A line without a base is marked whole."""
    if line is None:
        return None
    text = one_line(line.expandtabs(4), _LIMIT)
    if base is None:
        return [(text or " ", True)]
    old, new = _WORDS.findall(one_line(base.expandtabs(4), _LIMIT)), _WORDS.findall(text)
    pieces: list[Piece] = []
    for tag, _, _, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if j1 < j2:
            pieces.append(("".join(new[j1:j2]), tag != "equal"))
    return pieces


def _differs(cell: list[Piece] | None) -> bool:
    return any(mark for _, mark in cell or [])


def _chop(cell: list[Piece] | None, width: int) -> list[list[Piece]]:
    """Pieces in lines of at most `width` cells; nothing for a line that is not there."""
    if cell is None:
        return []
    lines: list[list[Piece]] = [[]]
    room = width
    for text, mark in cell:
        while text:
            if cell_len(text) <= room:
                lines[-1].append((text, mark))
                room -= cell_len(text)
                break
            head = chop_cells(text, room)[0] if room > 0 else ""
            if head and cell_len(head) <= room:
                lines[-1].append((head, mark))
                text = text[len(head) :]
            lines.append([])
            room = width
    return lines
