"""What every command has in common: `--json`, help with examples, an engine, and addresses that complete."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from engine import Engine

    _Text = click.ParamType[str]
else:
    _Text = click.ParamType  # generic only in newer versions of click

Function = TypeVar("Function", bound=Callable[..., Any])


class FlowCommand(click.Command):
    """A command whose help ends with examples, printed as they are typed. `shapes` are the files in `tui/schemas/`
    (without their suffix) that describe what it prints as JSON."""

    def __init__(
        self, *args: Any, examples: tuple[str, ...] = (), shapes: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.shapes = shapes

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A word such as `- [ ] Pack`, which has the look of a task, is no option."""
        if any(word.startswith("- ") for word in args):
            args = self._options_first(args)
        return super().parse_args(ctx, args)

    def _options_first(self, args: list[str]) -> list[str]:
        """The same words in their order, but for the options and their values, which come before a `--`."""
        taking = {
            name
            for one in self.params
            if isinstance(one, click.Option) and not one.is_flag
            for name in one.opts
        }
        options: list[str] = []
        others: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                others.extend(words)
            elif word[:1] == "-" and word != "-" and not word.startswith("- "):
                options += [word, *islice(words, word in taking)]
            else:
                others.append(word)
        return [*options, "--", *others]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def command(
    name: str, *examples: str, shapes: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], FlowCommand]:
    """Make a command of a function that takes `as_json` among its arguments. Its JSON has the shapes of
    `tui/schemas/`, the one of its own name unless others are given."""
    shapes = shapes or (name,)

    def make(function: Callable[..., Any]) -> FlowCommand:
        described = ", ".join(f"{shape}.json" for shape in shapes)
        with_json = click.option(
            "--json", "as_json", is_flag=True, help=f"Print JSON. Its shape: {described} (see `flow paths`)."
        )
        return click.command(name, cls=FlowCommand, examples=examples, shapes=shapes)(with_json(function))

    return make


class Place(click.Path):
    """A file or folder by its name. An empty word, as of a shell variable that is not set, is not the folder one stands
    in."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("It is empty: give a name, or leave it out.", param, ctx)
        return super().convert(value, param, ctx)


class Address(_Text):
    """A task's address (`2/1.3`), or its name where that is unique. The shell completes it."""

    name = "address"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from engine import Engine, FlowError
        from tui.commands.rows import rows

        try:
            found = list(rows(Engine.open(readonly=True).tree().root.tasks))
        except (FlowError, OSError):
            return []
        items = [
            CompletionItem(row.address, help=row.task.name)
            for row in found
            if row.address.startswith(incomplete)
        ]
        if incomplete:
            # A name that several tasks have would be refused.
            names = Counter(row.task.name for row in found if row.task.name.startswith(incomplete))
            items += [CompletionItem(name) for name, count in names.items() if count == 1]
        return items


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
