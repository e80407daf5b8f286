"""`python -m tui` is `flow`, and `flow` is this: what happens before anything slow is imported."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from types import FrameType

INTERRUPTED = 130
"""ctrl+c while no task runs, as shells have it."""

SELDOM = 50_000
"""So many more objects than before have the garbage collector look at the new ones."""


def main() -> int:
    """Run the command line. Returns its exit code; ctrl+c ends it quietly from the first moment on.

    What a command loads and reads lives as long as the command: the garbage collector looks seldom for what it could
    give back meanwhile, and at the end not at all.
    """
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # else whoever started us wants it ignored
        signal.signal(signal.SIGINT, _leave)
    from tui import cli

    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, usual)
    try:
        return cli.main()
    except KeyboardInterrupt:
        # What was only half made when it came (an event loop, a coroutine that nobody awaits yet) complains as it goes.
        sys.unraisablehook = lambda _: None
        warnings.simplefilter("ignore")
        return INTERRUPTED
    finally:
        gc.freeze()


def _leave(number: int, frame: FrameType | None) -> None:
    """While modules are imported there is nothing to clean up, and an exception could be lost on its way."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
