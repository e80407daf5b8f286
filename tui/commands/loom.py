"""`flow loom`: surgical edits of the project's files, guarded against whoever writes at the same time."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from tui.commands import output
from tui.commands.base import command, open_engine, text_or_stdin

if TYPE_CHECKING:
    from engine import Edit, Engine


@click.group("loom", no_args_is_help=False)
def loom() -> None:
    """Read and edit files by anchors, never by guesswork.

    Anchors are literal text and must fit exactly once. PATH counts from the folder you are in. A text of `-`
    is read from stdin. With --base, an edit is refused (exit 5) when the file is no longer the revision that
    it was made for. An edit whose text stands at its place already changes nothing, and says so.
    """


_BASE = click.option(
    "--base",
    metavar="REVISION",
    help="Refuse when the file is no longer this revision, unless the text stands there already.",
)
_TEXT = click.option("--text", required=True, metavar="TEXT", help="The new text; - reads it from stdin.")
_PATH = click.argument("path", type=click.Path())


@command(
    "read",
    "flow loom read CHANGELOG.md",
    "flow loom read src/app.py --json | jq -r .revision",
    shapes=("loom-read",),
)
@_PATH
def read(path: str, as_json: bool) -> None:
    """Print a file's text, and on stderr its revision, to give to --base."""
    engine = open_engine(readonly=True)
    found = engine.loom.read(_from_root(engine, path))
    if as_json:
        output.put_json({"path": found.path, "revision": found.revision, "text": found.text})
    else:
        output.put(output.block(found.text) if sys.stdout.isatty() else found.text, newline=False)
        output.say(f"revision {found.revision}")


@command(
    "insert",
    "flow loom insert CHANGELOG.md --after '## Unreleased' --text '- A new entry.'",
    shapes=("loom-edit",),
)
@_PATH
@click.option("--after", metavar="ANCHOR", help="Insert behind the line that holds this text.")
@click.option("--before", metavar="ANCHOR", help="Insert in front of the line that holds this text.")
@_TEXT
@_BASE
def insert(
    path: str, after: str | None, before: str | None, text: str, base: str | None, as_json: bool
) -> None:
    """Insert lines before or after an anchor."""
    from engine import Insert

    if after is not None and before is None:
        edit = Insert(after, text_or_stdin(text), "after")
    elif before is not None and after is None:
        edit = Insert(before, text_or_stdin(text), "before")
    else:
        raise click.UsageError("Give either --after or --before.", click.get_current_context())
    _edit(path, edit, base, as_json=as_json)


@command(
    "replace",
    "flow loom replace README.md --start '<!-- a -->' --end '<!-- b -->' --text - < table.md",
    shapes=("loom-edit",),
)
@_PATH
@click.option("--start", required=True, metavar="ANCHOR", help="The line in front of the block; it stays.")
@click.option("--end", required=True, metavar="ANCHOR", help="The line behind the block; it stays.")
@_TEXT
@_BASE
def replace(path: str, start: str, end: str, text: str, base: str | None, as_json: bool) -> None:
    """Replace what stands between two anchors."""
    from engine import ReplaceBlock

    _edit(path, ReplaceBlock(start=start, end=end, text=text_or_stdin(text)), base, as_json=as_json)


@command(
    "append",
    "flow loom append NOTES.md --text 'One more line'",
    shapes=("loom-edit",),
)
@_PATH
@_TEXT
@_BASE
def append(path: str, text: str, base: str | None, as_json: bool) -> None:
    """Append lines at the end of a file."""
    from engine import Append

    _edit(path, Append(text=text_or_stdin(text)), base, as_json=as_json)


@command(
    "line",
    "flow loom line src/app.py 12 --expect 'DEBUG = True' --text 'DEBUG = False'",
    shapes=("loom-edit",),
)
@_PATH
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--expect", required=True, metavar="OLD", help="What the line must say now.")
@_TEXT
@_BASE
def line(path: str, number: int, expect: str, text: str, base: str | None, as_json: bool) -> None:
    """Replace line N, if it says what you expect."""
    from engine import ReplaceLine

    _edit(path, ReplaceLine(line=number, expect=expect, text=text_or_stdin(text)), base, as_json=as_json)


for _command in (read, insert, replace, append, line):
    loom.add_command(_command)


def _edit(path: str, edit: Edit, base: str | None, *, as_json: bool) -> None:
    from engine import FileEdit

    engine = open_engine()
    written = engine.loom.write([FileEdit(_from_root(engine, path), edit, base)])
    if as_json:
        output.put_json(_written_json(written))
    elif written.changed:
        output.put(f"Edited {output.line(written.path)}")
    else:
        output.put(f"Unchanged: {output.line(written.path)} says so already")


def _written_json(written: Any) -> dict[str, Any]:
    return {
        "path": written.path,
        "changed": written.changed,
        "before": written.before_revision,
        "revision": written.after_revision,
        "guarantee": str(written.guarantee),
    }


def _from_root(engine: Engine, path: str) -> str:
    """What a person means in the folder where they stand, as the engine names it: from the project's root."""
    if not path:
        raise click.UsageError(
            "A file is named by its path, and this one is empty.", click.get_current_context()
        )
    return os.path.relpath(path, engine.root).replace(os.sep, "/")
