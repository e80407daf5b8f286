"""The keys, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import Action, grouped
from tui.marks import GLYPHS
from tui.text import one_line
from tui.widgets.lines import Hint


class HelpScreen(ModalScreen[None]):
    """What the keys do where the person is (`here`), then all actions; any of esc, q, ? closes it."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,ctrl+c", "dismiss", show=False, priority=True),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, actions: Sequence[Action], here: Sequence[Hint]) -> None:
        super().__init__()
        self.actions = actions
        self.here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._keys())

    def _keys(self) -> Content:
        parts: list[Content] = [
            Content("   ").join(
                Content.assemble((f"{glyph} ", f"bold $status-{status}"), (str(status), "$muted"))
                for status, glyph in GLYPHS.items()
            )
        ]
        parts += [Content(""), Content.styled("Here and now", "bold $primary")]
        parts += [
            Content.assemble((f"  {hint.key:<14} ", "bold $foreground"), (one_line(hint.text), "$muted"))
            for hint in self.here
            if hint.action != "help"
        ]
        for group, members in grouped(self.actions):
            parts += [Content(""), Content.styled(str(group), "bold $primary")]
            parts += [
                Content.assemble((f"  {action.shown_keys:<14} ", "bold $foreground"), (action.help, "$muted"))
                for action in members
            ]
        return Content("\n").join(parts)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss()

    def action_scroll(self, by: int) -> None:
        self.query_one("#box").scroll_relative(y=by, animate=False)
