"""`flow status` and `flow next`."""

from __future__ import annotations

import click

from tui.commands.base import ADDRESS, command
from tui.commands.show import show_next, show_status


@command("status", "flow status", "flow status 2/1", "flow status --json --flat | jq '.tasks[].name'")
@click.argument("address", required=False, type=ADDRESS)
@click.option(
    "--flat", is_flag=True, help="With --json: one list of tasks, depth first, however deep the plan is."
)
def status(address: str | None, flat: bool, as_json: bool) -> None:
    """Show the plan as a tree with progress.

    The whole plan with its sub-flows, or the task at ADDRESS and what is in it.
    """
    if flat and not as_json:
        raise click.UsageError("--flat goes with --json.", click.get_current_context())
    show_status(address, flat=flat, as_json=as_json)


@command("next", "flow next", "flow next --json | jq -r .address")
def next_task(as_json: bool) -> None:
    """Show the task that would run next.

    Prints nothing (JSON: null) when nothing is left.
    """
    show_next(as_json=as_json)
