"""Asking: which prompt comes with what evidence, and what its answer leads to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from textual.screen import ModalScreen

from engine import (
    ChangedOutsideError,
    Conflict,
    ContentChangedError,
    Engine,
    FlowError,
    Preview,
    Recovery,
    Resume,
    Status,
    Task,
    Tree,
    TrustError,
)
from tui import behind
from tui.presses import Presses
from tui.screens.evidence import diff_of
from tui.screens.prompt import Prompt
from tui.spot import Own, Spot

if TYPE_CHECKING:
    from tui.conductor import Conductor
    from tui.screens.main import MainScreen
    from tui.session import Reading, Session


_SHOWN = 20_000
"""Bytes of output that are evidence, the last ones."""

_BEHIND = 1 << 62

_ENDED = (Status.DONE, Status.SKIPPED, Status.FAILED)


class Prompts:
    """Serves one conductor. `preparing`: the evidence of a prompt is being put together.

    `asked_about` is the interruption that was asked about last, so that it is not asked twice by itself.
    `awaited`: the next one is of work that this app has stopped. `presses_before`: how many keys there were when the
    last of them asked for what the next prompt is about. `about`: the task that comes next, where a prompt asks about
    that.
    """

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor
        self.preparing = False
        self.asked_about = ""
        self.presses_before = 0
        self.awaited = False
        self.about: Spot | None = None
        self._open: ModalScreen[str | None] | None = None
        self._became: Callable[[Reading], str] | None = None

    @property
    def screen(self) -> MainScreen:
        return self.conductor.screen

    @property
    def session(self) -> Session:
        return self.conductor.session

    @property
    def engine(self) -> Engine:
        return self.conductor.engine

    @property
    def is_asking(self) -> bool:
        return isinstance(self.screen.app.screen, ModalScreen)

    def ask_recovery(self, recovery: Recovery, *, once: bool = False, why: str = "") -> None:
        """The prompt Interrupted. `once`: not again for the same interruption, when it comes up by itself. `why`: what
        the engine found before it left it to a person."""
        key = recovery.interruption
        if self.is_asking or self.session.busy or (once and key == self.asked_about) or self.engine.readonly:
            return
        self.asked_about = key
        if once:
            self.presses_before = self.presses_before if self.awaited else -1
            self.awaited = False
            self.screen.call_person(f"Interrupted: {recovery.name}")
        from tui.screens.interrupted import InterruptedPrompt

        def answered(answer: str | None) -> None:
            if answer is not None:
                takes = answer == "resume" and prompt.recovery.resume is Resume.COMMIT
                began = prompt.recovery.started_at
                self.conductor.start(lambda: self.engine.recover(answer), takes=takes, began=began)
                return
            self.session.read()

        def became(reading: Reading) -> str:
            words, known = _settled(reading, prompt.recovery, self.about), reading.recovery
            if known is not None and not words:
                prompt.know(known, self._keep_in_mind(known))
            return words

        path = self._keep_in_mind(recovery)
        prompt = InterruptedPrompt(recovery, path, self.engine.recovery, self.session.read, why)
        self.ask(prompt, answered, became)

    def _keep_in_mind(self, recovery: Recovery) -> tuple[str, ...]:
        """The prompt is about this task, which may have another name by now; returns the names around it."""
        task = self.screen.find(recovery.address) if not recovery.gone else None
        self.about = Spot.of(task) if task is not None and task.name == recovery.name else None
        return self.screen.path_to(recovery.address)

    def ask_failed(self, task: Task) -> None:
        from tui.screens.failed import FailedPrompt

        message = self.session.history.failure_of(task)
        run = self.conductor.run_of(task)
        output = self._last_output(run) if run else ""
        again = self.conductor.goes_on
        about = self.about = Spot.of(task)

        def answered(answer: str | None) -> None:
            match answer:
                case "retry":
                    self.conductor.retry(prompt.failed)
                case "skip" | "done":
                    self.conductor.goes_on = again
                    self.conductor.waiting = Spot.of(prompt.failed) if again else None
                    self.conductor.change(answer, prompt.failed)

        def became(reading: Reading) -> str:
            words = _became(reading, about, task.name, failed=True)
            if not words and reading.next is not None:
                prompt.failed, prompt.path = reading.next, self.screen.path_to(about.address)
                prompt.renew(prompt.evidence())
            return words

        prompt = FailedPrompt(
            task,
            self.screen.path_to(task.address),
            message,
            self.session.history.number_of(task),
            output,
            by_hand=self.screen.label(task) == "manual",
        )
        self.ask(prompt, answered, became)

    def _last_output(self, run: str) -> str:
        """The end of what a run printed: an offset behind the end is answered with the end."""
        _, end = self.engine.output(run, _BEHIND)
        return "" if end == _BEHIND else self.engine.output(run, max(0, end - _SHOWN))[0]

    def preview(self, about: Spot, *, reload: bool = False) -> None:
        """Shows what the Loom task that comes next would write; refuses first what a step would refuse."""
        self.preparing = True
        self.about = about
        behind.start(self.screen.app, self._prepare_preview, about, reload=reload)

    async def _prepare_preview(self, about: Spot, *, reload: bool) -> None:
        name = about.name
        try:
            preview = await asyncio.to_thread(self.engine.preview, reload=reload)
        except FlowError as error:
            self.conductor.refused(error, lambda: self.preview(about))
            return
        finally:
            self.preparing = False
        if preview is None:
            self.conductor.start(lambda: self.engine.step(expect=name))
        else:
            self._ask_preview(about, name, preview)

    def _ask_preview(self, about: Spot, name: str, preview: Preview) -> None:
        from tui.screens.preview import PreviewPrompt

        prompt = PreviewPrompt(about.address, name, preview)

        def answered(answer: str | None) -> None:
            if answer == "write":
                self.conductor.start(lambda: self.engine.step(base=preview.revision, expect=name))

        def became(reading: Reading) -> str:
            words = _became(reading, about, name, failed=False)
            if not words and prompt.address != about.address:
                prompt.address = about.address
                prompt.renew(prompt.evidence())
            return words

        self.ask(prompt, answered, became)

    def ask_conflict(self, conflict: Conflict) -> None:
        from tui.screens.conflict import ConflictPrompt

        def answered(answer: str | None) -> None:
            match answer:
                case "reload":
                    about = Spot(conflict.address, conflict.name)
                    self._when_idle(lambda: self.preview(about, reload=True))
                case "retry":
                    self._when_idle(
                        lambda: self.conductor.start(
                            lambda: self.engine.step(force=True, expect=conflict.name)
                        )
                    )
                case "keep":
                    self.screen.say(f"Kept {conflict.path} as it is.", "$muted")

        self.ask(ConflictPrompt(conflict), answered)

    def _when_idle(self, then: Callable[[], None]) -> None:
        """The answer to a prompt may come before the step that led to it has let go."""
        if self.session.busy:
            self.screen.set_timer(0.02, lambda: self._when_idle(then))
        else:
            then()

    def ask_trust(self, error: TrustError, again: Callable[[], None]) -> None:
        """Shows the code that nobody has approved; does `again` what was refused when it may run."""
        from tui.screens.trust import TrustPrompt

        codes = self.engine.unapproved()

        def answered(answer: str | None) -> None:
            if answer is None:
                return
            try:
                self.engine.approve(codes, scripts=answer == "trust")
            except FlowError as problem:
                self.screen.complain(problem)
            else:
                again()

        self.ask(TrustPrompt(str(error), codes), answered)

    def ask_outside(self, error: ChangedOutsideError, again: Callable[[], None]) -> None:
        """Shows what another program changed; does `again` what was refused when that is accepted."""
        behind.start(self.screen.app, self._show_outside, error.message, again)

    async def _show_outside(self, message: str, again: Callable[[], None]) -> None:
        try:
            changes = await asyncio.to_thread(self._changes_outside)
        except FlowError as problem:
            self.screen.complain(problem)
            return
        from tui.screens.outside import OutsidePrompt

        shown = {file: change.revision for file, change in changes.items()}

        def answered(answer: str | None) -> None:
            if answer is not None:
                behind.start(self.screen.app, self._settle_outside, answer, shown, again)

        def became(reading: Reading) -> str:
            others = _others(shown, reading.tree)
            settled = [file for file in others if file not in reading.outside]
            if settled:
                return f"Settled elsewhere: {', '.join(settled)} is another version by now"
            accepted = [file for file in shown if file not in reading.outside]
            if accepted:
                return f"Settled elsewhere: {', '.join(accepted)} is accepted"
            return f"Changed once more: {', '.join(others)}" if others else ""

        diffs = {file: change.diff for file, change in changes.items()}
        versions = {file: change.known_at for file, change in changes.items()}
        self.ask(OutsidePrompt(diffs, message, versions), answered, became)

    def _changes_outside(self) -> dict[str, _Change]:
        """The plans that were changed outside, each as it is now, and from which version."""
        tree, engine = self.engine.tree(), self.engine
        changes: dict[str, _Change] = {}
        for file in engine.changed_outside(tree):
            now = tree.snapshots[file]
            diff = diff_of(engine.known(file) or "", now.data.decode("utf-8", "replace"), file)
            changes[file] = _Change(diff, now.revision, engine.known_at(file))
        return changes

    async def _settle_outside(self, answer: str, shown: dict[str, str], again: Callable[[], None]) -> None:
        settle = self.engine.accept if answer == "accept" else self.engine.restore
        try:
            files = await asyncio.to_thread(settle, shown)
            others = _others(shown, await asyncio.to_thread(self.engine.tree))
        except ContentChangedError as error:
            await self._show_outside(
                f".flow/{error.path} was changed once more: this is how it is now.", again
            )
        except FlowError as error:
            self.screen.complain(error)
        else:
            said = f"{'Accepted' if answer == 'accept' else 'Put back'}: {', '.join(files)}"
            self.screen.say(said if files else "Settled elsewhere.", "$foreground")
            if answer == "accept" and not others:
                again()
        self.session.read()

    def ask(
        self,
        prompt: ModalScreen[str | None],
        answered: Callable[[str | None], None],
        became: Callable[[Reading], str] | None = None,
    ) -> None:
        """Asks, unless something is asked already. `became`: what of a reading settles the question, in words; empty
        while it stands, and it may renew what the prompt says."""
        if self.is_asking:
            return
        self._open, self._became = prompt, became
        if (
            self.presses is not None
            and self.presses.count != self.presses_before
            and isinstance(prompt, Prompt)
        ):
            self.presses.wait_for_pause()

        def closed(answer: str | None) -> None:
            self.expect()
            answered(answer)

        self.screen.app.push_screen(prompt, closed)

    @property
    def presses(self) -> Presses | None:
        from tui.app import FlowApp

        return self.screen.app.presses if isinstance(self.screen.app, FlowApp) else None

    def expect(self) -> None:
        """A prompt that comes from here on is the answer to the last key, unless further keys are pressed before."""
        self.presses_before = self.presses.count if self.presses is not None else 0

    def look(self, reading: Reading) -> None:
        """Closes the prompt on the screen if the question was settled elsewhere."""
        prompt = self._open
        if prompt is None or not prompt.is_current or self._became is None:
            return
        words = self._became(reading)
        if words and isinstance(prompt, Prompt):
            prompt.close_by_itself(words)
            self._became = None

    def work_ended(self) -> None:
        """Closes the prompt on the screen if it asks about the work; what became of that is said already."""
        if isinstance(self._open, Prompt) and self._open.ends_with_work:
            self._open.close_by_itself(self._open.ended)

    def work_began(self, own: Own) -> None:
        """Another task runs, or it is elsewhere by now: the prompt that asks about what runs asks about that one."""
        if not self.is_asking:
            return
        from tui.screens.leave import LeavePrompt

        if isinstance(self._open, LeavePrompt) and self._open.is_current:
            self._open.follow(own.spot.address, own.spot.name, own.since, gone=own.gone)


class _Change(NamedTuple):
    """What another program did to a plan: the diff from the version of `known_at`, and the revision of that."""

    diff: str
    revision: str
    known_at: str


def _others(shown: dict[str, str], tree: Tree) -> list[str]:
    """The plans that are not the version any more that was shown."""
    now = {file: snapshot.revision for file, snapshot in tree.snapshots.items()}
    return [file for file, revision in shown.items() if now.get(file) != revision]


def _settled(reading: Reading, recovery: Recovery, about: Spot | None) -> str:
    """What became of an interrupted task, which is `about` by now; empty while it waits to be settled."""
    known, running = reading.recovery, reading.running
    if recovery.interruption in (one.interruption for one in (known, running) if one is not None):
        return ""  # or somebody is about to settle it: what becomes of it is known when that is over
    task = about.find(reading.tree) if about is not None else None
    is_over = task is not None and task.status in _ENDED
    if not is_over and (known is not None or running is not None):
        return f"Taken on by another engine: {recovery.name}"
    if recovery.gone:
        return f"Let go of elsewhere: {recovery.name} is no longer in the plan"
    return f"Settled elsewhere: {recovery.name}{f' is {task.status}' if task is not None else ''}"


def _became(reading: Reading, about: Spot, name: str, *, failed: bool) -> str:
    """What became of the task that came next when it was asked about; empty while it still does."""
    task = about.find(reading.tree) if about.name == name else None
    if reading.running is not None and reading.running.pid != os.getpid():
        return f"Another engine is at work: it runs {reading.running.name}"
    if task is None:
        return f"Changed elsewhere: {name} is not at {about.address} any more"
    if task is reading.next and (task.status is Status.FAILED) is failed:
        return ""
    if task.status.is_settled:
        return f"Settled elsewhere: {name} is {task.status}"
    return f"Changed elsewhere: {name} is {task.status}, and not what comes next"
