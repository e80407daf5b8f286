"""How a person reaches into a running step from another thread."""

from __future__ import annotations

import threading


class Control:
    """Two wishes: end the running task now, or run nothing after it."""

    def __init__(self) -> None:
        self._now = threading.Event()
        self._after = threading.Event()

    def stop(self, *, after_this_task: bool = False) -> None:
        (self._after if after_this_task else self._now).set()

    @property
    def ends_now(self) -> bool:
        return self._now.is_set()

    @property
    def ends_after(self) -> bool:
        return self._now.is_set() or self._after.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until somebody wants the task ended."""
        self._now.wait(seconds)
