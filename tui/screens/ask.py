"""Confirm and Task: a yes or no, and a line of text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.screens.evidence import sentence, subject
from tui.screens.modal import Modal
from tui.screens.prompt import TALL, Choice, Prompt, be_deaf
from tui.text import one_line
from tui.widgets.field import Field

_AROUND, _AROUND_SHORT = 8, 3
"""Lines of the box beside what is said in it: border, padding, the field and the space around that."""
_REFUSED = 300


class ConfirmPrompt(Prompt):
    """Answers with yes, or nothing."""

    TITLE_WORD = "Confirm"

    def __init__(
        self, address: str, name: str, sentences: Iterable[str], yes: tuple[str, str], no: str
    ) -> None:
        super().__init__()
        self.address = address
        self.task_name = name
        self.sentences = list(sentences)
        self.yes = yes
        self.no = no

    def evidence(self) -> Iterable[Widget]:
        parts = [subject(self.address, self.task_name)]
        parts += [sentence((text, "$muted")) for text in self.sentences]
        yield Static(Content("\n").join(parts))

    def tell(self, address: str, name: str, sentences: list[str]) -> None:
        """Says what is known by now of the task that is asked about. An answer to other words does not count."""
        if (name, sentences) != (self.task_name, self.sentences):
            be_deaf(self.app)
        if (address, name, sentences) != (self.address, self.task_name, self.sentences):
            self.address, self.task_name, self.sentences = address, name, sentences
            self.renew(self.evidence())

    def choices(self) -> Iterable[Choice]:
        yield Choice("y", self.yes[0], self.yes[1], "yes")
        yield Choice("n", self.no, "nothing changes", None, safe=True)


class TaskPrompt(Modal[str | None]):
    """A line of text: the name of a task. Enter takes it, escape leaves everything as it is.

    `typed`: what stands in it at first, if that is not the old `text`; `refused`: why it was not taken before.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    TITLE_WORD = "Task"
    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True)
    ]

    def __init__(self, about: str, text: str = "", *, typed: str = "", refused: str = "") -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        self.about = about
        self.text = text
        self.typed = typed
        self.refused = refused

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self.TITLE_WORD
            box.border_subtitle = "enter takes it · esc"
            yield Static(sentence((self.about, "$muted")), id="about")
            yield Field(self.typed or self.text, compact=True, placeholder="[Script] Run the tests")
            if self.refused:
                yield Static(sentence((one_line(self.refused, _REFUSED), "$error")), id="refused")

    def on_mount(self) -> None:
        self._fit(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Leaves room for the field, whatever the length of what is said around it."""
        room = size.height - (_AROUND if size.height >= TALL else _AROUND_SHORT)
        for said in self.query("#about, #refused"):
            said.styles.max_height = max(1, room // 2 if self.refused else room)

    def renew(self, about: str) -> None:
        """Says what is known by now of the task that is asked about; what was typed stays."""
        self.about = about
        for said in self.query("#about").results(Static):
            said.update(sentence((about, "$muted")))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        self.dismiss(text if text and text != self.text else None)
