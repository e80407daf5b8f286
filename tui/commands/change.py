"""`flow start, done, skip, fail, reopen, reset, undo`: a person, or an agent, changes the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tui.commands import output
from tui.commands.base import ADDRESS, FlowCommand, command, open_engine
from tui.commands.plain import VERBS
from tui.commands.show import print_change

EXPECT = click.option(
    "--expect", metavar="NAME", help="Refuse (exit 5) when the task there has another name."
)
NOTE = click.option("--note", metavar="TEXT", default="", help="Why; goes into the log.")


def _changing(name: str, what: str) -> FlowCommand:
    def change(address: str, expect: str | None, note: str, as_json: bool) -> None:
        print_change(open_engine().change(VERBS[name], address, expect=expect, note=note), as_json=as_json)

    change.__doc__ = f"{what}\n\n    ADDRESS is the task's address (2/1.3), or its name where that is unique."
    decorate: Callable[..., Any] = click.argument("address", type=ADDRESS)
    examples = (
        f"flow {name} 2/1.3",
        f"flow {name} 2/1.3 --expect 'Run the tests' --note 'on both databases'",
    )
    return command(name, *examples, shapes=("change",))(decorate(EXPECT(NOTE(change))))


@command("reset", "flow reset", "flow reset 2", shapes=("change",))
@click.argument("address", required=False, type=ADDRESS)
def reset(address: str | None, as_json: bool) -> None:
    """Make tasks pending again, for the next time.

    The whole plan, or the task at ADDRESS and everything in it. `flow undo` takes it back.
    """
    print_change(open_engine().reset(address), as_json=as_json)


@command("undo", "flow undo")
def undo(as_json: bool) -> None:
    """Take back the last change of the plan.

    Again, and the one before. What a script has done stays done.
    """
    undone = open_engine().undo()
    if as_json:
        output.put_json(
            {
                "address": undone.address,
                "name": undone.name,
                "undone": undone.because,
                "files": list(undone.files),
            }
        )
    else:
        what = f"{undone.address} {undone.name} ({undone.because})".strip()
        if undone.because == "reset":  # of many tasks at once: naming one of them would say too little
            what = f"the reset of .flow/{', .flow/'.join(undone.files)}"
        elif undone.status is not None:
            what += f"; it is {undone.status.value} again"
            what += ", and what it did stays" * undone.has_run
        output.put(f"Taken back: {output.line(what)}")


start = _changing("start", "Make a task the active one.\n\n    The tasks above it become active first.")
done = _changing("done", "Mark a task done. Parents that are complete by that become done too.")
skip = _changing("skip", "Mark a task skipped, and what is still open inside it.")
fail = _changing("fail", "Mark a task failed. Nothing after it runs until it is retried, skipped or done.")
reopen = _changing("reopen", "Make a task that was done, skipped or failed pending again.")
