"""The keys, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui import marks
from tui.actions import Action, grouped
from tui.marks import GLYPHS
from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.lines import Hint

_WIDE = 50
"""Cells from which on there is room for wide columns."""


_SIGNS = (
    (marks.NEXT, "$primary", "next"),
    (marks.RUNNING, "$status-active", "running"),
    (marks.FLOW, "$muted", "sub-flow"),
    (marks.OUTSIDE, "$accent", "changed outside"),
    (marks.PROBLEM, "$error", "problem"),
)


class HelpScreen(Modal[None]):
    """What is wrong with the settings (`troubles`), what the keys do where the person is (`here`), and all actions; any
    of esc, q, ? closes it."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,ctrl+c", "dismiss", show=False, priority=True),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
        Binding("ctrl+d", "scroll(10)", show=False),
        Binding("ctrl+u", "scroll(-10)", show=False),
        Binding("g", "scroll(-1000000)", show=False),
        Binding("G", "scroll(1000000)", show=False),
    ]

    def __init__(self, actions: Sequence[Action], here: Sequence[Hint], troubles: Sequence[str] = ()) -> None:
        super().__init__()
        self.actions = actions
        self.here = here
        self.troubles = troubles

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(id="keys")

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#keys", Static).update(self._keys(min(event.size.width, 82) - 8))

    def _keys(self, width: int) -> Content:
        legend = [
            Content.assemble((f"{glyph} ", f"bold $status-{status}"), (str(status), "$muted"))
            for status, glyph in GLYPHS.items()
        ]
        signs = [
            Content.assemble((f"{sign} ", f"bold {style}"), (words, "$muted"))
            for sign, style, words in _SIGNS
        ]
        rows = [legend, signs] if width >= _WIDE else [legend[:3], legend[3:], signs[:3], signs[3:]]
        parts = [Content("   ").join(row) for row in rows]
        if self.troubles:
            parts += [Content(""), Content.styled("Settings", "bold $warning")]
            parts += [_entry(marks.PROBLEM, trouble, width) for trouble in self.troubles]
        parts += [Content(""), Content.styled("Here and now", "bold $primary")]
        parts += [_entry(hint.key, hint.text, width) for hint in self.here if hint.action != "help"]
        for group, members in grouped(self.actions):
            parts += [Content(""), Content.styled(str(group), "bold $primary")]
            parts += [_entry(action.shown_keys, action.help, width) for action in members]
        return Content("\n").join(parts)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss()

    def action_scroll(self, by: int) -> None:
        self.query_one("#box").scroll_relative(y=by, animate=False, immediate=True)


def _entry(keys: str, text: str, width: int) -> Content:
    """Keys, and beside them what they do; further lines of that stand under its first."""
    column = 17 if width >= _WIDE else 14
    lines = wrap(one_line(text), max(10, width - column)) or [""]
    rest = "".join(f"\n{'':<{column}}{line}" for line in lines[1:])
    return Content.assemble((f"  {keys:<{column - 3}} ", "bold $foreground"), (f"{lines[0]}{rest}", "$muted"))
