"""Answers lines that are no message of the protocol, where the package of the protocol is silent: who sent one would
wait for an answer for ever.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic import ValidationError


@asynccontextmanager
async def answering(incoming: Any, outgoing: Any) -> AsyncIterator[MemoryObjectReceiveStream[SessionMessage]]:
    """The messages of `incoming`, which ends as it does; what is none is answered through `outgoing`."""
    send, receive = anyio.create_memory_object_stream[SessionMessage](0)
    async with send, receive, anyio.create_task_group() as tasks:
        tasks.start_soon(_sort, incoming, send, outgoing)
        yield receive
        tasks.cancel_scope.cancel()


async def _sort(incoming: Any, messages: MemoryObjectSendStream[SessionMessage], outgoing: Any) -> None:
    async with incoming, messages:
        async for each in incoming:
            if not isinstance(each, Exception):
                await messages.send(each)
            elif (refusal := _refusal(each)) is not None:
                await outgoing.send(SessionMessage(refusal))


def _refusal(error: Exception) -> types.JSONRPCError | None:
    """What to answer to the line that led to this error; None for an empty one."""
    found = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
    given = found["input"] if found is not None else None
    if isinstance(given, str) and not given.strip():
        return None
    if found is None or found["type"] != "json_invalid":
        code, message = (
            types.INVALID_REQUEST,
            "This is no message of the protocol: a request has an id and a method.",
        )
    else:
        code, message = types.PARSE_ERROR, f"This line cannot be read: {found['msg']}."
    data = types.ErrorData(code=code, message=message.encode("utf-8", "replace").decode())
    return types.JSONRPCError(jsonrpc="2.0", id=_id_in(given), error=data)


def _id_in(given: object) -> str | int | None:
    """The id of a request that cannot be read otherwise, a text with half a character for example."""
    try:
        told = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        return None
    found = told.get("id") if isinstance(told, dict) else None
    if isinstance(found, str) and found.isprintable():  # what is half a character is not printable
        return found
    return found if type(found) is int else None
