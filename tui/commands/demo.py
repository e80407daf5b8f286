"""`flow demo`: a small real project to try everything on."""

from __future__ import annotations

from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import Place, command


@command("demo", "flow demo", "flow demo ~/demo", "flow demo </dev/null | cat", shapes=("status",))
@click.argument("folder", required=False, type=Place(), metavar="[DIR]")
@click.pass_context
def demo(ctx: click.Context, folder: Path | None, as_json: bool) -> None:
    """Make a small real project in DIR and open it.

    DIR is a temporary folder unless given. The project is a git repository with a Python package, its tests, and
    the plan of its release in flows inside flows. Two tasks are there to try what happens on a bad day: one kills
    Flow Manager while it runs, at another somebody else edits the same file. Without a terminal the plan is run
    to its end, and the finished tree is printed.
    """
    from tui.demo.project import make_project
    from tui.demo.shows import show_as_text, show_in_app
    from tui.opening import has_terminal, is_dumb

    root = make_project(folder)
    output.say(f"Made a project in {output.line(str(root))}")
    if not as_json and has_terminal() and not is_dumb():
        ctx.exit(show_in_app(root))
    ctx.exit(show_as_text(root, as_json=as_json))
