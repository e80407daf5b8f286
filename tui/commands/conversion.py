"""`flow fix` and `flow import`: a plan becomes what it should look like; a Markdown file becomes a plan."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.commands import output
from tui.commands.base import command, from_here, open_engine
from tui.commands.rows import problem_json, problem_line

if TYPE_CHECKING:
    from engine import Problem

UNFINISHED = 4


@command(
    "fix",
    "flow fix .flow/status.md",
    "flow fix .flow/status.md --yes",
    "flow fix build.md --json | jq -r .diff",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--comments", is_flag=True, help="Take hidden comments out, too.")
@click.option("--yes", is_flag=True, help="Write it without a question.")
@click.pass_context
def fix(ctx: click.Context, file: Path, comments: bool, yes: bool, as_json: bool) -> None:
    """Normalise a plan, and show the difference first.

    It mends bullets, indentation, unknown markers, fences and whatever else has one right answer.

    The difference is written with --yes, or when you say so; without a terminal and without
    --yes, it is only shown. What only a person can mend is printed as FILE:LINE:COL: message.

    Exits with 0 when nothing is left to mend, with 4 when something is: not written, or not mended.
    """
    engine = open_engine()
    mended = engine.mend(file, comments=comments)
    name = from_here(engine.root / ".flow" / mended.file)
    if not as_json:
        output.put(output.block(mended.diff), newline=False)
    written = mended.changes and (yes or (not as_json and _agreed(name)))
    if written:
        engine.write_mended(mended)
    if as_json:
        output.put_json(
            {
                "file": mended.file,
                "changes": mended.changes,
                "written": written,
                "diff": mended.diff,
                "left": [problem_json(problem) for problem in mended.left],
            }
        )
    else:
        _print_problems(name, mended.left)
        if not mended.changes:
            output.say("Nothing can be mended by itself." if mended.left else "There is nothing to mend.")
        else:
            output.say(
                f"Written: {output.line(name)}" if written else "Nothing was written; --yes writes it."
            )
    if mended.left or written != mended.changes:
        ctx.exit(UNFINISHED)


@command("import", "flow import TODO.md", "flow import ~/notes/release.md --as sub_flows/release.md")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as", "name", metavar="NAME.md", help="The name of the plan, below .flow/. Nothing is ever overwritten."
)
def import_(file: Path, name: str | None, as_json: bool) -> None:
    """Make a plan of any Markdown file with task lists. The file itself stays as it is.

    The plan becomes .flow/status.md if there is none yet, else it is called like FILE. What could not be kept is
    printed as FILE:LINE:COL: message.
    """
    try:
        (name or file.name).encode()
    except UnicodeEncodeError as error:
        raise click.UsageError(
            "The name of the file is not UTF-8: say with --as how the plan is to be called.",
            click.get_current_context(),
        ) from error
    taken = open_engine().take_in(file, name=name)
    if as_json:
        lost = [problem_json(problem) for problem in taken.lost]
        output.put_json({"file": taken.file, "tasks": taken.tasks, "lost": lost})
        return
    output.put(f"Made .flow/{output.line(taken.file)} with {taken.tasks} task{'s' * (taken.tasks != 1)}.")
    if taken.lost:
        output.put("What could not be kept:")
    _print_problems(str(file), taken.lost)
    if taken.file != "status.md":
        output.say(f"To take it in, add a task: flow add {output.line(shlex.quote(_reference(taken.file)))}")


def _agreed(name: str) -> bool:
    """Whether the person at the terminal says yes; without one, nobody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"Write this to {output.line(name)}?", default=False, err=True)


def _reference(file: str) -> str:
    """The text of a task that refers to this plan: a link that readers can click, where the name bears one."""
    from engine import parse

    name = Path(file).stem
    *links, other = (f"[{name}]({file})", f"[{name}](<{file}>)", f'{name} @ "{file}"')
    return next((link for link in links if parse(f"- [ ] {link}\n").tasks[0].ref == file), other)


def _print_problems(name: str, problems: Iterable[Problem]) -> None:
    for problem in problems:
        output.put(problem_line(problem, name))
