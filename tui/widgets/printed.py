"""The lines that a task printed: a bounded number of them, how they wrap in a given width, and where a word is found.

Nothing here draws. A script may print faster than anybody reads, so whatever is done for each line is cheap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.text import Text

from tui.text import colours_after, last_drawn, output_line, plain_line

LIMIT = 5_000
"""Lines kept. The whole output stays in its file under `.flow/logs/output/`."""

PIECE = 2_000
"""A longer line is cut: a screen has no use for it, and drawing it would hold up the keys."""

CUT = " … cut here: all that is kept is in its file"
"""Stands at the end of a line that is cut."""


class Printed:
    """Lines as they came, each with the colours that hold where it begins. The last one may be unfinished.

    Lines are numbered from 0 on as they came; the first ones are forgotten. `width` is in cells.
    """

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.needle = ""
        self.matches: deque[int] = deque()
        self._lines: deque[tuple[str, str]] = deque(maxlen=LIMIT)
        self._heights: deque[int] = deque(maxlen=LIMIT)
        self._first = 0
        self._partial = ""
        self._active = ""
        self._ends: list[int] | None = None

    def clear(self) -> None:
        """Forgets everything but what is searched."""
        self._lines.clear()
        self._heights.clear()
        self.matches.clear()
        self._first = 0
        self._partial = self._active = ""
        self._ends = None

    @property
    def is_empty(self) -> bool:
        return not self._lines and not self._partial

    @property
    def text(self) -> str:
        """The lines kept, without styles."""
        return "\n".join(plain_line(line) for _, line in self._all())

    def add(self, text: str) -> int:
        """Takes in text as it came, in pieces that end anywhere. Returns how many rows were forgotten at the top."""
        *whole, partial = (self._partial + text).split("\n")
        if len(partial) > 2 * PIECE:
            partial = partial[partial.rfind("\r", 0, -1) + 1 :][: PIECE + 1]
        self._partial = partial
        skipped = max(0, len(whole) - LIMIT)
        lines = [_shortened(line) for line in whole[skipped:]]
        lost = max(0, len(self._lines) + len(lines) - LIMIT)
        forgotten = (
            sum(self._heights[number] for number in range(lost)) if lost < LIMIT else sum(self._heights)
        )
        last = self._first + len(self._lines)
        if self.matches and self.matches[-1] == last:
            self.matches.pop()  # it was not finished, and is looked through again
        before = last + skipped
        if not self._active and "\x1b" not in text:
            self._lines.extend(("", line) for line in lines)
        else:
            for line in lines:
                self._lines.append((self._active, line))
                self._active = colours_after(self._active, line)
        self._heights.extend(map(self._height, lines))
        self._first += lost + skipped
        self._ends = None
        if self.needle:
            self._search(enumerate([*lines, *self._unfinished()], before))
            while self.matches and self.matches[0] < self._first:
                self.matches.popleft()
        return forgotten

    # Rows

    def resize(self, width: int) -> None:
        """Wraps everything anew for another width."""
        if width > 0 and width != self.width:
            self.width = width
            self._heights = deque((self._height(line) for _, line in self._lines), maxlen=LIMIT)
            self._ends = None

    @property
    def rows(self) -> int:
        """How many rows all lines take."""
        return (self._index()[-1] if self._heights else 0) + sum(map(self._height, self._unfinished()))

    def row_of(self, number: int) -> int:
        """The first row of the line of this number."""
        at = number - self._first
        return self._index()[at - 1] if at > 0 else 0

    def row(self, y: int) -> tuple[Text, int] | None:
        """What row `y` shows, and the number of its line; None behind the last row."""
        ends = self._index()
        at = bisect_right(ends, y)
        if at < len(ends):
            active, line = self._lines[at]
        elif self._partial:
            active, line = self._active, _shortened(self._partial)
        else:
            return None
        part = y - (ends[at - 1] if at else 0)
        text = output_line(line, active)
        pieces = text.divide(_breaks(text.plain, self.width))
        return (pieces[part], self._first + at) if part < len(pieces) else None

    def _index(self) -> list[int]:
        """For each line, the row behind its last one."""
        if self._ends is None:
            self._ends = list(accumulate(self._heights))
        return self._ends

    def _height(self, line: str) -> int:
        if line.isascii() and line.isprintable():
            return max(1, -(-len(line) // self.width))
        return len(_breaks(plain_line(line), self.width)) + 1

    # Searching

    def search(self, needle: str) -> None:
        """Finds the lines that have `needle` in them, and keeps on finding it in those that come."""
        self.needle = needle.casefold()
        self.matches.clear()
        if self.needle:
            self._search(enumerate((line for _, line in self._all()), self._first))

    def _search(self, lines: Iterable[tuple[int, str]]) -> None:
        needle = self.needle
        self.matches.extend(number for number, line in lines if needle in plain_line(line).casefold())

    def _all(self) -> list[tuple[str, str]]:
        return [*self._lines, *((self._active, line) for line in self._unfinished())]

    def _unfinished(self) -> list[str]:
        """The last line, if it has no line break yet."""
        return [_shortened(self._partial)] if self._partial else []


def _shortened(line: str) -> str:
    """What is kept of a line; at the end of one that is too long stands that it is cut."""
    if len(line) > PIECE:
        line = last_drawn(line)
    return line if len(line) <= PIECE else line[:PIECE] + CUT


def _breaks(plain: str, width: int) -> list[int]:
    """Where a line is divided so that no piece is wider than `width` cells."""
    if cell_len(plain) == len(plain):
        return list(range(width, len(plain), width))
    ends = list(accumulate(len(piece) for piece in chop_cells(plain, width)))
    return ends[:-1]
