"""What a report tells: the plan as it stands, what ran when, what it printed, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine import Attempt, Engine, Problem, Progress, Recovery, Running, Task, Tree
from tui.commands import output
from tui.commands.rows import Row, flat_json, problem_json, progress_json, rows
from tui.history import waits_over

PRINTED, HEAD, TAIL = 200, 2_000, 6_000
"""Attempts whose output is told, the last ones; and characters of it, at its beginning and at its end."""
_MOST_READ = 64_000_000
_LONGEST = 1e9
_PAUSE = timedelta(minutes=30)
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Printed:
    """What an attempt printed, safe to show: its beginning, and its end where `left_out` characters are between."""

    head: str
    tail: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt on the line of time: `start` and `end` (None: nobody knows), and what it printed.

    `over`: it is a wait for a person that has ended.
    """

    attempt: Attempt
    start: datetime
    end: datetime | None
    printed: Printed | None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Attempts without a long pause between them."""

    start: datetime
    end: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All of it. Text in it comes from plans and scripts."""

    engine: Engine
    tree: Tree
    made: datetime
    title: str
    headers: Mapping[str, str]
    progress: Progress
    rows: tuple[Row, ...]
    next: Task | None
    running: Running | None
    recovery: Recovery | None
    problems: tuple[Problem, ...]
    sessions: tuple[Session, ...]

    def entries(self) -> list[Entry]:
        return [entry for session in self.sessions for entry in session.entries]

    def as_json(self) -> dict[str, Any]:
        """The shape of `flow report --json`, without its version."""
        return {
            "made": self.made.isoformat(timespec="seconds"),
            "title": self.title,
            "headers": dict(self.headers),
            "progress": progress_json(self.progress),
            "next": self.next.address if self.next is not None else None,
            "tasks": flat_json(self.engine, self.tree, iter(self.rows)),
            "problems": [problem_json(problem) for problem in self.problems],
            "attempts": [_attempt_json(entry) for entry in self.entries()],
        }


def _attempt_json(entry: Entry) -> dict[str, Any]:
    attempt = entry.attempt
    return {
        "run": attempt.run,
        "address": attempt.address,
        "name": attempt.name,
        "file": attempt.file,
        "atom": attempt.atom,
        "attempt": attempt.attempt,
        "by": attempt.by,
        "started": attempt.started,
        "seconds": attempt.seconds,
        "outcome": attempt.outcome,
        "message": attempt.message,
        "taken_back": attempt.taken_back,
        "output": "" if entry.printed is None else entry.printed.head + entry.printed.tail,
        "left_out": 0 if entry.printed is None else entry.printed.left_out,
    }


def tell(engine: Engine) -> Story:
    """Gather a report. Blocks while it reads the plans, the log and what tasks printed."""
    tree = engine.tree()
    attempts = [_believable(attempt) for attempt in engine.timeline()]
    recent = {attempt.number for attempt in [each for each in attempts if each.run][-PRINTED:]}
    over = waits_over(attempts)
    now = datetime.now(UTC)
    entries = [
        Entry(
            attempt,
            start := _time(attempt.started, now),
            _end(start, attempt.seconds),
            _printed(engine, attempt.run) if attempt.number in recent else None,
            over=attempt.number in over,
        )
        for attempt in attempts
    ]
    return Story(
        engine=engine,
        tree=tree,
        made=now,
        title=tree.root.title,
        headers=tree.root.headers,
        progress=tree.progress(),
        rows=tuple(rows(tree.root.tasks)),
        next=tree.cursor(),
        running=engine.running(tree),
        recovery=engine.recovery(),
        problems=tuple(tree.problems()),
        sessions=_sessions(entries),
    )


def _time(text: str, otherwise: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _believable(attempt: Attempt) -> Attempt:
    """Clocks can be wrong by any amount: a time that cannot be is one that nobody knows."""
    if attempt.seconds is None or 0 <= attempt.seconds < _LONGEST:
        return attempt
    return replace(attempt, seconds=None)


def _end(start: datetime, seconds: float | None) -> datetime | None:
    try:
        return start + timedelta(seconds=seconds) if seconds is not None else None
    except OverflowError:
        return None


def _sessions(entries: list[Entry]) -> tuple[Session, ...]:
    sessions: list[list[Entry]] = []
    last: datetime | None = None
    for entry in sorted(entries, key=lambda entry: entry.start):
        if last is None or entry.start - last > _PAUSE:
            sessions.append([])
        sessions[-1].append(entry)
        last = max(last or entry.start, entry.end or entry.start)
    return tuple(
        Session(part[0].start, max(entry.end or entry.start for entry in part), tuple(part))
        for part in sessions
    )


def _printed(engine: Engine, run: str) -> Printed | None:
    head, tail, size, offset = "", "", 0, 0
    while offset < _MOST_READ:
        text, after = engine.output(run, offset)
        if not text or after <= offset:
            break
        offset = after
        size += len(text)
        rest = text[max(0, HEAD - len(head)) :] if len(head) < HEAD else text
        head += text[: HEAD - len(head)]
        tail = (tail + rest)[-TAIL:]
    if not size:
        return None
    left_out = size - len(head) - len(tail)
    if not left_out:
        return Printed(plain(head + tail), "", 0)
    # The cut is at ends of lines where there are some.
    end, start = head.rfind("\n") + 1 or len(head), tail.find("\n") + 1
    left_out += len(head) - end + start
    return Printed(plain(head[:end]), plain(tail[start:]), left_out)


def plain(text: str) -> str:
    """What a script printed as a reader sees it: without colours, lines that were drawn over as they were last."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return output.block("\n".join(lines))
