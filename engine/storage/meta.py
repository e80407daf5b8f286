"""`status.meta`: the revision of every plan as the engine last wrote it or a person accepted it.

JSON, but for its first line, which is one digit: 1 while a plan is being written. As long as it is 1, the
revision from before that write counts as known too; settling it is one byte in place, for which no crash has
a half.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.storage.store import Store

META = "status.meta"


@dataclass(slots=True)
class Meta:
    """`revisions` by plan file, `previous` by plan file while it is written, `tasks`: the runtime's records
    by key.
    """

    revisions: dict[str, str] = field(default_factory=dict)
    previous: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, Any] = field(default_factory=dict)
    is_settled: bool = True

    def knows(self, file: str, revision: str) -> bool:
        """Whether the engine wrote, or a person accepted, this revision of the file."""
        if self.revisions.get(file) == revision:
            return True
        return not self.is_settled and self.previous.get(file) == revision

    def to_bytes(self) -> bytes:
        body = {"version": 1, "revisions": self.revisions, "previous": self.previous, "tasks": self.tasks}
        text = json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True)
        return f"{0 if self.is_settled else 1}\n{text}\n".encode()


def read_meta(store: Store) -> Meta:
    """What is known; nothing, when the file is missing or damaged (then every plan counts as changed
    outside).
    """
    snapshot = store.read(store.flow / META)
    if snapshot is None:
        return Meta()
    state, _, text = snapshot.data.partition(b"\n")
    try:
        body = json.loads(text)
        parts = [body[name] for name in ("revisions", "previous", "tasks")]
    except (ValueError, KeyError, TypeError):
        return Meta()
    if not all(isinstance(part, dict) for part in parts):
        return Meta()
    revisions, previous, tasks = parts
    return Meta(revisions, previous, tasks, is_settled=state != b"1")


def change_meta(store: Store, change: Callable[[Meta], None]) -> None:
    """Reads, changes and durably writes it, under the lock."""
    with store.lock():
        meta = read_meta(store)
        before = meta.to_bytes()
        change(meta)
        if meta.to_bytes() != before:
            store.replace(store.flow / META, meta.to_bytes())


def settle_meta(store: Store) -> None:
    """Says that the write is over. It need not be durable: unsettled, the file says the same and one thing
    more.
    """
    store.overwrite(store.flow / META, 0, b"0")
