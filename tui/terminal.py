"""Stepping aside for another program, and leaving when a signal says so: the terminal is given back whole."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App, SuspendNotSupported

_LEAVES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Those of them that this platform has. None of them ends the work: ctrl+c, which does, is a key here."""


def leave_on_signals(app: App[Any]) -> None:
    """Ends a running app like a person who quits, with the exit code of a program that the signal ended.

    A signal that whoever started us wants ignored stays so. On Windows there is no such thing.
    """
    loop = asyncio.get_running_loop()
    try:
        for name in _LEAVES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, lambda code: app.exit(return_code=code), 128 + number)
    except NotImplementedError:
        return


@contextmanager
def stepped_aside(app: App[int]) -> Iterator[bool]:
    """While inside, the app neither reads keys nor draws; its workers go on. Yields whether that is possible here."""
    try:
        with app.suspend(), app.batch_update():
            yield True
    except SuspendNotSupported:
        yield False
    else:
        app.refresh(layout=True)
