"""Which task is meant when the plan may have changed meanwhile: the path of names from the root down to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.status import Plan, Status, Task

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Level:
    """One file on the way down, and the names within it; a name includes the tag."""

    file: str
    names: tuple[str, ...]


def _name(task: Task) -> str:
    return f"[{task.tag}] {task.name}" if task.tag else task.name


def path_of(task: Task) -> tuple[Level, ...]:
    """The path of names of a task, the root file first."""
    levels: list[Level] = []
    here: Task | None = task
    while here is not None:
        file, names = here.plan.file, []
        up: Task | None = here
        while up is not None:
            names.append(_name(up))
            up = up.parent
        levels.append(Level(file, tuple(reversed(names))))
        here = here.plan.referrer
    return tuple(reversed(levels))


def as_json(path: Sequence[Level]) -> list[dict[str, Any]]:
    """The path for a record."""
    return [{"file": level.file, "names": list(level.names)} for level in path]


def from_json(levels: Any) -> tuple[Level, ...]:
    """The path from a record. Raises KeyError or TypeError when it is none."""
    return tuple(Level(level["file"], tuple(level["names"])) for level in levels)


def key_of(path: Sequence[Level]) -> str:
    """The path as one string, for a record that is kept by task."""
    return "/".join(f"{level.file}#{_SEPARATOR.join(level.names)}" for level in path)


def resolve(root: Plan, path: Sequence[Level]) -> Task | None:
    """The task at this path of names, or None. Of several with one name under several headings, the active one."""
    plan: Plan | None = root
    task: Task | None = None
    for level in path:
        if plan is None or plan.file != level.file:
            return None
        candidates: Sequence[Task] = plan.tasks
        for name in level.names:
            named = [candidate for candidate in candidates if _name(candidate) == name]
            if not named:
                return None
            task = next((one for one in named if one.status is Status.ACTIVE), named[0])
            candidates = task.children
        plan = task.subflow if task is not None else None
    return task


def find_again(root: Plan, path: Sequence[Level], body: str) -> Task | None:
    """The task that an intent means (DESIGN section 5): the one at its path of names, else the only active leaf if
    its name or its body (`body`: the text it had) still matches, else None. Never another one."""
    task = resolve(root, path)
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
