"""`flow context`, `flow doctor`: what was exported, what is guaranteed here."""

from __future__ import annotations

import json
import platform
import shutil

from tui.commands import output
from tui.commands.base import command, open_engine


@command("context", "flow context", "flow context --json | jq .context.commit")
def context(as_json: bool) -> None:
    """Show what tasks have exported.

    Scripts find it in the JSON file $FLOW_CONTEXT, and export by writing JSON to $FLOW_EXPORTS.
    """
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
    """Show what is guaranteed here, and what needs a look."""
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
