"""`flow add, rename, move, remove, zoom`: the tree itself is changed, by the smallest edit of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.commands import output
from tui.commands.base import ADDRESS, command, open_engine, text_or_stdin
from tui.commands.change import EXPECT

if TYPE_CHECKING:
    from engine import Restructured

_TO = click.option(
    "--to", type=ADDRESS, metavar="ADDRESS", help="Put it inside this task; the top of the plan unless given."
)
_AT = click.option(
    "--at",
    type=click.IntRange(min=1),
    metavar="N",
    help="Put it as the N-th there; as the last unless given.",
)


@command(
    "add",
    "flow add 'Sign the archive'",
    "flow add '[Manual] Ask Ada' --to 2/1 --at 1",
    "printf -- '- [ ] Pack\\n    - [ ] Sign\\n' | flow add - --to 2 --expect Release",
    shapes=("structure",),
)
@click.argument("name")
@_TO
@_AT
@click.option(
    "--expect", metavar="NAME", help="Refuse (exit 5) when the task at --to has another name than this."
)
def add(name: str, to: str | None, at: int | None, expect: str | None, as_json: bool) -> None:
    """Add a task. A NAME of - reads Markdown from stdin: one task or several, with all that is in them.

    A task that refers to a sub-flow takes it in there.
    """
    what = text_or_stdin(name)
    if not what.strip():
        raise click.UsageError("A task needs a name.", click.get_current_context())
    print_restructured("Added", open_engine().add(what, to=to, at=at, expect=expect), as_json=as_json)


@command(
    "rename",
    "flow rename 2/1.3 'Run all tests'",
    "flow rename 2 Build --expect Bild",
    shapes=("structure",),
)
@click.argument("address", type=ADDRESS)
@click.argument("name")
@EXPECT
def rename(address: str, name: str, expect: str | None, as_json: bool) -> None:
    """Give a task another name. Its tag, its reference and its text stay; a tag in NAME replaces its tag."""
    print_restructured("Renamed", open_engine().rename(address, name, expect=expect), as_json=as_json)


@command(
    "move",
    "flow move 3 --at 1",
    "flow move 'Run the tests' --to 2/1 --expect 'Run the tests'",
    shapes=("structure",),
)
@click.argument("address", type=ADDRESS)
@_TO
@_AT
@EXPECT
def move(address: str, to: str | None, at: int | None, expect: str | None, as_json: bool) -> None:
    """Move a task with all that is in it, also into another file. What is printed is its new address."""
    moved = open_engine().move(address, to=to, at=at, expect=expect)
    print_restructured("Moved", moved, as_json=as_json)


@command("remove", "flow remove 2/1.3", "flow remove 2 --expect 'Run the tests'", shapes=("structure",))
@click.argument("address", type=ADDRESS)
@EXPECT
def remove(address: str, expect: str | None, as_json: bool) -> None:
    """Remove a task with all that is in it. A file that it refers to stays; `flow undo` brings it back."""
    print_restructured("Removed", open_engine().remove(address, expect=expect), as_json=as_json)


@command("zoom", "flow zoom 2", "flow zoom 'Build' --json | jq -r .ref")
@click.argument("address", type=ADDRESS)
@EXPECT
def zoom(address: str, expect: str | None, as_json: bool) -> None:
    """Make a flow of a task: a file of its own, with its children.

    The file is .flow/sub_flows/NAME.md, and the task refers to it from then on.
    """
    zoomed = open_engine().zoom(address, expect=expect)
    print_restructured("Zoomed", zoomed, as_json=as_json, ref=zoomed.files[0])


def print_restructured(word: str, done: Restructured, *, as_json: bool, ref: str | None = None) -> None:
    """What became of the task: a line, or an object; `ref` is the file of a flow that was made."""
    if as_json:
        made = {} if ref is None else {"ref": ref}
        output.put_json({"address": done.address, "name": done.name, **made, "files": list(done.files)})
        return
    where = "" if ref is None else f"  » .flow/{output.line(ref)}"
    output.put(f"{word}: {done.address} {output.line(done.name)}{where}")
