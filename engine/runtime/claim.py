"""The one claim: whoever executes, a normal step or a recovery, holds `.flow/run.lock` as long as it does.

Whether an engine is alive is decided by this lock, never by a process number alone: only where somebody removed the
file under an engine does the process tell that it is still at work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import BusyError, ConfigurationError
from engine.runtime.intent import Intent, IntentFile, TornIntentError
from engine.storage import Store
from engine.storage.disk import disk
from engine.storage.locks import Lock, is_held

# A reader that asks whether somebody runs holds the lock for an instant; a claim must not stumble over that.
_PATIENCE = 0.3


@contextmanager
def claim(store: Store, intents: IntentFile) -> Iterator[None]:
    """Hold the claim. Raises BusyError, which says who runs what, when another engine holds it."""
    lock = Lock(store.flow / "run.lock")
    with disk(lock.path, "lock"):
        if not lock.acquire(_PATIENCE):
            raise _busy(intents)
    intents.claim = lock
    try:
        _refuse_orphan(intents, lock)
        yield
    finally:
        intents.claim = None
        lock.release()


def renew(intents: IntentFile) -> None:
    """Go on to hold the claim, whatever became of its file. Raises BusyError when another engine has it by now."""
    lock = intents.claim
    if lock is not None:
        with disk(lock.path, "lock"):
            if not lock.renew(_PATIENCE):
                raise _busy(intents)


def _refuse_orphan(intents: IntentFile, lock: Lock) -> None:
    """Raise BusyError where the engine of the open intent is at work by a lock that is gone."""
    from engine.atoms.processes import is_alive

    intent = _known(intents)
    if intent is None or intent.engine is None or intent.engine.pid == os.getpid() or not intent.is_local:
        return
    if intent.lock not in (0, lock.inode) and is_alive(intent.engine):
        raise BusyError(
            f"Another engine (process {intent.engine.pid}) is running {intent.address} {intent.name}, and somebody has "
            "removed its .flow/run.lock.",
            hint="Wait until that process has ended, or end it.",
            address=intent.address,
            name=intent.name,
            pid=intent.engine.pid,
        )


def is_claimed(store: Store) -> bool:
    """Whether an engine, this one or another, is executing right now. Writes nothing where the system allows that."""
    return is_held(store.flow / "run.lock")


def _busy(intents: IntentFile) -> BusyError:
    from engine.atoms.processes import is_alive

    intent = _known(intents)
    # Whoever settles an interrupted task finds the record of the engine that died.
    if intent is None or intent.engine is None or not is_alive(intent.engine):
        return BusyError("Another engine is at work in this project.", hint="`flow wait` waits for it.")
    return BusyError(
        f"Another engine (process {intent.engine.pid}) is running {intent.address} {intent.name}.",
        hint="`flow wait` waits for it, `flow stop` ends its task.",
        address=intent.address,
        name=intent.name,
        pid=intent.engine.pid,
    )


def _known(intents: IntentFile) -> Intent | None:
    try:
        return intents.read()
    except (TornIntentError, ConfigurationError):
        return None
