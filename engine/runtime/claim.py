"""The one claim: whoever executes, a normal step or a recovery, holds `.flow/run.lock` as long as it does.

Whether an engine is alive is decided by this lock alone, never by a process number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import BusyError, ConfigurationError
from engine.runtime.intent import Intent, IntentFile, TornIntentError
from engine.storage import Store
from engine.storage.disk import disk
from engine.storage.locks import Lock, is_held

# A reader that asks whether somebody runs holds the lock for an instant; a claim must not stumble over that.
_PATIENCE = 0.3


class Claim:
    """The claim, while it is held."""

    def __init__(self, store: Store, intents: IntentFile) -> None:
        self._intents = intents
        self._lock = Lock(store.flow / "run.lock")
        self.is_lost = False
        """Whether another engine has it by now."""

    def take(self) -> None:
        """Raises BusyError when another engine holds it."""
        with disk(self._lock.path, "lock"):
            if not self._lock.acquire(_PATIENCE):
                raise _busy(self._intents)

    def renew(self) -> None:
        """Go on to hold it, though somebody may have removed its file. Raises BusyError when another engine has it by
        now."""
        with disk(self._lock.path, "lock"):
            if not self._lock.renew(_PATIENCE):
                self.is_lost = True
                raise _busy(self._intents)

    def release(self) -> None:
        self._lock.release()


@contextmanager
def claim(store: Store, intents: IntentFile) -> Iterator[Claim]:
    """Hold the claim. Raises BusyError, which says who runs what, when another engine holds it."""
    held = Claim(store, intents)
    held.take()
    try:
        yield held
    finally:
        held.release()


def is_claimed(store: Store) -> bool:
    """Whether an engine, this one or another, is executing right now. Writes nothing where the system allows that."""
    return is_held(store.flow / "run.lock")


def _busy(intents: IntentFile) -> BusyError:
    from engine.atoms.processes import is_alive

    try:
        intent: Intent | None = intents.read()
    except (TornIntentError, ConfigurationError):
        intent = None
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
