"""`flow context`, `flow doctor`: what was exported, what is guaranteed here."""

from __future__ import annotations

import json
import platform
import shutil
from typing import TYPE_CHECKING, Any

from tui.commands import output
from tui.commands.base import command, from_here, open_engine
from tui.marks import PROBLEM

if TYPE_CHECKING:
    from engine import Engine


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
    from engine import StorageError

    engine = open_engine()
    guarantee, means = "none", ""
    try:
        tried = engine.guarantee()
        guarantee, means = tried.value, tried.means
    except (
        StorageError
    ) as error:  # a folder that cannot be written: that, too, is what somebody wants to know
        means = f"Nothing can be written here. {error.message}"
    found: dict[str, Any] = {
        "root": str(engine.root),
        "guarantee": guarantee,
        "means": means,
        "platform": f"{platform.platform()}, Python {platform.python_version()}",
        "git": shutil.which("git") or "not found",
        "problems": len(engine.check()),
        "changed_outside": len(engine.changed_outside()),
        "unapproved": _count_unapproved(engine),
        "interrupted": engine.recovery() is not None,
        "unsettled": engine.unsettled(),
        "conflict_copies": [from_here(copy) for copy in engine.conflict_copies()],
    }
    if as_json:
        output.put_json(found)
    else:
        _print_findings(found, asks=bool(engine.unaccepted(engine.tree())))


def _count_unapproved(engine: Engine) -> int:
    from engine import SecurityError

    try:
        return len(engine.unapproved())
    except SecurityError:  # a link out of the project, which `flow trust` names
        return 1


def _print_findings(found: dict[str, Any], *, asks: bool) -> None:
    """`asks`: what other programs changed in plans is taken in only by a person."""
    for title, text in (
        ("project", found["root"]),
        ("guarantee", found["guarantee"]),
        ("", found["means"]),
        ("platform", found["platform"]),
        ("git", found["git"]),
    ):
        output.put(f"{title:10} {output.line(text)}")
    unapproved, outside = found["unapproved"], found["changed_outside"]
    _finding(found["problems"], "problems in plans", "`flow check` prints them")
    settles = "`flow accept` or `flow restore`" if asks else "the next change of them takes it in"
    _finding(outside, "plans changed by another program", settles)
    _finding(unapproved, "pieces of code that nobody approved", "`flow trust --show` prints them")
    _finding(int(found["interrupted"]), "interrupted tasks", "`flow recover` shows more")
    unsettled, copies = found["unsettled"], found["conflict_copies"]
    _finding(len(unsettled), "stuck entries in .flow/swap", output.line(" ".join(unsettled)))
    _finding(len(copies), "conflict copies to look through", output.line(", ".join(copies)))


def _finding(count: int, what: str, hint: str) -> None:
    """`✔ no problems in plans`, or how many there are and what shows them."""
    if count:
        output.put(output.coloured(f"{PROBLEM} {what}: {count} ({hint})", "yellow"))
    else:
        output.put(f"{output.coloured('✔', 'green')} no {what}")
