"""Changed outside: in a strict project, plans that another program changed and nobody has accepted yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.widget import Widget
from textual.widgets import Static

from tui.screens.evidence import count_changes, diff_content, sentence, when
from tui.screens.prompt import LATER, Choice, Prompt


class OutsidePrompt(Prompt):
    """Answers with accept or restore. `files` are the plans, each with the diff from the version known last; `versions`
    says when those were written or accepted (ISO 8601), as far as that is known."""

    TITLE_WORD = "Changed outside"

    def __init__(self, files: Mapping[str, str], message: str, versions: Mapping[str, str]) -> None:
        super().__init__()
        self.files = dict(files)
        self.versions = {file: when(versions.get(file, "")) for file in files}
        self.message = message

    def evidence(self) -> Iterable[Widget]:
        yield Static(sentence((self.message, "$foreground")))
        for file, diff in self.files.items():
            added, removed = count_changes(diff)
            yield Static(
                sentence(
                    (f"~ {file}  ", "$accent"),
                    (f"+{added} ", "$success"),
                    (f"-{removed}", "$error"),
                    (f"  from the version {since}" if (since := self.versions[file]) else "", "$muted"),
                )
            )
            yield Static(diff_content(diff), classes="lines")

    def choices(self) -> Iterable[Choice]:
        count = len(self.files)
        these = "this version" if count == 1 else f"these {count} plans as they are"
        yield Choice("a", "accept", f"take in {these}, and go on from there", "accept")
        written = next(iter(self.versions.values()), "") if count == 1 else ""
        last = f"the version {written}" if written else "the version" if count == 1 else "the versions"
        back = (
            f"{last} from before that; a copy is kept" if not written else f"{last}; a copy of this is kept"
        )
        yield Choice("b", "put back", back, "restore")
        yield LATER
