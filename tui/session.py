"""What runs behind the screen: readings of the plans and steps of the engine, in workers of the app.

Workers belong to the app, so leaving a screen cancels nothing. They decide nothing and draw nothing: they post
messages to the main screen, whose handlers own all state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from posixpath import normpath
from time import monotonic, sleep

from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump

from engine import (
    Changed,
    Engine,
    Event,
    Finished,
    FlowError,
    NeedsPersonError,
    NoProjectError,
    Plan,
    Progress,
    Recovery,
    Restructured,
    Running,
    Started,
    Task,
    Tree,
    Undone,
)
from tui import behind
from tui.history import History
from tui.outside import Outside
from tui.terminal import stepped_aside


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one look at the project tells."""

    tree: Tree
    next: Task | None
    has_run: bool
    """Whether that one has run, and was taken back: it is not stepped, but retried or left at that."""
    progress: Progress
    problems: int
    running: Running | None
    recovery: Recovery | None
    outside: frozenset[str]
    complete: tuple[Task, ...]
    """The tasks that only lack their own mark, when nothing else is left: the next step sets it."""
    changed: frozenset[Task]
    """The tasks that another program changed and that no person has seen since."""
    last_change: int
    """The number of the latest change of a plan by an engine."""
    unaccepted: tuple[str, ...]
    """The plans on the way to the next task that a person has to accept or put back before it runs."""


class WasRead(Message):
    """A fresh reading, or why there is none."""

    def __init__(self, reading: Reading | None, error: FlowError | None = None) -> None:
        super().__init__()
        self.reading = reading
        self.error = error


class RootRead(Message):
    """The outermost plan is there; its sub-flows are still to be read."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


class HistoryRead(Message):
    """The log has told something new."""


class EngineSaid(Message):
    """An event of the engine's work."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class WorkEnded(Message):
    """The engine is idle again. `error`: why it did not run or broke off."""

    def __init__(self, error: FlowError | None) -> None:
        super().__init__()
        self.error = error


class WasChanged(Message):
    """A change of a task by hand went through, or was refused. `verb` is a change's, or undo.

    `written`: whether anything had to be changed for it. `undone`: what undo took back (`done`, `renamed`, ...);
    `has_run`: that was the result of a run. `number` is the one of the change; `again` asks for a refused one
    once more.
    """

    def __init__(
        self,
        verb: str,
        address: str = "",
        name: str = "",
        error: FlowError | None = None,
        *,
        written: bool = True,
        undone: str = "",
        has_run: bool = False,
        number: int = 0,
        again: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.number = number
        self.again = again
        self.written = written
        self.undone = undone
        self.has_run = has_run
        self.verb = verb
        self.address = address
        self.name = name
        self.error = error


Work = Callable[[], AsyncIterator[Event]]

_SAVED = 1.0
"""Seconds that whoever saves a plan may take between cutting it, or renaming it away, and writing it anew."""
_LOOK_EVERY = 0.05


class Session:
    """One engine, and the workers that serve the screen `target` with it."""

    def __init__(self, app: App[int], engine: Engine, target: MessagePump) -> None:
        self.app = app
        self.engine = engine
        self.target = target
        self.history = History(engine)
        self.outside = Outside(engine.known)
        self.takes_terminal: Callable[[Started], bool] = lambda event: False
        self.busy = False
        self.painted = asyncio.Event()
        """Set when the outermost plan is on the screen: only then are the others read, lest they hold it up."""
        self._tree: Tree | None = None
        self._outside: tuple[Tree, frozenset[str]] | None = None
        """The last reading, and what of it counted as changed outside then."""
        self._began = False
        self._reading = False
        self._read_again = False

    @property
    def is_reading(self) -> bool:
        """Whether a reading is under way."""
        return self._reading

    def read(self) -> None:
        """Asks for a fresh reading. Asking again while one is under way makes one more, not many."""
        if self._reading:
            self._read_again = True
            return
        self._reading = True
        behind.start(self.app, self._read)

    def compare(self) -> None:
        """Asks for a fresh reading if other plans count as changed outside by now: somebody accepted one, and no plan
        was changed by that. A reading that is under way looks at that by itself."""
        if not self._reading:
            self._reading = True
            behind.start(self.app, self._read, only_if_stale=True)

    async def _read(self, *, only_if_stale: bool = False) -> None:
        try:
            if not self._began:
                self._began = True
                await self._begin()
            wanted = not only_if_stale
            while wanted or await asyncio.to_thread(self._is_stale) or self._read_again:
                wanted = self._read_again = False
                try:
                    reading = await asyncio.to_thread(self._look)
                except FlowError as error:
                    self.target.post_message(WasRead(None, error))
                else:
                    self.target.post_message(WasRead(reading))
                with suppress(FlowError):  # a log that cannot be read decides nothing
                    if await asyncio.to_thread(self.history.update):
                        self.target.post_message(HistoryRead())
        finally:
            self._reading = False

    def _is_stale(self) -> bool:
        """Whether of the plans that were read last, others count as changed outside by now."""
        if self._outside is None:
            return False
        tree, outside = self._outside
        try:
            return frozenset(self.engine.changed_outside(tree)) != outside
        except FlowError:
            return False  # whatever it is, a reading will tell

    async def _begin(self) -> None:
        """Hands out the outermost plan. What is wrong with it is told by the reading that follows."""
        try:
            plan = await asyncio.to_thread(self.engine.root_plan)
        except FlowError:
            return
        if plan is not None and self.target.post_message(RootRead(plan)):
            await self.painted.wait()

    def _look(self) -> Reading:
        if not (self.engine.root / ".flow").is_dir():
            raise NoProjectError(
                f"The folder .flow in {self.engine.root} is gone.",
                hint="Nothing is lost here: the plan comes back as soon as the folder does.",
            )
        self._outside = None
        tree = self._whole()
        running = self.engine.running(tree)
        outside = frozenset(self.engine.changed_outside(tree))
        self._outside = tree, outside
        cursor = tree.cursor()
        return Reading(
            tree=tree,
            next=cursor,
            has_run=cursor is not None and self.engine.has_run(cursor),
            progress=tree.progress(),
            problems=len(tree.problems()),
            running=running,
            recovery=self.engine.recovery() if running is None else None,
            outside=outside,
            complete=tuple(tree.complete()) if cursor is None else (),
            changed=self.outside.update(tree, outside),
            last_change=self.engine.last_change(),
            unaccepted=self._unaccepted(tree, cursor) if outside else (),
        )

    def _unaccepted(self, tree: Tree, following: Task | None) -> tuple[str, ...]:
        on_the_way: set[str] = set()
        step = following
        while step is not None:
            on_the_way.add(step.plan.file)
            step = step.plan.referrer
        return tuple(file for file in self.engine.unaccepted(tree) if file in on_the_way)

    def _whole(self) -> Tree:
        """The tree; a plan that lost everything may be about to be saved anew, and until then the old picture stands,
        with its selection."""
        until = monotonic() + _SAVED
        tree = self.engine.tree()
        while self._tree is not None and (lost := _lost(self._tree, tree)) and monotonic() < until:
            if all(file in tree.snapshots and self._wrote(tree, file) for file in lost):
                break  # its last task was removed
            sleep(_LOOK_EVERY)
            tree = self.engine.tree()
        self._tree = tree
        return tree

    def _wrote(self, tree: Tree, file: str) -> bool:
        return self.engine.known(file) == tree.snapshots[file].text

    def work(self, work: Work) -> bool:
        """Starts a piece of the engine's work. False: it is at one already."""
        if self.busy:
            return False
        self.busy = True
        behind.start(self.app, self._work, work)
        return True

    async def _work(self, work: Work) -> None:
        failure: FlowError | None = None
        aside = ExitStack()
        try:
            async for event in work():
                self.target.post_message(EngineSaid(event))
                if isinstance(event, Started) and self.takes_terminal(event):
                    aside.enter_context(stepped_aside(self.app))
                elif isinstance(event, Finished):
                    aside.close()
        except FlowError as error:
            failure = error
        finally:
            aside.close()
            self.busy = False
        self.target.post_message(WorkEnded(failure))

    def change(self, verb: str, task: Task) -> None:
        """Changes the status of a task: `verb` is done, skip, fail, reopen or begin."""
        address = task.address
        behind.start(self.app, self._change, verb, lambda: self._by_hand(verb, address, task))

    def _by_hand(self, verb: str, address: str, task: Task) -> Changed:
        recovery = self.engine.recovery() if verb in ("done", "skip", "fail") else None
        is_it = recovery is not None and recovery.address == address and not recovery.gone
        if recovery is not None and is_it and recovery.children:
            raise NeedsPersonError(
                f"{recovery.name} was interrupted, and its work goes on: that is not ended unasked.",
                hint="`flow recover` asks what to do with it.",
            )
        return self.engine.change(verb, address, expect=task)

    def undo(self) -> None:
        """Takes back the last change of the plan."""

        behind.start(self.app, self._change, "undo", self.engine.undo)

    def restructure(self, verb: str, change: Callable[[], Changed | Undone | Restructured]) -> None:
        """Changes the tree of tasks: `change` blocks."""
        behind.start(self.app, self._change, verb, change)

    async def _change(self, verb: str, change: Callable[[], Changed | Undone | Restructured]) -> None:
        try:
            done = await asyncio.to_thread(change)
        except FlowError as error:
            again = partial(self.restructure, verb, change)
            self.target.post_message(WasChanged(verb, error=error, again=again))
        else:
            undone = done.because if isinstance(done, Undone) else ""
            said = WasChanged(
                verb,
                done.address,
                done.name,
                written=bool(done.files),
                undone=undone,
                has_run=isinstance(done, Undone) and done.has_run,
                number=await asyncio.to_thread(self.engine.last_change),
            )
            self.target.post_message(said)


def _lost(old: Tree, new: Tree) -> set[str]:
    """The plans that had tasks and have none now, and are still a part of the tree."""
    referring = (task for plan in new.plans.values() for task in plan.referring)
    empty = {normpath(task.ref or "") for task in referring if task.subflow is None or not task.subflow.tasks}
    if not new.root.tasks:
        empty.add(new.root.file)
    return {file for file in empty if file in old.plans and old.plans[file].tasks}
