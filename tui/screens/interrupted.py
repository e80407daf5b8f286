"""Interrupted: a task whose engine is gone. What is known of it, and every way to settle it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine import FlowError, Recovery, Resume
from tui import behind
from tui.screens.evidence import GONE, LastOutput, sentence, subject, when
from tui.screens.prompt import LATER, Choice, Prompt

_CHANGES = 4
_EVERY = 1.0
"""Seconds between two looks at what is known of the task."""


class InterruptedPrompt(Prompt):
    """Answers with resume, retry, always, done, skip or fail, the choices of `Engine.recover`."""

    TITLE_WORD = "Interrupted"

    def __init__(
        self,
        recovery: Recovery,
        path: tuple[str, ...],
        look: Callable[[], Recovery | None] | None = None,
        settled: Callable[[], None] = lambda: None,
        why: str = "",
    ) -> None:
        """`look` says what is known by now; `settled` is called when that is something else, and is to find out what
        became of it. `why` it is left to a person."""
        super().__init__()
        self.recovery = recovery
        self.path = path
        self._look = look
        self._settled = settled
        self._why = why

    def on_mount(self) -> None:
        super().on_mount()
        if self._look is not None and self.is_drawn:
            behind.start(self, self._watch, self._look)

    def know(self, recovery: Recovery, path: tuple[str, ...]) -> None:
        """Shows what is known by now, and where its task is."""
        self.recovery, self.path = recovery, path
        self.renew(self.evidence())

    async def _watch(self, look: Callable[[], Recovery | None]) -> None:
        """Looks again and again: its work goes on, and somebody else may settle it."""
        while True:
            await asyncio.sleep(_EVERY)
            try:
                known = await asyncio.to_thread(look)
            except FlowError:
                continue  # the plan cannot be read for now: what was known stays on the screen
            if not self.is_current:
                return  # it was answered meanwhile
            if known is None or known.interruption != self.recovery.interruption:
                self._settled()
            else:
                self.know(known, self.path)

    def evidence(self) -> Iterable[Widget]:
        known = self.recovery
        parts = [subject(known.address, known.name, self.path, gone=known.gone), Content("")]
        parts.append(
            sentence(
                (f"{known.atom} · attempt {known.attempt}", "$foreground"),
                (f" · began {when(known.started_at)}", "$muted"),
            )
        )
        parts.append(self._alive())
        if known.interruptions and not known.children:
            parts.append(
                sentence(
                    (
                        f"Interruption {known.interruptions} of {known.limit}: at the last it counts as failed.",
                        "$muted",
                    )
                )
            )
        if known.gone:
            parts.append(sentence((GONE, "$warning")))
        if self._why and not known.children:
            parts.append(sentence((self._why, "$warning")))
        if known.changes:
            shown = list(known.changes[:_CHANGES])
            if len(known.changes) > _CHANGES:
                shown.append(f"and {len(known.changes) - _CHANGES} more")
            parts.append(sentence((f"Changed since then: {', '.join(shown)}", "$muted")))
        yield Static(Content("\n").join(parts))
        if known.output.strip():
            yield LastOutput(known.output)

    def _alive(self) -> Content:
        known = self.recovery
        if known.host:
            return sentence(
                (f"It began on {known.host}: whether it still runs there, one sees only there.", "$warning")
            )
        if known.children:
            count = len(known.children)
            pids = ", ".join(str(pid) for pid in known.children[:6])
            words = "process is" if count == 1 else "processes are"
            return sentence((f"● {count} {words} still at work: {pids}", "$status-active"))
        if known.stopped:
            return sentence(("It was stopped by a person. Nothing of it is alive.", "$foreground"))
        return sentence(("Nothing of it is alive any more.", "$foreground"))

    def choices(self) -> Iterable[Choice]:
        known = self.recovery
        able = known.resume is not Resume.ASK
        # Every choice but to follow it ends what is alive: nothing may run beside its successor.
        first = "end it, then " if known.children else ""
        how = f"take its result: {known.ended}" if known.ended else _HOW[known.resume]
        if known.stopped and able:
            how = f"{first}{how}"
        if known.gone:
            how = how if able else _GONE
            texts = {
                "skip": f"{'end it, and ' if known.children else ''}let go of it: it is no longer in the plan"
            }
        else:
            texts = {
                "retry": f"{first}run it again, as attempt {known.attempt + 1}",
                "done": f"{first}go on with the next: it did its work",
                "skip": f"{first}go on without it",
                "fail": f"{first}hold the plan until somebody sees to it",
            }
        always = f"off: {known.always_off}" if known.always_off else f"{first}{_ALWAYS}"
        yield Choice("r", "resume", how, "resume", safe=able, enabled=able)
        for key, title, answer in _WAYS:
            if answer == "always":
                yield Choice(key, title, always, answer, enabled=not known.always_off)
            else:
                yield Choice(key, title, texts.get(answer, _GONE), answer, enabled=answer in texts)
        yield LATER


_WAYS = (
    ("t", "retry", "retry"),
    ("A", "always", "always"),
    ("x", "mark done", "done"),
    ("minus", "skip", "skip"),
    ("exclamation_mark", "fail", "fail"),
)
_GONE = "off: no longer in the plan"
_ALWAYS = "run it again, always (effect=idempotent)"

_HOW = {
    Resume.RUN: "it may run again by itself: run it",
    Resume.COMMIT: "its result is known: take it",
    Resume.FOLLOW: "it is still running: follow it to its end",
    Resume.CHECK: "check whether it is done; run it if it may run again, else ask",
    Resume.ASK: "off: nobody can tell whether it did its work",
}
