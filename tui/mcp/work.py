"""The task that this server runs: it belongs to no request. A client that cancels, times out or goes away leaves it
running, and whoever asks next gets its result.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from engine import Conflict, ContentChangedError, Engine, Event, Finished, FlowError, Output, Started, Warned
from tui.commands.show import recovery_json
from tui.mcp.failures import Refused

_KEPT = 20_000
"""Characters of output that come back, the last ones."""
_TELLS_EVERY = 1.0

Tell = Callable[[float, str], Awaitable[None]]
"""Reports progress to the client: seconds, and a line of text."""


class Work:
    """At most one step at a time, from its beginning until its result was handed over."""

    def __init__(self) -> None:
        self._running: _Running | None = None

    async def step(
        self,
        engine: Engine,
        begin: Callable[[], AsyncIterator[Event]],
        *,
        expect: str | None,
        wait: float,
        tell: Tell,
    ) -> dict[str, Any]:
        """Begin a step, or wait for the one under way; at most `wait` seconds. Raises what the step raises.

        A result that nobody was there to take comes back before anything new begins, unless another task is expected.
        """
        running = self._running
        if running is not None and expect is not None and running.name not in ("", expect):
            if not running.task.done():
                raise Refused(
                    "busy",
                    f"{running.address} {running.name} is running, not {expect!r}.",
                    hint="Call `step` without `expect` to wait for it.",
                    address=running.address,
                    name=running.name,
                )
            running = None
        if running is None:
            running = self._running = _Running(engine, begin())
        await running.wait(wait, tell)
        if not running.task.done():
            return running.so_far()
        if self._running is running:
            self._running = None
        return running.result()

    async def let_go(self) -> None:
        """The server ends: stop following. What runs under a supervisor goes on, and the next start follows it."""
        if self._running is not None:
            self._running.task.cancel()
            await asyncio.wait([self._running.task])


class _Running:
    def __init__(self, engine: Engine, events: AsyncIterator[Event]) -> None:
        self.name = ""
        self.address = ""
        self._engine = engine
        self._output = ""
        self._printed = 0
        self._warnings: list[str] = []
        self._conflict: Conflict | None = None
        self._last: Finished | None = None
        self._since = time.monotonic()
        self.task = asyncio.create_task(self._follow(events))

    async def _follow(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            if isinstance(event, Started):
                self.name, self.address = event.name, event.address
            elif isinstance(event, Output):
                self._output = (self._output + event.text)[-_KEPT:]
                self._printed += len(event.text)
            elif isinstance(event, Conflict):
                self._conflict = event
            elif isinstance(event, Warned):
                self._warnings.append(event.message)
            elif isinstance(event, Finished):
                self._last = event
                self.name, self.address = event.name, event.address

    async def wait(self, seconds: float, tell: Tell) -> None:
        until = time.monotonic() + seconds
        while not self.task.done() and (left := until - time.monotonic()) > 0:
            await asyncio.wait([self.task], timeout=min(left, _TELLS_EVERY))
            if not self.task.done():
                lines = self._output.split("\n")
                last = next((line.strip() for line in reversed(lines) if line.strip()), "")
                await tell(time.monotonic() - self._since, last[-200:] or f"{self.name} is running")

    def so_far(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "name": self.name,
            "status": "active",
            "outcome": "running",
            "message": "It is still running.",
            "seconds": round(time.monotonic() - self._since, 3),
            "hint": "Call `step` again to wait for it; that does not run it twice. It goes on by itself.",
            **self._printed_fields(),
        }

    def result(self) -> dict[str, Any]:
        """What came of it; raises for what is an error to an agent: a conflict, an interruption, a refusal."""
        self.task.result()
        last = self._last
        if last is None:
            raise Refused(
                "interrupted", "The step ended without saying how.", hint="`status` shows the plan."
            )
        if last.outcome.value == "conflict":
            raise self._content_changed(last)
        if last.outcome.value == "interrupted":
            raise Refused(
                "interrupted",
                f"{last.address} {last.name}: {last.message}",
                hint="Call `step`: it goes on where that needs nobody, and otherwise says what a person has to do.",
                recovery=recovery_json(self._engine.recovery()),
                **self._printed_fields(),
            )
        return {
            "address": last.address,
            "name": last.name,
            "status": last.status.value if last.status is not None else None,
            "outcome": last.outcome.value,
            "message": last.message,
            "seconds": round(last.seconds, 3),
            **self._printed_fields(),
            **_HINTS.get(last.outcome.value, {}),
        }

    def _printed_fields(self) -> dict[str, Any]:
        found: dict[str, Any] = {"output": self._output}
        if self._printed > len(self._output):
            found["output_left_out"] = self._printed - len(self._output)
        if self._warnings:
            found["warnings"] = self._warnings
        return found

    def _content_changed(self, last: Finished) -> ContentChangedError:
        found = self._conflict
        path = found.path if found is not None else ""
        revision: str | None = None
        with suppress(FlowError):
            revision = self._engine.loom.read(path).revision
        return ContentChangedError(
            last.message,
            address=last.address,
            name=last.name,
            path=path,
            base=found.base if found is not None else None,
            disk=found.disk if found is not None else None,
            edit=found.edit if found is not None else None,
            disk_revision=revision,
        )


_HINTS = {
    "failed": {
        "hint": "Nothing after it runs. Mend the cause; `start` and then `step` run it again. "
        "`skip` and `done` settle it."
    },
    "waiting": {
        "hint": "Do what its name and notes say (`next` shows them) if that is yours to do, then mark it `done`; "
        "else ask a person."
    },
    "nothing": {"hint": "There is nothing to run."},
}
