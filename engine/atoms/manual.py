"""The Manual atom: a task that a person does."""

from __future__ import annotations

from engine.atoms.base import Atom, AtomResult, Call, Effect


class Manual(Atom):
    """Waits until a person marks the task as done. Asking again is harmless."""

    effect = Effect.IDEMPOTENT

    def run(self, call: Call) -> AtomResult:
        return AtomResult.waiting(f"{call.address} {call.name} waits for a person.")
