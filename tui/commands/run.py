"""`flow step`, `flow run`, `flow retry`, `flow recover`: tasks are executed.

What starts, what it prints and what to know about it goes to stderr; one line a finished task goes to stdout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.commands import output
from tui.commands.ahead import print_upcoming
from tui.commands.background import detach
from tui.commands.base import ADDRESS, command, open_engine
from tui.commands.change import EXPECT
from tui.commands.live import execute
from tui.commands.show import recovery_json

if TYPE_CHECKING:
    from engine import Recovery

CHOICES = ("resume", "retry", "done", "skip", "fail", "always")


@command("step", "flow step", "flow step --json", "flow step --expect 'Run the tests'")
@EXPECT
@click.option(
    "--base", metavar="REVISION", help="For a Loom task: run only if its file is still this revision."
)
@click.pass_context
def step(ctx: click.Context, expect: str | None, base: str | None, as_json: bool) -> None:
    """Run the next task, and only that one.

    What an earlier engine left behind is settled first.
    """
    engine = open_engine()
    ctx.exit(execute(engine, engine.step(base=base, expect=expect), as_json=as_json))


@command(
    "run",
    "flow run",
    "flow run --until 3",
    "flow run --dry-run",
    "flow run --detach && flow wait",
    shapes=("step", "run-dry-run", "run-detach"),
)
@click.option("--until", metavar="ADDRESS", type=ADDRESS, help="Stop after this task.")
@click.option("--dry-run", is_flag=True, help="Only list what would run, in order, and where it would stop.")
@click.option(
    "--detach", "in_background", is_flag=True, help="Run in the background; `flow wait` waits for it."
)
@click.pass_context
def run(ctx: click.Context, until: str | None, dry_run: bool, in_background: bool, as_json: bool) -> None:
    """Run task after task until all is done or a person is needed.

    It stops at a failed task, too: nothing that comes after it runs.

    ctrl+c ends the running task; the next start offers to go on. When the terminal closes, the task goes on,
    and the next start follows it.
    """
    if dry_run:
        print_upcoming(open_engine(readonly=True), until, as_json=as_json)
        return
    engine = open_engine()
    if in_background:
        detach(ctx, engine, ["--until", until] if until is not None else [], as_json=as_json)
        return
    ctx.exit(execute(engine, engine.run(until=until), as_json=as_json))


@command("retry", "flow retry 2/1.3", "flow retry 'Run the tests'", shapes=("step",))
@click.argument("address", type=ADDRESS)
@EXPECT
@click.pass_context
def retry(ctx: click.Context, address: str, expect: str | None, as_json: bool) -> None:
    """Run a failed task again."""
    engine = open_engine()
    ctx.exit(execute(engine, engine.retry(address, expect=expect), as_json=as_json))


@command("recover", "flow recover", "flow recover resume", "flow recover skip", shapes=("recover", "step"))
@click.argument("choice", required=False, type=click.Choice(CHOICES), metavar="[CHOICE]")
@click.pass_context
def recover(ctx: click.Context, choice: str | None, as_json: bool) -> None:
    """Show the interrupted task, or settle it.

    \b
    resume  follow it while it lives, take its result, or do what its kind allows
    retry   end what is left of it, then run it again
    done, skip, fail  end what is left of it, and mark it
    always  let it run again unasked from now on, which is written into the plan, and run it
    """
    engine = open_engine(readonly=choice is None)
    if choice is not None:
        ctx.exit(execute(engine, engine.recover(choice), as_json=as_json))
    recovery = engine.recovery()
    if as_json:
        output.put_json(recovery_json(recovery))
    elif recovery is None:
        output.say("No task was interrupted.")
    else:
        _print_recovery(recovery)


_RESUME = {
    "run": "run it: it never started, or may run twice",
    "commit": "take its result: it has ended",
    "follow": "follow it: it is still running",
    "check": "check whether its work is done, and run it again if that is allowed",
    "ask": "stop and ask: its work is gone without a result, and it may not run twice unasked",
}


def _print_recovery(recovery: Recovery) -> None:
    output.put(output.bold(f"Interrupted: {output.line(recovery.title)}"))
    output.put(f"  {output.line(recovery.atom)}, {recovery.effect}, attempt {recovery.attempt}")
    ended = "; a person stopped it" if recovery.stopped else ""
    has_vanished = recovery.interruptions and not recovery.children
    times = f"; vanished {recovery.interruptions} of {recovery.limit} times" if has_vanished else ""
    output.put(f"  started {output.local_time(recovery.started_at)}{ended}{times}")
    alive = ", ".join(str(pid) for pid in recovery.children)
    if recovery.host:
        output.put(f"  begun on another machine, {output.line(recovery.host)}: it may still run there")
    else:
        output.put(f"  still alive: process {alive}" if alive else "  nothing of it is alive")
    way = _RESUME[recovery.resume]
    if recovery.ended:
        way = f"take its result: {output.line(recovery.ended)}"
    elif recovery.resume == "ask" and recovery.stopped:
        way = "stop and ask: it was ended, and may not run twice unasked"
    if recovery.stopped and alive:
        way = f"end that first, then {way}"
    output.put(f"  resume would {way}")
    if recovery.output.strip():
        output.put("  its last output:")
        for text in recovery.output.splitlines():
            output.put("    " + output.line(text))
    output.put("Settle it: flow recover " + " | ".join(CHOICES))
