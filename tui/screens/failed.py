"""Failed: the next task has failed and holds everything after it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine import Task
from tui.screens.evidence import LastOutput, sentence, subject
from tui.screens.prompt import LATER, Choice, Prompt


class FailedPrompt(Prompt):
    """Answers with retry, skip or done."""

    TITLE_WORD = "Failed"
    LEVEL = "error"

    def __init__(
        self,
        task: Task,
        path: tuple[str, ...],
        message: str,
        attempts: int,
        output: str,
        *,
        by_hand: bool = False,
    ) -> None:
        super().__init__()
        self.failed = task
        self.path = path
        self.message = message
        self.attempts = attempts
        self.output = output
        self.by_hand = by_hand

    def evidence(self) -> Iterable[Widget]:
        yield Static(subject(self.failed.address, self.failed.name, self.path))
        attempt = f" · attempt {self.attempts}" if self.attempts else ""
        words = [((self.message or "It is marked failed.").removesuffix("." if attempt else ""), "$error")]
        words.append((attempt, "$muted"))
        yield Static(sentence(*words))
        yield Static(sentence(("Nothing else runs until it is settled.", "$muted")))
        if self.output.strip():
            yield LastOutput(self.output)

    def choices(self) -> Iterable[Choice]:
        again = "do it again: it waits for you" if self.by_hand else "run it again"
        yield Choice("t", "retry", again, "retry")
        yield Choice("minus", "skip", "go on without it", "skip")
        yield Choice("x", "mark done", "it is done, whatever it said", "done")
        yield LATER
