"""The line in which a search is typed."""

from __future__ import annotations

from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from tui.widgets.field import Field


class Search(Horizontal):
    """Hidden until it is opened. Posts `Changed` as the person types, and `Closed` at enter or escape."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")

    class Changed(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """`keep`: enter was pressed, what was found stays selected."""

        def __init__(self, keep: bool) -> None:
            super().__init__()
            self.keep = keep

    def compose(self) -> ComposeResult:
        yield Label("/", id="sign")
        yield Field(compact=True, id="needle", select_on_focus=False)
        yield Label("", id="count")

    def on_mount(self) -> None:
        self.display = False

    def open(self, text: str, what: str) -> None:
        """Takes the keys. `what` says what is searched for, while nothing is typed."""
        self.display = True
        self.query_one("#count", Label).update("")
        field = self.query_one(Input)
        field.placeholder = what
        field.value = text
        field.select_all()
        self.screen.set_focus(field)

    def close(self) -> None:
        self.display = False

    def count(self, matches: str, *, unread: bool = False) -> None:
        """Says how much matches; empty: nothing, or nobody knows, as the plans are still `unread`."""
        typed = bool(self.query_one(Input).value)
        nothing = "still being read" if unread else "nothing found"
        words = f"{matches} found" if matches else nothing if typed else ""
        self.query_one("#count", Label).update(words)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Closed(True))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.post_message(self.Closed(False))
