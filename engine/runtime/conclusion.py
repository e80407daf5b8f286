"""What becomes of an attempt: its result is made durable, committed to the plan, and only then is the intent let go.

Everything here runs while the claim is held, as generators like those of `engine.runtime.execution`.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

from engine.atoms import AtomResult, Outcome
from engine.errors import FlowError, PlanError
from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.events import Event, Finished, PlanChanged, StepOutcome, Warned
from engine.runtime.identity import Level, find_again, key_of, path_of, resolve
from engine.runtime.intent import Intent, Phase
from engine.runtime.ledger import Committed, change_to
from engine.runtime.problems import problem_error
from engine.runtime.project import Project
from engine.status import Change, Status, Task

Steps = Generator[Event | None, None, Finished]

INTERRUPTIONS_LIMIT = 3

_RETURN = 1.0
"""Seconds that a task whose result is there is given to come back to a plan that it is gone from: another program may
be writing that anew, and work whose result was let go of would run again."""
_LOOK_EVERY = 0.02


def conclude(project: Project, intent: Intent, result: AtomResult, begun: float) -> Steps:
    """Make the result durable, then commit it to the plan, then let go of the intent."""
    if intent.result is None:
        stored = {"outcome": result.outcome.value, "reason": result.reason, "exports": dict(result.exports)}
        intent = project.intents.write(intent.having(result=stored))
    seconds = time.monotonic() - begun
    if result.outcome is Outcome.WAITING:
        remember(project, intent, interruptions=0)
        project.intents.clear()
        yield from log(project, "waiting", intent, reason=result.reason)
        finished = ending(intent, Status.ACTIVE, StepOutcome.WAITING, result.reason, seconds)
        yield finished
        return finished
    for key in project.context.merge(result.exports):
        yield Warned(f"{intent.name} exported {key!r}, which belongs to the engine; it was left out.")
    if result.outcome is Outcome.SUCCESS:
        return (yield from settle(project, intent, Status.DONE, StepOutcome.DONE, result.reason, seconds))
    return (yield from settle(project, intent, Status.FAILED, StepOutcome.FAILED, result.reason, seconds))


def settle(
    project: Project,
    intent: Intent,
    status: Status,
    outcome: StepOutcome,
    message: str,
    seconds: float = 0.0,
    *,
    interruptions: int = 0,
) -> Steps:
    """Commit this status for the task that the intent means, and let go of the intent. A task that is gone from the
    plan is reported; no other one is marked (T3.27)."""
    found: list[Task | None] = []
    stands: list[Status] = []
    grown: list[Task] = []

    def make(tree: Tree) -> Sequence[Change]:
        now_at = project.intents.refreshed(intent)
        task = find_again(tree.root, now_at.path, now_at.body)
        found[:] = [task]
        if task is None:
            return []
        # What somebody marked in the file meanwhile is not overwritten.
        stands[:] = [task.status] if task.status.is_settled and task.status is not status else []
        grown[:] = [one for one in task.inside if status is Status.DONE and not one.status.is_settled]
        if grown and task.plan.problems:
            raise problem_error(task.plan.problems, "Nothing was written.")
        return [] if stands or grown else change_to(task, status)

    until = time.monotonic() + _RETURN
    try:
        committed: Committed = project.ledger.commit(make, what=status.value, run=intent.run)
        while not found[0] and time.monotonic() < until:
            time.sleep(_LOOK_EVERY)
            committed = project.ledger.commit(make, what=status.value, run=intent.run)
        if not found[0]:
            refuse_unreadable(project, committed.tree, project.intents.refreshed(intent).path)
    except FlowError as error:
        if intent.result is not None:
            kept = f"{intent.name} has ended ({outcome.value}); that is kept, and the next `flow step` commits it."
            error.hint = f"{error.hint} {kept}".strip()
        raise
    intent = project.intents.refreshed(intent)
    task = found[0]
    place = intent.path if task is None else path_of(task)
    if task is None:
        message = f"{intent.name} is no longer in the plan; nothing was marked. {message}".strip()
    elif stands:
        message = f"It was marked {stands[0].value} in the plan meanwhile; that stands. {message}".strip()
        status = stands[0]
    elif grown:
        message = f"It has tasks of its own by now, and is done when they are. {message}".strip()
        status = task.status
    spent = {key_of(intent.path), key_of(place)}
    if (task is None or grown) and intent.has_begun:
        lose(project, intent.having(path=tuple(place)))
        spent.discard(key_of(place))
    if status is Status.FAILED and task is not None:
        remember(project, intent.having(path=place), interruptions=interruptions, task=task)
        spent.discard(key_of(place))
    project.plans.drop_record(*spent)
    project.intents.clear()
    project.runner.forget(intent.run)
    told = {"status": status.value, "message": message, "seconds": round(seconds, 3)}
    yield from log(project, outcome.value, intent, **told, attempt=intent.attempt, key=intent.key)
    if committed.files:
        yield PlanChanged(committed.files)
    finished = ending(intent, status if found[0] else None, outcome, message, seconds)
    yield finished
    return finished


def is_marked(task: Task) -> bool:
    """Whether somebody said in the plan how it ended."""
    return task.status.is_settled or task.status is Status.FAILED


def refuse_unreadable(project: Project, tree: Tree, path: Sequence[Level]) -> None:
    """Raise PlanError where the plans on the way to a task are not such that it is certainly gone from them."""
    for number, level in enumerate(path):
        snapshot = tree.snapshots.get(level.file)
        if snapshot is not None:
            project.plans.refuse_damaged(level.file, snapshot)
            if problems := tree.plans[level.file].problems:
                raise problem_error(problems, "Nothing was written.")
            continue
        referring = resolve(tree.root, path[:number]) if number else None
        if referring is not None and referring.problems:
            raise problem_error(referring.problems, "Nothing was written.")
        if not number:
            raise PlanError(f".flow/{level.file} is gone.", hint="`flow restore` puts back its last version.")


def ending(
    intent: Intent, status: Status | None, outcome: StepOutcome, message: str, seconds: float = 0.0
) -> Finished:
    """The last event of a step at the task of this intent."""
    return Finished(intent.run, intent.address, intent.name, status, outcome, message, seconds)


def vanished(project: Project, intent: Intent) -> Steps:
    """The work is gone without a result: count it, and leave the decision open or let the circuit breaker decide.

    Work that never began is no interruption; but it is not begun anew here, lest that goes on for ever."""
    if not project.runner.began(intent.run):
        intent = project.intents.write(intent.having(phase=Phase.CLAIMED))
        yield from log(project, "unbegun", intent)
        message = "Its supervisor ended before the work began; nothing was run. The next start runs it."
        finished = ending(intent, Status.ACTIVE, StepOutcome.INTERRUPTED, message)
        yield finished
        return finished
    intent = counted(project, intent)
    yield from log(project, "vanished", intent, interruptions=intent.interruptions)
    if intent.interruptions >= INTERRUPTIONS_LIMIT:
        return (yield from trip(project, intent))
    message = "Its work vanished without a result. `flow recover` shows what is known."
    finished = ending(intent, Status.ACTIVE, StepOutcome.INTERRUPTED, message)
    yield finished
    return finished


def counted(project: Project, intent: Intent) -> Intent:
    """The intent with this interruption counted, once, durably. What a person stopped is no interruption."""
    if intent.phase in (Phase.VANISHED, Phase.STOPPING):
        return intent
    return project.intents.write(intent.having(phase=Phase.VANISHED, interruptions=intent.interruptions + 1))


def trip(project: Project, intent: Intent) -> Steps:
    """The circuit breaker: too many interruptions in a row, so a person has to look."""
    reason = (
        f"Its work vanished without a result {intent.interruptions} times in a row; reopen it to try again."
    )
    return (
        yield from settle(
            project, intent, Status.FAILED, StepOutcome.FAILED, reason, interruptions=intent.interruptions
        )
    )


def remember(project: Project, intent: Intent, *, interruptions: int, task: Task | None = None) -> None:
    """Keep what the next attempt at this task has to know of this one."""
    record: dict[str, Any] = {"key": intent.key, "attempt": intent.attempt, "interruptions": interruptions}
    attempts.keep(project.plans, intent.path, record, task=task)


def lose(project: Project, intent: Intent) -> None:
    """Keep what is known of a task that has begun, and of which the plan tells no end: should it come back, it does not
    run again unasked."""
    known = {"key": intent.key, "attempt": intent.attempt, "interruptions": intent.interruptions}
    attempts.lose(project.plans, intent.path, intent.body, {"begun": intent.atom, **known})


def log(project: Project, what: str, intent: Intent, **payload: Any) -> Generator[Event, None, None]:
    """Write into the log what happened to this attempt; a log that fails is a warning."""
    complaint = project.log.write(what, address=intent.address, name=intent.name, run=intent.run, **payload)
    if complaint:
        yield Warned(complaint)
