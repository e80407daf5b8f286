"""The timeline: what ran when, how long it took, and what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine import Attempt
from tui import behind, marks
from tui.history import History, is_taken_back, looks, seconds_of
from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.bars import Bars

_EVERY = 1.0


class TimelineScreen(Modal[Attempt | None]):
    """Answers with the attempt whose task should be selected, or nothing."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    TITLE_WORD = "Timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w,ctrl+c", "dismiss(None)", show=False, priority=True),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("ctrl+d,pagedown", "move(10)", show=False),
        Binding("ctrl+u,pageup", "move(-10)", show=False),
        Binding("g,home", "move(-1000000)", show=False),
        Binding("G,end", "move(1000000)", show=False),
        Binding("f", "next_failed", show=False),
        Binding("enter", "open", show=False),
    ]

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history
        self._shown: Sequence[Attempt] = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self.TITLE_WORD
            box.border_subtitle = "enter goes there · f failed · esc"
            yield Static(id="sum")
            yield Bars(id="bars")
            yield Static(id="about")

    def on_mount(self) -> None:
        self.bars.focus()
        self._show()
        behind.start(self, self._watch)

    @property
    def bars(self) -> Bars:
        return self.query_one("#bars", Bars)

    async def _watch(self) -> None:
        """Follows the log while the screen is open; bars of what runs grow."""
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.to_thread(self.history.update)
            runs = any(attempt.run and not attempt.outcome for attempt in self.history.attempts)
            # What is new may have been taken in for others already, so what counts is what stands here.
            # A screen that is closed is not the current one any more while its parts are taken away one by one.
            if self.is_current and (runs or self.history.attempts is not self._shown):
                self._show()

    def _show(self) -> None:
        self._shown = self.history.attempts
        attempts = [one for one in self._shown if one.run or one.outcome != "waited"]
        self.query_one("#sum", Static).update(summary(attempts))
        self.bars.show(attempts)

    @on(Bars.Picked)
    def _picked(self) -> None:
        attempt = self.bars.attempt
        self.query_one("#about", Static).update(_about(attempt) if attempt is not None else "")

    @on(Bars.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_move(self, by: int) -> None:
        self.bars.move(by)

    def action_next_failed(self) -> None:
        """Selects the next attempt that failed, round and round."""
        attempts = self.history.attempts
        current = self.bars.attempt
        failed = [one.number for one in attempts if looks(one)[1] == "failed"]
        if failed:
            at = current.number if current is not None else 0
            self.bars.pick(next((number for number in failed if number > at), failed[0]))

    def action_open(self) -> None:
        self.dismiss(self.bars.attempt)


_KINDS = {
    "": ("running", "active"),
    "done": ("done", "done"),
    "failed": ("failed", "failed"),
    "retried": ("tried again", "failed"),
    "vanished": ("failed", "failed"),
    "stopped": ("stopped", "active"),
    "conflict": ("in conflict", "active"),
    "waiting": ("waiting", "active"),
    "waited": ("waited", "pending"),
}


def summary(attempts: Sequence[Attempt]) -> Content:
    """How many attempts there were and how many of them ended how, which adds up; what was done by hand; how long all
    of it took, and which one longest."""
    if not attempts:
        return Content.styled("Nothing has run here yet: s runs the next task.", "$muted")
    ran = [attempt for attempt in attempts if attempt.run]
    parts: list[tuple[str, str]] = []
    if ran:
        counts: dict[tuple[str, str], int] = {}
        for attempt in ran:
            kind = _KINDS.get(attempt.outcome, ("settled otherwise", "skipped"))
            kind = ("taken back", "pending") if is_taken_back(attempt) else kind
            counts[kind] = counts.get(kind, 0) + 1
        parts.append((f"{len(ran)} attempt{'s' * (len(ran) != 1)}: ", "bold $foreground"))
        for (word, status), count in counts.items():
            parts += [(f"{count} {word}", f"$status-{status}"), (", ", "$muted")]
        parts.pop()
    waiting = sum(not attempt.run and attempt.outcome == "waiting" for attempt in attempts)
    by_hand = len(attempts) - len(ran) - waiting
    for count, words in ((by_hand, "by hand"), (waiting, "waiting")):
        if count:
            parts.append((f"{'  ·  ' if parts else ''}{count} {words}", "$muted"))
    if ran:
        now = datetime.now().astimezone()
        took = {attempt: seconds_of(attempt, now) or 0.0 for attempt in ran}
        parts.append((f"  ·  {marks.took(sum(took.values()))} in all", "$muted"))
        if len(ran) > 1:
            longest = max(ran, key=lambda attempt: took[attempt])
            parts.append((f", the longest {one_line(longest.name, 60)}", "$muted"))
    return Content.assemble(*parts)


def _about(attempt: Attempt) -> Content:
    glyph, status, word = looks(attempt)
    seconds = seconds_of(attempt, datetime.now().astimezone())
    facts = [attempt.atom, f"attempt {attempt.attempt}"] if attempt.attempt else ["by hand"]
    facts += [marks.took(seconds)] if seconds is not None else []
    facts += [attempt.by] if attempt.by else []
    said = f" {one_line(attempt.message, 500)}" if attempt.message else ""
    return Content.assemble(
        (f"{one_line(attempt.address, 60)}  ", "$muted"),
        (one_line(attempt.name, 300), "bold $foreground"),
        (f"  {' · '.join(one_line(fact, 80) for fact in facts if fact)}\n", "$muted"),
        (f"{glyph} {word}{', taken back' if is_taken_back(attempt) else ''}", f"$status-{status}"),
        (said, "$foreground"),
    )
