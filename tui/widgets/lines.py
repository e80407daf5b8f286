"""The lines around the main screen: where you are, what is going on, what you can press."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from engine import Progress
from tui import marks
from tui.text import one_line

_ASIDE = 14
"""Cells that a message beside the state has at least."""
_WHOLE = ("$warning", "$error", "$status-active", "$status-failed")
"""What is said in these is said to its end, which is where it tells what to do."""
_LEAST = 6
"""Cells below which nothing that is cut says anything."""
_NAME = 12
"""Cells that the name in the state has before what stands at the right for long."""
_MORE = 2
"""Lines of its own that such a message may take."""
_FIRST, _BESIDE = 8, 2
"""Cells that the words of the first key have at least, and the keys behind it that have their place before the rest
of those words."""

_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")


class Breadcrumb(Widget):
    """The flows from the root down to the one on the screen, and the progress of the whole plan at the right."""

    DEFAULT_CSS = _CSS

    class Pressed(Message):
        """A name was clicked; `level` counts from 0, the whole plan."""

        def __init__(self, level: int) -> None:
            super().__init__()
            self.level = level

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: list[str] = []
        self._places: list[tuple[int, int, int]] = []
        self._progress: Progress | None = Progress()

    def show(self, names: Sequence[str], progress: Progress | None) -> None:
        """`progress` is None while it is still being counted."""
        shown = [one_line(name, 200) for name in names]
        if (shown, progress) != (self._names, self._progress):
            self._names, self._progress = shown, progress
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        cells = 10 if width >= 60 else 5
        full, failed, empty = marks.bar(self._progress or Progress(), cells)
        count = f"  {marks.share(self._progress)} " if self._progress is not None else "  counting … "
        right = [
            (marks.FULL * full, "$status-done"),
            (marks.BROKEN * failed, "$status-failed"),
            (marks.EMPTY * empty, "$faint"),
            (count, "$muted"),
        ]
        space = width - cells - len(count) - 3
        names = _abridged(self._names, space)
        parts: list[tuple[str, str]] = [(" ", "")]
        self._places = []
        left = space
        for level, name in names:
            last = level == len(self._names) - 1
            text = name if cell_len(name) <= left else set_cell_size(name, max(0, left - 1)) + "…"
            parts.append((text, "bold $foreground" if last else "$muted"))
            start = 1 + space - left
            self._places.append((start, start + cell_len(text), level))
            left -= cell_len(text)
            if not last:
                parts.append((" › ", "$faint"))
                left -= 3
            if left <= 0:
                break
        used = sum(cell_len(text) for text, _ in parts)
        gap = max(1, width - used - cells - len(count))
        return Content.assemble(*parts, " " * gap, *right)

    def on_click(self, event: events.Click) -> None:
        for start, end, level in self._places:
            if start <= event.x < end and level < len(self._names) - 1:
                self.post_message(self.Pressed(level))


def _abridged(names: Sequence[str], space: int) -> list[tuple[int, str]]:
    """The names with their levels; where there is no room for all, the outermost and as many of the last as fit."""
    every = list(enumerate(names))
    shown = every
    for hidden in range(1, len(every) - 1):
        if cell_len(" › ".join(name for _, name in shown)) <= space:
            break
        shown = [every[0], (hidden, "…"), *every[hidden + 1 :]]
    return shown


def _fitted(before: str, name: str, after: str, room: int) -> str:
    """The three in one, in `room` cells: where that is too little, the name is cut first, and then the end."""
    over = cell_len(before + name + after) - room
    if over > 0 and name:
        name = set_cell_size(name, max(0, cell_len(name) - over - 1)).rstrip() + "…"
    text = before + name + after
    return text if cell_len(text) <= room else set_cell_size(text, max(0, room - 1)) + "…"


class StatusLine(Widget):
    """What the engine is doing, at the left, and a passing message or a standing note at the right.

    The first stays readable whatever is said beside it, which has a third of the line, and what else is free; what
    stands there for long gives way to the words and the beginning of the name. A warning that has no room there gets
    lines of its own, and so does why something stopped.
    """

    DEFAULT_CSS = _CSS

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: tuple[str, str, str, str] = ("", "", "", "")
        self._note: tuple[str, str] = ("", "")
        self._flash: tuple[str, str] | None = None
        self._flash_count = 0

    def state(self, before: str, style: str, name: str = "", after: str = "") -> None:
        """What the engine is doing, in the words around the name of a task, which is cut where room is short."""
        state = (one_line(before), style, one_line(name), one_line(after))
        if state != self._state:
            self._state = state
            self._make_room()

    def note(self, text: str, style: str = "$accent") -> None:
        """What stands at the right while nothing passes."""
        if (one_line(text), style) != self._note:
            self._note = (one_line(text), style)
            self.refresh()

    def flash(self, text: str, style: str = "$foreground", seconds: float = 6.0) -> None:
        """Says something at the right for a while."""
        # A reason may have many lines; here is one, and no room for signs in place of their ends.
        self._flash = (one_line(" ".join(text.split())), style)
        self._flash_count += 1
        count = self._flash_count
        self.set_timer(seconds, lambda: self._end_flash(count))
        self._make_room()

    def end_flash(self) -> None:
        """Takes away what is said for a while."""
        self._end_flash(self._flash_count)

    def take_back(self, text: str) -> None:
        """Takes away this text, if it still stands there: it is not true any more."""
        if self.message == text:
            self.end_flash()

    @property
    def message(self) -> str:
        """What passes right now, for tests and for screen readers."""
        return self._flash[0] if self._flash else ""

    def _end_flash(self, count: int) -> None:
        if count == self._flash_count:
            self._flash = None
            self._make_room()

    def on_resize(self) -> None:
        self._make_room()

    def _make_room(self) -> None:
        self.styles.height = 1 + len(self._below())
        self.refresh()

    def _below(self) -> list[Content]:
        """The lines of a message that must be read to its end and does not fit beside the state."""
        width = self.size.width - 2
        if width < 1 or self._flash is None or self._flash[1] not in _WHOLE:
            return []
        text, style = self._flash
        used = cell_len("".join((self._state[0], self._state[2], self._state[3])))
        if cell_len(text) <= max(width - used - 2, max(_ASIDE, width // 3)):
            return []
        return Content.styled(text, style).wrap(width)[:_MORE]

    def render(self) -> Content:
        width = self.size.width - 2
        below = self._below()
        right, right_style = self._note if below else self._flash or self._note
        before, left_style, name, after = self._state
        aside = min(cell_len(right), max(_ASIDE, width // 3)) + 2 if right else 0
        if below or not self._flash:
            aside = min(aside, max(0, width - cell_len(before + after) - min(cell_len(name), _NAME)))
        left = _fitted(before, name, after, max(0, width - aside))
        room = width - cell_len(left) - (2 if left else 0)
        right = right if cell_len(right) <= room else _fitted(right, "", "", room) if room >= _LEAST else ""
        gap = max(1, width - cell_len(left) - cell_len(right))
        line = Content.assemble(" ", (left, left_style), " " * gap, (right, right_style), " ")
        return Content("\n").join([line, *(Content.assemble(" ", text) for text in below)])


@dataclass(frozen=True, slots=True)
class Hint:
    """One entry of the footer: the key, the words, and the action that a click does. `stays`: it has its place before
    all others but the first."""

    key: str
    text: str
    action: str
    stays: bool = False

    @property
    def size(self) -> int:
        """Its cells, and the space behind it."""
        return cell_len(f"{self.key} {one_line(self.text)}") + 2


class ActionBar(Widget):
    """The keys that matter now, as many as fit, in the order given; the last one always has its place."""

    DEFAULT_CSS = _CSS

    class Pressed(Message):
        """An entry was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hints: list[Hint] = []
        self._places: list[tuple[int, int, str]] = []

    def show(self, hints: Sequence[Hint]) -> None:
        if list(hints) != self._hints:
            self._hints = list(hints)
            self.refresh()

    @property
    def hints(self) -> list[Hint]:
        return list(self._hints)

    def render(self) -> Content:
        width = self.size.width - 1
        *hints, last = self._hints or [Hint("?", "help", "help")]
        room = width - cell_len(f"{last.key} {one_line(last.text)}")
        parts: list[tuple[str, str]] = [(" ", "")]
        self._places = []
        x = 1
        for number, hint in enumerate([*hints, last]):
            text, size = one_line(hint.text), hint.size
            is_first = bool(hints) and number == 0
            reach = number + 1 + (_BESIDE if is_first else 0)
            beside = sum(
                one.size for at, one in enumerate(hints) if at > number and (one.stays or at < reach)
            )
            if hint is not last and x + size + beside > room:
                left = room - x - cell_len(hint.key) - 3
                text = _fitted("", text, "", min(left, max(_FIRST, left - beside)))
                if not is_first or (cell_len(text) < 6 and text != one_line(hint.text)):
                    continue
                size = cell_len(f"{hint.key} {text}") + 2
            parts += [(hint.key, "bold $primary"), (f" {text}", "$muted"), ("  ", "")]
            self._places.append((x, x + size - 2, hint.action))
            x += size
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end:
                self.post_message(self.Pressed(action))
