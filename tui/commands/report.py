"""`flow report`: the run as a document."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.commands import output
from tui.commands.base import Place, command, open_engine

if TYPE_CHECKING:
    from engine import Engine


@command(
    "report",
    "flow report --output report.html",
    "flow report --markdown | gh pr comment --body-file -",
    shapes=("report", "report-written"),
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Markdown for a pull request, not HTML.")
@click.option(
    "--output",
    "target",
    type=Place(dir_okay=False),
    metavar="FILE",
    help="Write it there, in place of what is there; stdout unless given, and with `-`.",
)
def report(as_markdown: bool, target: Path | None, as_json: bool) -> None:
    """Tell the run as one page of HTML: tree, timeline, what tasks printed, problems.

    The page needs no other file and loads nothing. With --json, the data of the report, or, with --output, where it
    was written.
    """
    from tui.report.story import tell

    if target is not None and _is_stdout(target):
        target = None
    if target is None and not (as_markdown or as_json) and sys.stdout.isatty():
        raise click.UsageError(
            "A page of HTML is not for a terminal: give --output FILE.", click.get_current_context()
        )
    engine = open_engine(readonly=True)
    if target is not None:
        _refuse_own(engine, target)
    story = tell(engine)
    if target is None and as_json:
        output.put_json(story.as_json())
        return
    if as_markdown:
        from tui.report.markdown import markdown

        text = markdown(story)
    else:
        from tui.report.page import page

        text = page(story)
    data = text.encode("utf-8", "replace")
    if target is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    try:
        _write(target, data)
    except OSError as error:
        error.filename = str(target)  # what the person has named, not how it is written
        raise
    if as_json:
        output.put_json({"path": str(target.absolute()), "bytes": len(data)})
    else:
        output.put(f"Wrote {output.line(str(target))}")


def _is_stdout(target: Path) -> bool:
    """Whether that is where stdout goes: `-`, `/dev/stdout`."""
    try:
        return str(target) == "-" or os.path.samestat(target.stat(), os.fstat(sys.stdout.fileno()))
    except OSError:  # not there yet; without a stdout
        return False


def _refuse_own(engine: Engine, target: Path) -> None:
    from engine import UsageError

    if Path(os.path.realpath(target)).is_relative_to(os.path.realpath(engine.root / ".flow")):
        raise UsageError(f"{str(target)!r} is inside of .flow/.", hint="Write the report somewhere else.")


def _write(target: Path, data: bytes) -> None:
    """All of it or nothing: a report that cannot be written leaves the one before. What is no file, as a pipe or a
    device, is written into.
    """
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        with os.fdopen(os.open(target, os.O_WRONLY), "wb") as stream:
            stream.write(data)
        return
    place = Path(os.path.realpath(target))
    part = place.with_name(f".{place.name}.{os.getpid():x}.part")
    try:
        part.write_bytes(data)
        if mode is not None:
            part.chmod(stat.S_IMODE(mode))
        part.replace(place)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
