"""`flow log`, `flow context`, `flow doctor`: what happened, what was exported, what is guaranteed here."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from collections import deque
from typing import Any

import click

from tui.commands import output
from tui.commands.base import command, open_engine

_EVERY = 0.2
_IN_FRONT = ("seq", "time", "who", "what", "address", "name", "sum")


@command("log", "flow log", "flow log -n 200 --json | jq '.events[].what'", "flow log --follow")
@click.option(
    "-n", "--last", default=50, show_default=True, type=click.IntRange(min=0), help="How many records."
)
@click.option(
    "--follow", is_flag=True, help="Go on with what happens from now on; with --json one object a line."
)
def log(last: int, follow: bool, as_json: bool) -> None:
    """Show what happened: when, who, what, and to which task."""
    engine = open_engine(readonly=True)
    newest = 0
    seen: deque[dict[str, Any]] = deque(maxlen=last)
    for record in engine.history():
        newest = int(record["seq"])
        seen.append(record)
    if as_json and not follow:
        output.put_json({"events": list(seen)})
        return
    for record in seen:
        _print_record(record, as_json=as_json)
    while follow:
        time.sleep(_EVERY)
        for record in engine.history(after=newest):
            _print_record(record, as_json=as_json)
            newest = int(record["seq"])


def _print_record(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.put_json(record)
    else:
        more = {
            name: value for name, value in record.items() if name not in _IN_FRONT and value not in ("", None)
        }
        task = f"{record.get('address', '')} {record.get('name', '')}".strip()
        details = " ".join(f"{name}={_short(value)}" for name, value in more.items())
        when, who, what = (output.line(str(record[name])) for name in ("time", "who", "what"))
        parts = [
            output.dim(when),
            who,
            output.bold(what),
            output.line(task),
            output.dim(details) if details else "",
        ]
        output.put("  ".join(part for part in parts if part))
    sys.stdout.flush()


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return output.line(text if len(text) <= 100 else text[:99] + "…")


@command("context", "flow context", "flow context --json | jq .context.commit")
def context(as_json: bool) -> None:
    """Show what tasks have exported; scripts find it in the JSON file $FLOW_CONTEXT."""
    exported = open_engine(readonly=True).context()
    if as_json:
        output.put_json({"context": exported})
        return
    for name, value in exported.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        output.put(f"{output.line(name)} = {output.line(text)}")
    if not exported:
        output.say("No task has exported anything yet.")


@command("doctor", "flow doctor", "flow doctor --json | jq -r .guarantee")
def doctor(as_json: bool) -> None:
    """Show what is guaranteed here: by this file system, this platform, and the state of this project."""
    engine = open_engine()
    guarantee = engine.guarantee()
    found = {
        "root": str(engine.root),
        "guarantee": guarantee.value,
        "means": guarantee.means,
        "platform": f"{platform.platform()}, Python {platform.python_version()}",
        "git": shutil.which("git") or "not found",
        "problems": len(engine.check()),
        "changed_outside": len(engine.changed_outside()),
        "unapproved": len(engine.unapproved()),
        "interrupted": engine.recovery() is not None,
    }
    if as_json:
        output.put_json(found)
        return
    words = {
        "root": "project",
        "means": "",
        "problems": "problems in plans",
        "changed_outside": "plans changed outside",
        "unapproved": "pieces of code not approved",
        "interrupted": "a task is interrupted",
    }
    for name, value in found.items():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else output.line(str(value))
        output.put(f"{words.get(name, name):27} {text}")
