"""What `flow serve` starts for each page: the app in the project around the working directory, drawn through pipes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Timer

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp

from engine import Engine, FlowError
from tui import app, preferences
from tui.commands.failures import explain
from tui.opening import is_dumb

_GOODBYE = 5.0


class PageDriver(WebDriver):
    """Ends the app when its input ends: then the server is gone, however it ended."""

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if self.exit_event.is_set():
            return
        self._app.post_message(ExitApp())
        late = Timer(_GOODBYE, os._exit, (1,))  # it may be stuck, and nobody is there to see it
        late.daemon = True
        late.start()


def main() -> int:
    """Runs the app until the page is closed or a person quits. Returns the exit code of the process."""
    with suppress(OSError):  # there is none
        _let_go_of_terminal()
    if is_dumb():
        del os.environ["TERM"]  # the server's terminal, which is not the page's
    try:
        engine = Engine.open(readonly="--readonly" in sys.argv[1:])
        return app.run(engine, preferences.load())
    except FlowError as error:
        return explain(error, as_json=False).report()


def _let_go_of_terminal() -> None:
    """A script that asks for a terminal must be told that there is none: that in which the server was started is not
    one that a person at the page sees. Raises OSError where nothing is to be let go of.
    """
    if sys.platform != "win32":
        import fcntl
        import termios

        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
        finally:
            os.close(terminal)


if __name__ == "__main__":
    sys.exit(main())
