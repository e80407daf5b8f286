"""Changes by hand: a person or an agent sets the status of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from engine import status as rules
from engine.errors import BusyError, NameMismatchError, StateError, UsageError
from engine.flows import Tree
from engine.lazy import Late
from engine.runtime import attempts
from engine.runtime.control import Control, Run
from engine.runtime.identity import find_again, is_meant, path_of, root_of
from engine.runtime.ledger import change_to
from engine.runtime.problems import Expected, refuse_other
from engine.runtime.project import Project
from engine.status import Change, Status, Task, walk

if TYPE_CHECKING:
    from engine.runtime import claim as claiming
    from engine.runtime import conclusion, findings
    from engine.runtime import recovery as recovering
    from engine.runtime.intent import Intent
else:
    # What an interrupted task needs, and a change without one does not.
    claiming = Late("engine.runtime.claim")
    conclusion = Late("engine.runtime.conclusion")
    findings = Late("engine.runtime.findings")
    recovering = Late("engine.runtime.recovery")

VERBS: dict[str, Status] = {
    "begin": Status.ACTIVE,
    "done": Status.DONE,
    "skip": Status.SKIPPED,
    "fail": Status.FAILED,
    "reopen": Status.PENDING,
}


class Changed(NamedTuple):
    """What a change did: the task as it is now, and the files that were written."""

    address: str
    name: str
    status: Status
    files: tuple[str, ...]


def find(tree: Tree, address: str, expect: Expected = None) -> Task:
    """The task at an address or of a unique name. Raises UnknownAddressError, NameMismatchError."""
    task = tree.find(address)
    refuse_other(task.address, task.name, expect.name if isinstance(expect, Task) else expect)
    if isinstance(expect, Task) and path_of(task) != path_of(expect):
        raise _another(address)
    return task


def _another(address: str) -> NameMismatchError:
    return NameMismatchError(f"{address} is another task by now.", hint="Look at the plan again.")


def change(project: Project, verb: str, address: str, *, expect: Expected = None, note: str = "") -> Changed:
    """Set a task's status by hand; on an interrupted task this settles it.

    Raises BusyError where this would change the task that an engine is running right now, and what the rules forbid
    as StateError.
    """
    status = VERBS.get(verb)
    if status is None:
        raise UsageError(f"{verb!r} changes no task.", hint=f"Choose {', '.join(VERBS)}.")
    target = project.ledger.look(lambda tree: find(tree, address, expect))
    path = path_of(target)
    intent = _open_intent(project)
    if intent is not None and is_meant(target, intent.path, intent.body):
        return _settle_interrupted(project, target, status)
    changed: list[Task] = []
    affected: list[Task] = []
    before: list[Status] = []

    def make(tree: Tree) -> Sequence[Change]:
        task = find(tree, address, expect)
        before[:] = [task.status]
        if path_of(task) != path:
            raise _another(address)
        changed[:] = [task]
        if status is Status.ACTIVE:
            refuse_tripped(project, task)
        changes = change_to(task, status)
        refuse_open(project, changes)
        affected[:] = [each.task for each in changes]
        return changes

    committed = project.ledger.commit(make, what=verb)
    task = changed[0]
    if status is Status.PENDING:
        _forgive(project, task, was_open=before[0] in (Status.PENDING, Status.ACTIVE))
    elif status is Status.ACTIVE:
        attempts.begin(project.plans, task)
    elif status.is_settled:
        attempts.settle(project.plans, [each for each in affected if each.status.is_settled])
    if committed.files or note:
        project.log.write(verb, address=task.address, name=task.name, note=note)
    return Changed(task.address, task.name, task.status, committed.files)


def reset(project: Project, address: str | None) -> Changed:
    """Make a task (None: every task) and everything in it pending again, and forget its attempts."""
    reset: list[Task] = []
    seen: list[Task] = []

    def make(tree: Tree) -> Sequence[Change]:
        if _open_intent(project) is not None:
            raise StateError(
                "A task is running or was interrupted.", hint="Settle that first: `flow recover`."
            )
        target = tree.root if address is None else tree.find(address)
        seen[:] = [target] if isinstance(target, Task) else []
        reset[:] = walk([target] if isinstance(target, Task) else target.tasks)
        return rules.reset(target)

    committed = project.ledger.commit(make, what="reset")
    if address is None:
        attempts.forget_all(project.plans, reset)
    else:
        attempts.forget(project.plans, reset)
    task = seen[0] if seen else None
    project.log.write("reset", address=task.address if task else "", name=task.name if task else "")
    return Changed(task.address if task else "", task.name if task else "", Status.PENDING, committed.files)


def is_tripped(project: Project, task: Task) -> bool:
    """Whether the circuit breaker stopped this task (DESIGN section 5)."""
    return attempts.number(project.attempts(task), "interruptions") >= conclusion.INTERRUPTIONS_LIMIT


def refuse_tripped(project: Project, task: Task) -> None:
    """A task that the circuit breaker stopped runs again only after it was reopened."""
    if is_tripped(project, task):
        raise StateError(
            f"{task.address} {task.name} vanished {conclusion.INTERRUPTIONS_LIMIT} times in a row.",
            hint=f"Find out why, then `flow reopen {task.address}`.",
        )


def _open_intent(project: Project) -> Intent | None:
    return findings.open_intent(project) if project.has_intent else None


def refuse_open(project: Project, changes: Sequence[Change]) -> None:
    """Raise BusyError or StateError for changes that reach the running or interrupted task from above: skipping a
    parent, say.

    Asked under the lock, in the commit: an intent is written before its task becomes active by a commit of its own, so
    that no task can begin unseen between this look and the write.
    """
    intent = _open_intent(project)
    if intent is None or not changes:
        return
    meant = find_again(root_of(changes[0].task), intent.path, intent.body)
    if meant is not None and any(change.task is meant for change in changes):
        refuse_interrupted(project, meant)


def refuse_interrupted(project: Project, task: Task) -> NoReturn:
    """Raise BusyError or StateError: the task of the open intent runs, or was interrupted."""
    _refuse_running(project, task)
    raise _interrupted(task)


def _refuse_running(project: Project, task: Task) -> None:
    if claiming.is_claimed(project.store):
        raise BusyError(
            f"{task.address} {task.name} is running right now.",
            hint="Wait for it (`flow wait`) or end it (`flow stop`).",
            address=task.address,
        )


def _interrupted(task: Task) -> StateError:
    return StateError(
        f"{task.address} {task.name} was interrupted.",
        hint="Settle that first: `flow recover` shows how.",
        address=task.address,
    )


def _settle_interrupted(project: Project, task: Task, status: Status) -> Changed:
    _refuse_running(project, task)
    if not (status.is_settled or status is Status.FAILED):
        raise _interrupted(task)
    files: list[str] = []
    with claiming.claim(project.store, project.intents) as held:
        # Another engine may have settled it, and begun the next one, before we came.
        intent = _open_intent(project)
        if intent is None or not is_meant(task, intent.path, intent.body):
            raise StateError(
                f"{task.address} {task.name} was settled a moment ago.", hint="Look at the plan again."
            )
        for event in recovering.decide(project, Run(Control(), held), intent, status):
            files.extend(getattr(event, "files", ()))
    found = find_again(project.ledger.read().root, intent.path, intent.body)
    if found is None:
        return Changed(task.address, task.name, status, tuple(files))
    return Changed(found.address, found.name, found.status, tuple(files))


def _forgive(project: Project, task: Task, *, was_open: bool) -> None:
    """A person opens a task again. That it has run is forgotten where they open one that was settled: they want it."""
    key, record = attempts.find(project.plans, task)
    if record:
        has_run = bool(record.get("undone"))
        record = {name: value for name, value in record.items() if name != "settled"}
        undone = {"undone": has_run and was_open} | ({"forgiven": True} if has_run and not was_open else {})
        attempts.keep(
            project.plans, path_of(task), {**record, **undone, "interruptions": 0}, task=task, was=key
        )
