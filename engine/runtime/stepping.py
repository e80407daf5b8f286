"""What step, run, recover and retry do with the claim: an interrupted task first, then the next one."""

from __future__ import annotations

from contextlib import suppress

from engine.errors import FlowError, StateError, StorageError, UsageError
from engine.flows import Tree
from engine.runtime import attempts, execution, hands, recovery
from engine.runtime.conclusion import Steps
from engine.runtime.control import Run
from engine.runtime.events import StepOutcome, Warned
from engine.runtime.identity import is_meant, path_of, resolve
from engine.runtime.problems import Expected, problem_error, refuse_other
from engine.runtime.project import Project
from engine.status import Status, Task

_DECISIONS = {"done": Status.DONE, "skip": Status.SKIPPED, "fail": Status.FAILED}

_LONGEST = 1_000


def settled(project: Project, steps: Steps) -> Steps:
    """These steps, after what a crash left of a swap was settled."""
    for kept in project.store.settle():
        project.log.write("conflict copy", path=str(kept.path), copy=str(kept.copy))
        yield Warned(f"Another program wrote to {kept.path.name} in the moment of a swap: see {kept.copy}.")
    return (yield from steps)


def told(project: Project, run: Run, steps: Steps) -> Steps:
    """These steps; the log tells of an error that ends them, as it does of the end of a task, and after such an error
    how the next ones began and ended. Where another engine has the claim by now, its end is the one that counts."""
    is_after_error = _ended_in_error(project)
    if is_after_error:
        project.log.write("resumed")
    try:
        finished = yield from steps
    except FlowError as error:
        if not run.claim.is_lost:
            project.log.write(
                "error",
                code=error.code,
                message=error.message[:_LONGEST],
                hint=error.hint[:_LONGEST],
                exit_code=error.exit_code,
            )
        raise
    if is_after_error:
        project.log.write(
            "ended",
            address=finished.address,
            name=finished.name,
            outcome=finished.outcome.value,
            message=finished.message,
        )
    return finished


def _ended_in_error(project: Project) -> bool:
    """Whether that is the last that the log tells of an end."""
    ends = {"error", "ended", *StepOutcome}
    with suppress(StorageError):
        return next(
            (record["what"] == "error" for record in project.log.latest() if record["what"] in ends), False
        )
    return False


def step(project: Project, run: Run) -> Steps:
    """Go on with the interrupted task if there is one, else run the next."""
    intent = recovery.claimed_intent(project)
    if intent is not None:
        refuse_other(intent.address, intent.name, run.expect)
        return (yield from recovery.resume(project, run, intent))
    return (yield from execution.execute_next(project, run))


def run(project: Project, run: Run, until: str | None, expect: str | None = None) -> Steps:
    """Step until all is done, a person is needed or a task fails; no further than the task at `until`, whose name
    `expect` may give. Nothing more is run once that task is gone from the plan."""
    path = None
    if until is not None:
        target = hands.find(project.ledger.read(), until, expect)
        if target.status.is_settled:
            what = f"{target.address} {target.name} is {target.status.value} already"
            return (yield from execution.nothing(f"{what}: there is nothing to run up to it."))
        path = path_of(target)
        if recovery.claimed_intent(project) is None:
            _refuse_behind(*execution.next_task(project), target)
    while True:
        finished = yield from step(project, run)
        if finished.outcome is not StepOutcome.DONE or run.control.ends_after:
            return finished
        if project.is_stop_requested(finished.run):
            project.forget_stop()  # it came too late for this task, and is meant for no other
            return finished
        tree, task = execution.next_task(project)
        if task is None and not tree.problems():
            return finished
        if path is None:
            continue
        last = resolve(tree.root, path)
        if last is None:
            gone = f"{target.name}, which the run was to end at, is not found in the plan any more: it ended here."
            return (yield from execution.nothing(gone))
        if last.status.is_settled:
            return finished
        _refuse_behind(tree, task, last)


def _refuse_behind(tree: Tree, task: Task | None, last: Task) -> None:
    """Raise PlanError where the next task stands behind the one that a run is to end at: that one, or something in it,
    has a problem and was passed over."""
    if task is None or task.status is not Status.PENDING:
        return
    here, end = _place(task), _place(last)
    problems = tree.problems()
    if problems and here[: len(end)] > end:
        raise problem_error(problems, f"Nothing behind {last.name} is run.")


def _place(task: Task) -> list[int]:
    """The numbers of a task and of those around it, the outermost first: in the order in which tasks run."""
    numbers: list[int] = []
    step: Task | None = task
    while step is not None:
        numbers.append(step.number)
        step = step.above
    return numbers[::-1]


def recover(project: Project, run: Run, choice: str) -> Steps:
    """Do with the interrupted task what a person chose. UsageError: there is none, or no such choice."""
    intent = recovery.claimed_intent(project)
    if intent is None:
        raise UsageError("No task was interrupted.", hint="`flow next` shows what would run.")
    if choice == "resume":
        return (yield from recovery.resume(project, run, intent))
    if choice == "retry":
        return (yield from recovery.retry(project, run, intent))
    if choice == "always":
        return (yield from recovery.always(project, run, intent))
    if choice not in _DECISIONS:
        raise UsageError(
            f"{choice!r} is no choice.", hint="Choose resume, retry, done, skip, fail or always."
        )
    return (yield from recovery.decide(project, run, intent, _DECISIONS[choice]))


def retry(project: Project, run: Run, address: str, expect: Expected) -> Steps:
    """Run a failed or interrupted task again. StateError: it is neither."""
    task = hands.find(project.ledger.read(), address, expect)
    intent = recovery.claimed_intent(project)
    if intent is not None:
        if not is_meant(task, intent.path, intent.body):
            raise StateError(
                f"{intent.address} {intent.name} was interrupted.", hint="Settle that first: `flow recover`."
            )
        return (yield from recovery.retry(project, run, intent))
    hands.refuse_tripped(project, task)
    record = project.attempts(task)
    if task.status is not Status.FAILED and not record.get("undone"):
        raise StateError(
            f"{task.address} {task.name} is {task.status.value}, not failed.",
            hint="`flow reopen` makes it pending again."
            if task.status.is_settled
            else "`flow step` runs what comes next.",
        )
    if not task.is_leaf:
        raise StateError(
            f"{task.address} {task.name} has tasks of its own.", hint="Retry or reopen those that failed."
        )
    attempts.begin(project.plans, task)
    return (yield from execution.execute(project, run, task, attempt=attempts.number(record, "attempt") + 1))
