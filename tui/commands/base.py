"""What every command has in common: `--json`, help with examples, an engine, and addresses that complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from engine import Engine

    _Text = click.ParamType[str]
else:
    _Text = click.ParamType  # generic only in newer versions of click

Function = TypeVar("Function", bound=Callable[..., Any])


class FlowCommand(click.Command):
    """A command whose help ends with examples, printed as they are typed."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def command(name: str, *examples: str) -> Callable[[Callable[..., Any]], FlowCommand]:
    """Make a command of a function that takes `as_json` among its arguments."""

    def make(function: Callable[..., Any]) -> FlowCommand:
        with_json = click.option(
            "--json", "as_json", is_flag=True, help="Print JSON (one object, with a version)."
        )
        return click.command(name, cls=FlowCommand, examples=examples)(with_json(function))

    return make


class Address(_Text):
    """A task's address (`2/1.3`), or its name where that is unique. The shell completes it."""

    name = "address"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from engine import Engine, FlowError

        try:
            tasks = list(Engine.open(readonly=True).tree().walk())
        except (FlowError, OSError):
            return []
        found = [
            CompletionItem(task.address, help=task.name)
            for task in tasks
            if task.address.startswith(incomplete)
        ]
        if incomplete:
            found += [CompletionItem(task.name) for task in tasks if task.name.startswith(incomplete)]
        return found


ADDRESS = Address()


def open_engine(*, readonly: bool = False) -> Engine:
    """The engine of the nearest project; `NoProjectError` where there is none."""
    from engine import Engine

    return Engine.open(readonly=readonly)
