"""What a record of the event log says, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_VERBS = {
    "begin": "begun by hand",
    "done": "marked done by hand",
    "skip": "skipped by hand",
    "fail": "marked failed by hand",
    "reopen": "reopened by hand",
    "reset": "pending again, with all inside",
    "waiting": "waits for a person",
    "stopped": "stopped",
    "unbegun": "was prepared, but never began",
    "accepted": "accepted as it is",
    "restored": "its last version was put back",
    "fixed": "normalised",
    "error": "ended with an error",
    "resumed": "begun again after an error",
    "adopted": "changed by another program, taken in",
}
_REWRITES = {
    "added": "added to the plan",
    "renamed": "renamed",
    "moved": "moved",
    "removed": "removed from the plan",
    "zoomed": "made a flow of its own",
    "fixed": "normalised",
    "always": "may run again unasked from now on",
}
_OUTCOMES = {
    "done": "done",
    "failed": "failed",
    "nothing": "ended without a mark",
    "waiting": "waits for a person",
}
_MOST = 3


def describe(record: Mapping[str, Any]) -> str:
    """What happened, without when, who and where: one sentence part. Its text is untrusted, and may have several
    lines where a message has."""
    what, run = str(record.get("what", "")), record.get("run")
    match what:
        case "changed":
            return f"{'taken back' if 'undoes' in record else 'plan'}: {_changes(record.get('changes'))}"
        case "rewritten":
            because = str(record.get("because", ""))
            return (
                "taken back: a change of the plan" if because == "undo" else _REWRITES.get(because, because)
            )
        case "started":
            return _with("started", _tried(record), record.get("atom"))
        case "vanished":
            return f"its work vanished without a result, {_times(record.get('interruptions'))} in a row"
        case "retried":
            return _said("failed, is tried again", record)
        case "conflict":
            return f"{record.get('path', 'its file')} had changed; nothing was written"
        case "ended":
            return _said(f"ended: {record.get('outcome', '')}", record)
        case "conflict copy":
            return f"another program wrote to {record.get('path')}; kept as {record.get('copy')}"
        case "adopted" if record.get("new") is True:
            return "made by another program, taken in"
        case "imported":
            lost = record.get("lost")
            text = f"made of {record.get('source', 'another file')}"
            return (
                f"{text}; not kept: {_some(list(map(str, lost)))}"
                if isinstance(lost, list) and lost
                else text
            )
        case "initialised":
            return "project made"
        case _ if run and what in _OUTCOMES:
            return _said(_with(_ended(record), _took(record.get("seconds"))), record)
    return _said(_VERBS.get(what, what), record)


def _ended(record: Mapping[str, Any]) -> str:
    status = record.get("status")
    return str(status) if status in ("skipped", "done", "failed") else _OUTCOMES[str(record["what"])]


def _said(text: str, record: Mapping[str, Any]) -> str:
    words = str(record.get("message") or record.get("reason") or record.get("note") or "")
    return f"{text}: {words}" if words else text


def _with(text: str, *details: object) -> str:
    named = ", ".join(str(detail) for detail in details if detail)
    return f"{text} ({named})" if named else text


def _tried(record: Mapping[str, Any]) -> str:
    attempt = record.get("attempt")
    return f"attempt {attempt}" if isinstance(attempt, int) and attempt > 1 else ""


def _times(count: object) -> str:
    return "once" if count == 1 else f"{count} times"


def _took(seconds: object) -> str:
    if not isinstance(seconds, int | float) or seconds <= 0:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _changes(changes: object) -> str:
    """Which tasks got which status, the deepest first, since the others followed from it."""
    return _some(
        [text for change in changes if (text := _change(change))] if isinstance(changes, Sequence) else []
    )


def _some(found: list[str]) -> str:
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"{'; '.join(found[:_MOST])}{more}" if found else "changed"


def _change(change: object) -> str:
    try:
        assert isinstance(change, Mapping)
        return f"{change['path'][-1]['names'][-1]}, {change['from']} → {change['to']}"
    except (AssertionError, LookupError, TypeError):
        return ""
