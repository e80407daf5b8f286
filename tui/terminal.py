"""Stepping aside: another program gets the terminal for a while, and gives it back whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from textual.app import App, SuspendNotSupported


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
