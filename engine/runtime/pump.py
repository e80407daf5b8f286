"""From a blocking generator of events to an asynchronous one: one call in a thread at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import suppress
from typing import Any

from engine.runtime.events import Event


async def pump(make: Callable[[], Generator[Event | None, None, Any]]) -> AsyncIterator[Event]:
    """The events of the generator that `make` returns, advanced in a worker thread.

    When the consumer lets go, the generator is closed where it stands: locks are released, processes go on.
    """
    steps = make()
    try:
        while True:
            event = await _advance(steps)
            if isinstance(event, _End):
                return
            if event is not None:
                yield event
    finally:
        steps.close()


class _End:
    """What a generator that has ended gives; StopIteration cannot cross a future."""


_END = _End()


async def _advance(steps: Generator[Event | None, None, Any]) -> Event | _End | None:
    import asyncio  # takes long to import, and reading needs none

    future = asyncio.get_running_loop().run_in_executor(None, _next, steps)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        # The thread still stands inside the generator; it cannot be closed before it is out, however often it is
        # cancelled. What it raises then has nobody to go to.
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if not future.cancelled():
            future.exception()
        raise


def _next(steps: Generator[Event | None, None, Any]) -> Event | _End | None:
    return next(steps, _END)
