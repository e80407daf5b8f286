"""Brings what a run prints onto the screen, from the file that it prints into, no faster than a person can look.

However fast a script prints, a look reads a bounded piece of the end of it, and looks are a tenth of a second apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

if TYPE_CHECKING:
    from engine import Engine
    from tui.widgets.output import OutputView

_TAIL = 1 << 18
"""Bytes at the end of a run's output that are shown when it comes onto the screen; all of it is in its file."""

_WINDOW = 1 << 16
"""Bytes taken in at one look, the last ones."""

_SOON, _LATER = 0.04, 0.1
"""Seconds until the next look, and while there is more than a window at each."""

_BEHIND = 1 << 62


class Printing:
    """Fills `view` with the output of one run after the other. All of it is called in the loop of the app."""

    def __init__(self, engine: Engine, view: OutputView) -> None:
        self._engine = engine
        self._view = view
        self._at = 0
        self._broken_line = False
        self._passed_by = False
        self._timer: Timer | None = None

    def show(self, run: str) -> None:
        """What this run has printed so far; that of any other one goes. An empty name: nothing, and no more is read."""
        self._view.clear(run)
        self._broken_line = False
        self._passed_by = False
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not run:
            return
        self._at = max(0, self._end() - _TAIL)
        self._take_in(self._gap(self._at, "above") if self._at else "")

    def news(self, run: str) -> None:
        """A run has printed something: it is on the screen soon, if its output is."""
        if run == self._view.run and self._timer is None:
            self._timer = self._view.set_timer(_LATER if self._passed_by else _SOON, self._look)

    def ended(self, run: str) -> None:
        """A run has ended: shows its end without the gaps, unless somebody reads further up."""
        if run == self._view.run and self._passed_by and self._view.follows and not self._view.needle:
            self.show(run)

    def _look(self) -> None:
        self._timer = None
        gap = self._end() - _WINDOW - self._at
        if gap > 0:
            self._at += gap
            self._passed_by = True
        self._take_in(self._gap(gap, "passed by") if gap > 0 else "")

    def _take_in(self, gap: str) -> None:
        """Reads on to the end of what is there now. Behind a `gap`, which says so, from the next line on."""
        pieces: list[str] = []
        for _ in range(_TAIL // _WINDOW + 2):
            text, at = self._engine.output(self._view.run, self._at)
            if at == self._at:
                break
            pieces.append(text)
            self._at = at
        text = "".join(pieces)
        if gap:
            text = gap + (text.partition("\n")[2] or text)
        if text:
            self._broken_line = not text.endswith("\n")
            self._view.write(text)
            self._view.display = True

    def _gap(self, size: int, what: str) -> str:
        amount = f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{max(1, size // 1_000)} kB"
        start = "\x1b[0m\n" if self._broken_line else "\x1b[0m"
        return f"{start}\x1b[2m… {amount} {what}: all that is kept is in its file\x1b[0m\n"

    def _end(self) -> int:
        """How much it has printed: an offset behind the end is answered with the end."""
        _, end = self._engine.output(self._view.run, _BEHIND)
        return 0 if end == _BEHIND else end
