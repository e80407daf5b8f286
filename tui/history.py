"""What happened to each task, from the engine's log: attempts, times, results. It decides nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine import Attempt, Engine, FlowError, Task
from tui import marks

_SHOWN = 12


class History:
    """The attempts at every task. `update` may run in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: tuple[Attempt, ...] = ()
        self._all: tuple[Attempt, ...] = ()
        self._at: dict[tuple[str, str], list[Attempt]] = {}
        self._named: dict[tuple[str, str], list[Attempt]] = {}
        self._lock = threading.Lock()

    def update(self) -> bool:
        """Takes in what is new in the log. Blocks; returns whether there was anything."""
        try:
            read = self._engine.timeline()
        except FlowError:
            return False  # a log that cannot be read costs its story and nothing else
        if read == self._read:
            return False
        over = waits_over(read)
        attempts = tuple(replace(one, outcome="waited") if one.number in over else one for one in read)
        at: dict[tuple[str, str], list[Attempt]] = {}
        named: dict[tuple[str, str], list[Attempt]] = {}
        for attempt in attempts:
            at.setdefault((attempt.address, attempt.known_as), []).append(attempt)
            if attempt.file:
                named.setdefault((attempt.file, attempt.known_as), []).append(attempt)
        with self._lock:
            self._read, self._all, self._at, self._named = read, attempts, at, named
        return True

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All that are remembered, in the order in which they began."""
        return self._all

    def of(self, task: Task) -> tuple[Attempt, ...]:
        """What happened to a task, the latest first. A task that was renamed, or moved inside its file, keeps it."""
        with self._lock:
            found = self._at.get((task.address, task.name), [])
            named = self._named.get((task.plan.file, task.name), [])
        if not found and named:
            others = {other.address for other in task.plan.walk() if other.name == task.name}
            found = [attempt for attempt in named if attempt.address not in others]
        return tuple(reversed(found[-_SHOWN:]))

    def run_of(self, task: Task) -> str:
        """The last run that worked at a task; empty if there was none."""
        return next((attempt.run for attempt in self.of(task) if attempt.run), "")

    def number_of(self, task: Task) -> int:
        """The number of its last attempt; 0 if it never ran, or was taken back or reopened since."""
        latest = next(iter(self.of(task)), None)
        return latest.attempt if latest is not None and not latest.taken_back else 0

    def failure_of(self, task: Task) -> str:
        """Why a task failed last, in one sentence; empty if that is not known."""
        return next((attempt.message for attempt in self.of(task) if attempt.outcome == "failed"), "")


_OUTCOMES = {
    "": (marks.RUNNING, "active", "runs"),
    "done": ("✔", "done", "done"),
    "failed": ("✖", "failed", "failed"),
    "skipped": ("–", "skipped", "skipped"),
    "pending": ("○", "pending", "reopened"),
    "waiting": ("●", "active", "waits for a person"),
    "waited": ("○", "pending", "waited for a person"),
    "stopped": ("■", "active", "stopped"),
    "vanished": ("✖", "failed", "vanished without a result"),
    "conflict": ("≠", "active", "conflict"),
    "retried": ("↻", "failed", "failed, is tried again"),
    "nothing": ("–", "skipped", "its task was gone"),
}


def looks(attempt: Attempt) -> tuple[str, str, str]:
    """How an attempt ended: its glyph, the status whose colour it has, and the word for it."""
    glyph, status, word = _OUTCOMES.get(attempt.outcome, ("·", "pending", attempt.outcome))
    return (marks.TAKEN_BACK, "pending", word) if is_taken_back(attempt) else (glyph, status, word)


def is_taken_back(attempt: Attempt) -> bool:
    """Whether it had a result that stands no longer. A wait has none: it is over when it was undone."""
    return attempt.taken_back and attempt.outcome not in ("waiting", "waited")


def waits_over(attempts: Sequence[Attempt]) -> frozenset[int]:
    """The numbers of the waits that ended: undone, or followed by something else that happened to their task."""
    latest = {(attempt.address, attempt.known_as): attempt.number for attempt in attempts}
    return frozenset(
        attempt.number
        for attempt in attempts
        if attempt.outcome == "waiting"
        and (attempt.taken_back or latest[attempt.address, attempt.known_as] != attempt.number)
    )


def began(attempt: Attempt) -> datetime | None:
    """When it began, in the time of this place."""
    try:
        return datetime.fromisoformat(attempt.started).astimezone()
    except ValueError:
        return None


def seconds_of(attempt: Attempt, now: datetime) -> float | None:
    """How long it took; how long it has been running, if it still is."""
    if attempt.seconds is not None:
        return attempt.seconds
    start = began(attempt)
    return (
        (now - start).total_seconds() if start is not None and attempt.run and not attempt.outcome else None
    )
