"""The write-ahead record: what is being executed right now, durable before anything happens (DESIGN section 5)."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from engine.atoms import Effect, Outcome, ProcessId
from engine.atoms.processes import namespace
from engine.errors import ConfigurationError
from engine.runtime.identity import Level, from_json
from engine.storage import FLOW, Store, folder_at, read_if_exists

_VERSION = 1
_HIGHEST = 2**31 - 1


def host_name() -> str:
    """The name of this machine."""
    import socket  # reading an intent, or that there is none, needs no network

    return socket.gethostname()


class Phase(StrEnum):
    """How far an attempt came. Each phase is written before what it announces happens.

    `claimed`: nothing has been started. `released`: the work may have begun. `stopping`: a person ended it.
    `vanished`: the work was found gone without a result, and counted.
    """

    CLAIMED = "claimed"
    RELEASED = "released"
    STOPPING = "stopping"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt at one task.

    `result` is an atom's result as JSON, once it is known and not yet committed. `tried` counts failures that the
    task's own `retries` took back. `edit` holds the path of a Loom edit, and the revisions before and after it. `root`
    and `folder`: where the project was when it began, as a `file:` URI, since no file name needs to be UTF-8; and what
    told its `.flow/` from every other folder. `namespace`: the processes that were seen where it was begun.
    Times are ISO 8601 in UTC.
    """

    run: str
    path: tuple[Level, ...]
    address: str
    name: str
    body: str
    atom: str
    effect: str
    attempt: int
    interruptions: int
    key: str
    started_at: str
    tried: int = 0
    phase: Phase = Phase.CLAIMED
    engine: ProcessId | None = None
    supervisor: ProcessId | None = None
    boot: str = ""
    host: str = field(default_factory=host_name)
    namespace: str = field(default_factory=namespace)
    commit: str = ""
    root: str = ""
    folder: str = ""
    result: dict[str, Any] | None = None
    edit: dict[str, Any] | None = None

    @property
    def file(self) -> str:
        return self.path[-1].file if self.path else ""

    @property
    def has_begun(self) -> bool:
        """Whether this attempt, or one before it, may have done anything."""
        return self.phase is not Phase.CLAIMED or self.attempt > 1

    @property
    def is_foreign(self) -> bool:
        """Whether it was begun on another machine, or outside of the container that we are in, where its processes
        cannot be seen from here."""
        return self.host != host_name() or namespace() not in ("", self.namespace)

    @property
    def where(self) -> str:
        """Where it was begun, if that is elsewhere."""
        return self.host if self.host != host_name() else f"{self.host}, outside of this container"

    @property
    def may_live_elsewhere(self) -> bool:
        """Whether its work may still run where it cannot be seen. An edit is over in an instant."""
        return self.is_foreign and self.phase is Phase.RELEASED and self.edit is None

    @property
    def is_local(self) -> bool:
        """Whether its processes could still be alive on this machine, in this boot."""
        return not self.is_foreign and self.boot == boot_id()

    def is_copied(self, root: Path) -> bool:
        """Whether the project at `root` is a copy of the one in which it was begun, and that one is still there: what
        lives of it is that one's. A project that was moved is no copy."""
        if self.root in ("", root.as_uri()) or self.folder in ("", folder_at(root / FLOW)):
            return False
        former = os.fsdecode(unquote_to_bytes(self.root.removeprefix("file://")))
        return folder_at(Path(former) / FLOW) == self.folder

    def having(self, **changes: Any) -> Intent:
        return replace(self, **changes)


class TornIntentError(ValueError):
    """The record cannot be read."""


class IntentFile:
    """`.flow/intent.lock`. Present: a task is running or was interrupted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path: Path = store.flow / "intent.lock"

    def exists(self) -> bool:
        return read_if_exists(self.path) is not None

    def read(self) -> Intent | None:
        """The open intent, or None. Raises TornIntentError when there is one that cannot be read, ConfigurationError
        for one of a newer version: it is not ours to guess at, nor to replace."""
        snapshot = read_if_exists(self.path)
        if snapshot is None:
            return None
        try:
            data = json.loads(snapshot.data)
            version = data.pop("version")
            if type(version) is int and version > _VERSION:
                raise ConfigurationError(
                    f".flow/intent.lock was written by a newer Flow Manager (format {version}).",
                    hint="A task was interrupted: settle it with that version, `flow recover`.",
                )
            data["path"] = from_json(data["path"])
            data["phase"] = Phase(data["phase"])
            for name in ("engine", "supervisor"):
                data[name] = ProcessId(**data[name]) if data[name] else None
            intent = Intent(**data)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise TornIntentError(str(error)) from error
        if not _is_sound(intent):
            raise TornIntentError("Its values are not what an engine writes.")
        return intent

    def write(self, intent: Intent, **changes: Any) -> Intent:
        """Make this the open intent, with these changes, durably; returns it with what a move or rename told it
        meanwhile.

        A new run of the same task is such a change: as another intent it would not know what this one was told.
        """
        with self._store.lock():
            intent = self.refreshed(intent).having(**changes)
            self._replace(intent)
        return intent

    def put(self, intent: Intent, instead_of: Intent) -> Intent:
        """Make this the open intent, durably, in place of another one of the same task: whatever a move or rename told
        that one, which only the file knows, this one is told, too."""
        with self._store.lock():
            known = self.refreshed(instead_of)
            if known.path != instead_of.path:
                intent = intent.having(path=known.path, address=known.address, name=known.name)
            self._replace(intent)
        return intent

    def refreshed(self, intent: Intent) -> Intent:
        """The intent with the place that its task has by now: whoever moves or renames a task tells its intent."""
        try:
            known = self.read()
        except TornIntentError:
            return intent
        if known is None or known.run != intent.run:
            return intent
        return intent.having(path=known.path, address=known.address, name=known.name)

    def moved(self, intent: Intent) -> None:
        """Tell the open intent where its task is now. Called under the lock, in the commit that moves it."""
        self._replace(intent)

    def _replace(self, intent: Intent) -> None:
        path = [level._asdict() for level in intent.path]
        shape = {"version": _VERSION, **asdict(intent), "path": path}
        self._store.replace(self.path, json.dumps(shape, ensure_ascii=False, indent=1).encode())

    def clear(self) -> None:
        self._store.remove(self.path)


def _is_sound(intent: Intent) -> bool:
    """Whether its values are such as an engine writes. What comes from a file may be anything."""
    texts = (
        *(intent.run, intent.address, intent.name, intent.body, intent.atom, intent.key, intent.started_at),
        *(intent.boot, intent.host, intent.namespace, intent.commit, intent.root, intent.folder),
        *(
            text
            for level in intent.path
            for text in (level.file, *level.names, *level.sections, *level.twins)
        ),
    )
    counts = (intent.attempt, intent.interruptions, intent.tried)
    processes = [process for process in (intent.engine, intent.supervisor) if process is not None]
    return (
        all(isinstance(text, str) and _is_writable(text) for text in texts)
        and all(type(count) is int and 0 <= count <= _HIGHEST for count in counts)
        and all(_is_process(one) for one in processes)
        and _is_time(intent.started_at)
        and bool(intent.path)
        and all(level.names for level in intent.path)
        and re.fullmatch(r"[\w-]{1,128}", intent.run, re.ASCII) is not None
        and intent.effect in list(Effect)
        and (intent.result is None or _is_result(intent.result))
        and (intent.edit is None or _is_edit(intent.edit))
    )


def _is_writable(text: str) -> bool:
    """Whether a file can hold it: JSON can spell half of a surrogate pair, which UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_process(process: ProcessId) -> bool:
    return (
        type(process.pid) is int
        and 0 < process.pid <= _HIGHEST
        and type(process.started) in (int, float)
        and math.isfinite(process.started)
    )


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_edit(value: Any) -> bool:
    return isinstance(value, dict) and {"path", "base", "new"} <= value.keys()


def _is_result(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"outcome", "reason", "exports"}
        and value["outcome"] in list(Outcome)
        and isinstance(value["reason"], str)
        and isinstance(value["exports"], dict)
        and _is_writable(json.dumps(value, ensure_ascii=False))
    )


def boot_id() -> str:
    """What identifies this boot of this machine; the kernel's own where there is one, else the time of the boot."""
    snapshot = read_if_exists(Path("/proc/sys/kernel/random/boot_id"))
    if snapshot is not None:
        return snapshot.data.decode().strip()
    import psutil

    return f"{psutil.boot_time():.0f}"
