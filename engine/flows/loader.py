"""Reads the plans of a project and links them into one tree, by the references of their tasks."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.errors import SecurityError, StorageError, UnsupportedFileError
from engine.flows.tree import Tree
from engine.status import Plan, Problem, Task, count, parse, set_subflow
from engine.storage import Plans, Snapshot

ROOT = "status.md"

_SPENT = 50_000
"""Lines of plans that were read anew, besides as many as the tree has, until their memory is taken back."""

_REST = 0.1
"""Seconds that a reading waits for plans which are just being written; for all of them together."""
_QUIET = 20_000_000
"""Nanoseconds since its last change after which a plan that is written in place counts as written."""
_LOOK_EVERY = 0.01


class _Read:
    """A plan as it was read, and the problems that linking gave its referring tasks."""

    def __init__(self, plan: Plan, revision: str) -> None:
        self.plan = plan
        self.revision = revision
        self.inode = 0
        self.linked: dict[Task, tuple[Problem, ...]] = {}


class _Link(NamedTuple):
    """What a reference turned out to be."""

    subflow: Plan | None = None
    problems: tuple[Problem, ...] = ()


class Loader:
    """Loads the tree, again and again; a plan whose bytes are the same keeps its `Plan` and `Task` objects."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._cache: dict[str, _Read] = {}
        self._spent = 0
        self._rests_until: float | None = None
        self._lost: set[str] = set()  # what did not come back while a reading waited for it

    def load(self) -> Tree:
        """The tree as the files are now. Without `status.md` it is empty.

        Only a root plan that cannot be read raises (`StorageError`, `SecurityError`); everything else that is
        wrong is a problem of its plan or task.
        """
        self._rests_until = None
        snapshots: dict[str, Snapshot] = {}
        found: dict[str, _Read] = {}
        root = self._read(ROOT, snapshots, found)
        if root is None:
            self._cache = {}
            plan = Plan(ROOT, problems=self._lost_text(ROOT, "gone"))
            return Tree(plan, {ROOT: plan})
        links: dict[Task, _Link] = {}
        referrers: dict[str, Task] = {}
        path = [ROOT]
        stack: list[Iterator[Task]] = [iter(root.plan.referring)]
        while stack:
            task = next(stack[-1], None)
            if task is None:
                stack.pop()
                path.pop()
                continue
            link, read = self._follow(task, snapshots, found, referrers, path)
            links[task] = link
            if read is not None:
                referrers[read.plan.file] = task
                path.append(read.plan.file)
                stack.append(iter(read.plan.referring))
        _apply(found, links, referrers)
        self._replace(found)
        return Tree(root.plan, {file: read.plan for file, read in found.items()}, snapshots)

    def _replace(self, found: dict[str, _Read]) -> None:
        """Keeps what was found instead of what was known.

        The tasks of a plan refer to each other in circles, and the garbage collector, which counts how much is made
        while it is on, comes too seldom for what `parse` makes while it is off: somebody who rewrites a large plan all
        day would have dozens of its versions in memory.
        """
        old, self._cache = self._cache, found
        self._spent += sum(len(read.plan.lines) for file, read in old.items() if found.get(file) is not read)
        if self._spent > _SPENT + sum(len(read.plan.lines) for read in found.values()):
            self._spent = 0
            gc.collect()

    def root(self) -> Plan | None:
        """The root plan alone, as its file is now; what its tasks refer to is not looked at. None: no such file.

        The next `load` takes over this `Plan`, if the file is still the same. Raises like `load`.
        """
        self._rests_until = None
        found: dict[str, _Read] = {}
        read = self._read(ROOT, {}, found)
        self._cache.update(found)
        return read.plan if read is not None else None

    def forget(self, files: Iterable[str]) -> None:
        """The plans of these files were changed in memory, and their files were not: they are read anew."""
        for file in files:
            self._cache.pop(file, None)

    def wrote(self, plan: Plan, revision: str) -> None:
        """The file of this plan, changed in place, was written as it is now: it need not be read anew."""
        read = self._cache.get(plan.file)
        if read is not None and read.plan is plan:
            read.revision = revision

    def _read(self, file: str, snapshots: dict[str, Snapshot], found: dict[str, _Read]) -> _Read | None:
        snapshot = self._plans.read(file)
        read = self._cache.get(file)
        snapshot = self._rested(file, read, snapshot)
        if snapshot is None:
            return None
        if read is None or read.revision != snapshot.revision:
            read = _Read(parse(snapshot.data, file), snapshot.revision)
        read.inode = snapshot.inode
        if not snapshot.data:
            read.plan.problems = self._lost_text(file, "empty")
        if read.plan.counts is None:
            count(read.plan)
        snapshots[file] = snapshot
        found[file] = read
        return read

    def _lost_text(self, file: str, state: str) -> list[Problem]:
        """What is wrong with a plan that has nothing in it: nothing, unless it had."""
        if not self._plans.had_text(file):
            return []
        hint = "`flow restore` puts back its last version."
        if state == "empty":
            hint += " `flow accept` leaves it so."
        return [Problem(file, 1, 1, f"The plan is {state}; it had tasks before.", hint, "lost")]

    def _rested(self, file: str, read: _Read | None, snapshot: Snapshot | None) -> Snapshot | None:
        """The plan once it is written, if somebody seems to be at that. Editors and scripts cut a file to nothing, or
        rename it away, before they write it anew, piece by piece: whoever reads in between would pass over the rest."""
        while self._is_unfinished(file, read, snapshot):
            now = time.monotonic()
            if self._rests_until is None:
                self._rests_until = now + _REST
            if now >= self._rests_until:
                break
            time.sleep(_LOOK_EVERY)
            snapshot = self._plans.read(file)
        if snapshot is not None and snapshot.data:
            self._lost.discard(file)
        else:
            self._lost.add(file)
        return snapshot

    def _is_unfinished(self, file: str, read: _Read | None, snapshot: Snapshot | None) -> bool:
        """Whether a plan lost everything that was in it, or had its own bytes overwritten a moment ago. What was put in
        its place at once, as engines and careful editors do, is another file."""
        if snapshot is None or not snapshot.data:
            return file not in self._lost and (bool(read.plan.tasks) if read else self._plans.had_text(file))
        if read is None or snapshot.inode != read.inode or snapshot.revision == read.revision:
            return False
        return abs(time.time_ns() - snapshot.mtime_ns) < _QUIET

    def _follow(
        self,
        task: Task,
        snapshots: dict[str, Snapshot],
        found: dict[str, _Read],
        referrers: dict[str, Task],
        path: list[str],
    ) -> tuple[_Link, _Read | None]:
        """Finds what a task refers to; the plan comes back when it is to be gone through now."""
        ref = task.ref
        assert ref is not None
        if any(problem.code == "reference" and problem not in self._added(task) for problem in task.problems):
            return _Link(), None  # refused by its text alone
        try:
            safe = self._plans.path(ref)
            file = safe.path.relative_to(safe.base).as_posix()
            if not (task.is_flow or file.lower().endswith(".md")):
                missing = self._plans.read(file) is None
                return (_wrong(task, *self._missing(ref, file)) if missing else _Link()), None
            if file in path:
                circle = " -> ".join([*path[path.index(file) :], file])
                return _wrong(
                    task,
                    f"The reference {ref!r} is circular: {circle if len(circle) < 200 else file}.",
                    "Refer to another file.",
                ), None
            if file in referrers:
                first = referrers[file]
                return _wrong(
                    task,
                    f"The reference {ref!r} is the second one to its flow; the first is in {first.plan.file}, "
                    f"line {first.line}.",
                    "Only one task can refer to a flow: copy the file, or refer to another one.",
                ), None
            read = self._read(file, snapshots, found)
        except SecurityError as error:
            return _wrong(task, f"The reference {ref!r} is refused. {error.message}", error.hint), None
        except (StorageError, UnsupportedFileError) as error:
            return _wrong(task, f"The reference {ref!r} is broken. {error.message}", error.hint), None
        if read is None:
            return _wrong(task, *self._missing(ref, file)), None
        return self._linked(task, read.plan), read

    def _linked(self, task: Task, plan: Plan) -> _Link:
        """A sub-flow with problems is linked as far as it can be read: it is shown, and never run."""
        if plan.problems:
            link = _wrong(
                task, f"The reference {task.ref!r} is broken: {plan.problems[0]}", "Mend that file.", "broken"
            )
        elif task.status.is_settled and (left := _unfinished(plan)) is not None:
            link = _wrong(
                task,
                f"A logic conflict: the task is {task.status}, and {left.name!r} in {plan.file} is {left.status}.",
                "Finish or skip that one, or reopen this task.",
                "conflict",
            )
        else:
            link = _Link()
        return link._replace(subflow=plan)

    def _missing(self, ref: str, file: str) -> tuple[str, str]:
        what = f"The reference {ref!r} is missing: there is no such file below `.flow/`."
        back = " `flow restore` puts back its last version." if self._plans.had_text(file) else ""
        return what, f"Write the file, or mend the path.{back}"

    def _added(self, task: Task) -> tuple[Problem, ...]:
        read = self._cache.get(task.plan.file)
        return read.linked.get(task, ()) if read is not None else ()


def _apply(found: dict[str, _Read], links: dict[Task, _Link], referrers: dict[str, Task]) -> None:
    """Writes the links into the plans, and touches only what is different from the last time.

    In an order in which every count of progress is right at each step and goes up no further than it must: links that
    are no more first, from the root inwards; new ones last, from the inside out.
    """
    for read in found.values():
        for task in read.plan.referring:
            link = links[task]
            before = read.linked.get(task, ())
            if before != link.problems:
                own = [problem for problem in task.problems if problem not in before]
                task.problems = (*own, *link.problems)
                read.linked[task] = link.problems
            if task.subflow is not None and task.subflow is not link.subflow:
                set_subflow(task, None)
    for file, read in found.items():
        referrer = referrers.get(file)
        if read.plan.referrer is not referrer:
            read.plan.referrer = referrer
    for read in reversed(found.values()):
        for task in read.plan.referring:
            if task.subflow is not links[task].subflow:
                set_subflow(task, links[task].subflow)


def _unfinished(plan: Plan) -> Task | None:
    return next((task for task in plan.tasks if not task.status.is_settled), None)


def _wrong(task: Task, message: str, hint: str, code: str = "reference") -> _Link:
    line = task.plan.lines[task.line - 1]
    column = line.rfind(task.ref or "") + 1
    return _Link(problems=(Problem(task.plan.file, task.line, max(column, 1), message, hint, code),))
