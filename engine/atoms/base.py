"""What an atom is: one unit of work, asked for by a frozen call, answered by a frozen result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar


class Effect(StrEnum):
    """Whether work may run again by itself: `idempotent` may, `once` may not, unasked."""

    IDEMPOTENT = "idempotent"
    ONCE = "once"


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Call:
    """What an atom is asked to do. JSON throughout, but for `root`.

    `config` is made by `engine.atoms.configuration` from the task's body: `fences` (a list of objects with
    `lang`, `flags`, `options`, `text`, `line`), `notes`, `ref`, and `file` and `line` of the task. `context`
    holds what earlier tasks exported. `key` is the idempotency key: the same for all attempts at this task.
    """

    name: str
    address: str
    root: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    key: str = ""


@dataclass(frozen=True, slots=True)
class AtomResult:
    """How it ended: success, failure with a reason, or waiting for a person. `exports` must be JSON."""

    outcome: Outcome
    reason: str = ""
    exports: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def success(cls, reason: str = "", **exports: Any) -> AtomResult:
        return cls(Outcome.SUCCESS, reason, exports)

    @classmethod
    def failure(cls, reason: str) -> AtomResult:
        return cls(Outcome.FAILURE, reason)

    @classmethod
    def waiting(cls, reason: str) -> AtomResult:
        return cls(Outcome.WAITING, reason)


class Atom:
    """The base of all atoms, and what users extend. Subclasses define `run`."""

    effect: ClassVar[Effect] = Effect.ONCE
    """Whether work that was interrupted may run again by itself."""
    timeout: ClassVar[float | None] = None
    """Seconds that `run` may take; a fence of the task with `timeout=` has the last word."""

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise ConfigurationError when this configuration cannot be understood. Called for built-in atoms
        only.
        """

    def run(self, call: Call) -> AtomResult:
        """Do the work. An exception is a failure with its message as the reason."""
        raise TypeError(f"{type(self).__name__} does not define run(call)")

    def check_completion(self, call: Call) -> bool:
        """Whether the work is done already; asked when an attempt vanished without a result."""
        return False

    def cleanup(self, call: Call) -> None:
        """Tidy up after the work was stopped."""
