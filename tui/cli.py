"""The `flow` command: finds the command that was asked for, and ends with the exit code that says how it
went.

A command's module is imported when that command is asked for, and no command imports textual or rich unless
it opens the app: agents and scripts call these thousands of times a day.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from tui.commands import output
from tui.commands.failures import INTERRUPTED, explain

COMPLETE = "_FLOW_COMPLETE"
"""The environment variable by which a shell asks what could come next; `tui.commands.completion` answers."""

SECTIONS = {
    "Begin": {
        "init": "tui.commands.project:init",
        "demo": "tui.commands.demo:demo",
        "trust": "tui.commands.project:trust",
    },
    "Look": {
        "status": "tui.commands.show:status",
        "next": "tui.commands.show:next_task",
        "log": "tui.commands.log:log",
        "context": "tui.commands.insight:context",
        "check": "tui.commands.check:check",
        "serve": "tui.commands.serve:serve",
    },
    "Run": {
        "step": "tui.commands.run:step",
        "run": "tui.commands.run:run",
        "wait": "tui.commands.background:wait",
        "stop": "tui.commands.background:stop",
        "retry": "tui.commands.run:retry",
        "recover": "tui.commands.run:recover",
    },
    "Change tasks": {
        "start": "tui.commands.change:start",
        "done": "tui.commands.change:done",
        "skip": "tui.commands.change:skip",
        "fail": "tui.commands.change:fail",
        "reopen": "tui.commands.change:reopen",
        "reset": "tui.commands.change:reset",
        "undo": "tui.commands.change:undo",
    },
    "Change the plan": {
        "add": "tui.commands.structure:add",
        "rename": "tui.commands.structure:rename",
        "move": "tui.commands.structure:move",
        "remove": "tui.commands.structure:remove",
        "zoom": "tui.commands.structure:zoom",
        "accept": "tui.commands.integrity:accept",
        "restore": "tui.commands.integrity:restore",
        "fix": "tui.commands.conversion:fix",
        "import": "tui.commands.conversion:import_",
    },
    "Files, agents and scripts": {
        "loom": "tui.commands.loom:loom",
        "report": "tui.commands.report:report",
        "mcp": "tui.commands.mcp:mcp",
        "hook": "tui.commands.hook:hook",
        "merge-driver": "tui.commands.hook:merge_driver",
    },
    "This installation": {
        "doctor": "tui.commands.insight:doctor",
        "paths": "tui.commands.project:paths",
        "completion": "tui.commands.completion:completion",
    },
}
"""Where each command is, in the sections and the order in which the help lists them."""

COMMANDS = {name: place for section in SECTIONS.values() for name, place in section.items()}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            from engine import UsageError

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean `flow {near[0]}`?" if near else "`flow --help` lists the commands."
            raise UsageError(f"There is no command {args[0]!r}.", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            found = [(name, self.get_command(ctx, name)) for name in section]
            with formatter.section(title):
                formatter.write_dl(
                    [(name, one.get_short_help_str(200)) for name, one in found if one is not None]
                )


@click.group(
    "flow",
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--readonly", is_flag=True, help="Open the app to look only: nothing is changed or run.")
@click.option("--json", "as_json", is_flag=True, hidden=True)
@click.version_option(package_name="flow-manager", prog_name="flow", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, readonly: bool, as_json: bool) -> None:
    """Run the nested Markdown plan in .flow/, from a full-screen app or from these commands.

    Without a command, the app opens on the nearest .flow/ folder. A task is named by its address (2/1.3) or
    by its name, where that is unique.

    \b
    Exit codes:
      0  done
      1  a task failed
      2  usage, unknown address
      3  a person is needed: a manual task, an interrupted task, trust
      4  the plan is invalid, or a rule forbids it
      5  conflict: content changed, another name than expected
      6  another engine is at work
      7  no project here
      8  changed outside and not accepted; of wait: still running
     70  a defect of ours
     74  the disk or a permission failed
    """
    if as_json:
        raise click.UsageError("--json goes behind a command: `flow status --json`.", ctx)
    if ctx.invoked_subcommand is not None:
        if readonly:
            raise click.UsageError("--readonly is for the app; leave out the command.", ctx)
        return
    from tui.opening import open_nearest

    ctx.exit(open_nearest(readonly=readonly))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code (DESIGN section 8); never raises for what a user can meet."""
    arguments = [_as_utf8(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    output.prepare_streams()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        return explain(error, as_json=False).report()


def _as_utf8(argument: str) -> str:
    """What was typed as UTF-8 is that, also where the locale says otherwise; a file may be called by other bytes."""
    try:
        return os.fsencode(argument).decode()
    except UnicodeError:
        return argument


def _invoke(arguments: list[str]) -> int:
    """The command's exit code; every failure of it is explained here and nowhere else."""
    try:
        return _complete() if COMPLETE in os.environ else _dispatch(arguments)
    except BrokenPipeError:
        raise
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - where a defect of ours is told from everything else
        return explain(error, as_json="--json" in arguments).report()


def _dispatch(arguments: list[str]) -> int:
    with cli.make_context("flow", list(arguments), color=output.wants_colour()) as ctx:
        cli.invoke(ctx)
    return 0


def _complete() -> int:
    from tui.commands.completion import answer

    return answer(cli, os.environ[COMPLETE])


def _pipe_closed() -> int:
    """Whoever read our output has gone (`flow status | head`): end quietly, as the signal would have."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    return 128 + 13


if __name__ == "__main__":
    sys.exit(main())
