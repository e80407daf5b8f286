"""The `flow` command: runs what was asked for, and ends with the exit code that says how it went.

No command imports textual or rich unless it opens the app: agents and scripts call these thousands of times a day.
What they ask most is answered without click, too (`tui.commands.plain`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tui.commands import output, plain

COMPLETE = "_FLOW_COMPLETE"
"""The environment variable by which a shell asks what could come next; `tui.commands.completion` answers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code (DESIGN section 8). Raises KeyboardInterrupt for ctrl+c while no task
    runs, and nothing else that a user can meet.
    """
    arguments = [_as_utf8(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    output.prepare_streams()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        return _explain(error, as_json=False)


def _as_utf8(argument: str) -> str:
    """What was typed as UTF-8 is that, also where the locale says otherwise; a file may be called by other bytes."""
    try:
        return os.fsencode(argument).decode()
    except UnicodeError:
        return argument


def _invoke(arguments: list[str]) -> int:
    """The command's exit code; every failure of it is explained here and nowhere else."""
    try:
        if COMPLETE in os.environ:
            return _complete()
        return 0 if plain.answer(arguments) else _dispatch(arguments)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - where a defect of ours is told from everything else
        return _explain(error, as_json="--json" in arguments)


def _dispatch(arguments: list[str]) -> int:
    from tui.commands.group import dispatch

    return dispatch(arguments)


def _complete() -> int:
    from tui.commands.completion import answer
    from tui.commands.group import cli

    return answer(cli, os.environ[COMPLETE])


def _explain(error: Exception, *, as_json: bool) -> int:
    from tui.commands.failures import explain

    return explain(error, as_json=as_json).report()


def _pipe_closed() -> int:
    """Whoever read our output has gone (`flow status | head`): end quietly, as the signal would have."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    return 128 + 13
