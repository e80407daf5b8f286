"""Changed outside: in a strict project, plans that another program changed and nobody has accepted yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Static

from tui.screens.evidence import diff_content, sentence
from tui.screens.prompt import LATER, Choice, Prompt


class OutsidePrompt(Prompt):
    """Answers with accept or restore."""

    TITLE_WORD = "Changed outside"

    def __init__(self, files: Sequence[str], message: str, diff: str = "") -> None:
        super().__init__()
        self.files = list(files)
        self.message = message
        self.diff = diff

    def evidence(self) -> Iterable[Widget]:
        yield Static(sentence((self.message, "$foreground")))
        for file in self.files:
            yield Static(sentence((f"~ {file}", "$accent")))
        if self.diff:
            yield Static(diff_content(self.diff), classes="lines")

    def choices(self) -> Iterable[Choice]:
        yield Choice("a", "accept", "take in what stands there now", "accept")
        yield Choice(
            "b", "put back", "the last version written or accepted; a copy of this one is kept", "restore"
        )
        yield LATER
