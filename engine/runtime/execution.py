"""One attempt at one task: intent, activation, work, result, commit; in that order, each durable before the next.

Everything here runs while the claim is held, as generators: they yield events, None when there is nothing new yet
(a moment at which a watcher may let go), and return the last event.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from engine import status as rules
from engine.atoms import (
    Atom,
    AtomResult,
    Call,
    Effect,
    Hosted,
    Job,
    LoomAtom,
    Supervised,
    atom_for,
)
from engine.atoms.processes import identify
from engine.errors import (
    AnchorError,
    BusyError,
    ConfigurationError,
    ContentChangedError,
    FlowError,
    NeedsPersonError,
    SecurityError,
    StateError,
    StorageError,
    UnsupportedFileError,
    UsageError,
)
from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.conclusion import Steps, conclude, ending, log, lose, remember
from engine.runtime.control import Run
from engine.runtime.events import Conflict, Finished, PlanChanged, Started, StepOutcome
from engine.runtime.evidence import head_of
from engine.runtime.following import new_run, run_job, supervise
from engine.runtime.identity import body_text, find_again, path_at_work, path_of
from engine.runtime.intent import Intent, Phase, boot_id
from engine.runtime.log import now
from engine.runtime.problems import problem_error, refuse_other
from engine.runtime.project import Project
from engine.runtime.registry import Entry, dispatch, load_registry
from engine.status import Change, Status, Task
from engine.storage import folder_at


def next_task(project: Project) -> tuple[Tree, Task | None]:
    """The tree after what a crash left open was completed, and the task that would run."""
    tree = project.ledger.reconcile().tree
    tree.validate_state()
    return tree, tree.cursor()


def execute_next(project: Project, run: Run) -> Steps:
    """Run the task at the cursor, if there is one that may run. Call it when no task runs or was interrupted."""
    project.runner.tidy()
    tree, task = next_task(project)
    if task is None:
        return (yield from _nothing(tree))
    refuse_other(task.address, task.name, run.expect)
    if task.status is Status.FAILED:
        finished = _finished(task, StepOutcome.FAILED, _held(task))
        yield finished
        return finished
    try:
        return (yield from execute(project, run, task))
    except StateError as error:
        if project.has_intent:
            raise  # it has begun, and only its end is refused
        _, other = next_task(project)
        if other is None or path_of(other) != path_of(task):
            return (yield from execute_next(project, run))  # somebody began or settled a task in this moment
        problems = tree.problems()
        if not problems:
            raise
        raise problem_error(problems, f"Nothing after it can run: {error.message}") from error


def execute(
    project: Project,
    run: Run,
    task: Task,
    *,
    attempt: int | None = None,
    instead_of: Intent | None = None,
) -> Steps:
    """Run this leaf as a new attempt. Raises before anything is written when it cannot be run as it stands.

    `attempt` is its number, where it is not simply the next one. `instead_of` is the open intent, of an interrupted
    attempt, whose place this one takes; it stays where this one cannot begin. Else what is remembered of the attempts
    before counts. The key is the same for all attempts (DESIGN section 5).
    """
    entry = ready(project, task)
    if entry is None or entry.is_persons:
        return (yield from _wait_for_person(project, task, entry, instead_of))
    record = attempts.take(project.plans, task)
    key = (instead_of.key if instead_of else "") or str(record.get("key") or uuid.uuid4().hex)
    number = attempt if attempt is not None else attempts.number(record, "attempt") + 1
    call = project.call(task, attempt=number, key=key)
    atom = atom_for(entry.target, project.flow)
    name = new_run()
    if isinstance(atom, Hosted):
        question = atom.question(project.root, f"{name}-question")
        if question is not None:
            wanted = run.control
            answer = yield from run_job(project, run, question, is_unwanted=lambda: wanted.ends_after)
            if wanted.ends_after:
                finished = _finished(task, StepOutcome.INTERRUPTED, "It was not begun.")
                yield finished
                return finished
            atom.learn(answer)
            project.trust.refuse(task)  # as its code is by now: the answer may have taken a while
    job = job_of(atom, call, name)
    effect = atom.effect_of(call) if isinstance(atom, Supervised) else atom.effect
    if attempt is None and _repeats(record, effect):
        attempts.asked(project.plans, task)
        _refuse_repeating(task, record)
    intent = Intent(
        run=name,
        path=path_at_work(task),
        address=task.address,
        name=task.name,
        body=body_text(task),
        atom=entry.name,
        effect=effect.value,
        attempt=number,
        interruptions=instead_of.interruptions
        if instead_of is not None
        else attempts.number(record, "interruptions"),
        tried=instead_of.tried if instead_of is not None else 0,
        key=key,
        started_at=now(),
        engine=identify(os.getpid()),
        boot=boot_id(),
        commit=head_of(project.root),
        root=project.root.as_uri(),
        folder=folder_at(project.flow),
    )
    run.claim.renew()
    stood = instead_of if project.has_intent else None
    intent = project.intents.put(intent, stood) if stood is not None else project.intents.write(intent)
    try:
        committed = project.ledger.commit(lambda tree: _activate(tree, intent), what="started")
    except FlowError:
        if stood is not None:
            known = {"path": intent.path, "address": intent.address, "name": intent.name}
            project.intents.put(stood.having(**known), intent)
        else:
            project.intents.clear()
        raise
    yield from log(project, "started", intent, attempt=number, atom=intent.atom, file=intent.file)
    if committed.files:
        yield PlanChanged(committed.files)
    yield Started(intent.run, intent.address, intent.name, intent.atom, number)
    if isinstance(atom, Supervised):
        assert job is not None
        return (yield from supervise(project, run, intent, atom, call, job))
    return (yield from _run_inside(project, run, intent, atom, call))


def refuse(project: Project, tree: Tree, task: Task, effect: Effect) -> None:
    """Raise what would keep a step from running this task, before anybody is asked about what it would do."""
    tree.validate_state()
    changes = [] if task.status is Status.ACTIVE else rules.begin(task)
    for change in changes:
        if change.task.plan.problems:
            raise problem_error(change.task.plan.problems, "Nothing of this file is run until it is mended.")
    project.refuse_outside(task)
    project.trust.refuse(task)
    record = project.attempts(task)
    if _repeats(record, effect):
        _refuse_repeating(task, record)


def ready(project: Project, task: Task) -> Entry | None:
    """What would run this task; None: a person. Raises what keeps it from running as it stands."""
    project.refuse_outside(task)
    _refuse_invalid(task)
    entry = runnable(project, task)
    if entry is not None and not entry.is_persons:
        project.trust.refuse(task)
    return entry


def job_of(atom: Atom, call: Call, run: str) -> Job | None:
    """The job of this call, if it is one; raises what is wrong with its block before it begins."""
    if isinstance(atom, LoomAtom):
        atom.edits(call)
    return atom.job(call, run) if isinstance(atom, Supervised) else None


def _refuse_invalid(task: Task) -> None:
    """Raise PlanError where a plan on the way to the task has problems: what is active already changes nothing of it
    when it runs again.
    """
    step: Task | None = task
    while step is not None:
        if step.plan.problems:
            raise problem_error(step.plan.problems, "Nothing of this file is run until it is mended.")
        step = step.plan.referrer


def _repeats(record: Mapping[str, Any], effect: Effect) -> bool:
    """Whether a person is to be asked before this runs, as it may have run already."""
    return bool(record.get("undone")) and effect is Effect.ONCE


def _refuse_repeating(task: Task, record: Mapping[str, Any]) -> NoReturn:
    what = "has run already; " + (
        "but the plan does not say so" if "begun" in record else "its result was taken back"
    )
    if record.get("suspected"):
        what = (
            "may have run already: a task that is no longer in the plan by its name has, and this may be it"
        )
    raise NeedsPersonError(
        f"{task.address} {task.name} {what}.",
        hint=f"`flow retry {task.address}` runs it again, `flow done {task.address}` leaves it at that.",
        address=task.address,
    )


def runnable(project: Project, task: Task) -> Entry | None:
    """What would run this task; None: a person. Raises ConfigurationError when its atom is broken."""
    entry = dispatch(task, load_registry(project.flow))
    if entry is not None and entry.broken:
        raise ConfigurationError(
            entry.broken,
            hint=f"Mend the entry {entry.name!r} of .flow/flow.registry.json, or its module; nothing was run.",
            address=task.address,
        )
    return entry


def _run_inside(project: Project, run: Run, intent: Intent, atom: Atom, call: Call) -> Steps:
    """An edit by the Loom: short, guarded by revisions, and done by the engine itself."""
    begun = time.monotonic()
    assert isinstance(atom, LoomAtom)
    try:
        preview = atom.preview(call, project.loom, reload=run.force or run.base is not None)
        intent = intent.having(edit=atom.intended(preview), phase=Phase.RELEASED)
        project.intents.write(intent)
        result = atom.write(call, project.loom, base=run.base, force=run.force)
    except ContentChangedError as error:
        project.intents.clear()
        remember(project, intent, interruptions=0)
        yield from log(project, "conflict", intent, path=error.path)
        yield Conflict(
            intent.address, intent.name, error.path, error.base, error.disk, error.edit, str(error)
        )
        finished = ending(intent, Status.ACTIVE, StepOutcome.CONFLICT, str(error), time.monotonic() - begun)
        yield finished
        return finished
    except (AnchorError, BusyError, SecurityError, UnsupportedFileError, UsageError) as error:
        result = AtomResult.failure(str(error))
    except StorageError:
        if did_not_happen(
            project, intent
        ):  # and nothing vanished: the next start runs it as if it had not begun
            with suppress(StorageError):
                project.intents.write(intent, phase=Phase.CLAIMED, edit=None)
        raise
    return (yield from conclude(project, intent, result, begun))


def did_not_happen(project: Project, intent: Intent) -> bool:
    """Whether an edit that was under way is surely not in its file: the file is what it was made for."""
    if intent.edit is None:
        return False
    try:
        return project.loom.read(str(intent.edit["path"])).revision == str(intent.edit["base"])
    except FlowError:
        return False


def _wait_for_person(
    project: Project, task: Task, entry: Entry | None, instead_of: Intent | None = None
) -> Steps:
    path, body = path_of(task), body_text(task)

    def make(tree: Tree) -> Sequence[Change]:
        found = find_again(tree.root, path, body)
        return [] if found is None or found.status is Status.ACTIVE else rules.begin(found)

    committed = project.ledger.commit(make, what="started")
    if instead_of is not None:  # it is a person's to do by now; what has begun of it is not forgotten
        if instead_of.has_begun:
            lose(project, instead_of)
        project.intents.clear()
    if committed.files:
        yield PlanChanged(committed.files)
    if entry is not None and entry.kind == "Flow":
        message = f"{task.ref or task.name} has no tasks. Add some, or mark it done."
    else:
        unknown = f"No atom is called {task.tag!r}, so it" if task.tag and entry is None else "It"
        message = f"{unknown} waits for a person: mark it done when it is."
    project.log.write("waiting", address=task.address, name=task.name)
    finished = Finished("", task.address, task.name, Status.ACTIVE, StepOutcome.WAITING, message)
    yield finished
    return finished


def _nothing(tree: Tree) -> Steps:
    problems = tree.problems()
    if problems:
        raise problem_error(problems, "No other task can run.")
    return (yield from nothing("Every task is done." if tree.root.tasks else "The plan has no tasks."))


def nothing(message: str) -> Steps:
    """Nothing is to be run; `message` says why."""
    finished = Finished("", "", "", None, StepOutcome.NOTHING, message)
    yield finished
    return finished


def _held(task: Task) -> str:
    at = task.address
    return (
        f"{task.name} has failed and holds the plan: `flow retry {at}`, `flow skip {at}` or `flow done {at}`."
    )


def _finished(task: Task, outcome: StepOutcome, message: str) -> Finished:
    return Finished("", task.address, task.name, task.status, outcome, message)


def _activate(tree: Tree, intent: Intent) -> Sequence[Change]:
    task = find_again(tree.root, intent.path, intent.body)
    if task is None:
        raise StateError(
            f"{intent.name} was taken out of the plan a moment ago.", hint="Look at the plan again."
        )
    return [] if task.status is Status.ACTIVE else rules.begin(task)
