"""Errors as an agent meets them: a stable code, what happened, and what to do next with the tools that it has."""

from __future__ import annotations

from typing import Any

from engine import (
    AnchorError,
    BusyError,
    ChangedOutsideError,
    ContentChangedError,
    Engine,
    FlowError,
    NameMismatchError,
    NeedsPersonError,
    TrustError,
    UnknownAddressError,
)
from tui.commands import failures
from tui.commands.show import recovery_json

LONGEST = 20_000
"""Characters of a file's text in an error; what is longer is cut, and says so."""

_GOES_ON = ("run", "commit", "follow", "check")


class Refused(FlowError):
    """A tool that this server does not offer, arguments that do not fit, or what is left to people."""

    code, exit_code = "usage", 2

    def __init__(self, code: str, message: str, *, hint: str = "", **fields: Any) -> None:
        super().__init__(message, hint=hint, **fields)
        self._code = code

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "code": self._code}


def explain(engine: Engine | None, error: Exception) -> dict[str, Any]:
    """The `error` object of a call that failed."""
    found = failures.explain(error, as_json=True).error
    interrupted = False
    if engine is not None and isinstance(error, NeedsPersonError) and not isinstance(error, TrustError):
        recovery = engine.recovery()
        if recovery is not None:
            interrupted = True
            found |= {"code": "interrupted", "recovery": recovery_json(recovery)}
    found["hint"] = (
        _hint(engine, error, interrupted=interrupted)
        or found.get("hint")
        or "`status` shows the plan as it is."
    )
    cut = [name for name in ("base", "disk", "edit") if len(str(found.get(name) or "")) > LONGEST]
    for name in cut:
        found[name] = found[name][:LONGEST]
    return {**found, "cut": cut} if cut else found


def _hint(engine: Engine | None, error: Exception, *, interrupted: bool) -> str:
    if isinstance(error, ContentChangedError):
        return (
            "Nothing was written. Read the file with `loom_read`, make the edit for what is there now, "
            "and give its revision as `base`."
        )
    if isinstance(error, AnchorError):
        return "Nothing was written. Read the file with `loom_read` and choose an anchor that is there exactly once."
    if isinstance(error, NameMismatchError | UnknownAddressError):
        return "Nothing was changed. `status` shows the plan as it is now: take address and name from there."
    if isinstance(error, TrustError):
        where = f" in {engine.root}" if engine is not None else ""
        return (
            "Nothing was run. A person has to read this code (`flow trust --show`) and let it run (`flow trust`)"
            f"{where}. Tell them, and wait."
        )
    if isinstance(error, NeedsPersonError):
        what = (
            "`flow recover` shows what is known, then `flow recover retry`, `done`, `skip` or `fail`."
            if interrupted
            else error.hint
        )
        return f"Nothing was run. A person has to decide: {what} Tell them, and wait."
    if isinstance(error, ChangedOutsideError):
        return "A person has to look at the change: `flow accept` or `flow restore`. Tell them, and wait."
    if isinstance(error, BusyError):
        return "Another engine runs a task here. `status` shows it; call again when it has ended."
    return ""


def refuse_recovery(engine: Engine, address: str) -> None:
    """An interrupted task that may not run twice is settled by people: raise for it, and for what it is in."""
    recovery = engine.recovery()
    if recovery is None or recovery.effect != "once" or recovery.gone:
        return
    changed = engine.find(address).address
    if recovery.address != changed and not recovery.address.startswith((f"{changed}.", f"{changed}/")):
        return
    hint = (
        "Call `step`: it goes on with this task."
        if recovery.resume in _GOES_ON
        else "A person has to settle it with `flow recover`. Tell them, and wait."
    )
    raise Refused(
        "interrupted",
        f"{recovery.address} {recovery.name} was interrupted, and what becomes of it is for people to say.",
        hint=hint,
        recovery=recovery_json(recovery),
    )
