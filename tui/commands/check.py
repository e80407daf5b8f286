"""`flow check`: every problem as `FILE:LINE:COL: message`, for editors and CI."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.commands import output
from tui.commands.base import command, open_engine
from tui.commands.rows import problem_json

if TYPE_CHECKING:
    from engine import Plan, Problem


@command("check", "flow check", "flow check .flow/status.md", "flow check --json | jq '.problems | length'")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]..."
)
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Print every problem of the plans, one a line, and exit with 4 when there is one.

    Without FILE, all plans of the project are checked, with the references between them, its registry and its tasks'
    configurations. Hidden comments, which a reader of the rendered plan does not see, are shown as notes; they are no
    problem.
    """
    plans, problems = _single(files) if files else _project()
    hidden = [
        {"file": name, "line": comment.line, "column": comment.column, "text": comment.text}
        for name, plan in plans.items()
        for comment in plan.comments
    ]
    if as_json:
        output.put_json({"problems": [problem_json(problem) for problem in problems], "hidden": hidden})
    else:
        for problem in problems:
            text = f"{problem.file}:{problem.line}:{problem.column}: {problem.message} {problem.hint}"
            output.put(output.line(text.rstrip()))
        for note in hidden:
            text = f"{note['file']}:{note['line']}:{note['column']}: note: hidden comment: {note['text']}"
            output.put(output.line(text))
        if not problems:
            output.say("No problems.")
    if problems:
        ctx.exit(4)


def _project() -> tuple[dict[str, Plan], list[Problem]]:
    """All plans of the project, by file, and its problems; files as an editor opens them from here."""
    engine = open_engine(readonly=True)
    flow = engine.root / ".flow"
    plans = {_from_here(flow / file): plan for file, plan in engine.tree().plans.items()}
    return plans, [replace(problem, file=_from_here(flow / problem.file)) for problem in engine.check()]


def _single(files: tuple[Path, ...]) -> tuple[dict[str, Plan], list[Problem]]:
    """These files, each by itself, in a project or not; a plan of the nearest project with its references too."""
    from engine import FlowError, parse

    try:
        known, problems_known = _project()
    except FlowError:
        known, problems_known = (
            {},
            [],
        )  # no project, or one that cannot be read: each file still says what it holds
    plans: dict[str, Plan] = {}
    problems: list[Problem] = []
    for file in files:
        name = _from_here(file.absolute())
        if name in known:
            plan = known[name]
            problems += [problem for problem in problems_known if problem.file == name]
        else:
            plan = parse(file.read_bytes(), name)
            problems += [*plan.problems, *(problem for task in plan.walk() for problem in task.problems)]
        plans[name] = plan
    return plans, problems


def _from_here(path: Path) -> str:
    """The path as an editor opens it from where the person stands."""
    try:
        return os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return str(path)
