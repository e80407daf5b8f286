"""Conflict: a file that a task was to edit was changed meanwhile. Nothing was written yet."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine import Conflict
from tui.screens.evidence import sentence, subject
from tui.screens.prompt import LATER, Choice, Prompt
from tui.widgets.three_way import ThreeWay


class ConflictPrompt(Prompt):
    """Answers with reload, retry or keep."""

    TITLE_WORD = "Conflict"

    def __init__(self, conflict: Conflict) -> None:
        super().__init__()
        self.conflict = conflict

    def on_mount(self) -> None:
        super().on_mount()
        self.query("#box").add_class("-full")

    def evidence(self) -> Iterable[Widget]:
        what = self.conflict
        yield Static(subject(what.address, what.name))
        yield Static(
            sentence(
                (what.path, "bold $foreground"), (" was changed meanwhile. Nothing was written.", "$muted")
            )
        )
        yield Static("")
        yield ThreeWay(what.base or "", what.disk or "", what.edit or "")

    def choices(self) -> Iterable[Choice]:
        yield Choice(
            "r",
            "reload",
            "read it again; a preview comes before it is written",
            "reload",
            safe=True,
        )
        yield Choice("t", "retry", "apply the edit now, to what is there now", "retry")
        yield Choice("k", "keep the file", "as it is; the task stays active", "keep")
        yield LATER
