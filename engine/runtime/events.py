"""What an engine tells whoever watches. Frozen data; text in it comes from plans and scripts and is untrusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.status.model import Status


class StepOutcome(StrEnum):
    """How a step ended. `nothing`: there was no task to run."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    CONFLICT = "conflict"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Started:
    """A task runs from now on. `follows`: an earlier engine started it, this one only follows."""

    run: str
    address: str
    name: str
    atom: str
    attempt: int
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What the running task printed: decoded, but with its control sequences."""

    run: str
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file that a task was to edit had changed; nothing was written. The three texts are whole files."""

    address: str
    name: str
    path: str
    base: str | None
    disk: str | None
    edit: str | None
    message: str


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """These plan files were written by this engine."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something failed that decides nothing (the log, an export); the task goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a step. `status` is the task's status in the plan now; empty address: there was no task."""

    run: str
    address: str
    name: str
    status: Status | None
    outcome: StepOutcome
    message: str
    seconds: float = 0.0


Event = Started | Output | Conflict | PlanChanged | Warned | Finished
