"""What atoms have in common that run under a supervisor: they are turned into jobs, and judged by how those
ended.
"""

from __future__ import annotations

import signal
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.atoms.base import Atom, AtomResult, Call, Effect
from engine.atoms.runner import Ended, Job

PROBE_LIMIT = 60.0
"""Seconds that a question (is it done already?) and a clean-up may take."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often work that failed is tried again, and how long to wait before the first time (doubled each
    time).
    """

    times: int = 0
    backoff: float = 0.0

    def wait(self, tried: int) -> float:
        """Seconds to wait after `tried` failures, at most an hour."""
        return float(min(self.backoff * 2 ** min(tried - 1, 20), 3600.0))


class Supervised(Atom):
    """An atom that runs as a job. `run` names the run; the jobs of one task have different ones."""

    def check(self, config: Mapping[str, Any]) -> None:
        """Raises ConfigurationError when this configuration cannot be understood. Runs nothing."""

    def check_call(self, call: Call) -> None:
        """Raise ConfigurationError for all that `check` finds, and for paths that leave the project."""
        self.check(call.config)

    def effect_of(self, call: Call) -> Effect:
        """Whether this call may be repeated unasked."""
        return self.effect

    def retries(self, config: Mapping[str, Any]) -> Retries:
        return Retries()

    @abstractmethod
    def job(self, call: Call, run: str) -> Job:
        """The work. Raises ConfigurationError."""

    def probe(self, call: Call, run: str) -> Job | None:
        """The job that finds out whether the work is done already; None when there is no telling."""
        return None

    def is_complete(self, ended: Ended) -> bool:
        """What the job of `probe` found out. Anything but a clear yes is a no."""
        return ended.code == 0 and not ended.timed_out

    def cleaner(self, call: Call, run: str) -> Job | None:
        """The job that tidies up after the work was stopped, if there is anything to tidy up."""
        return None

    @abstractmethod
    def result(self, call: Call, ended: Ended) -> AtomResult:
        """What the end of the work means. Never raises for what the work did."""


def mishap(ended: Ended, timeout: float | None) -> str:
    """Why a job that ended like this failed, in words; empty when its exit status is 0."""
    if ended.error:
        return f"It could not be started: {ended.error.rstrip('.')}"
    if ended.timed_out:
        return f"It took longer than {duration(timeout or ended.seconds)} and was ended"
    if ended.stopped:
        return "It was stopped"
    if ended.signal is not None:
        return f"It was killed by {signal_name(ended.signal)}"
    if ended.code:
        return f"Exit status {ended.code}"
    return ""


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def duration(value: float) -> str:
    """Seconds for people: `0.5 s`, `90 s`, `10 min`, `2 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if value >= size and value % size == 0:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"
