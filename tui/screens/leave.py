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
from tui.screens.evidence import sentence, subject
from tui.screens.prompt import Choice, Prompt

_UNSEEN = 0.6
"""Seconds in which a person sees that another task has come into the question."""


class LeavePrompt(Prompt):
    """About a task that runs since `since` (monotonic), and then about the one that runs behind it."""

    ends_with_work = True
    ENDS = ""
    """The answer that ends the task. It does not count right after another one has come into the question."""

    def __init__(self, address: str, name: str, since: float) -> None:
        super().__init__()
        self.address = address
        self.task_name = name
        self.since = since
        self._unseen_until = 0.0

    def follow(self, address: str, name: str, since: float) -> None:
        """This task runs by now, or is here by now."""
        if since != self.since and (address, name) != (self.address, self.task_name):
            self._unseen_until = monotonic() + _UNSEEN
        self.address, self.task_name, self.since = address, name, since
        self.renew(self.evidence())

    def dismiss(self, result: str | None = None) -> AwaitComplete:
        if result == self.ENDS and monotonic() < self._unseen_until:
            return AwaitComplete()
        return super().dismiss(result)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, lambda: self.renew(self.evidence()))

    @property
    def running(self) -> str:
        """For how long it runs by now."""
        return marks.took(monotonic() - self.since)


class QuitPrompt(LeavePrompt):
    """Answers with detach, wait, end or stay. `waits`: the app quits when the task ends, as things stand."""

    TITLE_WORD = "Quit"
    ENDS = "end"
    ended = "What ran has ended by itself: quit once more to leave."

    def __init__(self, address: str, name: str, since: float, *, waits: bool = False) -> None:
        super().__init__(address, name, since)
        self.waits = waits

    def evidence(self) -> Iterable[Widget]:
        parts = [
            subject(self.address, self.task_name),
            sentence((f"runs for {self.running}.", "$status-active")),
        ]
        yield Static(Content("\n").join(parts))

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

    def __init__(self, address: str, name: str, since: float, *, goes_on: bool) -> None:
        super().__init__(address, name, since)
        self.goes_on = goes_on

    def evidence(self) -> Iterable[Widget]:
        parts = [
            subject(self.address, self.task_name),
            sentence(
                (f"runs for {self.running}. ", "$status-active"), ("ctrl+c once more ends it.", "$muted")
            ),
        ]
        yield Static(Content("\n").join(parts))

    def choices(self) -> Iterable[Choice]:
        if self.goes_on:
            yield Choice("a", "after this task", "let it end, and run nothing behind it", "after", safe=True)
        yield Choice("y", "now", "end it, then ask what to do with it", "now")
        yield Choice("escape", "go on", "nothing changes", None, safe=True)
