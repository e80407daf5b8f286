"""What is known of an interrupted task, and how one could go on with it. Looks, and touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.atoms import (
    BUILT_IN,
    Effect,
    LoomAtom,
    Outcome,
    Script,
    Supervised,
    configuration,
)
from engine.errors import FlowError
from engine.runtime import attempts
from engine.runtime.conclusion import INTERRUPTIONS_LIMIT, is_marked
from engine.runtime.evidence import changes_since
from engine.runtime.following import alive_of, as_begun, ended_by_itself, is_tried_again, new_run
from engine.runtime.identity import active_leaves, body_text, find_again, path_at_work
from engine.runtime.intent import Intent, Phase, TornIntentError, boot_id
from engine.runtime.log import now
from engine.runtime.project import Project
from engine.runtime.registry import load_registry
from engine.runtime.running import has_left, titled
from engine.status import Task

_TAIL_LINES = 40


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
    `run` and `engine`: the attempt, and the process id of the engine that left it, 0 where the record was torn;
    `changes`: commits and files of the project since it began; `always_off`: why `always` is no choice here, empty
    when it is one; `host`: the other machine or container on which it was begun, empty when it was this one; `ended`:
    in words what became of its work (`it succeeded`), where `resume` is to commit that, and untrusted as an atom's
    reason is."""

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
    run: str = ""
    engine: int = 0
    changes: tuple[str, ...] = ()
    always_off: str = ""
    host: str = ""
    ended: str = ""

    @property
    def interruption(self) -> str:
        """What tells this interruption from every other, wherever its task stands and whatever it is called by now."""
        return f"{self.run} {self.engine}" if self.engine else f"torn {self.attempt}"

    @property
    def title(self) -> str:
        """It in words: `2/1 Build`, or `Build (no longer in the plan)`."""
        return titled(self.address, self.name, gone=self.gone)


def open_intent(project: Project) -> Intent | None:
    """The open intent. A torn one is told from the plan: the only active leaf was running (T3.23). None, too, where the
    plan does not tell."""
    try:
        return project.intents.read()
    except TornIntentError:
        return _guess(project)


def examine(project: Project, intent: Intent) -> Recovery:
    """What can be said of an interrupted task without touching anything."""
    tree = project.ledger.read()
    task = find_again(tree.root, intent.path, intent.body)
    alive = alive_of(project, intent)
    resume = _way(project, intent, task, bool(alive))
    # What is alive has not vanished, also where nobody can follow it, as it has left the plan.
    lost = (
        not alive
        and resume in (Resume.CHECK, Resume.ASK, Resume.RUN)
        and intent.phase is Phase.RELEASED
        and project.runner.ended(intent.run) is None
    )
    return Recovery(
        address=task.address if task is not None else intent.address,
        file=task.plan.file if task is not None else intent.file,
        name=task.name if task is not None else intent.name,
        names=tuple(level.names[-1] for level in intent.path),
        atom=intent.atom,
        effect=intent.effect,
        attempt=intent.attempt,
        interruptions=intent.interruptions + (1 if lost and not never_started(project, intent) else 0),
        limit=INTERRUPTIONS_LIMIT,
        started_at=intent.started_at,
        resume=resume,
        children=tuple(process.pid for process in alive),
        output=project.runner.tail(intent.run, _TAIL_LINES),
        stopped=intent.phase is Phase.STOPPING,
        gone=task is None and has_left(project, tree, intent.path),
        run=intent.run,
        engine=intent.engine.pid if intent.engine is not None else 0,
        changes=_changes(project, intent, task),
        host=intent.where if intent.is_foreign and not alive else "",
        always_off=why_not_always(project, intent, task),
        ended=_what_became(project, intent, task) if resume is Resume.COMMIT else "",
    )


def why_not_always(project: Project, intent: Intent, task: Task | None) -> str:
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
        if ended is None and task is not None and is_marked(task):
            return f"it was marked {task.status.value} in the plan"
        if ended is None or task is None:
            return ""
        try:
            atom, call = as_begun(project, intent, task)
            if not isinstance(atom, Supervised):
                return ""
            result = atom.result(call, ended)
        except FlowError:
            return ""  # the plan or the registry has to be mended before it can be taken
        outcome, reason = result.outcome, result.reason
        if outcome is Outcome.FAILURE and is_tried_again(intent, atom, call, ended):
            return f"it failed, and is tried again: {reason.rstrip('.')}"
    words = {Outcome.SUCCESS: "it succeeded", Outcome.FAILURE: "it failed"}.get(
        outcome, "it waits for a person"
    )
    return f"{words}: {reason.rstrip('.')}" if reason and outcome is not Outcome.SUCCESS else words


def _changes(project: Project, intent: Intent, task: Task | None) -> tuple[str, ...]:
    if task is None or not project.trust.covers(task):
        return ()
    return changes_since(project.root, intent.started_at, intent.commit)


def can_follow(project: Project, intent: Intent) -> bool:
    """Whether the work left its exit status, or is still alive; what a person ended is not followed, unless it came to
    its end by itself."""
    ended = project.runner.ended
    if intent.phase is Phase.STOPPING:
        status = ended(intent.run)
        return status is not None and ended_by_itself(status)
    # It may end between the first look and the second; so the exit status is looked for once more.
    return ended(intent.run) is not None or bool(alive_of(project, intent)) or ended(intent.run) is not None


def never_started(project: Project, intent: Intent) -> bool:
    """Whether nothing of this attempt can have happened, nor will. A supervised run leaves a mark before its work
    begins, and its supervisor may be about to do so when its engine is gone already."""
    if intent.phase is Phase.CLAIMED:
        return True
    if intent.phase is not Phase.RELEASED or intent.edit is not None:
        return False
    began = project.runner.began
    return not began(intent.run) and not alive_of(project, intent) and not began(intent.run)


def is_about_to_start(project: Project, intent: Intent) -> bool:
    """Whether a supervisor that has lost its engine has yet to find out that it got its job, or did not."""
    if intent.phase is not Phase.RELEASED or intent.edit is not None:
        return False
    return not project.runner.began(intent.run) and bool(alive_of(project, intent))


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
        path=path_at_work(task),
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
    if is_marked(task) and not alive and not can_follow(project, intent):
        return Resume.COMMIT
    if never_started(project, intent):
        return Resume.RUN
    if intent.phase is not Phase.STOPPING:
        if alive:
            return Resume.FOLLOW
        if project.runner.ended(intent.run) is not None:
            return Resume.COMMIT
    elif can_follow(project, intent):
        return Resume.COMMIT
    try:
        atom, call = as_begun(project, intent, task)
        if isinstance(atom, LoomAtom) or (isinstance(atom, Supervised) and atom.probe(call, intent.run)):
            return Resume.CHECK
    except FlowError:
        return Resume.ASK
    return Resume.RUN if intent.effect == Effect.IDEMPOTENT.value else Resume.ASK
