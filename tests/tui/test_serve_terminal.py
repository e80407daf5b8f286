"""`flow serve` in a terminal: a page has none to lend, whichever terminal the server was started in."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp

from tests.terminal import Terminal
from tests.tui.conftest import free_port

SECONDS = 60.0
PLAN = "- [ ] [Script] Ask\n    ```sh tty\n    read -p 'your name? ' name\n    ```\n- [ ] Next\n"


async def test_a_script_that_asks_for_a_terminal_is_told_that_a_page_has_none(
    make_project: Callable[[Mapping[str, str]], Path],
) -> None:
    root = make_project({"status.md": PLAN})
    port = free_port()
    argv = [sys.executable, "-P", "-m", "tui", "serve", "--port", str(port)]
    with Terminal(argv, cwd=root) as terminal:
        terminal.wait_for("ctrl+c ends it.")
        found = re.search(rb"\?key=(\S+)", bytes(terminal.raw))
        assert found is not None
        place = f"http://127.0.0.1:{port}"
        ticket = {"Origin": place, "Cookie": f"flow-{port}={found[1].decode()}"}
        async with aiohttp.ClientSession() as session:
            page = await connected(session, f"{place}/ws?width=200&height=30", ticket)
            seen = bytearray()

            async def sees(words: bytes) -> None:
                until = time.monotonic() + SECONDS
                while words not in seen:
                    message = await page.receive(SECONDS)
                    assert time.monotonic() < until, seen[-2_000:]
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), seen[-2_000:]
                    seen.extend(message.data if isinstance(message.data, bytes) else message.data.encode())

            await sees("› next".encode())
            await page.send_str(json.dumps(["stdin", "s"]))
            await sees(b"it needs a terminal, and there is none")
            terminal.read(0)
            assert b"your name?" not in terminal.raw
            terminal.send("\x03")  # ends the server, and with it the page
            while (await page.receive(SECONDS)).type != aiohttp.WSMsgType.CLOSED:
                pass


async def connected(
    session: aiohttp.ClientSession, address: str, ticket: Mapping[str, str]
) -> aiohttp.ClientWebSocketResponse:
    for _ in range(600):
        try:
            return await session.ws_connect(address, headers=ticket)
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise TimeoutError(address)
