"""`flow check`: every problem as `FILE:LINE:COL: message`, for editors and CI."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import command, open_engine
from tui.commands.rows import problem_json


@command("check", "flow check", "flow check .flow/status.md", "flow check --json | jq '.problems | length'")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Print every problem of the plans, one a line, and exit with 4 when there is one.

    Without FILE, all plans of the project are checked, with the references between them, its registry and
    settings.
    """
    engine = open_engine(readonly=True)
    problems = engine.check(files)
    if as_json:
        output.put_json({"problems": [problem_json(problem) for problem in problems]})
    else:
        for problem in problems:
            where = _from_here(engine.root / ".flow" / problem.file)
            text = f"{where}:{problem.line}:{problem.column}: {problem.message} {problem.hint}"
            output.put(output.line(text.rstrip()))
        if not problems:
            output.say("No problems.")
    if problems:
        ctx.exit(4)


def _from_here(path: Path) -> str:
    """The path as an editor opens it from where the person stands."""
    try:
        return os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return str(path)
