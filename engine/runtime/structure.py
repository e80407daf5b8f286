"""Changing the tree of a project: add, rename, move, remove tasks; make a flow of one.

The rules and the texts are those of `engine.status`; here they meet the files, and whatever is known of the tasks
(an open intent, their attempts) goes along in the same commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import StateError, UsageError
from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.hands import find
from engine.runtime.identity import Level, find_again, path_of
from engine.runtime.intent import TornIntentError
from engine.runtime.ledger import Rewrite
from engine.runtime.project import Project
from engine.status import Plan, Task, edits, find_in, parse, walk, zooming


@dataclass(frozen=True, slots=True)
class Restructured:
    """What a change of the tree did: the task as it is now (of a removed one: as it was), and the written files."""

    address: str
    name: str
    files: tuple[str, ...]


def add(
    project: Project, what: str, *, to: str | None = None, at: int | None = None, expect: str | None = None
) -> Restructured:
    """Add a task (a name, or Markdown of tasks) under `to` or at the top, as the `at`-th there or as the last.

    `expect` is the name of the task at `to`; NameMismatchError where another one stands.
    """
    if expect is not None and to is None:
        raise UsageError("A name is expected of no task.", hint="Say with `to` where to add.")

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        plan, parent = _place(tree, to, expect)
        new = edits.add(plan, what, to=parent, at=at)
        siblings = _counterpart(new, parent).children if parent is not None else new.tasks
        task = siblings[at - 1 if at is not None else -1]
        return [new], task.address, task.name

    return _rewrite(project, "added", make)


def rename(project: Project, address: str, name: str, *, expect: str | None = None) -> Restructured:
    """Give a task another name."""
    moves: list[tuple[Task, Plan]] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        new = edits.rename(task.plan, task, name)
        moves[:] = [(task, new)]
        return [new], task.address, _counterpart(new, task).name

    def moved() -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        task, new = moves[0]
        return path_of(task), path_of(_counterpart(new, task))

    return _rewrite(project, "renamed", make, moved)


def move(
    project: Project, address: str, *, to: str | None = None, at: int | None = None, expect: str | None = None
) -> Restructured:
    """Move a task with all that is in it under `to` (None: the top), as the `at`-th there or as the last."""
    moves: list[tuple[Task, Task]] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        plan, parent = _place(tree, to)
        above = parent if parent is not None else plan.referrer
        while above is not None:
            if above is task:
                raise StateError(
                    f"{task.address} {task.name} cannot be moved into itself.", address=task.address
                )
            above = above.above
        if plan is task.plan:
            new = edits.move(plan, task, to=parent, at=at)
            changed = [new]
            # A task that stood before the new parent is gone from there: the parent has another number now.
            there = _after_move(new, task, parent)
        else:
            new = edits.add(plan, _markdown(task), to=parent, at=at)
            changed = [new, edits.remove(task.plan, task)]
            there = _counterpart(new, parent).children if parent is not None else new.tasks
        arrived = there[at - 1 if at is not None else -1]
        moves[:] = [(task, arrived)]
        return changed, arrived.address, arrived.name

    def moved() -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        task, arrived = moves[0]
        return path_of(task), path_of(arrived)

    return _rewrite(project, "moved", make, moved, lambda: moves[0][1])


def remove(project: Project, address: str, *, expect: str | None = None) -> Restructured:
    """Remove a task with all that is in it; a file that it refers to stays."""

    removed: list[Task] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        removed[:] = [task]
        return [edits.remove(task.plan, task)], task.address, task.name

    return _rewrite(project, "removed", make, removed=removed)


def zoom(project: Project, address: str, *, expect: str | None = None) -> Restructured:
    """Make a flow of a task, `sub_flows/<slug>.md`, and move its children there."""
    moves: list[tuple[Task, Plan]] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        number = 1
        while project.plans.read(zooming.flow_file(task, number)) is not None:
            number += 1
        zoomed = zooming.zoom(task, zooming.flow_file(task, number))
        flow = parse(zoomed.text, zoomed.file)
        flow.referrer = _counterpart(zoomed.plan, task)
        moves[:] = [(task, flow)]
        return [flow, zoomed.plan], task.address, task.name

    def moved() -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        task, flow = moves[0]
        return path_of(task), (*path_of(task), Level(flow.file, ()))

    return _rewrite(project, "zoomed", make, moved)


_Make = Callable[[Tree], tuple[list[Plan], str, str]]
_Moved = Callable[[], tuple[tuple[Level, ...], tuple[Level, ...]]]


def _rewrite(
    project: Project,
    what: str,
    make: _Make,
    moved: _Moved | None = None,
    arrived: Callable[[], Task] | None = None,
    removed: Sequence[Task] = (),
) -> Restructured:
    done: list[tuple[str, str]] = []

    def rewrite(tree: Tree) -> Rewrite:
        plans, address, name = make(tree)
        done[:] = [(address, name)]

        def then() -> None:
            attempts.leave(project.plans, walk(removed))
            if moved is not None:
                _take_along(project, tree, name, *moved())

        texts = {plan.file: plan.text for plan in plans}
        return Rewrite(texts, {"because": what, "address": address, "name": name}, then)

    committed = project.ledger.rewrite(rewrite)
    address, name = done[0]
    if arrived is not None:
        # Where it was taken from, the tasks behind it moved up: one of them may be on the way to where it is now.
        address = _counterpart(committed.tree.plans[arrived().plan.file], arrived()).address
    return Restructured(address, name, committed.files)


def _take_along(
    project: Project, tree: Tree, name: str, before: tuple[Level, ...], after: tuple[Level, ...]
) -> None:
    """Tell the open intent and the records of attempts where the tasks at and below `before` are now."""
    try:
        intent = project.intents.read()
    except TornIntentError:
        intent = None
    if intent is not None and find_again(tree.root, intent.path, intent.body) is not None:
        path = _carried(intent.path, before, after)
        if path is not None:
            project.intents.moved(intent.having(path=path, name=name if path == after else intent.name))
    for _, path, key, record in list(attempts.known(project.plans, tree.walk())):
        carried = _carried(path, before, after)
        if carried is not None and carried != path:
            attempts.keep(project.plans, carried, record, was=key)


def _carried(
    path: tuple[Level, ...], before: tuple[Level, ...], after: tuple[Level, ...]
) -> tuple[Level, ...] | None:
    """The path with its beginning `before` replaced by `after`; None when it does not begin so."""
    depth = len(before) - 1
    if len(path) <= depth or path[:depth] != before[:depth] or path[depth].file != before[depth].file:
        return None
    here, wanted = path[depth], before[depth]
    count = len(wanted.names)
    if (here.names[:count], here.headed[:count]) != (wanted.names, wanted.headed):
        return None
    names, sections = here.names[count:], here.headed[count:]
    if not after[-1].names and not names:
        return path  # it became a flow, and is the task that refers to it
    return (*after[:-1], after[-1].below(names, sections, here.shared), *path[depth + 1 :])


def _place(tree: Tree, to: str | None, expect: str | None = None) -> tuple[Plan, Task | None]:
    """The plan and the parent that `to` means: of a task with a sub-flow, the top of that."""
    if to is None:
        return tree.root, None
    parent = find(tree, to, expect)
    if parent.subflow is not None:
        return parent.subflow, None
    if parent.ref is not None:
        raise StateError(
            f"{parent.address} {parent.name} refers to {parent.ref}.", hint="Mend that reference first."
        )
    return parent.plan, parent


def _counterpart(plan: Plan, task: Task) -> Task:
    """The task at the same place in the new reading of its plan."""
    return find_in(plan, task.id)


def _after_move(new: Plan, task: Task, parent: Task | None) -> Sequence[Task]:
    """The tasks beside the moved one, in the new reading."""
    if parent is None:
        return new.tasks
    above: list[Task] = []
    here: Task | None = parent
    while here is not None:
        above.append(here)
        here = here.parent
    tasks: Sequence[Task] = new.tasks
    for step in reversed(above):
        shifted = step.parent is task.parent and step.number > task.number
        tasks = tasks[step.number - 1 - int(shifted)].children
    return tasks


def _markdown(task: Task) -> str:
    """A task with all that is in it, as Markdown of its own."""
    lines = task.plan.lines[task.line - 1 : task.end - 1]
    width = len(lines[0]) - len(lines[0].lstrip())
    return "".join(line[width:] if line[:width].strip() == "" else line for line in lines)
