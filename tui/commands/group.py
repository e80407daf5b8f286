"""The `flow` command as click knows it: the sections of its help, and where each command is.

A command's module is imported when that command is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

SECTIONS = {
    "Begin": {
        "init": "tui.commands.project:init",
        "demo": "tui.commands.demo:demo",
        "trust": "tui.commands.project:trust",
    },
    "Look": {
        "status": "tui.commands.look:status",
        "next": "tui.commands.look:next_task",
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


def dispatch(arguments: Sequence[str]) -> int:
    """Run the command that these words ask for; returns its exit code. Raises what click and the command raise."""
    try:
        with cli.make_context("flow", list(arguments)) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort as end:
        raise KeyboardInterrupt from end
    return 0
