"""Trust: code of this project that its person has not approved, before its first run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine import Code
from tui.screens.evidence import sentence
from tui.screens.prompt import LATER, Choice, Prompt
from tui.text import lines


class TrustPrompt(Prompt):
    """Answers with run or trust."""

    TITLE_WORD = "Trust"

    def __init__(self, message: str, codes: Sequence[Code]) -> None:
        super().__init__()
        self.message = message
        self.codes = list(codes)

    def evidence(self) -> Iterable[Widget]:
        yield Static(
            sentence(
                ("This project came from elsewhere, and would run code on this machine. ", "$foreground"),
                ("Read it first.", "bold $warning"),
            )
        )
        for code in self.codes:
            text = Content.assemble(
                (f"{lines(code.where)}\n", "bold $secondary"), lines(code.text.rstrip("\n"))
            )
            yield Static(text, classes="lines")

    def choices(self) -> Iterable[Choice]:
        count = len(self.codes)
        this = "this piece of code" if count == 1 else f"these {count} pieces of code"
        yield Choice("y", "run this", f"approve {this}, and go on", "run")
        yield Choice("A", "trust", "all scripts of this project, from now on", "trust")
        yield LATER
