"""Work that is under way: watched to its end, tried again where its task says so, or ended because a person wants it.

Everything here runs while the claim is held, as generators like those of `engine.runtime.execution`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from engine.atoms import Atom, AtomResult, Call, Ended, Hosted, Job, Outcome, ProcessId, Supervised, atom_for
from engine.errors import ConfigurationError, FlowError, NeedsPersonError, StorageError
from engine.runtime.conclusion import Steps, conclude, ending, is_marked, log, vanished
from engine.runtime.control import Run
from engine.runtime.events import Event, Output, Started, StepOutcome, Warned
from engine.runtime.identity import body_text, find_again
from engine.runtime.intent import Intent, Phase
from engine.runtime.project import Project
from engine.runtime.registry import Entry, dispatch, load_registry
from engine.status import Status, Task
from engine.storage import is_full

# Seconds between two looks at running work: short at first, since most work is.
_POLL, _SLOWEST_POLL = 0.004, 0.05
# Work that prints more at once than this many bytes is not looked at for so many seconds: who watches needs no more,
# and the work needs the processor. What that misses is in the file, or was left out there.
_FLOOD, _BREATH = 1 << 15, 0.05
# A probe or clean-up has a time limit of its own, enforced by its supervisor; this is for one whose supervisor is gone.
JOB_LIMIT = 90.0


def follow(
    project: Project, run: Run, intent: Intent, atom: Supervised, call: Call, *, offset: int = 0
) -> Steps:
    """Watch work that is under way to its end, then commit its result. Its death without a result stays open."""
    pause = _POLL
    runner = project.runner
    is_told = False
    while True:
        run.claim.renew()  # somebody may clear up: `git clean -X`, the work itself perhaps
        ended = runner.ended(intent.run)
        text, offset = runner.read(intent.run, offset)
        if text:
            pause = _POLL
            yield Output(intent.run, intent.address, text.decode("utf-8", "replace"))
        if ended is None and (run.control.ends_now(intent.run) or project.is_stop_requested(intent.run)):
            return (yield from stop(project, run, intent, atom, call))
        if text:
            if ended is None and len(text) >= _FLOOD:
                run.control.wait(_BREATH)
            continue
        if ended is not None:
            result = atom.result(call, ended)
            if result.outcome is Outcome.FAILURE:
                # What it left running must not meet the next attempt, be that now or another day.
                is_over = yield from _end_rest(project, intent)
                if is_over and is_tried_again(intent, atom, call, ended):
                    return (yield from _try_again(project, run, intent, atom, call, ended))
            return (yield from conclude(project, intent, result, time.monotonic() - ended.seconds))
        if not _lives(project, intent) and runner.ended(intent.run) is None:
            return (yield from vanished(project, intent))
        if not is_told and is_full(project.flow):
            is_told = True
            yield Warned(f"The disk is full: the result of {intent.name} waits until there is room.")
        if not project.has_intent:
            intent = project.intents.write(intent)
        run.control.wait(pause)
        pause = min(pause * 1.5, _SLOWEST_POLL)
        yield None


def stop(project: Project, run: Run, intent: Intent, atom: Atom, call: Call) -> Steps:
    """End the running work because a person wants it. The intent stays and says so; it counts as no interruption.

    Work that came to its end in this very moment was not ended by anybody: its result is taken."""
    refusal: StorageError | None = None
    try:
        intent = project.intents.write(intent.having(phase=Phase.STOPPING))
    except StorageError as error:  # a full disk, perhaps by this very work: it is ended all the same
        refusal = error
    left = project.runner.end(intent.run, intent.supervisor)
    if refusal is not None:
        refusal.hint = f"{refusal.hint} The work of {intent.name} was ended.".strip()
        raise refusal
    project.forget_stop()
    ended = project.runner.ended(intent.run)
    if ended is not None and ended_by_itself(ended) and isinstance(atom, Supervised):
        run.control.stop(after_this_task=True)
        result = atom.result(call, ended)
        return (yield from conclude(project, intent, result, time.monotonic() - ended.seconds))
    if left:
        yield Warned(f"{in_words(left)} of {intent.name} could not be ended.")
    yield from clean_up(project, run, intent, atom, call)
    yield from log(project, "stopped", intent)
    finished = ending(
        intent, Status.ACTIVE, StepOutcome.INTERRUPTED, "It was stopped; the next start offers what to do."
    )
    yield finished
    return finished


def clean_up(
    project: Project, run: Run, intent: Intent, atom: Atom, call: Call
) -> Generator[Event | None, None, None]:
    """Let an atom clean up after work that was ended, if it does such a thing."""
    cleaner = atom.cleaner(call, f"{intent.run}-cleanup") if isinstance(atom, Supervised) else None
    if isinstance(atom, Hosted) and not project.trust.may_import(Entry(intent.atom, atom.target)):
        yield Warned(
            f"The clean-up of {intent.name} was not run: its atom has changed, and nobody has approved it."
        )
    elif cleaner is not None:
        try:
            if (yield from run_job(project, run, cleaner)) is None:
                yield Warned(f"The clean-up of {intent.name} took too long and was ended.")
        except FlowError as error:
            yield Warned(f"The clean-up of {intent.name} was not run: {error.message}")


def ended_by_itself(ended: Ended) -> bool:
    """Whether work whose end a person wished for had done all of it before that reached it."""
    return ended.code == 0 and not ended.stopped and not ended.timed_out


def new_run() -> str:
    """A run id: when it began, and enough chance to be unique."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def run_job(
    project: Project, run: Run, job: Job, *, is_unwanted: Callable[[], bool] = lambda: False
) -> Generator[None, None, Ended | None]:
    """Run a short job (a probe, a clean-up) to its end; None: it was ended at the limit, or as it was unwanted."""
    runner = project.runner
    run.claim.renew()
    supervisor = runner.start(job.run)
    try:
        runner.release(job)
        until = time.monotonic() + JOB_LIMIT
        while (
            (ended := runner.ended(job.run)) is None
            and time.monotonic() < until
            and not is_unwanted()
            and runner.is_alive(supervisor)
        ):
            run.claim.renew()
            time.sleep(0.01)
            yield None
        ended = ended or runner.ended(job.run)
    except FlowError:  # another engine has the claim: nothing of ours runs beside its work
        runner.end(job.run, supervisor)
        raise
    if ended is None:
        runner.end(job.run, supervisor)
    runner.forget(job.run)
    return ended


def supervise(project: Project, run: Run, intent: Intent, atom: Supervised, call: Call, job: Job) -> Steps:
    """Begin the work of this intent, and follow it."""
    supervisor = project.runner.start(intent.run, tty=job.tty)
    try:
        intent = project.intents.write(intent.having(supervisor=supervisor, phase=Phase.RELEASED))
        run.claim.renew()
        project.runner.release(job)
    except FlowError:
        project.runner.abandon(intent.run)  # lest it waits for its job as long as this process lives
        raise
    return (yield from follow(project, run, intent, atom, call))


def is_tried_again(intent: Intent, atom: Supervised, call: Call, ended: Ended) -> bool:
    """Whether a script that failed is run once more, as its task declares (`retries`)."""
    return intent.tried < atom.retries(call.config).times and not ended.stopped


def _try_again(
    project: Project, run: Run, intent: Intent, atom: Supervised, call: Call, ended: Ended
) -> Steps:
    """Run a script that failed once more, after its pause (`backoff`), as its task stands in the plan by then."""
    result = atom.result(call, ended)
    retries = atom.retries(call.config)
    if _task_of(project, intent) is None:
        return (yield from conclude(project, intent, result, time.monotonic() - ended.seconds))
    wait = retries.wait(intent.tried + 1)
    yield Warned(f"{result.reason} It is tried again in {wait:g} s.")
    until = time.monotonic() + wait
    while True:
        if run.control.ends_now(intent.run) or project.is_stop_requested(intent.run):
            return (yield from stop(project, run, intent, atom, call))
        if (left := until - time.monotonic()) <= 0:
            break
        run.control.wait(min(left, _SLOWEST_POLL))
        run.claim.renew()
        yield None
    task = _task_of(project, intent)
    if task is None:
        return (yield from conclude(project, intent, result, time.monotonic() - ended.seconds))
    before, name = intent.run, new_run()
    try:
        _, call = as_begun(project, intent, task)
        project.trust.refuse(task)
        call = replace(call, attempt=intent.attempt + 1)
        job = atom.job(call, name)
    except FlowError as error:
        result = AtomResult.failure(f"{result.reason} It is not tried again: {error.message}")
        return (yield from conclude(project, intent, result, time.monotonic() - ended.seconds))
    yield from log(project, "retried", intent, reason=result.reason)
    intent = project.intents.write(
        intent,
        run=name,
        body=body_text(task),
        effect=atom.effect_of(call).value,
        attempt=call.attempt,
        tried=intent.tried + 1,
        phase=Phase.CLAIMED,
        supervisor=None,
    )
    if run.control.ends_now(before) or project.is_stop_requested(
        before
    ):  # whoever asked knew the attempt before this one
        return (yield from stop(project, run, intent, atom, call))
    project.runner.forget(before)
    yield from log(project, "started", intent, attempt=intent.attempt, atom=intent.atom, file=intent.file)
    yield Started(intent.run, intent.address, intent.name, intent.atom, intent.attempt)
    return (yield from supervise(project, run, intent, atom, call, job))


def _task_of(project: Project, intent: Intent) -> Task | None:
    """The task, while it waits for its next try; None: it was marked or taken out of the plan, and its end is known."""
    intent = project.intents.refreshed(intent)
    task = find_again(project.ledger.read().root, intent.path, intent.body)
    return None if task is None or is_marked(task) else task


def _lives(project: Project, intent: Intent) -> bool:
    """Whether anything of the run is left. The supervisor is asked first: to look for the rest is dear."""
    supervisor = intent.supervisor
    if supervisor is not None and project.runner.is_alive(supervisor):
        return True
    return bool(project.runner.alive(intent.run, supervisor))


def alive_of(project: Project, intent: Intent) -> list[ProcessId]:
    """What lives of it here. A machine may have another name by now, and the run is in their environment; a number of a
    process tells nothing elsewhere, and what a copy of the project was begun with is the business of that one."""
    if intent.is_copied(project.root):
        return []
    return project.runner.alive(intent.run, intent.supervisor if intent.is_local else None)


def _end_rest(project: Project, intent: Intent) -> Generator[Event, None, bool]:
    """End what an attempt that is over has left running. False: some of it could not be ended."""
    supervisor = intent.supervisor if intent.is_local else None
    rest = [one for one in alive_of(project, intent) if one != supervisor]
    if not rest:
        return True
    yield Warned(f"{intent.name} failed and left {in_words(rest).lower()} running, which is ended.")
    left = project.runner.end(intent.run, supervisor)
    if left:
        yield Warned(f"{in_words(left)} of {intent.name} could not be ended.")
    return not left


def in_words(processes: Sequence[ProcessId]) -> str:
    numbers = ", ".join(str(process.pid) for process in processes)
    return f"Process {numbers}" if len(processes) == 1 else f"Processes {numbers}"


def as_begun(project: Project, intent: Intent, task: Task) -> tuple[Atom, Call]:
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
