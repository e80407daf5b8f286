"""Follows an engine at work: prints what it does, and passes on what the person's signals mean."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tui.commands import output
from tui.commands.tree import status_word
from tui.marks import took

if TYPE_CHECKING:
    from engine import Engine, Event, Finished

EXIT_CODES = {"done": 0, "nothing": 0, "failed": 1, "waiting": 3, "interrupted": 3, "conflict": 5}


def after_failure(engine: Engine, address: str, message: str) -> str:
    """What a person can do about a task that failed with this message, unless the message says so already."""
    from engine import FlowError

    if "`flow retry" in message:
        return ""
    try:
        task = engine.find(address)
        tripped = engine.is_tripped(task)
    except FlowError:
        return ""
    if task.status.value != "failed":
        return ""
    if tripped:
        return f"Find out why; then `flow reopen {address}`."
    return f"`flow retry {address}` runs it again, `flow skip {address}` goes on without it."


def execute(engine: Engine, events: AsyncIterator[Event], *, as_json: bool) -> int:
    """Run the engine to the end of `events`. Returns the exit code that the last outcome stands for."""
    return asyncio.run(_Watcher(engine, as_json=as_json).follow(events))


class _Watcher:
    """Prints events as they come. The first ctrl+c ends the task, SIGTERM and SIGHUP leave it running."""

    def __init__(self, engine: Engine, *, as_json: bool) -> None:
        self._engine = engine
        self._as_json = as_json
        self._let_go: int = 0
        self._runs = False
        self._stopping = False
        self._in_line = False

    async def follow(self, events: AsyncIterator[Event]) -> int:
        following = asyncio.current_task()
        assert following is not None
        self._listen(following)
        last: Finished | None = None
        try:
            async for event in events:
                last = self._show(event) or last
        except (asyncio.CancelledError, OSError):
            if not self._let_go:
                raise
            what = "the task goes on, and the next start follows it" if self._runs else "no task was running"
            with suppress(OSError):  # the terminal that went away
                output.say(f"Let go: {what}.")
            return 128 + self._let_go
        return EXIT_CODES[last.outcome.value] if last is not None else 0

    def _listen(self, following: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        let_go = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
        try:
            for number in (signal.SIGINT, *let_go):
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue  # `nohup flow run`, or a script's background: whoever started us wants it ignored
                if number == signal.SIGINT:
                    loop.add_signal_handler(number, self._stop)
                else:
                    loop.add_signal_handler(number, self._detach, number, following)
        except NotImplementedError:  # no such loop on Windows; there ctrl+c raises KeyboardInterrupt
            return

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            output.say("\nStopping: the task is being ended. The next start offers to go on.")
            self._engine.stop()

    def _detach(self, number: int, following: asyncio.Task[Any]) -> None:
        if not self._let_go:
            self._let_go = number
            following.cancel()

    def _show(self, event: Event) -> Finished | None:
        from engine import Conflict, Finished, Output, Started, Warned

        if isinstance(event, Output):
            text = output.block(event.text)
            output.say(text, newline=False)
            self._in_line = not text.endswith("\n")
            return None
        if self._in_line:
            output.say()
            self._in_line = False
        self._runs = isinstance(event, Started) or (self._runs and not isinstance(event, Finished))
        if isinstance(event, Started):
            doing = "following" if event.follows else "running"
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            output.say(
                f"{doing} {event.address} {output.line(event.name)} ({output.line(event.atom)}{again})"
            )
        elif isinstance(event, Conflict):
            output.say(output.coloured(output.line(event.message), "yellow"))
            output.say("Nothing was written. `flow step` applies the edit to what is there now.")
        elif isinstance(event, Warned):
            output.say(output.coloured(f"warning: {output.line(event.message)}", "yellow"))
        elif isinstance(event, Finished):
            self._result(event)
            return event
        return None

    def _result(self, event: Finished) -> None:
        failed = event.outcome.value == "failed" and event.status is not None
        hint = after_failure(self._engine, event.address, event.message) if failed else ""
        if self._as_json:
            output.put_json(
                {
                    "address": event.address,
                    "name": event.name,
                    "status": event.status.value if event.status is not None else None,
                    "outcome": event.outcome.value,
                    "message": f"{event.message} {hint}".strip(),
                    "seconds": round(event.seconds, 3),
                }
            )
        elif event.status is None:
            output.say(output.line(event.message) or "Nothing is left to do.")
        else:
            parts = [status_word(event.status), event.address, output.line(event.name)]
            parts.append(output.dim(took(event.seconds)) if event.seconds else "")
            is_plain = event.outcome.value == "done" and event.status.value == "done"
            parts.append("" if is_plain else output.line(event.message))
            output.put("  ".join(part for part in parts if part))
            if event.outcome.value == "waiting":
                output.say(f"`flow done {event.address}` marks it done; then `flow run` goes on.")
            elif hint:
                output.say(hint)
