"""What happened to each task, from the engine's log: attempts, times, results. It decides nothing."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from engine import Engine, Task
from tui import marks

_KEPT = 12
_SHOWN = {"active": "begun", "pending": "reopened"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log. `when` is ISO 8601 in UTC; `run` is empty for what a person did by hand."""

    when: str
    who: str
    what: str
    run: str
    message: str
    seconds: float
    attempt: int

    @property
    def line(self) -> str:
        """For the detail side: `14:03:22  failed · Exit status 3. · 2.3 s`."""
        try:
            local = datetime.fromisoformat(self.when).astimezone()
        except ValueError:
            return self.what
        today = local.date() == datetime.now().astimezone().date()
        parts = [
            f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M}",
            f" {_SHOWN.get(self.what, self.what)}",
        ]
        text = " ".join(parts)
        if self.attempt and self.what == "started":
            text += f" · attempt {self.attempt}"
        if self.message:
            text += f" · {self.message}"
        if self.seconds:
            text += f" · {marks.took(self.seconds)}"
        return f"{text} · {self.who}" if not self.run and self.who else text


class History:
    """The last entries of every task, by address and name. `update` may run in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._after = 0
        self._entries: dict[tuple[str, str], deque[Entry]] = {}
        self._runs: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def update(self) -> bool:
        """Takes in what is new in the log. Blocks; returns whether there was anything."""
        records = list(self._engine.history(after=self._after))
        with self._lock:
            for record in records:
                self._after = max(self._after, int(record.get("seq", 0)))
                key = (str(record.get("address", "")), str(record.get("name", "")))
                if not key[1]:
                    continue
                entry = Entry(
                    when=str(record.get("time", "")),
                    who=str(record.get("who", "")),
                    what=str(record.get("because") or record.get("what", "")),
                    run=str(record.get("run", "")),
                    message=str(record.get("message") or record.get("reason") or record.get("note") or ""),
                    seconds=_number(record.get("seconds")),
                    attempt=int(_number(record.get("attempt"))),
                )
                self._entries.setdefault(key, deque(maxlen=_KEPT)).append(entry)
                if entry.run:
                    self._runs[key] = entry.run
        return bool(records)

    def of(self, task: Task) -> tuple[Entry, ...]:
        """What happened to a task, the latest first."""
        with self._lock:
            return tuple(reversed(self._entries.get((task.address, task.name), ())))

    def run_of(self, task: Task) -> str:
        """The last run that worked at a task; empty if there was none."""
        with self._lock:
            return self._runs.get((task.address, task.name), "")

    def failure_of(self, task: Task) -> str:
        """Why a task failed last, in one sentence; empty if that is not known."""
        return next((entry.message for entry in self.of(task) if entry.what == "failed"), "")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
