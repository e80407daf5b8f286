"""How a person reaches into a running step from another thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.runtime.claim import Claim


class Control:
    """Two wishes: end the running task now, or run nothing after it."""

    def __init__(self) -> None:
        self._now = threading.Event()
        self._after = threading.Event()
        self._run = ""

    def stop(self, *, run: str = "", after_this_task: bool = False) -> None:
        """`run`: the only one that is to be ended now. When that has ended by itself, nothing is run after it."""
        if after_this_task:
            self._after.set()
        else:
            self._run = run
            self._now.set()

    def go_on(self) -> None:
        """Take back that nothing is to be run after this task."""
        self._after.clear()

    def ends_now(self, run: str) -> bool:
        """Whether this run is to be ended."""
        return self._now.is_set() and self._run in ("", run)

    @property
    def ends_after(self) -> bool:
        return self._now.is_set() or self._after.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until somebody wants the task ended."""
        if self._now.is_set():  # and meant another one
            time.sleep(seconds)
        else:
            self._now.wait(seconds)


class Run:
    """What a person asked of this execution: `base` is the revision that a preview was approved for, `force` applies
    an edit to whatever is there now, `expect` is the name of the only task that is meant, `control` may end it. `claim`
    is what it holds meanwhile."""

    def __init__(
        self,
        control: Control,
        claim: Claim,
        *,
        base: str | None = None,
        force: bool = False,
        expect: str | None = None,
    ) -> None:
        self.control = control
        self.claim = claim
        self.base = base
        self.force = force
        self.expect = expect
