"""`flow wait`, `flow stop`, `flow run --detach`: an engine at work in another process."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.commands import output
from tui.commands.base import command, open_engine
from tui.commands.failures import DEFECT, Failure
from tui.commands.live import EXIT_CODES
from tui.commands.show import interruption

if TYPE_CHECKING:
    from engine import Engine, Running

STILL_RUNNING = 8
_LOOK_EVERY = 0.05
_PATIENCE = 60.0  # seconds
_MOMENT = 0.3  # seconds that an engine is at work before it is said to be


@command("wait", "flow wait", "flow wait --timeout 600 && echo shipped", shapes=("step",))
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="S", help="Give up (exit 8) after so many seconds."
)
@click.pass_context
def wait(ctx: click.Context, timeout: float | None, as_json: bool) -> None:
    """Wait for the engine at work here, and end as its run did.

    0: done, 1: failed, 3: a person is needed, 8: still running when the time is over. A run that ended with
    an error: the exit code of that.
    """
    if timeout is not None and math.isnan(timeout):
        raise click.UsageError("The time to wait is not a number.", ctx)
    engine = open_engine(readonly=True)
    if not asyncio.run(engine.wait(timeout)):
        running = engine.running(engine.tree())
        task = running.title if running is not None else "a task"
        if as_json:
            output.put_json({**_result({}), "outcome": "running"})
        else:
            output.say(f"Still running: {output.line(task)}.")
        ctx.exit(STILL_RUNNING)
    last = _last_outcome(engine)
    if last.get("what") == "error":
        ctx.exit(_failure(last, as_json=as_json).report())
    if as_json:
        output.put_json(_result(last))
    elif last.get("what") == "nothing":
        output.say(output.line(last.get("message", "")) or "Nothing is left to do.")
    elif last:
        output.put(f"{last['what']}  {last['address']}  {output.line(last['name'])}")
        if last["what"] == "interrupted":
            output.say(last["message"])
    else:
        output.say("Nothing has run here yet.")
    ctx.exit(EXIT_CODES[last.get("what", "nothing")])


def _last_outcome(engine: Engine) -> dict[str, Any]:
    """The log's record of how the last run ended; an interrupted task comes before everything else but an error that
    says more."""
    last: dict[str, Any] = {}
    person = EXIT_CODES["interrupted"]
    for record in engine.history():
        if record["what"] in EXIT_CODES or record["what"] == "error":
            last = record
        elif record["what"] == "ended" and record.get("outcome") in EXIT_CODES:
            last = {**record, "what": record["outcome"]}
        elif record["what"] == "resumed":
            last = {**last, "exit_code": person}  # until more is known
    recovery = engine.recovery()
    if recovery is not None and last.get("exit_code", person) == person:
        place = {"address": recovery.address, "name": recovery.name}
        return {"what": "interrupted", **place, "message": interruption(recovery)}
    return last


def _failure(last: dict[str, Any], *, as_json: bool) -> Failure:
    """The error with which the last run ended, as that command said it."""
    code = last.get("exit_code")
    error = {
        "code": str(last.get("code", "error")),
        "message": str(last.get("message", "The last run ended with an error.")),
        "hint": str(last.get("hint", "")),
    }
    return Failure(code if isinstance(code, int) and 0 < code < 256 else DEFECT, error, as_json)


def _result(last: dict[str, Any]) -> dict[str, Any]:
    """The shape of `flow step --json`."""
    return {
        "address": last.get("address", ""),
        "name": last.get("name", ""),
        "status": last.get("status"),
        "outcome": last["what"] if last.get("what") in EXIT_CODES else "nothing",
        "message": last.get("message", ""),
        "seconds": last.get("seconds", 0.0),
    }


@command("stop", "flow stop")
@click.pass_context
def stop(ctx: click.Context, as_json: bool) -> None:
    """End the task that an engine is running here.

    Whichever process that engine is. The next start offers to go on.
    """
    from engine import BusyError

    engine = open_engine()
    until = time.monotonic() + _PATIENCE
    running = engine.stop_other()
    while not asyncio.run(engine.wait(_LOOK_EVERY)):
        now = engine.stop_other(running)  # it may be about to begin a task, or to try the same one again
        if running is not None and now is not None and not now.is_same_task(running):
            raise BusyError(
                f"{running.title} had ended before it could be stopped, and {now.title} runs now.",
                hint="`flow stop` ends that.",
                address=now.address,
                name=now.name,
                pid=now.pid,
            )
        running = now or running
        if time.monotonic() >= until:
            task = "a task" if running is None else f"{running.address} {output.line(running.name)}"
            raise BusyError(
                f"The engine has not ended {task} within a minute.",
                hint="It may be frozen, or the disk may be full: look at it, and try again.",
            )
    recovery = engine.recovery()
    if running is None and recovery is not None and not recovery.children:
        recovery = None  # an older interruption, and nothing of it is left to be ended
    if running is None and recovery is not None and not recovery.stopped:
        raise BusyError(
            f"No engine is at work here, but work of {recovery.title} is still alive.",
            hint="`flow recover skip` ends it, `flow step` follows it; `flow recover` shows what else there is.",
            address=recovery.address,
            name=recovery.name,
        )
    stopped = recovery if recovery is not None and recovery.stopped else None
    if stopped is not None and stopped.children:
        raise BusyError(
            f"{stopped.title} was to be ended, and work of it is still alive.",
            hint="`flow step` ends it, and goes on; `flow recover` shows what else there is.",
            address=stopped.address,
            name=stopped.name,
        )
    if as_json:
        output.put_json({"stopped": stopped and {"address": stopped.address, "name": stopped.name}})
    elif running is None:
        output.say("No engine is at work here.")
    elif recovery is not None and recovery.run == running.run and stopped is None:
        output.say(f"{output.line(recovery.title)} was left as it was: `flow recover` shows more.")
    elif stopped is None:
        output.say(f"{running.address} {output.line(running.name)} had ended before it could be stopped.")
    else:
        output.put(f"Stopped: {output.line(stopped.title)}")


def detach(ctx: click.Context, engine: Engine, arguments: list[str], *, as_json: bool) -> None:
    """Start `flow run` in a session of its own; end like it when it ends at once, else when it is seen at work.

    What it says is in its file, and when it ends at once it is said here: the last of its JSON, or its text.
    """
    import tempfile

    from engine import BusyError, SecurityError

    place = engine.root / ".flow" / "logs" / "detached.txt"
    place.parent.mkdir(exist_ok=True)
    for path in (place.parent, place):
        if path.is_symlink():  # it may have come with a clone, and lead to any file of the person's
            raise SecurityError(
                f"{str(path)!r} is a symbolic link.", hint="Look at it; then remove it.", path=str(path)
            )
    # Another engine may be at work, and write to the file of that name: until this one is not refused, it has another.
    handle, name = tempfile.mkstemp(".txt", "detached-", place.parent)
    with os.fdopen(handle, "wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui", "run", *arguments, *(["--json"] if as_json else [])],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        running = _seen_at_work(engine, child)
        said = Path(name).read_text("utf-8", "replace") if running is None else ""
    finally:
        if child.poll() == BusyError.exit_code:
            Path(name).unlink()
        else:
            place = _renamed(Path(name), place)
    if running is None:
        results = [line for line in said.splitlines() if line.startswith('{"version": ')]
        if not as_json:
            output.say(output.block(said), newline=False)
        elif results:
            output.put(results[-1])
        else:  # it was killed
            output.put_json(_result(_last_outcome(engine)))
        ctx.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)
    if as_json:
        output.put_json(
            {"pid": running.pid, "address": running.address, "name": running.name, "log": str(place)}
        )
    else:
        output.put(f"Process {running.pid} runs {running.address} {output.line(running.name)}")
        output.say(
            f"`flow wait` waits for it, `flow stop` ends its task; it writes to .flow/logs/{place.name}."
        )


def _renamed(path: Path, name: Path) -> Path:
    """The file under this name; under the one that it has on Windows, where an open file keeps it."""
    try:
        return path.replace(name)
    except PermissionError:
        return path


def _seen_at_work(engine: Engine, child: subprocess.Popen[bytes]) -> Running | None:
    """What the engine of this process runs a moment after it was first seen at work; None when it ended before.

    The record of an interrupted task names the engine that is gone, and a task may end in the instant it began.
    """
    first: float | None = None
    while child.poll() is None:
        running = engine.running()
        if running is not None and _is_in(child, running.pid):
            first = first or time.monotonic()
            if time.monotonic() - first >= _MOMENT:
                return running
        time.sleep(_LOOK_EVERY)
    return None


def _is_in(child: subprocess.Popen[bytes], pid: int) -> bool:
    """Whether this is the child. On Windows the interpreter of a virtual environment starts another one."""
    if pid == child.pid:
        return True
    import psutil

    try:
        return psutil.Process(pid).ppid() == child.pid
    except psutil.Error:
        return False
