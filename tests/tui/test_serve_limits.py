"""`flow serve`: what a page may ask for, and that its app ends when the page or the server does."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.integration.conftest import is_running
from tests.tui.conftest import free_port
from tui.page import Size

SECONDS = 120.0
PLAN = {"status.md": "- [ ] First of all\n- [ ] Second thing\n"}
MakeProject = Callable[[Mapping[str, str]], Path]
WaitFor = Callable[..., None]


class Server:
    """`flow serve` as a process of its own. What it says on stderr is in `said`."""

    def __init__(self, root: Path, errors: Path) -> None:
        self.port = free_port()
        self.errors = errors
        with errors.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tui", "serve", "--port", str(self.port)],
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.origin = f"http://127.0.0.1:{self.port}"
        key = self.address.rpartition("=")[2]
        self.ticket = {"Origin": self.origin, "Cookie": f"flow-{self.port}={key}"}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            for app in self.apps():
                with suppress(psutil.NoSuchProcess):
                    app.kill()
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def said(self) -> str:
        return self.errors.read_text()

    def apps(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def server(make_project: MakeProject, tmp_path: Path) -> Iterator[Server]:
    with Server(make_project(PLAN), tmp_path / "errors") as started:
        yield started


async def shown(page: aiohttp.ClientWebSocketResponse, words: bytes) -> None:
    """Waits until the page was sent these words."""
    seen = bytearray()
    until = time.monotonic() + SECONDS
    while words not in seen:
        assert time.monotonic() < until, seen[-2_000:]
        message = await page.receive(SECONDS)
        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), seen[-2_000:]
        seen.extend(message.data if isinstance(message.data, bytes) else message.data.encode())


async def test_the_address_is_printed_when_it_can_be_opened(server: Server) -> None:
    async with aiohttp.ClientSession() as session, session.get(server.address) as page:
        assert page.status == 200


async def test_a_request_that_is_no_page_is_refused_in_silence(server: Server) -> None:
    key = server.address.partition("?")[2]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{server.origin}/ws?{key}") as answer:
            assert answer.status == 400
            assert "The page connects here" in await answer.text()
        for size in ("width=x", "height=1e9", "width=-5", "height=", "width=" + "9" * 5_000):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{server.origin}/ws?{size}", headers=server.ticket)
            assert caught.value.status == 400, size
        async with session.get(f"{server.origin}/?{key}") as answer:
            assert answer.status == 200
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        raw.settimeout(SECONDS)
        assert b"400" in raw.recv(1000)
    assert server.apps() == []
    assert server.said.splitlines()[1:] == []


async def test_a_page_cannot_be_larger_than_a_screen(server: Server, wait_for: WaitFor) -> None:
    async with aiohttp.ClientSession() as session:
        page = await session.ws_connect(
            f"{server.origin}/ws?width=99999999&height=99999999", headers=server.ticket
        )

        def asked() -> list[tuple[str | None, str | None]]:
            """The screens for which apps were started. One that begins right now may be a part of the server still."""
            with suppress(psutil.Error, OSError):
                given = [app.environ() for app in server.apps()]
                return [(one.get("COLUMNS"), one.get("ROWS")) for one in given]
            return []

        await asyncio.to_thread(wait_for, lambda: asked() == [("500", "300")], SECONDS)
        await page.close()


async def test_what_a_page_cannot_ask_for_does_nothing(server: Server) -> None:
    nonsense = (
        "{}",
        "[]",
        "[1",
        "[" * 100_000,
        '["stdin", 5]',
        '["resize", {"width": "x", "height": 1e999}]',
    )
    async with aiohttp.ClientSession() as session:
        page = await session.ws_connect(f"{server.origin}/ws?width=100&height=30", headers=server.ticket)
        await shown(page, "› next 1 First of all".encode())  # before that, it is still being read
        for text in nonsense:
            await page.send_str(text)
        await page.send_bytes(b"\xff")
        await page.send_str('["stdin", "\\ud800"]')
        await page.send_str(json.dumps(["stdin", "x"]))
        await shown(page, b"Done: First of all")
        (app,) = server.apps()
        await page.send_str(json.dumps(["resize", {"width": 10**9, "height": 10**9}]))
        await page.send_str(json.dumps(["stdin", "jx"]))
        await shown(page, b"Done: Second thing")
        assert app.memory_info().rss < 500 << 20
        await page.close()
    assert server.said.splitlines()[1:] == []


def test_sizes_stay_within_limits() -> None:
    assert Size.within_limits(10**9, -(10**9)) == (500, 5)
    assert Size.within_limits(0, 10**9) == (20, 300)


@pytest.mark.parametrize(
    "end", ["page", signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, "stuck"]
)
async def test_the_app_ends_with_its_page_and_with_the_server(
    server: Server, wait_for: WaitFor, end: str | signal.Signals
) -> None:
    async with aiohttp.ClientSession() as session:
        page = await session.ws_connect(f"{server.origin}/ws?width=100&height=30", headers=server.ticket)
        await shown(page, b"Second thing")
        (app,) = server.apps()
        if end == "stuck":
            app.suspend()
            server.process.send_signal(signal.SIGTERM)
        elif end == "page":
            await page.close()
        else:
            assert isinstance(end, signal.Signals)
            server.process.send_signal(end)
        await asyncio.to_thread(wait_for, lambda: not is_running(app.pid), SECONDS)
        if end != "page":
            assert await asyncio.to_thread(server.process.wait, SECONDS) == (
                -9 if end is signal.SIGKILL else 0
            )
        await page.close()
    assert "Traceback" not in server.said
