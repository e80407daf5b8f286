"""The ways to settle an interrupted task (DESIGN section 5, Recovery).

Everything here runs while the claim is held, so that two recoveries are harmless.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from functools import partial

from engine.atoms import (
    Atom,
    AtomResult,
    Call,
    Effect,
    Hosted,
    LoomAtom,
    Outcome,
    Script,
    Supervised,
    atom_for,
    configuration,
)
from engine.atoms.processes import identify
from engine.atoms.supervised import mishap
from engine.errors import BusyError, FlowError, NeedsPersonError, SecurityError, StateError
from engine.flows import Tree
from engine.runtime.conclusion import (
    INTERRUPTIONS_LIMIT,
    Steps,
    conclude,
    counted,
    ending,
    is_marked,
    log,
    refuse_unreadable,
    settle,
    trip,
)
from engine.runtime.control import Run
from engine.runtime.events import Event, PlanChanged, Started, StepOutcome, Warned
from engine.runtime.execution import did_not_happen, execute, job_of, ready
from engine.runtime.findings import (
    can_follow,
    is_about_to_start,
    never_started,
    open_intent,
    why_not_always,
)
from engine.runtime.following import (
    JOB_LIMIT,
    alive_of,
    as_begun,
    clean_up,
    follow,
    in_words,
    new_run,
    run_job,
)
from engine.runtime.identity import active_leaves, body_text, find_again, path_at_work
from engine.runtime.intent import Intent, Phase
from engine.runtime.ledger import Rewrite
from engine.runtime.project import Project
from engine.status import Status, Task, body, find_in
from engine.status.options import with_option

_POLL = 0.01
_LOOK_EVERY = 0.1
"""Seconds between two looks at all processes of the machine."""


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
    if intent.phase is Phase.STOPPING:
        if alive_of(project, intent):  # whoever was ending it died over that
            yield Warned(f"{intent.name} was stopped, and is still at work: that is ended first.")
            intent = yield from _end(project, intent)
            if task is not None and not can_follow(project, intent):
                yield from _clean_up(project, run, intent, task)
        project.forget_stop()
    if task is None:
        refuse_unreadable(project, tree, intent.path)
        _refuse_alive(project, intent)
        if not (yield from _helpers_gone(project, run, intent)):
            return (yield from _left_open(project, intent))
        ended = project.runner.ended(intent.run)
        how = "Its outcome is unknown." if ended is None else f"{mishap(ended, None) or 'Exit status 0'}."
        return (yield from settle(project, intent, Status.DONE, StepOutcome.NOTHING, how))
    while is_about_to_start(project, intent) and not (
        run.control.ends_now(intent.run) or project.is_stop_requested(intent.run)
    ):
        run.control.wait(_POLL)
        yield None
    if (
        intent.may_live_elsewhere
        and project.runner.ended(intent.run) is None
        and not alive_of(project, intent)
    ):
        raise _needs_person(
            intent,
            f"{intent.address} {intent.name} was begun on {intent.where}; whether it still runs there cannot be seen.",
            "Look there; then `flow recover retry`, `done`, `skip` or `fail`.",
        )
    if is_marked(task) and not can_follow(project, intent) and not alive_of(project, intent):
        if not (yield from _helpers_gone(project, run, intent)):
            return (yield from _left_open(project, intent))
        return (yield from _settle_marked(project, intent, task.status))
    if never_started(project, intent):
        yield from log(project, "unbegun", intent)
        if task.inside:
            project.intents.clear()
        return (yield from execute(project, run, task, attempt=intent.attempt, instead_of=intent))
    atom, call = as_begun(project, intent, task)
    project.trust.refuse(task)
    if isinstance(atom, Supervised) and can_follow(project, intent):
        intent = project.intents.write(intent.having(engine=identify(os.getpid())))
        yield Started(intent.run, intent.address, intent.name, intent.atom, intent.attempt, follows=True)
        return (yield from follow(project, run, intent, atom, call))
    if not (yield from _helpers_gone(project, run, intent)):
        return (yield from _left_open(project, intent))
    is_complete = yield from _is_complete(project, run, intent, atom, call)
    if not is_complete and _is_unwanted(project, run, intent):
        return (yield from _left_open(project, intent))
    if is_complete:
        done = AtomResult.success("It was found complete.")
        return (yield from conclude(project, intent, done, time.monotonic()))
    intent = yield from _lost(project, intent)
    if intent.interruptions >= INTERRUPTIONS_LIMIT:
        return (yield from trip(project, intent))
    if intent.effect == Effect.IDEMPOTENT.value or did_not_happen(project, intent):
        return (yield from again(project, run, intent))
    checked = "; its own check does not say that it is done" if isinstance(atom, Hosted) else ""
    raise _needs_person(
        intent, f"{intent.address} {intent.name} was interrupted, and nobody knows how far it came{checked}."
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
    nothing is run beside it, and whatever keeps the task from running, before anything is ended."""
    _refuse_again(project, intent)
    if not (yield from _helpers_gone(project, run, intent)):
        return (yield from _left_open(project, intent))
    if alive_of(project, intent):
        intent = yield from _end(project, intent)
    elif (
        intent.result is None
        and project.runner.ended(intent.run) is None
        and not never_started(project, intent)
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
        reason = why_not_always(project, intent, task)
        if reason or task is None:
            raise StateError(reason, hint="`flow recover retry` runs it again this once.")
        line = Script().line_of(configuration(task))
        fence = next(one for one in body(task).fences if one.line == line)
        new = with_option(task, fence, "effect", Effect.IDEMPOTENT.value)
        project.trust.refuse(task)

        def then() -> None:
            changed = find_in(new, task.id)
            project.intents.moved(
                known.having(path=path_at_work(task), body=body_text(changed), effect=Effect.IDEMPOTENT.value)
            )
            project.trust.approve(project.trust.missing([changed]))

        note = {"because": "always", "address": task.address, "name": task.name}
        return Rewrite({} if new.text == task.plan.text else {new.file: new.text}, note, then)

    _refuse_again(project, intent)
    committed = project.ledger.rewrite(make)
    if committed.files:
        yield PlanChanged(committed.files)
    return (yield from retry(project, run, project.intents.refreshed(intent)))


def _refuse_again(project: Project, intent: Intent) -> None:
    """Raise what would keep the task of this intent from running again as it stands."""
    tree = project.ledger.read()
    task = find_again(tree.root, intent.path, intent.body)
    if task is None:
        refuse_unreadable(project, tree, intent.path)
        _refuse_alive(project, intent)
    elif not task.status.is_settled:
        _refuse_grown(task)
        entry = ready(project, task)
        if entry is not None:
            call = project.call(task, attempt=intent.attempt + 1, key=intent.key)
            job_of(atom_for(entry.target, project.flow), call, new_run())


def _refuse_grown(task: Task) -> None:
    if task.inside:
        raise StateError(
            f"{task.address} {task.name} has tasks of its own by now: it cannot run again.",
            hint="`flow recover done` goes on with them, `flow recover skip` skips them, too.",
        )


def again(project: Project, run: Run, intent: Intent) -> Steps:
    """Run the task of this intent as its next attempt; its intent takes the place of this one, which stays where the
    task cannot run."""
    task = find_again(project.ledger.read().root, intent.path, intent.body)
    if task is None:
        return (yield from settle(project, intent, Status.DONE, StepOutcome.NOTHING, "It cannot run again."))
    if task.status.is_settled:  # somebody marked it meanwhile, and that stands
        return (yield from _settle_marked(project, intent, task.status))
    _refuse_grown(task)
    return (yield from execute(project, run, task, attempt=intent.attempt + 1, instead_of=intent))


def decide(project: Project, run: Run, intent: Intent, status: Status) -> Steps:
    """A person says how it ended: done, skipped or failed. What is still alive is ended first, unless that cannot be
    written now."""
    if not (yield from _helpers_gone(project, run, intent)):
        return (yield from _left_open(project, intent))
    if alive_of(project, intent):
        tree = project.ledger.read()
        refuse_unreadable(project, tree, intent.path)
        task = find_again(tree.root, intent.path, intent.body)
        if task is not None:
            project.refuse_outside(task)
        intent = project.intents.write(intent.having(phase=Phase.STOPPING))
        if left := project.runner.end(intent.run, intent.supervisor):
            yield Warned(f"{in_words(left)} of {intent.name} could not be ended.")
    outcome = StepOutcome.FAILED if status is Status.FAILED else StepOutcome.DONE
    return (yield from settle(project, intent, status, outcome, f"Marked {status.value} by hand."))


def _settle_marked(project: Project, intent: Intent, status: Status) -> Steps:
    """What somebody marked in the plan meanwhile stands."""
    if status is not Status.FAILED:
        return (yield from settle(project, intent, Status.DONE, StepOutcome.DONE, ""))
    # Where the circuit breaker marked it, and its engine died, it stays tripped.
    kept = intent.interruptions if intent.interruptions >= INTERRUPTIONS_LIMIT else 0
    message = "It was marked failed in the plan."
    return (yield from settle(project, intent, status, StepOutcome.FAILED, message, interruptions=kept))


def _end(project: Project, intent: Intent) -> Generator[Event, None, Intent]:
    """End what is alive of it: no attempt runs beside it. That a person wants this is written before. Raises
    NeedsPersonError where it cannot be ended."""
    intent = project.intents.write(intent.having(phase=Phase.STOPPING))
    if left := project.runner.end(intent.run, intent.supervisor):
        raise _needs_person(
            intent,
            f"{intent.address} {intent.name} was not run again: {in_words(left)} of it could not be ended.",
            "Another user's, perhaps? End it, then retry.",
        )
    yield from log(project, "stopped", intent)
    return intent


def _clean_up(project: Project, run: Run, intent: Intent, task: Task) -> Generator[Event | None, None, None]:
    try:
        atom, call = as_begun(project, intent, task)
        project.trust.refuse(task)
    except FlowError as error:
        yield Warned(f"The clean-up of {intent.name} was not run: {error.message}")
        return
    yield from clean_up(project, run, intent, atom, call)


def _refuse_alive(project: Project, intent: Intent) -> None:
    """Raise NeedsPersonError while work is alive whose task is gone from the plan: nothing starts beside it."""
    if alive_of(project, intent):
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


def _helpers_gone(project: Project, run: Run, intent: Intent) -> Generator[Event | None, None, bool]:
    """Wait for a probe or a clean-up that an engine which died had begun: no attempt runs beside it. One that takes too
    long is ended. False: a person does not want to wait."""
    if intent.is_copied(project.root):
        return True  # those are of the project that this one is a copy of
    until = time.monotonic() + JOB_LIMIT
    is_told = False
    while project.runner.helpers(intent.run):
        if _is_unwanted(project, run, intent):
            return False
        if not is_told:
            is_told = True
            yield Warned(
                f"A check or clean-up of {intent.name}, begun before, is still running: it is waited for."
            )
        if time.monotonic() > until:
            project.runner.end_helpers(intent.run)
        run.control.wait(_LOOK_EVERY)
        yield None
    return True


def _is_unwanted(project: Project, run: Run, intent: Intent) -> bool:
    """Whether a person wants nothing more to be done about it for now."""
    return run.control.ends_after or run.control.ends_now(intent.run) or project.is_stop_requested(intent.run)


def _left_open(project: Project, intent: Intent) -> Steps:
    project.forget_stop()
    finished = ending(intent, Status.ACTIVE, StepOutcome.INTERRUPTED, "It was left as it was.")
    yield finished
    return finished


def _is_complete(
    project: Project, run: Run, intent: Intent, atom: Atom, call: Call
) -> Generator[None, None, bool]:
    """Whether the work is done already; a check that fails counts as not complete (T3.28)."""
    try:
        if isinstance(atom, LoomAtom):
            return atom.is_complete(call, project.loom, intent.edit)
        # A run happens once, and this question may be asked again: after a crash in here, or when a person mended it.
        probe = (
            atom.probe(call, f"{intent.run}-{new_run()[-8:]}-probe") if isinstance(atom, Supervised) else None
        )
        if probe is None:
            return False
        unwanted = partial(_is_unwanted, project, run, intent)
        ended = yield from run_job(project, run, probe, is_unwanted=unwanted)
        return ended is not None and isinstance(atom, Supervised) and atom.is_complete(ended)
    except FlowError as error:
        # What must not run, and a claim that is another engine's by now, are no answer to the question.
        if isinstance(atom, Supervised) and isinstance(error, BusyError | SecurityError):
            raise
        return False
