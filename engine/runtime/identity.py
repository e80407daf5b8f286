"""Which task is meant when the plan may have changed meanwhile: the path of names from the root down to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.status import Plan, Status, Task

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Level:
    """One file on the way down, and the names within it; a name includes the tag.

    `nth`: which of the siblings of that name it is at each of them, from 1: under several headings they may have one
    name. Empty where each is the first.
    """

    file: str
    names: tuple[str, ...]
    nth: tuple[int, ...] = ()

    def below(self, names: Sequence[str], nth: Sequence[int]) -> Level:
        """The level with further names."""
        return _level(self.file, (*self.names, *names), (*self.counts, *nth))

    @property
    def counts(self) -> tuple[int, ...]:
        """`nth`, for each of the names."""
        return self.nth or (1,) * len(self.names)


def _level(file: str, names: tuple[str, ...], counts: tuple[int, ...]) -> Level:
    return Level(file, names, counts if any(count > 1 for count in counts) else ())


def _name(task: Task) -> str:
    return f"[{task.tag}] {task.name}" if task.tag else task.name


def path_of(task: Task) -> tuple[Level, ...]:
    """The path of names of a task, the root file first."""
    return next(paths_of([task]))


def paths_of(tasks: Iterable[Task]) -> Iterator[tuple[Level, ...]]:
    """The path of each of these tasks, of one reading."""
    counts: dict[Task | Plan, dict[Task, int]] = {}
    for task in tasks:
        levels: list[Level] = []
        here: Task | None = task
        while here is not None:
            names, nth = [], []
            up: Task | None = here
            while up is not None:
                names.append(_name(up))
                nth.append(_nth(up, counts))
                up = up.parent
            levels.append(_level(here.plan.file, tuple(reversed(names)), tuple(reversed(nth))))
            here = here.plan.referrer
        yield tuple(reversed(levels))


def _nth(task: Task, counts: dict[Task | Plan, dict[Task, int]]) -> int:
    """Which of its siblings of that name a task is. `counts` keeps that of all its siblings."""
    around = task.parent or task.plan
    if around is task.plan and not task.plan.headings:
        return 1  # names differ, as nothing comes between them
    found = counts.get(around)
    if found is None:
        found = counts[around] = {}
        seen: dict[str, int] = {}
        for sibling in around.children if isinstance(around, Task) else around.tasks:
            name = _name(sibling)
            seen[name] = found[sibling] = seen.get(name, 0) + 1
    return found[task]


def as_json(path: Sequence[Level]) -> list[dict[str, Any]]:
    """The path for a record."""
    return [
        {"file": level.file, "names": list(level.names)} | ({"nth": list(level.nth)} if level.nth else {})
        for level in path
    ]


def from_json(levels: Any) -> tuple[Level, ...]:
    """The path from a record. Raises KeyError, TypeError or ValueError when it is none."""
    path = tuple(Level(level["file"], tuple(level["names"]), tuple(level.get("nth", ()))) for level in levels)
    for level in path:
        if len(level.counts) != len(level.names) or not all(
            type(nth) is int and nth > 0 for nth in level.nth
        ):
            raise ValueError(f"{level.nth} does not number {level.names}.")
    return path


def key_of(path: Sequence[Level]) -> str:
    """The path as one string, for a record that is kept by task."""
    return "/".join(
        f"{level.file}#{_SEPARATOR.join(map(_part, level.names, level.counts))}" for level in path
    )


def _part(name: str, nth: int) -> str:
    return name if nth == 1 else f"{name}\n{nth}"  # no name has a line feed


def resolve(root: Plan, path: Sequence[Level], *, at_work: bool = False) -> Task | None:
    """The task at this path of names, or None. `at_work`: if another one of the same name is active instead, that one:
    it was begun, and something was written above it meanwhile."""
    plan: Plan | None = root
    task: Task | None = None
    for level in path:
        if plan is None or plan.file != level.file:
            return None
        candidates: Sequence[Task] = plan.tasks
        for name, nth in zip(level.names, level.counts, strict=True):
            named = [candidate for candidate in candidates if _name(candidate) == name]
            task = named[nth - 1] if nth <= len(named) else None
            if at_work and (task is None or task.status is not Status.ACTIVE):
                task = next((one for one in named if one.status is Status.ACTIVE), task)
            if task is None:
                return None
            candidates = task.children
        plan = task.subflow if task is not None else None
    return task


def find_again(root: Plan, path: Sequence[Level], body: str) -> Task | None:
    """The task that an intent means (DESIGN section 5): the one at its path of names, else the only active leaf if
    its name or its body (`body`: the text it had) still matches, else None. Never another one."""
    task = resolve(root, path, at_work=True)
    if task is not None:
        return task
    leaves = [leaf for leaf in active_leaves(root) if not leaf.inside]
    if len(leaves) != 1:
        return None
    leaf = leaves[0]
    wanted = path[-1].names[-1] if path else ""
    return leaf if _name(leaf) == wanted or (body.strip() and body_text(leaf) == body) else None


def active_leaves(root: Plan) -> list[Task]:
    """Active tasks inside which nothing is active, in document order, through sub-flows."""
    found: list[Task] = []
    stack = list(reversed(root.tasks))
    while stack:
        task = stack.pop()
        if task.status is not Status.ACTIVE:
            continue
        inside = [one for one in task.inside if one.status is Status.ACTIVE]
        if not inside:
            found.append(task)
        stack.extend(reversed(inside))
    return found


def body_text(task: Task) -> str:
    """The lines below a task that belong to it, as they are."""
    end = task.children[0].line - 1 if task.children else task.end - 1
    return "".join(task.plan.lines[task.line : end])
