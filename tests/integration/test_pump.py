"""The bridge from a blocking generator to an asynchronous one, where the consumer goes before the generator is out."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Generator
from typing import Any

import pytest

from engine import Event, StateError
from engine.runtime.pump import pump


@pytest.mark.parametrize("times", [1, 3])
async def test_an_error_after_the_consumer_let_go_is_no_complaint_of_the_event_loop(times: int) -> None:
    entered, go_on = threading.Event(), threading.Event()
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def steps() -> Generator[Event | None, None, Any]:
        yield None
        entered.set()
        go_on.wait(60)
        raise StateError("Too late for anybody.")

    async def consume() -> None:
        async for _ in pump(steps):
            pass

    consumer = asyncio.create_task(consume())
    assert await asyncio.to_thread(entered.wait, 60)
    for _ in range(times):  # some cancel again and again until it has its effect
        consumer.cancel()
        await asyncio.sleep(0.01)
    let_go = consumer.done()
    go_on.set()
    assert not let_go
    with pytest.raises(asyncio.CancelledError):
        await consumer
    del consumer
    gc.collect()
    assert complaints == []
