"""What a task prints, as it prints it: lines that follow their end until they are scrolled, and can be searched."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.text import one_line
from tui.widgets.printed import Printed

_STEP = 4
"""Rows by which the view grows with what is printed, its title with them."""


class OutputView(ScrollView, can_focus=True):
    """Lines of output, colours shown, every other control sequence as symbols. `run` says whose output it is."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"output--match", "output--current"}

    class Found(Message):
        """The number of lines that match, or the one that is shown, is another one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.run = ""
        self.follows = True
        self._printed = Printed()
        self._current: int | None = None
        self._base: Style | None = None
        self._title: list[tuple[str, str]] = []
        self._tall = 0

    def clear(self, run: str = "") -> None:
        """Forgets everything; `run` names whose output comes next."""
        self.run = run
        self._printed.clear()
        self._current = None
        self.follows = True
        self._measure()

    def write(self, text: str) -> None:
        """Adds text as it came, in pieces that end anywhere."""
        matches = len(self._printed.matches)
        forgotten = self._printed.add(text)
        self._measure()
        if forgotten and not self.follows:
            self.scroll_to(y=max(0, self.scroll_offset.y - forgotten), animate=False, force=True)
        if matches != len(self._printed.matches):
            self.post_message(self.Found())

    @property
    def text(self) -> str:
        """The lines kept, without styles."""
        return self._printed.text

    @property
    def is_empty(self) -> bool:
        return self._printed.is_empty

    @property
    def below(self) -> int:
        """How many rows are below the last one on the screen."""
        end = round(self.scroll_offset.y) + self.scrollable_content_region.height
        return max(0, self.virtual_size.height - end)

    # Following

    def follow(self) -> None:
        """Goes to the end, and stays there while more comes."""
        self.follows = True
        self._measure()

    def _measure(self) -> None:
        self._printed.resize(self.scrollable_content_region.width)
        rows = self._printed.rows
        self._take_no_more(rows)
        size = Size(0, rows)
        if size != self.virtual_size:
            # As setting it does, but for the layout of the whole screen, which only a scrollbar asks for.
            self.set_reactive(OutputView.virtual_size, size)
            self._scroll_update(size)
        if self.follows:
            end = max(0, rows - self.scrollable_content_region.height)
            self.scroll_to(y=end, animate=False, force=True)
        self._say_where()
        self.refresh()

    def _take_no_more(self, rows: int) -> None:
        """Leaves room that so many rows do not need to what stands above; in steps, lest each line move everything."""
        tall = min(-(-(rows + 1) // _STEP) * _STEP, max(_STEP, self.app.size.height))
        if tall != self._tall:
            self._tall = tall
            self.styles.max_height = tall

    def _say_where(self) -> None:
        """The line above the output: what it is, what is searched in it, and that it is paused."""
        title: list[tuple[str, str]] = [("output", "")]
        if self.needle:
            shown, found = self.found
            title.append((f" · {one_line(self.needle, 40)} ", "$primary"))
            title.append((f"{shown}/{found}" if found else "nothing found", "$muted"))
        below = self.below
        if below and not self.follows:
            title.append((f" · paused, {below} below · F follows", "$warning"))
        if title != self._title:
            self._title = title
            self.border_title = Content.assemble(*title)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.virtual_size.height - self.scrollable_content_region.height
        if new_value < old_value and not at_end:
            self.follows = False
        elif at_end:
            self.follows = True
        self._say_where()

    def on_resize(self) -> None:
        self._measure()

    # Searching

    @property
    def needle(self) -> str:
        """What is searched; empty if nothing is."""
        return self._printed.needle

    @property
    def found(self) -> tuple[int, int]:
        """Which match is shown, from 1 (0: none), and how many lines match."""
        matches = self._printed.matches
        current = self._current
        shown = matches.index(current) + 1 if current is not None and current in matches else 0
        return shown, len(matches)

    def search(self, needle: str) -> None:
        """Shows the last line that has `needle` in it, whatever its case, and marks all; nothing ends the search."""
        self._printed.search(needle)
        self._current = None
        if self._printed.matches:
            self._show(self._printed.matches[-1])
        self._say_where()
        self.refresh()
        self.post_message(self.Found())

    def find(self, direction: int) -> None:
        """Shows the next match below (1) or above (-1) the one that is shown, round and round."""
        matches = self._printed.matches
        if not matches:
            return
        current = self._current
        if current is None:
            self._show(matches[-1 if direction < 0 else 0])
        elif direction > 0:
            self._show(next((number for number in matches if number > current), matches[0]))
        else:
            self._show(next((number for number in reversed(matches) if number < current), matches[-1]))
        self.post_message(self.Found())

    def _show(self, number: int) -> None:
        self._current = number
        row, height = self._printed.row_of(number), self.scrollable_content_region.height
        top = round(self.scroll_offset.y)
        if not top <= row < top + height:
            self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)
        self.follows = False
        self._say_where()
        self.refresh()

    # Drawing

    def notify_style_update(self) -> None:
        self._base = None
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        style = self._base = self._base or self.rich_style
        row = self._printed.row(y + int(self.scroll_offset.y))
        if row is None:
            return Strip.blank(width, style)
        text, number = row
        needle = self._printed.needle
        if needle:
            kind = "output--current" if number == self._current else "output--match"
            shade = self.get_component_rich_style(kind, partial=True)
            for start in _places(text.plain.casefold(), needle):
                text.stylize(shade, start, start + len(needle))
        segments = Segment.apply_style(text.render(self.app.console), style)
        return Strip(segments).adjust_cell_length(width, style)


def _places(text: str, needle: str) -> list[int]:
    found: list[int] = []
    at = text.find(needle)
    while at >= 0:
        found.append(at)
        at = text.find(needle, at + len(needle))
    return found
