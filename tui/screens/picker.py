"""A list to pick from by typing: the palette and the themes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.field import Field


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `text` (untrusted), a glyph with its style before it, a `hint` at the right end, what it stands for."""

    text: str
    hint: str = ""
    glyph: str = ""
    style: str = "$foreground"
    take: Callable[[], None] = lambda: None


Find = Callable[[str], Sequence[Entry]]
"""From what is typed to the entries that match, the best first."""


class Picker(Modal[Entry | None]):
    """Answers with an entry, or nothing. `moved` hears of each entry that the selection comes to.

    `aside`: it stands at the right and hides as little as it can of what is behind it.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True),
        Binding("down,ctrl+n,tab", "move(1)", show=False, priority=True),
        Binding("up,ctrl+p,shift+tab", "move(-1)", show=False, priority=True),
        Binding("pagedown,ctrl+d", "page(1)", show=False, priority=True),
        Binding("pageup,ctrl+u", "page(-1)", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        placeholder: str,
        find: Find,
        *,
        moved: Callable[[Entry], None] | None = None,
        selected: int = 0,
        aside: bool = False,
    ) -> None:
        super().__init__(classes="-aside" if aside else "")
        self.TITLE_WORD = title
        self._placeholder = placeholder
        self._find = find
        self._moved = moved
        self._selected = selected
        self._first = 0
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self.TITLE_WORD
            box.border_subtitle = "↑ ↓ · enter takes it · esc"
            yield Field(compact=True, placeholder=self._placeholder)
            yield Static(id="entries")

    def on_mount(self) -> None:
        self._entries = list(self._find(""))
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self._draw()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        before = self._chosen
        self._entries = list(self._find(event.value.strip()))
        self._first = 0
        self._select(
            self._entries.index(before)
            if before and before in self._entries and not event.value.strip()
            else 0
        )

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._chosen is not None:
            self.dismiss(self._chosen)

    @property
    def _chosen(self) -> Entry | None:
        return self._entries[self._selected] if 0 <= self._selected < len(self._entries) else None

    @property
    def _rows(self) -> int:
        return max(3, min(18, self.size.height - 6))

    def action_move(self, by: int) -> None:
        if self._entries:
            self._select((self._selected + by) % len(self._entries))

    def action_page(self, by: int) -> None:
        self._select(self._selected + by * (self._rows - 1))

    def _select(self, at: int) -> None:
        self._selected = max(0, min(at, len(self._entries) - 1))
        self._draw()
        if self._moved is not None and self._chosen is not None:
            self._moved(self._chosen)

    def on_mouse_scroll_down(self) -> None:
        self._select(self._selected + 1)

    def on_mouse_scroll_up(self) -> None:
        self._select(self._selected - 1)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
        elif event.widget is self.query_one("#entries") and 0 <= event.y + self._first < len(self._entries):
            self._select(self._first + event.y)
            if self._chosen is not None:
                self.dismiss(self._chosen)

    def _draw(self) -> None:
        rows, place = self._rows, self.query_one("#entries", Static)
        self._first = max(0, min(self._first, self._selected), self._selected - rows + 1)
        width = max(20, place.size.width)
        words = self.query_one(Input).value.casefold().split()
        shown = self._entries[self._first : self._first + rows]
        lines = [
            _line(entry, words, width, self._first + number == self._selected)
            for number, entry in enumerate(shown)
        ]
        place.update(Content("\n").join(lines) if lines else Content.styled("  Nothing matches.", "$faint"))


def _line(entry: Entry, words: Sequence[str], width: int, chosen: bool) -> Content:
    hint = one_line(entry.hint, 30)
    glyph = f"{entry.glyph} " if entry.glyph else ""
    room = width - cell_len(hint) - cell_len(glyph) - 5
    text = one_line(entry.text, 300)
    if cell_len(text) > room:
        text = set_cell_size(text, max(0, room - 1)) + "…"
    name = Content.styled(text, "bold $selected-text" if chosen else "$foreground")
    folded = text.casefold()
    for word in words:
        at = folded.find(word)
        if at >= 0 and len(folded) == len(text):
            name = name.stylize("underline" if chosen else "bold $primary", at, at + len(word))
    line = Content.assemble(
        (" › " if chosen else "   ", "bold $selected-text"),
        (glyph, "$selected-text" if chosen else entry.style),
        name,
        " " * (room - cell_len(text) + 1),
        (f"{hint} ", "$selected-text" if chosen else "$muted"),
    )
    return line.stylize("on $selected") if chosen else line
