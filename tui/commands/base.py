"""What every command has in common: `--json`, help with examples, an engine, and addresses that complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
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


def text_or_stdin(text: str) -> str:
    """The text of an argument; `-` is what comes on stdin, UTF-8 with or without a byte-order mark."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"The text on stdin is not UTF-8: {error}.", click.get_current_context()
        ) from error


def from_here(path: Path) -> str:
    """The path as an editor opens it from where the person stands."""
    try:
        return os.path.relpath(path)
    except (ValueError, OSError):  # another drive; a working directory that is gone
        return str(path)
