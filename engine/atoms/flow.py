"""The Flow atom: a sub-flow. Its tasks are what runs; it is complete when they are."""

from __future__ import annotations

from engine.atoms.base import Atom, AtomResult, Call, Effect


class Flow(Atom):
    """Stands for the tasks inside. The cursor goes into a sub-flow, so that this runs only where one has no
    tasks.
    """

    effect = Effect.IDEMPOTENT

    def run(self, call: Call) -> AtomResult:
        return AtomResult.waiting(f"{call.address} {call.name} has no tasks inside yet.")
