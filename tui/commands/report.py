"""`flow report`: the run as a document."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import command, open_engine


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
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there, in place of what is there; stdout unless given.",
)
def report(as_markdown: bool, target: Path | None, as_json: bool) -> None:
    """Tell the run as one page of HTML: tree, timeline, what tasks printed, problems.

    The page needs no other file and loads nothing. With --json, the data of the report, or, with --output, where it
    was written.
    """
    from tui.report.story import tell

    if target is None and not (as_markdown or as_json) and sys.stdout.isatty():
        raise click.UsageError(
            "A page of HTML is not for a terminal: give --output FILE.", click.get_current_context()
        )
    story = tell(open_engine(readonly=True))
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
    _write(target, data)
    if as_json:
        output.put_json({"path": str(target.absolute()), "bytes": len(data)})
    else:
        output.put(f"Wrote {output.line(str(target))}")


def _write(target: Path, data: bytes) -> None:
    """All of it or nothing: a report that cannot be written leaves the one before."""
    part = target.with_name(f".{target.name}.{os.getpid():x}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        error.filename = str(target)  # what the person has named, not how it is written
        raise
