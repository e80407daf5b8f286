"""What a task prints, as it prints it: a bounded number of lines that follow their end until they are scrolled."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.text import colours_after, output_line

LIMIT = 5_000
"""Lines kept. The whole output stays in its file under `.flow/logs/output/`."""

_PENDING = 500_000
"""Characters that wait to be drawn; a script that prints faster than a screen can show loses the older ones."""

_DELAY = 0.04
"""Seconds between two drawings of new output."""

_PIECE = 2_000
"""A longer line is cut: a screen has no use for it, and drawing it would hold up the keys."""


class OutputView(ScrollView, can_focus=True):
    """Lines of output, colours shown, every other control sequence as symbols. `run` says whose output it is."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.run = ""
        self._lines: deque[tuple[str, str]] = deque(maxlen=LIMIT)
        self._partial = ""
        self._active = ""
        self._following = True
        self._pending: deque[str] = deque()
        self._pending_size = 0
        self._waits = False

    def clear(self, run: str = "") -> None:
        """Forgets everything; `run` names whose output comes next."""
        self.run = run
        self._lines.clear()
        self._partial = ""
        self._active = ""
        self._following = True
        self._pending.clear()
        self._pending_size = 0
        self._measure()

    def write(self, text: str) -> None:
        """Adds text as it came, in pieces that end anywhere. It is drawn a moment later, much of it at once."""
        self._pending.append(text)
        self._pending_size += len(text)
        while self._pending_size > _PENDING and len(self._pending) > 1:
            self._pending_size -= len(self._pending.popleft())
        if not self._waits:
            self._waits = True
            self.set_timer(_DELAY, self.flush)

    def flush(self) -> None:
        """Draws what was written."""
        self._waits = False
        text = "".join(self._pending)[-_PENDING:]
        self._pending.clear()
        self._pending_size = 0
        if text:
            self._add(text)

    def _add(self, text: str) -> None:
        *whole, self._partial = (self._partial + text).split("\n")
        if len(self._partial) > 2 * _PIECE:
            self._partial = self._partial[-_PIECE:]
        whole = whole[-LIMIT:]
        if not self._active and "\x1b" not in text:
            self._lines.extend(("", line[:_PIECE]) for line in whole)
        else:
            for line in whole:
                self._lines.append((self._active, line[:_PIECE]))
                self._active = colours_after(self._active, line[:_PIECE])
        self._measure()

    @property
    def text(self) -> str:
        """The lines kept, without styles."""
        self.flush()
        whole = [output_line(line).plain for _, line in self._lines]
        return "\n".join([*whole, output_line(self._partial).plain] if self._partial else whole)

    @property
    def is_empty(self) -> bool:
        return not self._lines and not self._partial and not self._pending

    def _measure(self) -> None:
        count = len(self._lines) + bool(self._partial)
        self.virtual_size = Size(0, count)
        if self._following:
            self.scroll_to(y=max(0, count - self.scrollable_content_region.height), animate=False, force=True)
        self.border_subtitle = "" if self._following else "paused · G follows"
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.virtual_size.height - self.scrollable_content_region.height
        if new_value < old_value and not at_end:
            self._following = False
            self.border_subtitle = "paused · G follows"
        elif at_end and not self._following:
            self._following = True
            self.border_subtitle = ""

    def on_resize(self) -> None:
        self._measure()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + int(self.scroll_offset.y)
        style = self.rich_style
        if index < len(self._lines):
            active, line = self._lines[index]
        elif index == len(self._lines) and self._partial:
            active, line = self._active, self._partial[:_PIECE]
        else:
            return Strip.blank(width, style)
        segments = output_line(line, active).render(self.app.console)
        return Strip(Segment.apply_style(segments, style)).adjust_cell_length(width, style)
