"""How far plans are: counts of leaves through sub-flows, kept up to date as tasks change.

`count` goes through a plan once. From then on `Task.counts` and `Plan.counts` hold what is inside, and a change of one
task, made with `set_status` or `set_subflow`, adds its difference to everything above it, across files.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.status.model import Plan, Progress, Status, Task

_LEAVES = {
    Status.PENDING: Progress(total=1),
    Status.ACTIVE: Progress(total=1),
    Status.DONE: Progress(done=1, total=1),
    Status.SKIPPED: Progress(skipped=1, total=1),
    Status.FAILED: Progress(failed=1, total=1),
}


def progress(of: Task | Plan) -> Progress:
    """The leaves of a task or plan, through sub-flows. What is left open in a skipped task counts as skipped."""
    plan = of if isinstance(of, Plan) else of.plan
    if plan.counts is None:
        count(plan)
    if isinstance(of, Plan):
        assert of.counts is not None
        return of.counts
    return _progress(of)


def count(plan: Plan) -> None:
    """Counts a plan, and the sub-flows in it that were not counted yet."""
    plans = [plan]
    for each in plans:
        for task in each.referring:
            if task.subflow is not None and task.subflow.counts is None:
                plans.append(task.subflow)
    for each in reversed(plans):
        _count(each)


def forget(plan: Plan) -> None:
    """Lets go of the counts of a plan, and of those above it: cheaper than keeping them through very many changes."""
    while plan.counts is not None:
        plan.counts = None
        above = plan.referrer
        if above is None:
            return
        plan = above.plan


def set_status(task: Task, status: Status) -> None:
    """Gives a task another status."""
    if task.plan.counts is None:
        task.status = status
        return
    before = _progress(task)
    task.status = status
    _carry(task, before, _progress(task))


def set_subflow(task: Task, plan: Plan | None) -> None:
    """Gives a task another sub-flow, which was counted if the plan of the task was, or none.

    `Plan.referrer`, by which changes inside find their way up, is for the caller to set.
    """
    if task.plan.counts is None:
        task.subflow = plan
        return
    before = _progress(task)
    task.subflow = plan
    _carry(task, before, _progress(task))


def _progress(task: Task) -> Progress:
    """Of a task in a counted plan."""
    inside = task.counts
    if task.subflow is not None:
        inside = task.subflow.counts if task.subflow.tasks else None
    if inside is None:
        return _LEAVES[task.status]
    if task.status is Status.SKIPPED:
        return Progress(inside.done, inside.total - inside.done, 0, inside.total)
    return inside


def _count(plan: Plan) -> None:
    """Counts one plan, from its innermost tasks outwards."""
    levels = [plan.tasks]
    while levels[-1]:
        levels.append([child for task in levels[-1] for child in task.children])
    for level in reversed(levels):
        for task in level:
            if task.children:
                task.counts = _sum(task.children)
    plan.counts = _sum(plan.tasks)


def _sum(tasks: Sequence[Task]) -> Progress:
    done = skipped = failed = total = 0
    # Looked up once: this meets every task of the plan.
    is_done, is_skipped, is_failed = Status.DONE, Status.SKIPPED, Status.FAILED
    for task in tasks:
        if task.counts is None and task.subflow is None:  # a leaf; of `_LEAVES`, asked for without its hash
            status = task.status
            total += 1
            if status is is_done:
                done += 1
            elif status is is_skipped:
                skipped += 1
            elif status is is_failed:
                failed += 1
            continue
        one = _progress(task)
        done += one[0]
        skipped += one[1]
        failed += one[2]
        total += one[3]
    return Progress(done, skipped, failed, total)


def _carry(task: Task, before: Progress, after: Progress) -> None:
    """Adds what a task's progress became more than it was to everything above it."""
    done, skipped, failed, total = (new - old for new, old in zip(after, before, strict=True))
    above: Task | None = task
    while above is not None and (done or skipped or failed or total):
        parent, plan = above.parent, above.plan
        holder: Task | Plan = plan if parent is None else parent
        counts = holder.counts
        assert counts is not None
        holder.counts = Progress(
            counts.done + done, counts.skipped + skipped, counts.failed + failed, counts.total + total
        )
        if parent is None:
            above = plan.referrer
            if above is None or above.subflow is not plan or above.plan.counts is None:
                return
        elif parent.subflow is not None:
            return  # its sub-flow is what counts, not its children
        else:
            above = parent
        if above.status is Status.SKIPPED:
            skipped, failed = total - done, 0
