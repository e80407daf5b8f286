"""`flow log`: what happened, for people a line a record, and raw with `--json`."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import Any

import click

from tui.commands import output
from tui.commands.base import command, open_engine

_EVERY = 0.2
_WIDEST = 300


@command(
    "log",
    "flow log",
    "flow log -n 200 --json | jq '.events[].what'",
    "flow log --follow",
    shapes=("log", "log-follow"),
)
@click.option(
    "-n", "--last", default=50, show_default=True, type=click.IntRange(min=0), help="How many records."
)
@click.option(
    "--follow", is_flag=True, help="Go on with what happens from now on; with --json one object a line."
)
def log(last: int, follow: bool, as_json: bool) -> None:
    """Show what happened: when, who, to which task, and what."""
    engine = open_engine(readonly=True)
    newest = 0
    seen: list[dict[str, Any]] = []
    for record in islice(engine.latest(), min(max(last, 1), sys.maxsize)):
        newest = max(newest, int(record["seq"]))
        seen.append(record)
    seen = seen[:last][::-1]
    if as_json and not follow:
        output.put_json({"events": seen})
        return
    for record in seen:
        _put(record, as_json=as_json)
    if not seen and not follow:
        output.say("Nothing has happened here yet.")
    while follow:
        time.sleep(_EVERY)
        for record in engine.history(after=newest):
            _put(record, as_json=as_json)
            newest = int(record["seq"])


def _put(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.put_json(record)
    else:
        from engine import describe

        task = f"{record.get('address', '')} {record.get('name', '')}".strip()
        where = _one_line(task or str(record.get("file", "")))
        parts = [
            output.dim(output.local_time(record.get("time"))),
            _one_line(str(record.get("who", ""))) or "?",
        ]
        parts += [output.bold(where)] if where else []
        output.put("  ".join([*parts, _one_line(describe(record))]))
    sys.stdout.flush()


def _one_line(text: str) -> str:
    """Untrusted text on one line of bearable length."""
    text = " ".join(text.split())
    return output.line(text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…")
