"""Changing the status of tasks: what a change brings with it, by the rules of DESIGN section 2.

The functions compute and change nothing: each returns the changes in the order in which their files should be
written, so that a crash in between leaves what `settle` puts right. They walk the fractal tree through
`Task.above` and `Task.inside`, and so across files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.errors import PlanError, StateError
from engine.status.cursor import walk
from engine.status.model import Plan, Status, Task
from engine.status.progress import forget, set_status

#: Of more changes at once, each is not counted up to the root: their plans are counted anew when somebody asks.
_MANY = 100


class Change(NamedTuple):
    """A task, and the status that it is to get."""

    task: Task
    status: Status


def set_marker(task: Task, status: Status) -> None:
    """Sets the status, and rewrites the one character of the task's line that says it."""
    if task.status is status:
        return
    lines = task.plan.lines
    line = lines[task.line - 1]
    at = line.index("[") + 1
    lines[task.line - 1] = f"{line[:at]}{status.marker}{line[at + 1 :]}"
    set_status(task, status)


def apply(changes: Iterable[Change]) -> list[Plan]:
    """Makes the changes in memory; returns the changed plans in writing order, each once."""
    changes = list(changes)
    if len(changes) > _MANY:
        for change in changes:
            forget(change.task.plan)
    plans: dict[Plan, None] = {}
    for change in changes:
        set_marker(change.task, change.status)
        # A plan is written when the last change to it is due: a referrer is never complete before what it
        # refers to.
        plans.pop(change.task.plan, None)
        plans[change.task.plan] = None
    return list(plans)


def begin(task: Task) -> list[Change]:
    """Makes a pending or failed task active, and its ancestors before it, top down.

    Raises `StateError` for a finished task or ancestor and beside an active sibling, `PlanError` where a plan
    on the way or the task itself has problems.
    """
    _require_sound(task)
    if task.problems:
        raise PlanError(str(task.problems[0]), hint="Mend that first.")
    if task.status.is_settled:
        raise StateError(f"{_name(task)} is {task.status}.", hint="Reopen it first.", address=task.address)
    chain = [task, *_open_ancestors(task)]
    chain.reverse()
    for step in chain:
        other = _active_sibling(step)
        if step.status is not Status.ACTIVE and other is not None:
            raise StateError(
                f"{_name(step)} cannot become active: {_name(other)} beside it is.",
                hint="Finish, skip or reset that one first.",
                address=step.address,
            )
    return _checked([Change(step, Status.ACTIVE) for step in chain if step.status is not Status.ACTIVE])


def done(task: Task) -> list[Change]:
    """Marks a task as done, with what that brings about above it.

    Raises `StateError` for a skipped task or a finished ancestor, and for a task with an unfinished child.
    """
    _require_sound(task)
    if task.status is Status.DONE:
        return []
    _refuse_settled(task)
    if task.subflow is not None and task.subflow.problems:
        raise StateError(
            f"{_name(task)} cannot be done: {task.subflow.file} has problems.", hint="Mend them first."
        )
    for child in task.inside:
        if not child.status.is_settled:
            raise StateError(
                f"{_name(task)} cannot be done: {_name(child)} is {child.status}.",
                hint="Finish or skip that one first.",
                address=task.address,
                child=child.address,
            )
    return _settled(task, [Change(task, Status.DONE)])


def skip(task: Task) -> list[Change]:
    """Skips a task and everything unfinished in it, with what that brings about above it."""
    _require_sound(task)
    if task.status is Status.SKIPPED:
        return []
    _refuse_settled(task)
    inside = [Change(child, Status.SKIPPED) for child in walk(task.inside) if not child.status.is_settled]
    inside.reverse()
    return _settled(task, [*inside, Change(task, Status.SKIPPED)])


def fail(task: Task) -> list[Change]:
    """Marks a task as failed; raises `StateError` for a finished task or one with an active child."""
    _require_sound(task)
    if task.status is Status.FAILED:
        return []
    _refuse_settled(task)
    for child in task.inside:
        if child.status is Status.ACTIVE:
            raise StateError(
                f"{_name(task)} cannot be marked as failed: {_name(child)} in it is active.",
                hint="Mark that one instead.",
                address=task.address,
                child=child.address,
            )
    return _settled(task, [Change(task, Status.FAILED)])


def reopen(task: Task) -> list[Change]:
    """Makes a finished or failed task pending again, and finished ancestors active (pending, beside an active
    sibling).
    """
    _require_sound(task)
    if not (task.status.is_settled or task.status is Status.FAILED):
        raise StateError(f"{_name(task)} is {task.status}, there is nothing to reopen.", address=task.address)
    return _checked([*_reopened_ancestors(task), Change(task, Status.PENDING)])


def reset(target: Task | Plan) -> list[Change]:
    """Makes a task, or a whole plan, and everything in it pending again, through sub-flows; finished
    ancestors reopen.
    """
    if isinstance(target, Plan):
        above: list[Change] = []
        tasks: Sequence[Task] = target.tasks
        if target.problems:
            raise _broken(target)
    else:
        _require_sound(target)
        above = _reopened_ancestors(target)
        tasks = [target]
    changes = [Change(task, Status.PENDING) for task in walk(tasks) if task.status is not Status.PENDING]
    return _checked([*above, *changes])


def settle(root: Plan) -> list[Change]:
    """What is left to do after a crash between two files, or an edit by hand: completes tasks of which
    everything inside is finished, and what follows.

    Plans with problems are left alone, and so is a task that somebody marked as failed.
    """
    overlay: dict[Task, Status] = {}
    changes: list[Change] = []
    for task in reversed(list(walk(root.tasks))):
        inside = task.inside
        if not inside or inside[0].plan.problems or task.problems or task.plan.problems:
            continue
        status = overlay.get(task, task.status)
        if status.is_settled or status is Status.FAILED:
            continue
        outcome = _outcome(inside, overlay)
        if outcome is not None:
            overlay[task] = outcome
            changes.append(Change(task, outcome))
            changes.extend(_completed_above(task, overlay))
    return [change for change in changes if not change.task.plan.problems]


# What follows for the ancestors.


def _settled(task: Task, changes: list[Change]) -> list[Change]:
    """The changes, between the ancestors to activate (top down) and those that are complete with them (bottom
    up).
    """
    overlay = {change.task: change.status for change in changes}
    above = _completed_above(task, overlay)
    complete = {change.task for change in above}
    chain: list[Task] = []
    ancestor = task.above
    while ancestor is not None:
        chain.append(ancestor)
        ancestor = ancestor.above
    first: list[Change] = []
    for step in reversed(chain):
        if step in complete or step.status is Status.FAILED:
            break
        if step.status is Status.PENDING:
            if _active_sibling(step) is not None:
                break  # the focus is elsewhere: this one was finished ahead of its turn
            first.append(Change(step, Status.ACTIVE))
    return _checked([*first, *changes, *above])


def _completed_above(task: Task, overlay: dict[Task, Status]) -> list[Change]:
    """The ancestors whose insides are all finished now, from the innermost outwards; they are added to
    `overlay`.
    """
    changes: list[Change] = []
    ancestor = task.above
    while ancestor is not None and not overlay.get(ancestor, ancestor.status).is_settled:
        outcome = _outcome(ancestor.inside, overlay)
        if outcome is None:
            break
        overlay[ancestor] = outcome
        changes.append(Change(ancestor, outcome))
        ancestor = ancestor.above
    return changes


def _outcome(tasks: Sequence[Task], overlay: dict[Task, Status]) -> Status | None:
    """Done when all are finished and one of them is done, skipped when all are skipped, else None."""
    outcome = Status.SKIPPED
    for task in tasks:
        status = overlay.get(task, task.status)
        if not status.is_settled:
            return None
        if status is Status.DONE:
            outcome = Status.DONE
    return outcome


def _reopened_ancestors(task: Task) -> list[Change]:
    """Finished ancestors, top down: active again where the focus allows it, else pending."""
    chain: list[Task] = []
    ancestor = task.above
    while ancestor is not None:
        chain.append(ancestor)
        ancestor = ancestor.above
    changes: list[Change] = []
    focused = True  # everything above is active
    for step in reversed(chain):
        status = step.status
        if status.is_settled:
            status = Status.ACTIVE if focused and _active_sibling(step) is None else Status.PENDING
            changes.append(Change(step, status))
        focused = focused and status is Status.ACTIVE
    return changes


def _open_ancestors(task: Task) -> list[Task]:
    """The ancestors from the parent up; raises `StateError` when one of them is finished."""
    chain: list[Task] = []
    ancestor = task.above
    while ancestor is not None:
        if ancestor.status.is_settled:
            raise StateError(
                f"{_name(task)} is inside of {_name(ancestor)}, which is {ancestor.status}.",
                hint="Reopen that one first.",
                address=task.address,
                parent=ancestor.address,
            )
        chain.append(ancestor)
        ancestor = ancestor.above
    return chain


def _refuse_settled(task: Task) -> None:
    if task.status.is_settled:
        raise StateError(
            f"{_name(task)} is {task.status} already.", hint="Reopen it first.", address=task.address
        )
    _open_ancestors(task)


def _active_sibling(task: Task) -> Task | None:
    return next(
        (other for other in task.siblings if other.status is Status.ACTIVE and other is not task), None
    )


def _require_sound(task: Task) -> None:
    if task.plan.problems:
        raise _broken(task.plan)


def _checked(changes: list[Change]) -> list[Change]:
    """Refuses changes to a plan with problems: nothing of it is changed until they are mended."""
    for change in changes:
        if change.task.plan.problems:
            raise _broken(change.task.plan)
    return changes


def _broken(plan: Plan) -> PlanError:
    return PlanError(
        f"{plan.problems[0]}",
        hint="Nothing of the file is changed until it is mended.",
        file=plan.file,
        problems=[problem._asdict() for problem in plan.problems],
    )


def _name(task: Task) -> str:
    return f"{task.name!r} ({task.address})"
