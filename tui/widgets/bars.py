"""What ran when and for how long, one attempt a line, with a bar as long as it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from engine import Attempt
from tui import marks
from tui.history import began, is_taken_back, looks, seconds_of
from tui.text import one_line
from tui.themes import on_selection

_EIGHTHS = " ▏▎▍▌▋▊▉"
# What stands where the time would, in the room that there is.
_ENDS = {"retried": "tried again", "vanished": "vanished", "waited": "waited", "nothing": "task gone"}
_BY_HAND = {"waits for a person": "waits"}


@dataclass(frozen=True, slots=True)
class _Day:
    """A line between two days."""

    text: str


class Bars(ScrollView, can_focus=True):
    """Lines of attempts with a selection, the latest at the end. Posts `Picked` when another one is selected."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"bars--selected"}

    class Picked(Message):
        """Another line is selected."""

    class Opened(Message):
        """The selected line was clicked again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Attempt | _Day] = []
        self._selected = -1
        self._longest = 0.0

    @property
    def attempt(self) -> Attempt | None:
        """The selected one."""
        line = self._lines[self._selected] if 0 <= self._selected < len(self._lines) else None
        return line if isinstance(line, Attempt) else None

    def show(self, attempts: Sequence[Attempt]) -> None:
        """Shows these. The selection stays with its attempt; on the last line it stays on the last one."""
        before, was_last = self.attempt, self._selected == len(self._lines) - 1
        now = datetime.now().astimezone()
        self._lines = []
        day = now.date()
        for attempt in attempts:
            start = began(attempt)
            if start is not None and start.date() != day:
                day = start.date()
                self._lines.append(_Day(f"{start:%A %d %B %Y}"))
            self._lines.append(attempt)
        self._longest = max((seconds_of(attempt, now) or 0.0 for attempt in attempts), default=0.0)
        self.virtual_size = Size(0, len(self._lines))
        if was_last or before is None:
            self._select(len(self._lines) - 1)
        else:
            numbers = [line.number if isinstance(line, Attempt) else -1 for line in self._lines]
            at = before.number
            self._select(numbers.index(at) if at in numbers else len(self._lines) - 1)
        self.refresh()

    def move(self, by: int) -> None:
        """Moves the selection by so many lines."""
        step = 1 if by > 0 else -1
        at = max(0, min(len(self._lines) - 1, self._selected + by))
        while 0 <= at < len(self._lines) and isinstance(self._lines[at], _Day):
            at += step
        if 0 <= at < len(self._lines):
            self._select(at)

    def pick(self, number: int) -> None:
        """Selects the attempt of this number."""
        for at, line in enumerate(self._lines):
            if isinstance(line, Attempt) and line.number == number:
                self._select(at)

    def _select(self, at: int) -> None:
        self._selected = at
        top, height = round(self.scroll_offset.y), self.scrollable_content_region.height
        if height > 0 and not top <= at < top + height:
            self.scroll_to(y=max(0, at if at < top else at - height + 1), animate=False, force=True)
        self.refresh()
        self.post_message(self.Picked())

    def on_resize(self) -> None:
        self._select(self._selected)

    def on_click(self, event: events.Click) -> None:
        at = event.y + round(self.scroll_offset.y)
        if 0 <= at < len(self._lines) and isinstance(self._lines[at], Attempt):
            again = at == self._selected
            self._select(at)
            if again and event.chain > 1:
                self.post_message(self.Opened())

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        at = y + round(self.scroll_offset.y)
        if at >= len(self._lines) or width < 10:
            return Strip.blank(width, self.rich_style)
        line = self._lines[at]
        if isinstance(line, _Day):
            content = Content.styled(f" {line.text}", "bold $muted")
        else:
            content = self._drawn(line, width)
        strip = Visual.to_strips(self, content, width, 1, self.visual_style, pad=True)[0]
        strip = strip.adjust_cell_length(width, self.rich_style)
        if at != self._selected:
            return strip
        ground = self.get_component_rich_style("bars--selected")
        return Strip(
            [
                Segment(text, self._on_selection(text, style or Style.null(), ground))
                for text, style, _ in strip
            ],
            width,
        )

    def _on_selection(self, text: str, style: Style, ground: Style) -> Style:
        """The style of a piece on the selected line; a bar keeps its colour."""
        plain = Style(color=style.color, bold=style.bold)
        is_bar = bool(text.strip()) and not text.strip("█" + _EIGHTHS)
        return Style(bgcolor=ground.bgcolor) + (plain if is_bar else on_selection(plain, ground))

    def _drawn(self, attempt: Attempt, width: int) -> Content:
        start = began(attempt)
        glyph, status, word = looks(attempt)
        seconds = seconds_of(attempt, datetime.now().astimezone())
        if is_taken_back(attempt):
            took = "taken back"
        elif seconds is not None:
            took = marks.took(seconds)
        else:
            took = _ENDS.get(attempt.outcome, word) if attempt.run else _BY_HAND.get(word, "by hand")
        cells = max(0, min(40, (width - 34) * 2 // 5))
        room = max(6, width - 12 - cells - 13)
        name = one_line(attempt.name, 300)
        if attempt.attempt > 1:
            name = f"{name} #{attempt.attempt}"
        if cell_len(name) > room:
            name = set_cell_size(name, room - 1) + "…"
        bar = _bar(seconds or 0.0, self._longest, cells)
        return Content.assemble(
            (f" {start:%H:%M:%S} " if start is not None else " " * 10, "$muted"),
            (f"{glyph} ", f"bold $status-{status}"),
            (name, "$muted" if is_taken_back(attempt) else "$foreground"),
            " " * (room - cell_len(name) + 1),
            (bar, f"$status-{status}"),
            (f"{took:>12}", "$muted"),
        )


def _bar(seconds: float, longest: float, cells: int) -> str:
    """As many cells, in eighths, as its share of the longest; what took any time at all has one eighth."""
    if longest <= 0 or seconds <= 0:
        return " " * cells
    eighths = max(1, round(seconds / longest * cells * 8))
    full, rest = divmod(min(eighths, cells * 8), 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)
