"""Where a plan stands: the next task, and whether the whole fractal tree is in a possible state.

All of it walks the tasks through their sub-flows, without recursion: plans nest a thousand levels deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import StateError, UnknownAddressError
from engine.status.model import Plan, Status, Task


def walk(tasks: Sequence[Task]) -> Iterator[Task]:
    """Every task below and among `tasks`, through sub-flows, depth first."""
    stack = [iter(tasks)]
    while stack:
        task = next(stack[-1], None)
        if task is None:
            stack.pop()
            continue
        yield task
        if task.inside:
            stack.append(iter(task.inside))


def cursor(tasks: Sequence[Task]) -> Task | None:
    """The task that runs next (DESIGN section 2, "The cursor"); None when nothing is left, or can be reached.

    Tasks with problems are passed over, and so is everything inside of a plan with problems; beside an active one of
    them nothing can begin.
    """
    if tasks and tasks[0].plan.problems:
        return None
    active_leaf: Task | None = None
    # The first pending leaf inside of as many active tasks as any is: they lie on one path, so that it is inside of
    # the deepest one that has a pending leaf.
    pending: Task | None = None
    most = -1
    holds = False
    # Looked up once: this meets every task of the plan.
    is_active, is_failed, is_done, is_skipped = Status.ACTIVE, Status.FAILED, Status.DONE, Status.SKIPPED
    stack: list[tuple[Iterator[Task], int]] = [(iter(tasks), 0)]
    while stack:
        tasks_left, active = stack[-1]
        for task in tasks_left:
            status = task.status
            if status is is_done or status is is_skipped:
                continue
            subflow = task.subflow
            if task.problems or (subflow is not None and subflow.problems):
                holds = holds or status is is_active
                continue
            if status is is_failed:
                return task
            inside = task.children if subflow is None else subflow.tasks
            if inside:
                stack.append((iter(inside), active + (status is is_active)))
                break
            if status is is_active:
                active_leaf = active_leaf or task
            elif active > most:
                pending, most = task, active
        else:
            stack.pop()
    return active_leaf or (None if holds else pending)


def validate_state(root: Plan) -> None:
    """Raises `StateError` when two tasks are active of which neither is an ancestor of the other, across
    files too.
    """
    path: list[Task] = []  # the active ancestors of the current task
    actives = 0
    last: Task | None = None
    is_active = Status.ACTIVE
    stack: list[tuple[Iterator[Task], Task | None]] = [(iter(root.tasks), None)]
    while stack:
        tasks_left, owner = stack[-1]
        for task in tasks_left:
            if task.status is is_active:
                if last is not None and actives > len(path):
                    raise StateError(
                        f"An ambiguous focus: {last.name!r} ({_where(last)}) and {task.name!r} ({_where(task)}) "
                        "are both active, and neither is a part of the other.",
                        hint="Finish, skip or reset one of them.",
                        tasks=[last.address, task.address],
                    )
                actives += 1
                last = task
            if task.inside:
                if task.status is is_active:
                    path.append(task)
                stack.append((iter(task.inside), task))
                break
        else:
            stack.pop()
            if path and path[-1] is owner:
                path.pop()


def find_in(plan: Plan, id: str) -> Task:
    """The task at a virtual id such as `1.2`; raises `UnknownAddressError`."""
    tasks: Sequence[Task] = plan.tasks
    task: Task | None = None
    for number in id.split("."):
        if not (number.isascii() and number.isdigit()) or not 1 <= int(number[:9]) <= len(tasks):
            raise UnknownAddressError(
                f"{plan.file} has no task {id!r}.", hint="`flow status` shows them all.", address=id
            )
        task = tasks[int(number) - 1]
        tasks = task.children
    assert task is not None
    return task


def _where(task: Task) -> str:
    return f"{task.plan.file}:{task.line}"
