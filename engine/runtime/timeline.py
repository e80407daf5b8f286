"""What ran when, for how long and with what result: told from the event log, which is read once and then followed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.runtime.log import Log

KEPT = 2_000
"""Attempts that are remembered, the latest."""
_BACK = 20_000
"""Records of the log that the first look goes back."""
# What a record says of the attempt that it belongs to, where that is not the status that its task then has.
_ENDINGS = {"waiting": "waiting", "stopped": "stopped", "vanished": "vanished", "conflict": "conflict"}
_BY_HAND = {"done": "done", "skip": "skipped", "fail": "failed", "reopen": "pending"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task, or what a person did to one by hand (`run` is empty then, `attempt` 0).

    `address`, `name` and `file` are those of that time. `started` is ISO 8601 in UTC; `seconds` is None as long as
    nobody knows. `outcome`: empty while it runs, else `done`, `failed`, `skipped`, `pending` (reopened), `waiting`,
    `stopped`, `vanished`, `conflict`, `retried` (it failed, and its task declares another try) or `nothing` (its task
    was gone). `by`: who began it. `message` is untrusted text.
    """

    number: int
    run: str
    address: str
    name: str
    file: str
    atom: str
    attempt: int
    by: str
    started: str
    seconds: float | None = None
    outcome: str = ""
    message: str = ""


class Timeline:
    """Follows one log. Threads may share it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._attempts: dict[str, Attempt] = {}

    def read(self) -> tuple[Attempt, ...]:
        """All of them, in the order in which they began; only what is new since the last call is read.

        Raises StorageError when the log cannot be read.
        """
        with self._lock:
            if self._seen is None:
                newest = next(self._log.latest(), None)
                self._seen = max(0, newest["seq"] - _BACK) if newest is not None else 0
            for record in self._log.records(after=self._seen):
                self._seen = int(record["seq"])
                self._take(record)
            for key in list(self._attempts)[:-KEPT]:
                del self._attempts[key]
            return tuple(self._attempts.values())

    def _take(self, record: Mapping[str, Any]) -> None:
        what, run = str(record.get("what", "")), str(record.get("run", ""))
        if run and what == "started":
            self._attempts[run] = _begun(record, run)
        elif run and what == "unbegun":
            self._attempts.pop(run, None)
        elif run:
            known = self._attempts.get(run) or replace(_begun(record, run), attempt=0)
            self._attempts[run] = replace(
                known,
                seconds=_seconds(record, known.seconds),
                outcome=_ENDINGS.get(what) or str(record.get("status") or what),
                message=_message(record),
            )
        elif what in _BY_HAND or what == "waiting":
            entry = replace(
                _begun(record, ""), outcome=_BY_HAND.get(what, what), message=_message(record), attempt=0
            )
            self._attempts[f"#{entry.number}"] = entry


def _begun(record: Mapping[str, Any], run: str) -> Attempt:
    attempt = record.get("attempt")
    return Attempt(
        number=int(record["seq"]),
        run=run,
        address=str(record.get("address", "")),
        name=str(record.get("name", "")),
        file=str(record.get("file", "")),
        atom=str(record.get("atom", "")),
        attempt=attempt if isinstance(attempt, int) else 0,
        by=str(record.get("who", "")),
        started=str(record.get("time", "")),
    )


def _seconds(record: Mapping[str, Any], known: float | None) -> float | None:
    seconds = record.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else known


def _message(record: Mapping[str, Any]) -> str:
    return str(record.get("message") or record.get("reason") or record.get("note") or "")
