"""All plans of a project as one fractal tree: addresses, the next task, progress, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.errors import UnknownAddressError
from engine.status import (
    Plan,
    Problem,
    Progress,
    Task,
    cursor,
    find_in,
    progress,
    settle,
    validate_state,
    walk,
)
from engine.storage import Snapshot

_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:/[0-9]+(?:\.[0-9]+)*)*")
# A number is near when it is off by no more than this; no plan has numbers of more digits than that.
_NEAR, _DIGITS = 2, 9


class Tree:
    """What `Loader.load` read: the root plan, and every plan that is reached from it.

    `plans` and `snapshots` (the bytes each plan was read from) are keyed by the path relative to `.flow/`. A
    plan that does not exist has no snapshot.
    """

    def __init__(
        self, root: Plan, plans: dict[str, Plan], snapshots: dict[str, Snapshot] | None = None
    ) -> None:
        self.root = root
        self.plans = plans
        self.snapshots = snapshots or {}

    def find(self, address_or_name: str) -> Task:
        """The task at an address such as `2/1.3`, else the one of this name, if there is one only.

        A name may be given with its tag, `[Script] Publish`. Raises `UnknownAddressError`, which names
        similar ones.
        """
        wanted = address_or_name.strip()
        if _ADDRESS.fullmatch(wanted):
            task = self._at(wanted)
            if task is not None:
                return task
        named = [task for task in self.walk() if wanted in (task.name, _with_tag(task))]
        if len(named) == 1:
            return named[0]
        if named:
            addresses = [task.address for task in named[:10]]
            raise UnknownAddressError(
                f"{len(named)} tasks are named {wanted!r}.",
                hint=f"Give an address: {', '.join(addresses)}.",
                address=wanted,
                candidates=addresses,
            )
        near = self._near(wanted)
        raise UnknownAddressError(
            f"There is no task {wanted!r}.",
            hint=f"Did you mean {' or '.join(near)}?" if near else "`flow status` shows all of them.",
            address=wanted,
            candidates=near,
        )

    def cursor(self) -> Task | None:
        """The task that runs next."""
        return cursor(self.root.tasks)

    def complete(self) -> list[Task]:
        """The tasks that are finished in all but their own mark, which the next step sets: after an edit by hand, or
        a crash between two files.
        """
        complete = {change.task for change in settle(self.root)}
        return [task for task in self.walk() if task in complete] if complete else []

    def progress(self, of: Task | Plan | None = None) -> Progress:
        """Counts the leaves of a task, of a plan, or of everything."""
        return progress(self.root if of is None else of)

    def walk(self) -> Iterator[Task]:
        """Every task, through sub-flows, depth first."""
        return walk(self.root.tasks)

    def problems(self) -> list[Problem]:
        """Those of the plans and of single tasks, file by file in the order of the tree."""
        found: list[Problem] = []
        for plan in self.plans.values():
            here = list(plan.problems)
            for task in plan.referring:  # no others can have problems of their own
                here.extend(task.problems)
            here.sort(key=lambda problem: (problem.line, problem.column))
            found.extend(here)
        return found

    def validate_state(self) -> None:
        """Raises `StateError` when two active tasks are not on one path (`engine.status.validate_state`)."""
        validate_state(self.root)

    def _at(self, address: str) -> Task | None:
        plan: Plan | None = self.root
        task: Task | None = None
        for step in address.split("/"):
            if plan is None:
                return None
            try:
                task = find_in(plan, step)
            except UnknownAddressError:
                return None
            plan = task.subflow
        return task

    def _near(self, wanted: str) -> list[str]:
        import difflib  # slow to import, and only a mistake needs it

        if _ADDRESS.fullmatch(wanted):
            head, _, _ = wanted.rpartition("." if "." in wanted.rpartition("/")[2] else "/")
            above = self._at(head) if head else None
            if above is not None:  # the way there is right
                return [task.address for task in above.inside[-3:]]
            if head or len(wanted) > _DIGITS:
                return []
            return [task.address for task in self.root.tasks if abs(task.number - int(wanted)) <= _NEAR]
        names = {task.name.lower(): task.name for _, task in zip(range(10_000), self.walk(), strict=False)}
        return [repr(names[name]) for name in difflib.get_close_matches(wanted.lower(), names, 3)]


def _with_tag(task: Task) -> str:
    return f"[{task.tag}] {task.name}" if task.tag is not None else task.name
