"""Which keys count: one that was on its way to something else, when a prompt came or went by itself, does not."""

from __future__ import annotations

from time import monotonic

_GRACE = 0.6
"""Seconds in which a person sees that something has changed, and takes the hands off the keys."""


class Presses:
    """The keys of one app. `count`: how many there were."""

    def __init__(self) -> None:
        self.count = 0
        self._last = 0.0
        self._deaf_until = 0.0
        self._until_pause = False

    @property
    def is_deaf(self) -> bool:
        """Whether a key would not count."""
        return monotonic() < self._deaf_until

    def pressed(self) -> bool:
        """Takes note of a key; whether it counts."""
        counts = not self.is_deaf
        self.count += 1
        self._last = monotonic()
        if counts:
            self._until_pause = False
        elif self._until_pause:
            self._deaf_until = self._last + _GRACE
        return counts

    def be_deaf(self) -> None:
        """Lets keys count for nothing for a moment: the prompt that they were meant for has just closed by itself."""
        self._deaf_until = monotonic() + _GRACE

    def wait_for_pause(self) -> None:
        """Lets keys count for nothing as long as a person goes on pressing them: a prompt has just opened by itself."""
        self._deaf_until = max(self._deaf_until, self._last + _GRACE)
        self._until_pause = True
