"""An interrupted task: what is known of it, and the ways to settle it (DESIGN section 5, Recovery).

`examine` only looks. Everything else runs while the claim is held, so that two recoveries are harmless.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.atoms import (
    BUILT_IN,
    Atom,
    AtomResult,
    Call,
    Effect,
    LoomAtom,
    Outcome,
    ProcessId,
    Script,
    Supervised,
    atom_for,
    configuration,
)
from engine.atoms.processes import identify
from engine.errors import ConfigurationError, FlowError, NeedsPersonError, StateError
from engine.flows import Tree
from engine.runtime import attempts
from engine.runtime.conclusion import (
    INTERRUPTIONS_LIMIT,
    Steps,
    conclude,
    counted,
    log,
    refuse_unreadable,
    settle,
    trip,
)
from engine.runtime.events import Event, PlanChanged, Started, StepOutcome, Warned
from engine.runtime.evidence import changes_since
from engine.runtime.execution import (
    JOB_LIMIT,
    Run,
    did_not_happen,
    ended_by_itself,
    execute,
    follow,
    new_run,
    run_job,
    runnable,
)
from engine.runtime.identity import active_leaves, body_text, find_again, path_of
from engine.runtime.intent import Intent, Phase, TornIntentError, boot_id
from engine.runtime.ledger import Rewrite
from engine.runtime.log import now
from engine.runtime.project import Project
from engine.runtime.registry import dispatch, load_registry
from engine.status import Status, Task, body, find_in
from engine.status.options import with_option

_TAIL_LINES = 40
_POLL = 0.01
_LOOK_EVERY = 0.1
"""Seconds between two looks at all processes of the machine."""


class Resume(StrEnum):
    """How `resume` would go on: run it (again), commit its result, follow it, check whether it is done, or not at
    all without a person."""

    RUN = "run"
    COMMIT = "commit"
    FOLLOW = "follow"
    CHECK = "check"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Recovery:
    """The evidence. `names` leads from the root down to the task; `children` are living process ids; `gone`: the
    task is no longer in the plan; `stopped`: a person ended it; `output`: the last it printed, untrusted;
    `changes`: commits and files of the project since it began; `always_off`: why `always` is no choice here, empty
    when it is one; `host`: the other machine on which it was begun, empty when it was this one; `ended`: in words what
    became of its work (`it succeeded`), where `resume` is to commit that, and untrusted as an atom's reason is."""

    address: str
    file: str
    name: str
    names: tuple[str, ...]
    atom: str
    effect: str
    attempt: int
    interruptions: int
    limit: int
    started_at: str
    resume: Resume
    children: tuple[int, ...]
    output: str
    stopped: bool
    gone: bool
    changes: tuple[str, ...] = ()
    always_off: str = ""
    host: str = ""
    ended: str = ""

    @property
    def interruption(self) -> str:
        """What tells this interruption from every other, wherever its task stands by now."""
        return f"{self.started_at} {self.attempt} {self.name}"


def open_intent(project: Project) -> Intent | None:
    """The open intent. A torn one is told from the plan: the only active leaf was running (T3.23). None, too, where the
    plan does not tell."""
    try:
        return project.intents.read()
    except TornIntentError:
        return _guess(project)


def claimed_intent(project: Project) -> Intent | None:
    """The open intent, for whoever holds the claim. Raises NeedsPersonError where a torn one is of a task that the plan
    does not tell; one of none is put away."""
    intent = open_intent(project)
    if intent is None and project.has_intent:
        tree = project.ledger.read()
        is_readable = tree.root.file in tree.snapshots and not tree.problems()
        if not is_readable or active_leaves(tree.root) or project.runner.unsettled() is not None:
            raise NeedsPersonError(
                "A task was running, .flow/intent.lock cannot be read, and the plan does not say which task it was.",
                hint="Put the plan back as it was (`flow check`, `flow restore`); or delete .flow/intent.lock, and"
                " what was running counts as not begun.",
            )
        project.intents.clear()
    return intent


def examine(project: Project, intent: Intent) -> Recovery:
    """What can be said of an interrupted task without touching anything."""
    tree = project.ledger.read()
    task = find_again(tree.root, intent.path, intent.body)
    alive = _alive(project, intent)
    resume = _way(project, intent, task, bool(alive))
    lost = resume in (Resume.CHECK, Resume.ASK, Resume.RUN) and intent.phase is Phase.RELEASED
    return Recovery(
        address=task.address if task is not None else intent.address,
        file=task.plan.file if task is not None else intent.file,
        name=intent.name,
        names=tuple(level.names[-1] for level in intent.path),
        atom=intent.atom,
        effect=intent.effect,
        attempt=intent.attempt,
        interruptions=intent.interruptions + (1 if lost and not _never_started(project, intent) else 0),
        limit=INTERRUPTIONS_LIMIT,
        started_at=intent.started_at,
        resume=resume,
        children=tuple(process.pid for process in alive),
        output=project.runner.tail(intent.run, _TAIL_LINES),
        stopped=intent.phase is Phase.STOPPING,
        gone=task is None,
        changes=_changes(project, intent, task),
        host=intent.host if intent.is_foreign and not alive else "",
        always_off=_why_not_always(project, intent, task),
        ended=_what_became(project, intent, task) if resume is Resume.COMMIT else "",
    )


def resume(project: Project, run: Run, intent: Intent) -> Steps:
    """Go on in the order of DESIGN: run what never started, commit, follow, take the result, check, run again.

    Raises NeedsPersonError where a person has to decide, and TrustError where code would run that nobody has approved:
    the record may have come with a clone.
    """
    tree = project.ledger.read()
    task = find_again(tree.root, intent.path, intent.body)
    if intent.result is not None:
        stored = intent.result
        result = AtomResult(Outcome(stored["outcome"]), stored["reason"], stored["exports"])
        return (yield from conclude(project, intent, result, time.monotonic()))
    if task is None:
        refuse_unreadable(project, tree, intent.path)
        _refuse_alive(project, intent)
        return (
            yield from settle(project, intent, Status.DONE, StepOutcome.NOTHING, "Its outcome is unknown.")
        )
    while _is_about_to_start(project, intent) and not run.control.ends_now(intent.run):
        run.control.wait(_POLL)
        yield None
    if intent.may_live_elsewhere and project.runner.ended(intent.run) is None and not _alive(project, intent):
        raise _needs_person(
            intent,
            f"{intent.address} {intent.name} was begun on {intent.host}; whether it still runs there cannot be seen.",
            "Look there; then `flow recover retry`, `done`, `skip` or `fail`.",
        )
    if _never_started(project, intent):
        yield from log(project, "unbegun", intent)
        if task.inside:
            project.intents.clear()
        return (yield from _run_as(project, run, task, intent, intent.attempt))
    atom, call = _atom(project, intent, task)
    project.trust.refuse(task)
    if isinstance(atom, Supervised) and _can_follow(project, intent):
        intent = project.intents.write(intent.having(engine=identify(os.getpid())))
        yield Started(intent.run, intent.address, intent.name, intent.atom, intent.attempt, follows=True)
        return (yield from follow(project, run, intent, atom, call))
    yield from _helpers_gone(project, run, intent)
    if _is_complete(project, intent, atom, call):
        done = AtomResult.success("It was found complete.")
        return (yield from conclude(project, intent, done, time.monotonic()))
    intent = yield from _lost(project, intent)
    if intent.interruptions >= INTERRUPTIONS_LIMIT:
        return (yield from trip(project, intent))
    if intent.effect == Effect.IDEMPOTENT.value or did_not_happen(project, intent):
        return (yield from again(project, run, intent))
    raise _needs_person(
        intent, f"{intent.address} {intent.name} was interrupted, and nobody knows how far it came."
    )


def _needs_person(
    intent: Intent,
    message: str,
    hint: str = "`flow recover` shows the evidence; then `flow recover retry`, `done`, `skip` or `fail`.",
) -> NeedsPersonError:
    return NeedsPersonError(
        message, hint=hint, address=intent.address, name=intent.name, attempt=intent.attempt
    )


def retry(project: Project, run: Run, intent: Intent) -> Steps:
    """End what is alive, then run the task again as a new attempt. Raises NeedsPersonError where it cannot be ended:
    nothing is run beside it."""
    yield from _helpers_gone(project, run, intent)
    if _alive(project, intent):
        if left := project.runner.end(intent.run, intent.supervisor):
            raise _needs_person(
                intent,
                f"{intent.address} {intent.name} was not run again: {_processes(left)} of it could not be ended.",
                "Another user's, perhaps? End it, then retry.",
            )
        yield from log(project, "stopped", intent)
    elif (
        intent.result is None
        and project.runner.ended(intent.run) is None
        and not _never_started(project, intent)
    ):
        intent = yield from _lost(project, intent)
        if intent.interruptions >= INTERRUPTIONS_LIMIT:
            return (yield from trip(project, intent))
    return (yield from again(project, run, intent.having(tried=0)))


def always(project: Project, run: Run, intent: Intent) -> Steps:
    """Write into the plan that this task may run again unasked (`effect=idempotent`), then retry it.

    The intent learns it in the same commit. Code that was approved stays so, since whoever approved it asked for this.
    Raises StateError where the plan has no place for it and TrustError where nobody has approved the code; nothing is
    written then.
    """

    def make(tree: Tree) -> Rewrite:
        known = project.intents.refreshed(intent)
        task = find_again(tree.root, known.path, known.body)
        reason = _why_not_always(project, intent, task)
        if reason or task is None:
            raise StateError(reason, hint="`flow recover retry` runs it again this once.")
        line = Script().line_of(configuration(task))
        fence = next(one for one in body(task).fences if one.line == line)
        new = with_option(task, fence, "effect", Effect.IDEMPOTENT.value)
        project.trust.refuse(task)

        def then() -> None:
            changed = find_in(new, task.id)
            project.intents.moved(
                known.having(path=path_of(task), body=body_text(changed), effect=Effect.IDEMPOTENT.value)
            )
            project.trust.approve(project.trust.missing([changed]))

        note = {"because": "always", "address": task.address, "name": task.name}
        return Rewrite({} if new.text == task.plan.text else {new.file: new.text}, note, then)

    committed = project.ledger.rewrite(make)
    if committed.files:
        yield PlanChanged(committed.files)
    return (yield from retry(project, run, project.intents.refreshed(intent)))


def again(project: Project, run: Run, intent: Intent) -> Steps:
    """Run the task of this intent as its next attempt; the new intent takes the place of this one."""
    task = find_again(project.ledger.read().root, intent.path, intent.body)
    if task is None:
        return (yield from settle(project, intent, Status.DONE, StepOutcome.NOTHING, "It cannot run again."))
    if task.status.is_settled:  # somebody marked it meanwhile, and that stands
        return (yield from settle(project, intent, Status.DONE, StepOutcome.DONE, ""))
    if task.inside:
        raise StateError(
            f"{task.address} {task.name} has tasks of its own by now: it cannot run again.",
            hint="`flow recover done` goes on with them, `flow recover skip` skips them, too.",
        )
    return (yield from _run_as(project, run, task, intent, intent.attempt + 1))


def _run_as(project: Project, run: Run, task: Task, intent: Intent, attempt: int) -> Steps:
    """Run the task of this intent, which stays until the new one takes its place, and where the task cannot run."""
    entry = runnable(project, task)
    if entry is None or entry.name in ("Manual", "Flow"):
        project.intents.clear()  # it is a person's to do by now
    return (yield from execute(project, run, task, attempt=attempt, instead_of=intent))


def decide(project: Project, intent: Intent, status: Status) -> Steps:
    """A person says how it ended: done, skipped or failed. What is still alive is ended first."""
    if _alive(project, intent) and (left := project.runner.end(intent.run, intent.supervisor)):
        yield Warned(f"{_processes(left)} of {intent.name} could not be ended.")
    outcome = StepOutcome.FAILED if status is Status.FAILED else StepOutcome.DONE
    return (yield from settle(project, intent, status, outcome, f"Marked {status.value} by hand."))


def _refuse_alive(project: Project, intent: Intent) -> None:
    """Raise NeedsPersonError while work is alive whose task is gone from the plan: nothing starts beside it."""
    if _alive(project, intent):
        raise _needs_person(
            intent,
            f"{intent.name} is no longer in the plan, and its work is still running.",
            "Wait until it has ended, or end it with `flow recover skip`.",
        )


def _lost(project: Project, intent: Intent) -> Generator[Event, None, Intent]:
    """Count this interruption, once, and write it into the log."""
    known = counted(project, intent)
    if known is not intent:
        yield from log(project, "vanished", known, interruptions=known.interruptions)
    return known


def _why_not_always(project: Project, intent: Intent, task: Task | None) -> str:
    """Why the task cannot be declared to be one that may run again unasked; empty when it can."""
    if task is None:
        return f"{intent.name} is no longer in the plan."
    try:
        entry = load_registry(project.flow).entries.get(intent.atom)
        if entry is None or entry.target != BUILT_IN["Script"]:
            return f"What {intent.atom or 'its atom'} may do again is not said in the plan, but by the atom."
        Script().line_of(configuration(task))
    except FlowError as error:
        return error.message
    return ""


def _what_became(project: Project, intent: Intent, task: Task | None) -> str:
    """The result that is known already, in words; empty when it cannot be told for now."""
    if intent.result is not None:
        outcome, reason = Outcome(intent.result["outcome"]), str(intent.result["reason"])
    else:
        ended = project.runner.ended(intent.run)
        if ended is None or task is None:
            return ""
        try:
            atom, call = _atom(project, intent, task)
            if not isinstance(atom, Supervised):
                return ""
            result = atom.result(call, ended)
        except FlowError:
            return ""  # the plan or the registry has to be mended before it can be taken
        outcome, reason = result.outcome, result.reason
    words = {Outcome.SUCCESS: "it succeeded", Outcome.FAILURE: "it failed"}.get(
        outcome, "it waits for a person"
    )
    return f"{words}: {reason.rstrip('.')}" if reason and outcome is not Outcome.SUCCESS else words


def _changes(project: Project, intent: Intent, task: Task | None) -> tuple[str, ...]:
    if task is None or not project.trust.covers(task):
        return ()
    return changes_since(project.root, intent.started_at, intent.commit)


def _alive(project: Project, intent: Intent) -> list[ProcessId]:
    """What lives of it here. A machine may have another name by now, and the run is in their environment; a number of a
    process tells nothing elsewhere."""
    return project.runner.alive(intent.run, intent.supervisor if intent.is_local else None)


def _processes(processes: Sequence[ProcessId]) -> str:
    numbers = ", ".join(str(process.pid) for process in processes)
    return f"Process {numbers}" if len(processes) == 1 else f"Processes {numbers}"


def _helpers_gone(project: Project, run: Run, intent: Intent) -> Generator[None, None, None]:
    """Wait for a probe or a clean-up that an engine which died had begun; one that takes too long is ended. Nothing of
    the task runs beside it."""
    until = time.monotonic() + JOB_LIMIT
    while project.runner.helpers(intent.run):
        if time.monotonic() > until or run.control.ends_now(intent.run):
            project.runner.end_helpers(intent.run)
            return
        run.control.wait(_LOOK_EVERY)
        yield None


def _can_follow(project: Project, intent: Intent) -> bool:
    """Whether the work left its exit status, or is still alive; what a person ended is not followed, unless it came to
    its end by itself."""
    ended = project.runner.ended
    if intent.phase is Phase.STOPPING:
        status = ended(intent.run)
        return status is not None and ended_by_itself(status)
    # It may end between the first look and the second; so the exit status is looked for once more.
    return ended(intent.run) is not None or bool(_alive(project, intent)) or ended(intent.run) is not None


def _never_started(project: Project, intent: Intent) -> bool:
    """Whether nothing of this attempt can have happened, nor will. A supervised run leaves a mark before its work
    begins, and its supervisor may be about to do so when its engine is gone already."""
    if intent.phase is Phase.CLAIMED:
        return True
    if intent.phase is not Phase.RELEASED or intent.edit is not None:
        return False
    began = project.runner.began
    return not began(intent.run) and not _alive(project, intent) and not began(intent.run)


def _is_about_to_start(project: Project, intent: Intent) -> bool:
    """Whether a supervisor that has lost its engine has yet to find out that it got its job, or did not."""
    if intent.phase is not Phase.RELEASED or intent.edit is not None:
        return False
    return not project.runner.began(intent.run) and bool(_alive(project, intent))


def _atom(project: Project, intent: Intent, task: Task) -> tuple[Atom, Call]:
    """What runs this task, as it was begun: the record alone, which may have come with a clone, decides no code."""
    registry = load_registry(project.flow)
    entry = registry.entries.get(intent.atom)
    if entry is None or entry.broken:
        raise ConfigurationError(
            f"The atom {intent.atom!r} is not in the registry any more.", hint="Put it back."
        )
    if dispatch(task, registry) != entry:
        raise NeedsPersonError(
            f"{task.address} {task.name} was begun as {intent.atom!r}, and is another kind of task by now.",
            hint="`flow recover` shows the evidence; then `flow recover retry`, `done`, `skip` or `fail`.",
            address=task.address,
            name=task.name,
            attempt=intent.attempt,
        )
    call = project.call(task, attempt=intent.attempt, key=intent.key)
    return atom_for(entry.target, project.flow), call


def _is_complete(project: Project, intent: Intent, atom: Atom, call: Call) -> bool:
    """Whether the work is done already; a check that fails counts as not complete (T3.28)."""
    try:
        if isinstance(atom, LoomAtom):
            return atom.is_complete(call, project.loom, intent.edit)
        # A run happens once, and this question may be asked again: after a crash in here, or when a person mended it.
        probe = (
            atom.probe(call, f"{intent.run}-{new_run()[-8:]}-probe") if isinstance(atom, Supervised) else None
        )
        ended = run_job(project, probe) if probe is not None else None
        return ended is not None and isinstance(atom, Supervised) and atom.is_complete(ended)
    except FlowError:
        return False


def _guess(project: Project) -> Intent | None:
    leaves = [leaf for leaf in active_leaves(project.ledger.read().root) if not leaf.inside]
    if len(leaves) != 1:
        return None
    task = leaves[0]
    record = project.attempts(task)
    # What it was running is told from the files of its run: its work may be alive, or have left its result.
    run = project.runner.unsettled()
    return Intent(
        run=run or new_run(),
        path=path_of(task),
        address=task.address,
        name=task.name,
        body=body_text(task),
        atom=task.tag or "",
        effect=Effect.ONCE.value,
        attempt=attempts.number(record, "attempt") + 1,
        interruptions=attempts.number(record, "interruptions"),
        key=str(record.get("key", "")),
        started_at=now(),
        phase=Phase.RELEASED if run else Phase.VANISHED,
        boot=boot_id(),
    )


def _way(project: Project, intent: Intent, task: Task | None, alive: bool) -> Resume:
    if intent.result is not None:
        return Resume.COMMIT
    if task is None:
        return Resume.ASK
    if intent.may_live_elsewhere and not alive:
        return Resume.COMMIT if project.runner.ended(intent.run) is not None else Resume.ASK
    if _never_started(project, intent):
        return Resume.RUN
    if intent.phase is not Phase.STOPPING:
        if alive:
            return Resume.FOLLOW
        if project.runner.ended(intent.run) is not None:
            return Resume.COMMIT
    elif _can_follow(project, intent):
        return Resume.COMMIT
    try:
        atom, call = _atom(project, intent, task)
        if isinstance(atom, LoomAtom) or (isinstance(atom, Supervised) and atom.probe(call, intent.run)):
            return Resume.CHECK
    except FlowError:
        return Resume.ASK
    return Resume.RUN if intent.effect == Effect.IDEMPOTENT.value else Resume.ASK
