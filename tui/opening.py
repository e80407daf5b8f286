"""What `flow` without a command opens: the app on the nearest project, or the first use where there is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine import Engine, NoProjectError
from tui import preferences


def open_nearest(*, readonly: bool = False) -> int:
    """Opens it and returns the exit code. Raises what `Engine.open` raises, UsageError without a terminal."""
    try:
        engine = Engine.open(readonly=readonly)
    except NoProjectError as error:
        # Only where there is none: a folder that cannot be looked into, for one, is no place to begin.
        if readonly or "path" not in error.fields or not has_terminal() or is_dumb():
            raise
        return _first_use(Path(error.fields["path"]))
    if not has_terminal():
        where = ", and draws on standard error" if sys.stdin.isatty() and sys.stdout.isatty() else ""
        raise click.UsageError(f"The app needs a terminal{where}. `flow status` prints the plan anywhere.")
    if is_dumb():
        raise click.UsageError(
            f"The app cannot draw on this terminal: TERM is {os.environ['TERM']!r}. Start it with the TERM of a"
            " terminal that can, as xterm-256color; `flow status` prints the plan anywhere."
        )
    return _open(engine)


def _open(engine: Engine, notices: Sequence[str] = ()) -> int:
    from tui import app

    mine = preferences.load()
    return app.run(engine, mine, notices=notices)


def _first_use(folder: Path) -> int:
    from tui import first

    begun = first.run(folder, preferences.load())
    if begun is None:
        return 0
    if begun.root is None:
        from tui.commands import output
        from tui.demo.project import make_project
        from tui.demo.shows import show_in_app

        root = make_project(None)
        output.say(f"Made a project in {output.line(str(root))}")
        return show_in_app(root)
    return _open(Engine.open(begun.root), begun.notices)


def has_terminal() -> bool:
    """Whether there is one to take keys from and to draw on, which Textual does on standard error."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def is_dumb() -> bool:
    """Whether the terminal says of itself that nothing can be drawn on it: Rich then makes up a size for it, over which
    Textual never comes to rest."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")
