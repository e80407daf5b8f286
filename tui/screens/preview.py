"""Preview: what a Loom task would write, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine import Preview
from tui.screens.evidence import count_changes, diff_content, sentence, subject
from tui.screens.prompt import Choice, Prompt


class PreviewPrompt(Prompt):
    """Answers with write."""

    TITLE_WORD = "Preview"
    LEVEL = "calm"

    def __init__(self, address: str, name: str, preview: Preview) -> None:
        super().__init__()
        self.address = address
        self.task_name = name
        self.preview = preview

    def evidence(self) -> Iterable[Widget]:
        preview = self.preview
        yield Static(subject(self.address, self.task_name))
        if preview.already:
            yield Static(
                sentence(
                    (preview.path, "bold $foreground"),
                    (" is already as wanted: there is nothing to change.", "$muted"),
                )
            )
            return
        added, removed = count_changes(preview.diff)
        yield Static(
            sentence(
                (f"{preview.path}  ", "$foreground"), (f"+{added} ", "$success"), (f"-{removed}", "$error")
            )
        )
        yield Static(diff_content(preview.diff), classes="lines")

    def choices(self) -> Iterable[Choice]:
        if self.preview.already:
            yield Choice("y", "mark done", "the file stays as it is", "write")
            yield Choice("escape", "not now", "the task stays open", None, safe=True)
        else:
            yield Choice("y", "write", f"{self.preview.path}, as shown", "write")
            yield Choice("escape", "not now", "nothing is written", None, safe=True)
