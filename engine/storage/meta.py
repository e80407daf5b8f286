"""`status.meta`: the revision of every plan as the engine last wrote it or a person accepted it.

One JSON object a line, each a change to what the lines before it say; a line that was torn by a crash counts as
none. So a change costs one durable append, and saying that a write is over costs nothing that must be durable. When
the file has grown, one line takes the place of all.

    plans      file -> revision; null: forget it
    previous   file -> revision from before the write that is going on; counts as known while `settled` is false
    settled    whether no write is going on
    tasks      key -> record of the runtime; null: forget it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from engine.storage.store import Store

META = "status.meta"
_LINES = 40


class Meta:
    """What all lines together say."""

    def __init__(self, known: Meta | None = None) -> None:
        self.plans: dict[str, str] = dict(known.plans) if known else {}
        self.previous: dict[str, str] = dict(known.previous) if known else {}
        self.settled: bool = known.settled if known else True
        self.tasks: dict[str, dict[str, Any]] = dict(known.tasks) if known else {}

    def knows(self, file: str, revision: str) -> bool:
        """Whether the engine wrote, or a person accepted, this revision of the file."""
        if self.plans.get(file) == revision:
            return True
        return not self.settled and self.previous.get(file) == revision

    def copy(self) -> Meta:
        """One that may be changed."""
        return Meta(self)

    def take(self, change: Mapping[str, Any]) -> None:
        """Applies one line; what is not of its kind is left out."""
        for name, known, kind in (("plans", self.plans, str), ("tasks", self.tasks, dict)):
            entries = change.get(name)
            for key, value in entries.items() if isinstance(entries, dict) else ():
                if value is None:
                    known.pop(key, None)
                elif isinstance(value, kind):
                    known[key] = value  # type: ignore[assignment]
        if isinstance(change.get("settled"), bool):
            self.settled = change["settled"]
        previous = change.get("previous")
        if isinstance(previous, dict):
            self.previous = {key: value for key, value in previous.items() if isinstance(value, str)}

    def whole(self) -> dict[str, Any]:
        """The one line that says the same."""
        return {
            "version": 1,
            "plans": self.plans,
            "previous": self.previous,
            "settled": self.settled,
            "tasks": self.tasks,
        }


class MetaFile:
    """The `status.meta` of one project. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.flow / META
        self._seen = (b"", Meta())
        """The whole lines that were read last, and what they say. The file grows, so what is behind them is new; unless
        it was replaced, and then it does not begin with them."""

    def read(self) -> Meta:
        """What is known, not to be changed; nothing, when the file is missing (then every plan counts as changed
        outside)."""
        return self._read()[0]

    def change(self, change: Mapping[str, Any]) -> None:
        """Durably adds a change, under the lock. What is known already is not written."""
        with self._store.lock():
            self._change(change, *self._read())

    def learn(self, file: str, revision: str, there: Callable[[str], str | None]) -> str | None:
        """Durably says that a plan is about to get this revision, under the lock. Returns the one that was known.

        `there` tells the revision that a plan has now. It is asked only when an earlier write was left open, by a crash
        or a full disk: of its two revisions, the one that is there counts.
        """
        meta, data = self._read()
        kept = {name: old for name, old in meta.previous.items() if not meta.settled and there(name) == old}
        known = {**meta.plans, **kept}.get(file)
        previous = {} if known is None else {file: known}
        self._change({"plans": {**kept, file: revision}, "previous": previous, "settled": False}, meta, data)
        return known

    def settle(self) -> None:
        """Says that the write is over. Not durable: without it, one revision more is known, which is true as well."""
        self._store.append(self._path, _line({"settled": True}), durable=False)

    def _read(self) -> tuple[Meta, bytes]:
        data = self._store.read(self._path) or b""
        seen, meta = self._seen
        if data != seen:
            meta, rest = (meta.copy(), data[len(seen) :]) if data.startswith(seen) else (Meta(), data)
            for change in _changes(rest):
                if isinstance(change, dict):
                    meta.take(change)
            if data.endswith(b"\n"):  # else its last line may still be on its way
                self._seen = data, meta
        return meta, data

    def _change(self, change: Mapping[str, Any], meta: Meta, data: bytes) -> None:
        after = meta.copy()
        after.take(change)
        if after == meta:
            return
        if data.count(b"\n") >= _LINES or not data:
            self._store.replace(self._path, _line(after.whole()))
        else:
            self._store.append(self._path, (b"" if data.endswith(b"\n") else b"\n") + _line(change))


def _changes(data: bytes) -> list[Any]:
    """The values of all whole lines."""
    lines = data.splitlines()
    try:
        found: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        found = []
        for line in lines:
            with suppress(ValueError, RecursionError):
                found.append(json.loads(line))
    return found


def _line(change: Mapping[str, Any]) -> bytes:
    return json.dumps(change, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass") + b"\n"
