"""Puts a terminal back in order after the app in it was killed and could not do so itself."""

from __future__ import annotations

import sys
from typing import Any

try:
    import termios
except ImportError:  # Windows: consoles there forget the modes of a process that has gone
    _termios: Any = None
else:
    _termios = termios

# What Textual switches on: the alternate screen, reports of mouse, focus, paste and size, synchronised
# output, the enhanced keyboard; and off: the cursor. One sequence a mode; a terminal ignores those that it
# does not know.
_MODES_OFF = (1000, 1002, 1003, 1004, 1006, 1015, 1016, 2004, 2026, 2048, 1049)
_RESET = "\x1b[<u" + "".join(f"\x1b[?{mode}l" for mode in _MODES_OFF) + "\x1b[?7h\x1b[?25h\x1b[0m\r"


class Terminal:
    """The terminal on stdin and stdout, as it was when this object was made."""

    def __init__(self) -> None:
        self._modes = None if _termios is None else _termios.tcgetattr(sys.stdin.fileno())

    def restore(self) -> None:
        """Leave the alternate screen, show the cursor, wrap lines, stop all reports, restore the line discipline."""
        sys.stdout.write(_RESET)
        sys.stdout.flush()
        if self._modes is not None:
            _termios.tcsetattr(sys.stdin.fileno(), _termios.TCSADRAIN, self._modes)
            _termios.tcflush(sys.stdin.fileno(), _termios.TCIFLUSH)

    @staticmethod
    def pause(seconds: float) -> None:
        """Wait so long, or until a line is entered."""
        import select

        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if ready:
            sys.stdin.readline()
