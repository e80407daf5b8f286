"""`flow check`: every problem as `FILE:LINE:COL: message`, for editors and CI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.commands import output
from tui.commands.base import command, from_here, open_engine
from tui.commands.rows import problem_json, problem_line

if TYPE_CHECKING:
    from engine import Comment, Engine, Plan, Problem


PROBLEMS, A_PERSON = 4, 3
_FIXED, _TAKEN_IN = "`flow fix` mends this.", "`flow import` makes a plan of it."


@command(
    "check",
    "flow check",
    "flow check .flow/status.md",
    "flow check --unattended && flow run",
    "flow check --json | jq '.problems | length'",
)
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]..."
)
@click.option(
    "--unattended",
    is_flag=True,
    help="Print also what a run would stop at, and exit with 3 when there is something.",
)
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], unattended: bool, as_json: bool) -> None:
    """Print every problem of the plans, one a line.

    Exits with 4 when there is one. Without FILE, all plans of the project are checked, with the references
    between them, its registry and its tasks' configurations. Notes are no problems: hidden comments, which a
    reader of the rendered plan does not see, plans below .flow/ that no task refers to, and tags that no atom has
    and that look like a slip.

    A run stops at manual tasks, at failed and interrupted ones, at code that nobody has approved, and in a strict
    project at plans that another program changed.
    """
    if files and unattended:
        raise click.UsageError("--unattended is about the whole plan; leave out the files.", ctx)
    found = _single(files) if files else _project(open_engine(readonly=True), unattended=unattended)
    if as_json:
        output.put_json(_as_json(found, unattended=unattended))
    else:
        _print(found)
    if found.problems or found.stops:
        ctx.exit(PROBLEMS if found.problems else A_PERSON)


@dataclass(slots=True)
class _Found:
    """Plans by file, and what there is to say about them; files as an editor opens them from here."""

    plans: dict[str, Plan] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    stops: list[Problem] = field(default_factory=list)
    alone: list[tuple[str, int]] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def hidden(self) -> Iterator[tuple[str, Comment]]:
        for name, plan in self.plans.items():
            for comment in plan.comments:
                yield name, comment


def _as_json(found: _Found, *, unattended: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "problems": [problem_json(problem) for problem in found.problems],
        "hidden": [
            {"file": name, "line": comment.line, "column": comment.column, "text": comment.text}
            for name, comment in found.hidden()
        ],
        "unreachable": [{"file": file, "tasks": tasks} for file, tasks in found.alone],
    }
    if unattended:
        shape["stops"] = [problem_json(stop) for stop in found.stops]
    return shape


def _print(found: _Found) -> None:
    for problem in [*found.problems, *found.stops]:
        output.put(problem_line(problem))
    for name, comment in found.hidden():
        output.put(
            output.line(f"{name}:{comment.line}:{comment.column}: note: hidden comment: {comment.text}")
        )
    for file, tasks in found.alone:
        what = "its task never runs" if tasks == 1 else f"its {tasks} tasks never run"
        output.put(output.line(f"{file}:1:1: note: unreachable plan: no task refers to it, so {what}"))
    for note in found.notes:
        message = f"{note.message[0].lower()}{note.message[1:]} {note.hint}".rstrip()
        output.put(output.line(f"{note.file}:{note.line}:{note.column}: note: {message}"))
    if not found.problems:
        output.say("No problems, but a run would stop." if found.stops else "No problems.")


def _project(engine: Engine, *, unattended: bool) -> _Found:
    """All of a project."""
    flow = engine.root / ".flow"
    return _Found(
        {from_here(flow / file): plan for file, plan in engine.tree().plans.items()},
        [problem._replace(file=from_here(flow / problem.file)) for problem in engine.check()],
        [stop._replace(file=from_here(flow / stop.file)) for stop in engine.stops()] if unattended else [],
        [(from_here(flow / plan.file), plan.tasks) for plan in engine.unreachable()],
        [note._replace(file=from_here(flow / note.file)) for note in engine.notes()],
    )


def _single(files: tuple[Path, ...]) -> _Found:
    """These files, each by itself, in a project or not; a plan of the nearest project with its references too."""
    from engine import FlowError, parse

    known, flow = _Found(), None
    try:
        engine = open_engine(readonly=True)
        flow = engine.root / ".flow"
        known = _project(engine, unattended=False)
    except FlowError:
        pass  # no project, or one that cannot be read: each file still says what it holds
    found = _Found()
    for file in files:
        name = from_here(file.absolute())
        if name in known.plans:
            plan = known.plans[name]
            found.problems += [problem for problem in known.problems if problem.file == name]
            found.notes += [note for note in known.notes if note.file == name]
        else:
            plan = parse(file.read_bytes(), name)
            problems = [*plan.problems, *(problem for task in plan.walk() for problem in task.problems)]
            # `flow fix` mends the plans of this project, and no other file.
            if flow is None or not file.resolve().is_relative_to(flow):
                problems = [one._replace(hint=one.hint.replace(_FIXED, _TAKEN_IN)) for one in problems]
            found.problems += problems
        found.plans[name] = plan
    return found
