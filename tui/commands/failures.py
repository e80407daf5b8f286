"""How a command fails: what and how to mend it, in two lines or one JSON object; one exit code a cause."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import click

from tui.commands import output

USAGE, DEFECT, DISK = 2, 70, 74
_LONGEST = 1_000


class Failure(NamedTuple):
    """One error on its way to the person: `error` is the object of `--json`."""

    exit_code: int
    error: dict[str, Any]
    as_json: bool

    def report(self) -> int:
        """Print it, on stdout as JSON or on stderr as text, if that can be written; returns the exit code. Raises
        BrokenPipeError."""
        try:
            self._print()
        except BrokenPipeError:
            raise
        except OSError:
            pass  # a full disk behind it, or a terminal that is gone: the exit code has to tell
        return self.exit_code

    def _print(self) -> None:
        if self.as_json:
            output.put_json({"error": self.error})
            return
        output.say(output.bold(output.coloured("flow: ", "red")) + _shown(self.error["message"]))
        if self.error.get("hint"):
            output.say("  " + _shown(self.error["hint"]))


def _shown(text: str) -> str:
    """Safe, and of a length that a person can read."""
    return output.line(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def explain(error: Exception, *, as_json: bool) -> Failure:
    """Find out what `error` means for the person who meets it."""
    from engine import FlowError

    if isinstance(error, FlowError):
        return Failure(error.exit_code, error.as_json(), as_json)
    if isinstance(error, click.ClickException):
        return Failure(
            USAGE, {"code": "usage", "message": error.format_message(), "hint": _usage(error)}, as_json
        )
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        # Only arguments and the environment can hold such bytes; plans and files are refused when they are read.
        what, hint = "A name or a text that was given is not UTF-8.", "Check the encoding of your terminal."
        return Failure(USAGE, {"code": "usage", "message": what, "hint": hint}, as_json)
    if isinstance(error, OSError):
        return Failure(DISK, {"code": "storage", "message": _disk(error), "hint": ""}, as_json)
    return Failure(DEFECT, _defect(error), as_json)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return (
        f"`{context.command_path} --help` says how it is used." if isinstance(context, click.Context) else ""
    )


def _disk(error: OSError) -> str:
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{error.strerror or error}."


def _defect(error: Exception) -> dict[str, Any]:
    """One line for the person; the traceback goes to a file that can be sent along."""
    written = _write_traceback(error)
    what = f"This is a defect of Flow Manager, not of your plan: {type(error).__name__}: {error}"
    where = f"Please report it, with the file {written}." if written else "Please report it, with this line."
    return {
        "code": "defect",
        "message": what,
        "hint": f"{where} Nothing was lost: `flow status` shows what is.",
    }


def _write_traceback(error: Exception) -> Path | None:
    import platform
    import tempfile
    import traceback
    from importlib.metadata import version

    import platformdirs

    try:
        folder = Path(platformdirs.user_state_dir("flow-manager"), "defects")
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".txt", "defect-", folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"flow-manager {version('flow-manager')} on Python {platform.python_version()}, ")
            file.write(f"{platform.platform()}\n")
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return None  # a home that cannot be written: the line on the screen has to do
    return Path(name)
