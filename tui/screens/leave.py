"""Quit and Stop: leaving, and ending, while a task runs."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui import marks
from tui.screens.evidence import GONE, sentence, subject
from tui.screens.prompt import Choice, Prompt

_UNSEEN = 0.6
"""Seconds in which a person sees that another task has come into the question."""


class LeavePrompt(Prompt):
    """About a task that runs since `since` (monotonic), and then about the one that runs behind it. `gone`: it has
    left the plan."""

    ends_with_work = True
    ENDS = ""
    """The answer that ends the task. It does not count right after another one has come into the question."""

    def __init__(self, address: str, name: str, since: float, *, gone: bool) -> None:
        super().__init__()
        self.gone = gone
        self.address = address
        self.task_name = name
        self.since = since
        self._unseen_until = 0.0

    def follow(self, address: str, name: str, since: float, *, gone: bool) -> None:
        """This task runs by now, or is here by now."""
        if since != self.since and (address, name) != (self.address, self.task_name):
            self._unseen_until = monotonic() + _UNSEEN
        self.address, self.task_name, self.since, self.gone = address, name, since, gone
        self.renew(self.evidence())

    def dismiss(self, result: str | None = None) -> AwaitComplete:
        if result == self.ENDS and monotonic() < self._unseen_until:
            return AwaitComplete()
        return super().dismiss(result)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, lambda: self.renew(self.evidence()))

    def evidence(self) -> Iterable[Widget]:
        parts = [subject(self.address, self.task_name, gone=self.gone)]
        if self.gone:
            parts.append(sentence((GONE, "$warning")))
        yield Static(Content("\n").join([*parts, self.said()]))

    def said(self) -> Content:
        """What is said of the work that runs."""
        return sentence((f"runs for {self.running}.", "$status-active"))

    @property
    def running(self) -> str:
        """For how long it runs by now."""
        return marks.took(monotonic() - self.since)


class QuitPrompt(LeavePrompt):
    """Answers with detach, wait, end or stay. `waits`: the app quits when the task ends, as things stand."""

    TITLE_WORD = "Quit"
    ENDS = "end"
    ended = "What ran has ended by itself: quit once more to leave."

    def __init__(
        self, address: str, name: str, since: float, *, gone: bool = False, waits: bool = False
    ) -> None:
        super().__init__(address, name, since, gone=gone)
        self.waits = waits

    def choices(self) -> Iterable[Choice]:
        yield Choice("d", "leave it running", "the next start follows it, or takes its result", "detach")
        yield Choice("w", "wait", "quit by itself when this task ends", "wait")
        yield Choice("y", "end it", "stop the task; the next start asks what to do", "end")
        stay = "do not quit when this task ends" if self.waits else "nothing changes"
        yield Choice("n", "stay", stay, "stay", safe=True)


class StopPrompt(LeavePrompt):
    """Answers with after or now. ctrl+c once more is now, as people who press it expect."""

    TITLE_WORD = "Stop"
    ENDS = "now"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "dismiss('now')", show=False, priority=True),
    ]

    def __init__(self, address: str, name: str, since: float, *, gone: bool = False, goes_on: bool) -> None:
        super().__init__(address, name, since, gone=gone)
        self.goes_on = goes_on

    def said(self) -> Content:
        return sentence(
            (f"runs for {self.running}. ", "$status-active"), ("ctrl+c once more ends it.", "$muted")
        )

    def choices(self) -> Iterable[Choice]:
        if self.goes_on:
            yield Choice("a", "after this task", "let it end, and run nothing behind it", "after", safe=True)
        yield Choice("y", "now", "end it, then ask what to do with it", "now")
        yield Choice("escape", "go on", "nothing changes", None, safe=True)
