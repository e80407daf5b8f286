"""`flow mcp`: the plan for AI agents."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import FlowCommand, Place


@click.command("mcp", cls=FlowCommand, examples=("flow mcp", "flow mcp --root ~/projects/orbit"))
@click.option(
    "--root",
    type=Place(file_okay=False),
    metavar="DIR",
    help="Serve the project at or above DIR; the working directory unless given.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Leave to the client what is for people: recover, accept, restore, trust.",
)
def mcp(root: Path | None, trust: bool) -> None:
    """Serve the plan to an AI agent, by the Model Context Protocol over stdin and stdout.

    Clients start this themselves. They are told by a few lines of their configuration:

    \b
    {"mcpServers": {"flow": {"command": "flow", "args": ["mcp", "--root", "/path/to/project"]}}}

    An agent can look, run the next task, change tasks and edit files of the project. What the plan asks of a person
    stays with people, unless --trust is given.
    """
    from engine import UsageError, find_root

    found = find_root(root)
    if find_spec("mcp_types") is None:  # older versions of the package have no such module
        raise UsageError(
            "The package `mcp`, 2.3 or newer, is not installed here.",
            hint="In the clone of this: pip install '.[mcp]', with pipx: pipx inject flow-manager mcp",
        )
    from tui.mcp.server import serve

    if sys.stdin.isatty():
        output.say("A client is to speak on stdin; ctrl+c ends this.")
    serve(found, trusted=trust)
