"""The engine as its users see it: read a plan, change it, run it, recover it, all on one project."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigurationError, UsageError
from engine.lazy import Late
from engine.runtime.attempts import number
from engine.runtime.control import Control, Run
from engine.runtime.project import Project
from engine.runtime.registry import Registry, dispatch, load_registry, note_on
from engine.runtime.settings import settings_problem
from engine.status import Plan, Problem, Status, Task
from engine.storage import find_root

if TYPE_CHECKING:
    from engine import atoms
    from engine.flows import Tree
    from engine.loom import Loom, Preview
    from engine.runtime import checking, conversion, execution, findings, hands, identity, stepping, structure
    from engine.runtime import claim as claiming
    from engine.runtime import pump as pumping
    from engine.runtime import running as under_way
    from engine.runtime import undo as undoing
    from engine.runtime.checking import Unreachable
    from engine.runtime.code import Code
    from engine.runtime.conclusion import Steps
    from engine.runtime.conversion import Mended, Taken
    from engine.runtime.events import Event
    from engine.runtime.findings import Recovery
    from engine.runtime.hands import Changed
    from engine.runtime.problems import Expected
    from engine.runtime.running import Running
    from engine.runtime.structure import Restructured
    from engine.runtime.timeline import Attempt
    from engine.runtime.undo import Undone
    from engine.storage import Guarantee
else:
    # What changing and running a plan needs, and reading it does not.
    atoms = Late("engine.atoms")
    checking = Late("engine.runtime.checking")
    claiming = Late("engine.runtime.claim")
    conversion = Late("engine.runtime.conversion")
    execution = Late("engine.runtime.execution")
    hands = Late("engine.runtime.hands")
    identity = Late("engine.runtime.identity")
    pumping = Late("engine.runtime.pump")
    findings = Late("engine.runtime.findings")
    structure = Late("engine.runtime.structure")
    stepping = Late("engine.runtime.stepping")
    under_way = Late("engine.runtime.running")
    undoing = Late("engine.runtime.undo")


class Engine:
    """One project's engine. Methods that return are blocking and brief; `step`, `run`, `recover`, `retry` hand out
    events while work goes on. Any thread may read while one of them runs. Errors are those of `engine.errors`."""

    def __init__(self, root: Path, *, actor: str | None = None, readonly: bool = False) -> None:
        self.root = root
        self.readonly = readonly
        self._project = Project(root, actor)
        self._control: Control | None = None
        self._registry: Registry | None = None

    @classmethod
    def open(cls, start: Path | None = None, *, actor: str | None = None, readonly: bool = False) -> Engine:
        """The engine of the nearest project at or above `start` (the working directory unless given)."""
        return cls(find_root(start), actor=actor, readonly=readonly)

    # Reading

    def tree(self) -> Tree:
        """All plans as they are on disk now; what is wrong in them is inside."""
        self._registry = None
        return self._project.ledger.read()

    def root_plan(self) -> Plan | None:
        """`status.md` alone, its sub-flows not linked: there at once, however many there are. The next `tree()` has
        the same tasks, if the file is the same. None without `status.md`."""
        self._registry = None
        return self._project.ledger.root()

    def next(self) -> Task | None:
        """The task that would run."""
        return self.tree().cursor()

    def require_sound(self, tree: Tree) -> None:
        """Raise what a step would raise instead of running anything: StateError for two active tasks that are not on
        one path, PlanError when there is no next task because of problems, and not because all is done.
        """
        from engine.runtime.problems import problem_error

        tree.validate_state()
        problems = tree.problems() if tree.cursor() is None else []
        if problems:
            raise problem_error(problems, "No task can run.")

    def find(self, address: str, expect: str | None = None) -> Task:
        """The task at this address or of this unique name."""
        return hands.find(self.tree(), address, expect)

    def atom_of(self, task: Task) -> str | None:
        """The name of what runs this leaf, by the registry as it was at the last `tree()`; None: a person."""
        entry = dispatch(task, self._known()) if task.is_leaf else None
        return entry.name if entry is not None else None

    def kind_of(self, task: Task) -> str:
        """The name in `BUILT_IN` of what runs it: `Manual` for a person, empty for an atom of the project's own."""
        entry = dispatch(task, self._known()) if task.is_leaf else None
        return entry.kind if entry is not None else "Manual"

    def problem_of(self, task: Task) -> Problem | None:
        """What keeps this task from running: its own problem, its sub-flow's, or its atom's."""
        if task.problems:
            return task.problems[0]
        if task.subflow is not None and task.subflow.problems:
            return task.subflow.problems[0]
        entry = dispatch(task, self._known()) if task.is_leaf and task.tag else None
        if entry is not None and entry.broken:
            return Problem(
                task.plan.file, task.line, 1, entry.broken, "Mend its entry or its module.", "registry"
            )
        return None

    def block_problem_of(self, task: Task) -> Problem | None:
        """Why the atom of this leaf cannot run what stands under it, by the registry as it was at the last `tree()`:
        what `check` says of its block. It costs more than `problem_of`."""
        return checking.problem_of_block(self._project, self._known(), task) if task.is_leaf else None

    def note_of(self, task: Task) -> Problem | None:
        """What to say of a task whose tag is no atom's: a person does it, and nothing else tells them why."""
        return note_on(task, self._known()) if task.tag else None

    def _known(self) -> Registry:
        if self._registry is None:
            try:
                self._registry = load_registry(self._project.flow)
            except ConfigurationError:
                self._registry = Registry()  # `check` says what is wrong with it, and so does a step
        return self._registry

    def configuration(self, task: Task) -> dict[str, Any]:
        """A task's body as data: notes (Markdown) and fences."""
        return atoms.configuration(task)

    def attempts(self, task: Task) -> int:
        """How often this task was tried since it was last settled."""
        return number(self._project.attempts(task), "attempt")

    def is_tripped(self, task: Task) -> bool:
        """Whether its work vanished so often that it runs again only after it was reopened (circuit breaker)."""
        return hands.is_tripped(self._project, task)

    def has_run(self, task: Task) -> bool:
        """Whether a task has run though the plan does not say so: `once` tasks run again only if a person retries."""
        return bool(self._project.attempts(task).get("undone"))

    def changed_outside(self, tree: Tree | None = None) -> list[str]:
        """The plans that another program changed since the engine last wrote them or a person accepted them; as
        they were read in `tree`, or as they are now."""
        return self._project.ledger.changed_outside(tree if tree is not None else self.tree())

    def known(self, file: str) -> str | None:
        """The text of a plan as the engine last wrote it or a person accepted it; None if none is known."""
        snapshot = self._project.plans.known(file)
        return snapshot.data.decode("utf-8", "replace") if snapshot is not None else None

    def known_at(self, file: str) -> str:
        """When that version was written or accepted (ISO 8601, UTC); empty if none is known."""
        return self._project.plans.known_at(file)

    def last_change(self) -> int:
        """The number of the latest change of a plan that an engine made; 0 where the log knows none. Blocks briefly."""
        return self._project.log.last_change()

    def running(self, tree: Tree | None = None) -> Running | None:
        """What is being executed right now, by whichever engine; where its task is in `tree`, or else was begun."""
        return under_way.running(self._project, tree) if self._project.has_intent else None

    def recovery(self) -> Recovery | None:
        """An interrupted task and what is known of it; None while an engine is at work."""
        if not self._project.has_intent or claiming.is_claimed(self._project.store):
            return None
        intent = findings.open_intent(self._project)
        return None if intent is None else findings.examine(self._project, intent)

    def output(self, run: str, offset: int = 0) -> tuple[str, int]:
        """What a run has printed from `offset` (bytes) on, and the offset to go on from."""
        data, offset = self._project.runner.read(run, offset)
        return data.decode("utf-8", "replace"), offset

    def history(self, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """The records of the event log behind number `after`, oldest first. Whoever asks for what is behind the last
        record that was read reads only what is new."""
        return self._project.log.records(after=after)

    def latest(self) -> Iterator[dict[str, Any]]:
        """The records of the event log, newest first; what is not asked for is not read."""
        return self._project.log.latest()

    def timeline(self) -> tuple[Attempt, ...]:
        """What ran when, for how long and with what result, and what people did by hand, in the order in which it
        began. Only what is new since the last call is read. Blocks briefly."""
        return self._project.timeline.read()

    def context(self) -> dict[str, Any]:
        """What tasks have exported so far."""
        return self._project.context.read()

    def guarantee(self) -> Guarantee:
        """What the file system of this project gives a swap; tries it out in `.flow/swap/`."""
        return self._project.store.guarantee()

    def conflict_copies(self) -> list[Path]:
        """What other programs wrote in the moment of a swap and nobody has looked through yet."""
        return self._project.store.conflict_copies()

    def unsettled(self) -> list[str]:
        """What waits in `.flow/swap/` and could not be settled by the first lock taken here, and why, in sentences."""
        return [str(error) for error in self._project.store.unsettled]

    def upcoming(self, *, until: str | None = None) -> list[Task]:
        """The leaves that a run would go through, in order, as things stand; up to `until`, if it is given. Tasks with
        problems are among them, and tell with `obstacles` why a run would pass them over."""
        tree = self.tree()
        return checking.upcoming(tree, tree.find(until) if until is not None else None)

    def obstacles(self, tree: Tree, tasks: Sequence[Task]) -> list[Problem | None]:
        """What a run would stop at when it comes to each of these tasks of `tree`; None where it goes on by itself. The
        code `manual`, `failed`, `trust` or `changed_outside` means that a person has to act; any other that the plan
        or its configuration has to be mended."""
        return checking.obstacles(self._project, tree, tasks)

    def unaccepted(self, tree: Tree) -> list[str]:
        """The plans of a strict project that were changed outside, and that a person has to accept or put back."""
        return self._project.ledger.unaccepted(tree)

    def check(self) -> list[Problem]:
        """Every problem of the project."""
        return checking.check(self._project)

    def settings_problem(self) -> Problem | None:
        """What is wrong with `flow.toml`: no plan can be changed until that is mended."""
        return settings_problem(self._project.flow)

    def notes(self) -> list[Problem]:
        """What is no problem and may be a mistake: tags that are nearly those of an atom, code that nothing runs."""
        return checking.notes(self._project)

    def unreachable(self) -> list[Unreachable]:
        """The plans below `.flow/` that no reference reaches."""
        return checking.unreachable(self._project)

    def stops(self) -> list[Problem]:
        """What an unattended run would stop at: manual, failed and interrupted tasks, code nobody has approved."""
        return checking.stops(self._project, self.recovery())

    def unapproved(self, *, settled: bool = False) -> list[Code]:
        """The code that nobody has approved, and that would be asked about before it runs: that of the interrupted task
        and of those not yet settled, or with `settled` of all.

        SecurityError when an atom has a link that leads out of the project.
        """
        tree = self.tree()
        if settled:
            return self._project.trust.missing(tree.walk())
        tasks = [task for task in tree.walk() if not task.status.is_settled]
        if self._project.has_intent and (intent := findings.open_intent(self._project)) is not None:
            interrupted = identity.find_again(tree.root, intent.path, intent.body)
            tasks += [interrupted] if interrupted is not None and interrupted.status.is_settled else []
        return self._project.trust.missing(tasks)

    def preview(self, *, reload: bool = False) -> Preview | None:
        """What the next task would write if it is a Loom task; None if it is another. Nothing is written.

        With `reload` the edit is computed for what is there now, whichever revision its task names as its base. Raises
        what a step would raise instead of running the task.
        """
        tree = self.tree()
        task = tree.cursor()
        if task is None or task.status is Status.FAILED:
            return None
        entry = execution.runnable(self._project, task)
        if entry is None or entry.kind != "Loom":
            return None
        atom = atoms.LoomAtom()
        execution.refuse(self._project, tree, task, atom.effect)
        return atom.preview(self._project.call(task), self.loom, reload=reload)

    @property
    def loom(self) -> Loom:
        """Surgical edits of the project's files, within what its settings allow."""
        return self._project.loom

    # Changing

    def change(self, verb: str, address: str, *, expect: Expected = None, note: str = "") -> Changed:
        """`begin`, `done`, `skip`, `fail` or `reopen` a task; `expect`, here and below: which one is meant."""
        self._may_write()
        return hands.change(self._project, verb, address, expect=expect, note=note)

    def add(
        self,
        what: str,
        *,
        to: str | None = None,
        at: int | None = None,
        expect: str | None = None,
        beside: Task | None = None,
    ) -> Restructured:
        """Add a task (a name, or Markdown of tasks) under `to` or at the top, as the `at`-th there or as the last.

        `expect`: the name of the task at `to`; `beside`: of an earlier reading, by which `to` and `at` were chosen.
        """
        self._may_write()
        return structure.add(self._project, what, to=to, at=at, expect=expect, beside=beside)

    def rename(self, address: str, name: str, *, expect: Expected = None) -> Restructured:
        """Give a task another name."""
        self._may_write()
        return structure.rename(self._project, address, name, expect=expect)

    def move(
        self,
        address: str,
        *,
        to: str | None = None,
        at: int | None = None,
        expect: Expected = None,
        beside: Task | None = None,
    ) -> Restructured:
        """Move a task with all that is in it under `to` (None: the top), as the `at`-th there or as the last."""
        self._may_write()
        return structure.move(self._project, address, to=to, at=at, expect=expect, beside=beside)

    def remove(self, address: str, *, expect: Expected = None) -> Restructured:
        """Remove a task with all that is in it; a file that it refers to stays."""
        self._may_write()
        return structure.remove(self._project, address, expect=expect)

    def zoom(self, address: str, *, expect: Expected = None) -> Restructured:
        """Make a flow of a task, `sub_flows/<slug>.md`, and move its children there."""
        self._may_write()
        return structure.zoom(self._project, address, expect=expect)

    def mend(self, path: Path, *, comments: bool = False) -> Mended:
        """What normalising the plan at `path` would make of it. Nothing is written."""
        return conversion.mend(self._project, path, comments=comments)

    def write_mended(self, mended: Mended) -> None:
        """Write what a person has seen of `mend`; ContentChangedError when the plan is another one by now."""
        self._may_write()
        conversion.write_mended(self._project, mended)

    def take_in(self, source: Path, *, name: str | None = None) -> Taken:
        """Make a new plan below `.flow/` of any Markdown file, which stays as it is."""
        self._may_write()
        return conversion.take_in(self._project, source, name=name)

    def reset(self, address: str | None = None) -> Changed:
        """Make a task and everything in it pending again, or the whole plan; for the next time."""
        self._may_write()
        return hands.reset(self._project, address)

    def undo(self) -> Undone:
        """Take back the last change of the plan; again and again."""
        self._may_write()
        return undoing.undo(self._project)

    def accept(self, shown: Mapping[str, str] | None = None) -> list[str]:
        """Take in every plan that was changed outside; of those `shown`, only that revision. Returns their names;
        ContentChangedError: one of them is another by now."""
        self._may_write()
        return self._project.ledger.accept(shown)

    def restore(self, shown: Mapping[str, str] | None = None) -> list[str]:
        """Put back the last version of every plan that was changed outside, or is gone; else like `accept`."""
        self._may_write()
        return self._project.ledger.restore(shown)

    def approve(self, codes: Iterable[Code], *, scripts: bool = False) -> None:
        """Let these pieces of code run from now on; with `scripts` all that this project's plans hold, too, whatever it
        becomes."""
        self._project.trust.approve(codes, scripts=scripts)

    def trust(self) -> list[Code]:
        """Let this project's scripts run from now on, and its atoms as they are. The code of the plan that was not
        approved before, that of settled tasks included."""
        return self._project.trust.trust(self.tree().walk())

    # Executing

    def step(
        self, *, base: str | None = None, force: bool = False, expect: str | None = None
    ) -> AsyncIterator[Event]:
        """Run the next task, or go on with an interrupted one. The last event is Finished.

        `base`: the revision of the file for which a person approved the preview of a Loom task; `force`: apply the
        edit to whatever the file holds now; `expect`: the name of the task that is meant, no other one is run.
        """
        return pumping.pump(
            lambda: self._claimed(
                lambda run: stepping.step(self._project, run),
                base=base,
                force=force,
                expect=expect,
                is_told=True,
            )
        )

    def run(self, *, until: str | None = None, expect: str | None = None) -> AsyncIterator[Event]:
        """Run tasks until all are done, a person is needed or one fails; with `until`, no further than that task.

        `expect`: the name of the task at `until`; NameMismatchError: another stands there by now.
        """
        return pumping.pump(
            lambda: self._claimed(lambda run: stepping.run(self._project, run, until, expect), is_told=True)
        )

    def recover(self, choice: str) -> AsyncIterator[Event]:
        """Settle the interrupted task: `resume`, `retry`, `done`, `skip`, `fail` or `always` (it may run again unasked
        from now on, which is written into the plan, and it does)."""
        return pumping.pump(lambda: self._claimed(lambda run: stepping.recover(self._project, run, choice)))

    def retry(self, address: str, *, expect: Expected = None) -> AsyncIterator[Event]:
        """Run a failed (or interrupted) task again."""
        return pumping.pump(
            lambda: self._claimed(lambda run: stepping.retry(self._project, run, address, expect))
        )

    def stop(self, *, run: str = "", after_this_task: bool = False) -> None:
        """End what this engine is running, or only `run`; the events of the step say when it is done."""
        control = self._control
        if control is not None:
            control.stop(run=run, after_this_task=after_this_task)

    def go_on(self) -> None:
        """Take back `stop(after_this_task=True)`, while that task still runs."""
        if self._control is not None:
            self._control.go_on()

    def stop_other(self, asked: Running | None = None) -> Running | None:
        """Ask the engine that runs a task, in whichever process, to end it; None when none runs. Does not wait.

        `asked`: that was asked for before; nothing but another attempt at it is to be ended. Returns what runs.
        """
        self._may_write()
        running = self.running()
        if running is None or (asked is not None and running.run == asked.run):
            return running
        if asked is None or running.is_same_task(asked):
            self._project.request_stop(running.run)
        return running

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until no engine is at work here, for at most `timeout` seconds; whether none is."""
        import asyncio  # takes long to import, and reading needs none

        until = None if timeout is None else time.monotonic() + timeout
        while claiming.is_claimed(self._project.store):
            if until is not None and time.monotonic() >= until:
                return False
            await asyncio.sleep(0.05)
        return True

    def _claimed(
        self,
        make: Callable[[Run], Steps],
        *,
        base: str | None = None,
        force: bool = False,
        expect: str | None = None,
        is_told: bool = False,
    ) -> Steps:
        """`is_told`: the log tells how it ends, whatever that is."""
        self._may_write()
        control = Control()
        with claiming.claim(self._project.store, self._project.intents) as held:
            self._control = control
            try:
                run = Run(control, held, base=base, force=force, expect=expect)
                steps = stepping.settled(self._project, make(run))
                return (yield from stepping.told(self._project, run, steps) if is_told else steps)
            finally:
                self._control = None

    def _may_write(self) -> None:
        if self.readonly:
            raise UsageError(
                "This is a read-only view.", hint="Start `flow` without --readonly to change or run."
            )
