"""What happened: `.flow/logs/events.jsonl`. The log decides nothing: when it fails, the task goes on (T5.25)."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engine.errors import StorageError
from engine.storage import Journal, Store

INLINE_LIMIT = 8_192
_ARTIFACT = re.compile(r"artifacts/[\w-]+\.json", re.ASCII)
# Changes of plans, which `undo` reads. Everything else only tells; that is not worth waiting for the disk twice more
# in every step.
_DURABLE = frozenset({"changed", "rewritten"})


class Log:
    """Appends records that say when, who, what and where. `actor` overrides who."""

    def __init__(self, store: Store, actor: str | None = None) -> None:
        self._store = store
        self._journal = Journal(store.flow / "logs" / "events.jsonl")
        self._actor = actor

    def write(self, what: str, *, address: str = "", name: str = "", **payload: Any) -> str:
        """Append one record; returns what failed, or an empty string.

        A payload of more than 8,192 bytes of JSON goes to `artifacts/` and leaves a reference; where that fails, or
        where the payload is no JSON, the record is marked truncated.
        """
        record: dict[str, object] = {
            "time": now(),
            "who": self._who(),
            "what": what,
            "address": address,
            "name": name,
        }
        complaint = ""
        try:
            text = json.dumps(payload, ensure_ascii=False)
            if len(text.encode("utf-8", "backslashreplace")) <= INLINE_LIMIT:
                record |= payload
            else:
                record |= {"artifact": self._artifact(text)}
        except (ValueError, TypeError, RecursionError, StorageError) as error:
            record |= {"truncated": True}
            complaint = f"The event {what!r} was logged without its details: {error}"
        try:
            self._journal.append(record, durable=what in _DURABLE)
        except StorageError as error:
            complaint = f"The log could not be written: {error}"
        return complaint

    def records(self, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """The whole records behind number `after`, oldest first."""
        return self._journal.records(after=after)

    def latest(self) -> Iterator[dict[str, Any]]:
        """The whole records, newest first; what is not asked for is not read."""
        return self._journal.latest()

    def last_change(self) -> int:
        """The number of the latest record of a change of a plan, taking one back included; 0: none is known."""
        with suppress(StorageError):
            return next((one["seq"] for one in self.latest() if one.get("what") in _DURABLE), 0)
        return 0

    def whole(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record together with what went to `artifacts/`; without that where it cannot be read."""
        name = record.get("artifact")
        if not isinstance(name, str) or not _ARTIFACT.fullmatch(name):
            return dict(record)
        try:
            payload = json.loads(self._store.read(self._store.flow / name) or b"{}")
        except (StorageError, ValueError, RecursionError):
            return dict(record)
        return {**payload, **record} if isinstance(payload, dict) else dict(record)

    def _artifact(self, text: str) -> str:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}.json"
        self._store.replace(self._store.flow / "artifacts" / name, text.encode("utf-8", "backslashreplace"))
        return f"artifacts/{name}"

    def _who(self) -> str:
        if self._actor or os.environ.get("FLOW_ACTOR"):
            return self._actor or os.environ["FLOW_ACTOR"]
        return _user()


@functools.cache
def _user() -> str:
    import getpass  # only for writing

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def now() -> str:
    """This moment in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
