"""Changing the tree of a project: add, rename, move, remove tasks; make a flow of one.

The rules and the texts are those of `engine.status`; here they meet the files, and whatever is known of the tasks
(an open intent, their attempts) goes along in the same commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.errors import NameMismatchError, StateError, UsageError
from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.carrying import Carrying, place_of
from engine.runtime.hands import find
from engine.runtime.ledger import Rewrite
from engine.runtime.problems import Expected
from engine.runtime.project import Project
from engine.status import Plan, Task, edits, find_in, parse, walk, zooming


@dataclass(frozen=True, slots=True)
class Restructured:
    """What a change of the tree did: the task as it is now (of a removed one: as it was), and the written files."""

    address: str
    name: str
    files: tuple[str, ...]


def add(
    project: Project,
    what: str,
    *,
    to: str | None = None,
    at: int | None = None,
    expect: str | None = None,
    beside: Task | None = None,
) -> Restructured:
    """Add a task (a name, or Markdown of tasks) under `to` or at the top, as the `at`-th there or as the last.

    `expect` is the name of the task at `to`; `beside` the task by which this place was chosen in an earlier reading,
    the one around it or a sibling. NameMismatchError where another one stands.
    """
    if expect is not None and to is None:
        raise UsageError("A name is expected of no task.", hint="Say with `to` where to add.")

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        plan, parent = _place(tree, to, expect, beside)
        new = edits.add(plan, what, to=parent, at=at)
        siblings = _counterpart(new, parent).children if parent is not None else new.tasks
        task = siblings[at - 1 if at is not None else -1]
        return [new], task.address, task.name

    return _rewrite(project, "added", make)


def rename(project: Project, address: str, name: str, *, expect: Expected = None) -> Restructured:
    """Give a task another name."""
    moved = Carrying()
    was: dict[str, str] = {}

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        was["was"] = task.name
        new = edits.rename(task.plan, task, name)
        renamed = _counterpart(new, task)
        moved.pair([task], [renamed], [place_of(task), place_of(renamed)])
        return [new], task.address, renamed.name

    return _rewrite(project, "renamed", make, moved, note=was)


def move(
    project: Project,
    address: str,
    *,
    to: str | None = None,
    at: int | None = None,
    expect: Expected = None,
    beside: Task | None = None,
) -> Restructured:
    """Move a task with all that is in it under `to` (None: the top), as the `at`-th there or as the last. `beside`: as
    for `add`."""
    moved = Carrying()
    arrived: list[Task] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        plan, parent = _place(tree, to, beside=beside)
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
        arrived[:] = [there[at - 1 if at is not None else -1]]
        moved.pair([task], arrived, [place_of(task), place_of(arrived[0])])
        return changed, arrived[0].address, arrived[0].name

    return _rewrite(project, "moved", make, moved, arrived)


def remove(project: Project, address: str, *, expect: Expected = None) -> Restructured:
    """Remove a task with all that is in it; a file that it refers to stays.

    NameMismatchError also where `expect` is a task of an earlier reading and other tasks are inside of it by now.
    """

    removed: list[Task] = []

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        if isinstance(expect, Task) and _inside(task) != _inside(expect):
            raise NameMismatchError(
                f"{task.address} {task.name} has other tasks inside by now.", hint="Look at the plan again."
            )
        removed[:] = [task]
        return [edits.remove(task.plan, task)], task.address, task.name

    return _rewrite(project, "removed", make, removed=removed)


def zoom(project: Project, address: str, *, expect: Expected = None) -> Restructured:
    """Make a flow of a task, `sub_flows/<slug>.md`, and move its children there."""
    moved = Carrying()

    def make(tree: Tree) -> tuple[list[Plan], str, str]:
        task = find(tree, address, expect)
        number = 1
        while project.plans.read(zooming.flow_file(task, number)) is not None:
            number += 1
        zoomed = zooming.zoom(task, zooming.flow_file(task, number))
        flow = parse(zoomed.text, zoomed.file)
        flow.referrer = _counterpart(zoomed.plan, task)
        moved.pair(task.children, flow.tasks, [place_of(task, children=True), (flow.file, "")])
        return [flow, zoomed.plan], task.address, task.name

    return _rewrite(project, "zoomed", make, moved)


_Make = Callable[[Tree], tuple[list[Plan], str, str]]


def _rewrite(
    project: Project,
    what: str,
    make: _Make,
    moved: Carrying | None = None,
    arrived: Sequence[Task] = (),
    removed: Sequence[Task] = (),
    note: Mapping[str, str] = MappingProxyType({}),
) -> Restructured:
    done: list[tuple[str, str]] = []
    carrying = moved if moved is not None else Carrying()

    def rewrite(tree: Tree) -> Rewrite:
        plans, address, name = make(tree)
        done[:] = [(address, name)]

        def then() -> None:
            attempts.leave(project.plans, walk(removed))
            carrying.after(project, tree)

        texts = {plan.file: plan.text for plan in plans}
        said = {"because": what, "address": address, "name": name, **note, **carrying.note()}
        return Rewrite(texts, said, then, lambda: carrying.before(project, tree))

    committed = project.ledger.rewrite(rewrite)
    address, name = done[0]
    for task in arrived:
        # Where it was taken from, the tasks behind it moved up: one of them may be on the way to where it is now.
        address = _counterpart(committed.tree.plans[task.plan.file], task).address
    return Restructured(address, name, committed.files)


def _place(
    tree: Tree, to: str | None, expect: str | None = None, beside: Task | None = None
) -> tuple[Plan, Task | None]:
    """The plan and the parent that `to` means: of a task with a sub-flow, the top of that."""
    parent = find(tree, to, expect) if to is not None else None
    if beside is not None:
        there = find(tree, beside.address, beside)
        if parent not in (there, there.above):  # what is around it is somewhere else
            raise NameMismatchError(
                f"{there.address} {there.name} is somewhere else by now.", hint="Look at the plan again."
            )
    if parent is None:
        return tree.root, None
    if parent.subflow is not None:
        return parent.subflow, None
    if parent.ref is not None:
        raise StateError(
            f"{parent.address} {parent.name} refers to {parent.ref}.", hint="Mend that reference first."
        )
    return parent.plan, parent


def _inside(task: Task) -> list[tuple[str, str]]:
    """The ids and names of the tasks inside one, in its file."""
    found: list[tuple[str, str]] = []
    stack = list(task.children)
    while stack:
        one = stack.pop()
        found.append((one.id, one.name))
        stack += one.children
    return found


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
