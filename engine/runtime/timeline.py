"""What ran when, for how long and with what result: told from the event log, which is read once and then followed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.runtime.log import Log

KEPT = 2_000
"""Attempts that are remembered, the latest."""
_BACK = 20_000
"""Records of the log that the first look goes back."""
# What a record says of the attempt that it belongs to, where that is not the status that its task then has.
_ENDINGS = {"waiting": "waiting", "stopped": "stopped", "vanished": "vanished", "conflict": "conflict"}
_BY_HAND = {"done": "done", "skip": "skipped", "fail": "failed", "reopen": "pending"}
_RESULTS = frozenset({"done", "failed", "skipped"})
_RESET = "\0reset"
"""Stands for the name that a reset of everything has not."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task, or what a person did to one by hand (`run` is empty then, `attempt` 0).

    `address`, `name` and `file` are those of that time. `started` is ISO 8601 in UTC; `seconds` is None as long as
    nobody knows. `outcome`: empty while it runs, else `done`, `failed`, `skipped`, `pending` (reopened), `waiting`,
    `stopped`, `vanished`, `conflict`, `retried` (it failed, and its task declares another try) or `nothing` (its task
    was gone). `taken_back`: its result stands no longer, since it was undone, or its task made pending again. `by`: who
    began it. `message` is untrusted text. `known_as`: the name of its task by now.
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
    taken_back: bool = False
    known_as: str = ""


class Timeline:
    """Follows one log. Threads may share it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._attempts: dict[str, Attempt] = {}
        self._changed: dict[str, int] = {}
        """The number of the last change of the plan, by the name of its task; of the last reset, by its reason."""
        self._made_by: dict[int, str] = {}
        """The attempt whose result a change of the plan was, by the number of that change."""
        self._withdrew: dict[str, list[str]] = {}
        """The attempts whose results something took back, by what did."""
        self._renamed: dict[int, tuple[str, list[str]]] = {}
        """The former name of a task and the attempts at it, by the number of the record that says it was renamed."""

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
        if what == "changed":
            self._plan_changed(record)
        elif what == "rewritten":
            self._rewritten(record)
        elif what == "reset":
            self._made(f"#{record['seq']}", _RESET)
            self._withdraw(f"#{record['seq']}", str(record.get("address", "")), inside=True)
        elif run and what == "started":
            self._attempts[run] = _begun(record, run)
        elif run and what == "unbegun":
            self._attempts.pop(run, None)
        elif run:
            known = self._attempts.get(run) or replace(_begun(record, run), attempt=0)
            was_stopped = known.outcome == "stopped" and what not in _ENDINGS
            self._attempts[run] = replace(
                known,
                seconds=_seconds(record, known),
                outcome=_ENDINGS.get(what) or str(record.get("status") or what),
                message=f"{'It was stopped. ' * was_stopped}{_message(record)}".strip(),
            )
            self._made(run, known.known_as)
        elif what in _BY_HAND or what == "waiting":
            entry = replace(
                _begun(record, ""), outcome=_BY_HAND.get(what, what), message=_message(record), attempt=0
            )
            key = f"#{entry.number}"
            if what == "reopen":
                self._withdraw(key, entry.address, name=entry.name)
            self._attempts[key] = entry
            self._made(key, entry.name)

    # What was taken back. A record of a change says which tasks it changed, the one behind it whose result that was.

    def _plan_changed(self, record: Mapping[str, Any]) -> None:
        if "undoes" in record:
            maker = self._made_by.pop(record["undoes"], "") if isinstance(record["undoes"], int) else ""
            self._mark(maker, taken_back=True)
            for key in self._withdrew.pop(maker, ()):
                self._mark(key, taken_back=False)
        elif record.get("because") == "reset":
            self._changed[_RESET] = int(record["seq"])
        else:
            self._changed[_deepest(record.get("changes"))] = int(record["seq"])

    def _rewritten(self, record: Mapping[str, Any]) -> None:
        """Lets the attempts at a task that was renamed go along with its name, and back when that is undone."""
        if (undone := record.get("undoes")) in self._renamed:
            name, keys = self._renamed.pop(undone)
        elif isinstance(was := record.get("was"), str):
            file, address, name = _file(record), str(record.get("address", "")), str(record.get("name", ""))
            named = [key for key, one in self._attempts.items() if (one.file, one.known_as) == (file, was)]
            # Another task of that name may stand elsewhere in the file; one that was moved has attempts elsewhere only.
            here = [key for key in named if self._attempts[key].address == address]
            keys = here or named
            self._renamed[int(record["seq"])] = (was, keys)
        else:
            return
        for key in keys:
            if key in self._attempts:
                self._attempts[key] = replace(self._attempts[key], known_as=name)

    def _made(self, key: str, name: str) -> None:
        number = self._changed.pop(name, None)
        if number is not None:
            self._made_by[number] = key

    def _withdraw(self, by: str, address: str, *, name: str | None = None, inside: bool = False) -> None:
        """Takes back the last result of a task (of this `name`), or of each that is `inside`; no address: of all."""
        seen: set[tuple[str, str]] = set()
        for key, attempt in reversed(self._attempts.items()):
            around = not address or attempt.address.startswith((f"{address}.", f"{address}/"))
            one = (attempt.address, attempt.known_as)
            if one in seen or not (attempt.address == address or (inside and around)):
                continue
            if attempt.taken_back or (name is not None and attempt.known_as != name):
                continue
            seen.add(one)
            if attempt.outcome in _RESULTS or (inside and attempt.outcome == "waiting"):
                self._withdrew.setdefault(by, []).append(key)
        for key in self._withdrew.get(by, ()):
            self._mark(key, taken_back=True)

    def _mark(self, key: str, *, taken_back: bool) -> None:
        if key in self._attempts:
            self._attempts[key] = replace(self._attempts[key], taken_back=taken_back)


def _begun(record: Mapping[str, Any], run: str) -> Attempt:
    attempt, name = record.get("attempt"), str(record.get("name", ""))
    return Attempt(
        number=int(record["seq"]),
        run=run,
        address=str(record.get("address", "")),
        name=name,
        file=str(record.get("file", "")),
        atom=str(record.get("atom", "")),
        attempt=attempt if isinstance(attempt, int) else 0,
        by=str(record.get("who", "")),
        started=str(record.get("time", "")),
        known_as=name,
    )


def _deepest(changes: Any) -> str:
    """The name, without its tag, of the task that a change was about: the others followed from it."""
    try:
        paths = [change["path"] for change in changes]
        name = str(max(paths, key=lambda path: sum(len(level["names"]) for level in path))[-1]["names"][-1])
    except (LookupError, TypeError, ValueError):
        return ""
    return name.partition("] ")[2] if name.startswith("[") else name


def _file(record: Mapping[str, Any]) -> str:
    """The plan in which a task was renamed."""
    try:
        return str(record["moved"][0][0])
    except (LookupError, TypeError):
        return ""


def _seconds(record: Mapping[str, Any], known: Attempt) -> float | None:
    """How long an attempt took, as this record says; of one that was stopped, how long it was until then."""
    seconds = record.get("seconds")
    if isinstance(seconds, int | float) and seconds > 0:
        return float(seconds)
    if record.get("what") == "stopped" and known.seconds is None:
        with suppress(ValueError, TypeError):
            until = datetime.fromisoformat(str(record.get("time"))) - datetime.fromisoformat(known.started)
            return max(0.0, until.total_seconds())
    return known.seconds


def _message(record: Mapping[str, Any]) -> str:
    return str(record.get("message") or record.get("reason") or record.get("note") or "")
