"""What is known of tasks, an open intent and their attempts, goes along when they get another place in the plan.

The attempts are known at both places while the plan is being written: whenever it is killed, they are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.identity import Level, find_again, key_of, path_at_work, path_of
from engine.runtime.intent import TornIntentError
from engine.runtime.project import Project
from engine.status import Plan, Task, find_in

Place = tuple[str, str]
"""A plan file, and the id of a task in it; with `.` behind it, its children; empty, all of the file."""


class Carrying:
    """Which task each of those that move is in the new reading of its plan."""

    def __init__(self) -> None:
        self._moved: dict[Task, Task] = {}
        self._stale: list[str] = []
        self._places: list[Place] = []

    def pair(self, before: Sequence[Task], after: Sequence[Task], places: Sequence[Place] = ()) -> None:
        """These tasks become those, with all that is in them in their file; `places` says where both are.

        Raises ValueError when they are not of one shape.
        """
        moved: dict[Task, Task] = {}
        stack = [*zip(before, after, strict=True)]
        while stack:
            old, new = stack.pop()
            moved[old] = new
            stack += zip(old.children, new.children, strict=True)
        self._moved, self._places = moved, list(places)

    def note(self) -> dict[str, Any]:
        """For the record of the change, so that what takes it back can bring everything back."""
        return {"moved": self._places} if self._places else {}

    def before(self, project: Project, tree: Tree) -> None:
        """Before the plans are written: the attempts are known where the tasks will be, too."""
        known: dict[tuple[Level, ...], attempts.Record] = {}
        self._stale = []
        for task, path, key, record in attempts.known(project.plans, tree.walk() if self._moved else ()):
            there = self._path_after(task)
            if key and there is not None and there != path:  # what only its text tells, that tells there, too
                known[there] = record
                self._stale.append(key)
        attempts.copy(project.plans, known)
        self._stale = sorted(set(self._stale) - set(map(key_of, known)))

    def after(self, project: Project, tree: Tree) -> None:
        """When they are written: the open intent is told its place, and the attempts are known there only."""
        try:
            intent = project.intents.read() if self._moved else None
        except TornIntentError:
            intent = None
        task = find_again(tree.root, intent.path, intent.body) if intent is not None else None
        if intent is not None and task is not None and (path := self._path_after(task)) is not None:
            new = self._moved.get(task, task)
            project.intents.moved(intent.having(path=path_at_work(new, path), name=new.name))
        project.plans.drop_record(*self._stale)

    def _path_after(self, task: Task) -> tuple[Level, ...] | None:
        """The path of a task when they have moved; None when it is none of them, and in no sub-flow of one."""
        here: Task | None = task
        while here is not None and here not in self._moved:
            here = here.above
        if here is None:
            return None
        return (*path_of(self._moved[here]), *path_of(task)[len(path_of(here)) :])


def place_of(task: Task, *, children: bool = False) -> Place:
    """Where a task is in its file."""
    return task.plan.file, f"{task.id}." if children else task.id


def tasks_at(plan: Plan, place: Place) -> Sequence[Task]:
    """The tasks at a place in this reading of its file; raises UnknownAddressError when there are none."""
    _, id = place
    if not id:
        return plan.tasks
    task = find_in(plan, id.removesuffix("."))
    return task.children if id.endswith(".") else [task]
