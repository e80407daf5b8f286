"""One page that shows the app: the app's process, and what goes between it and the browser.

What comes from the browser is checked here: whoever has the key may use the app, not exhaust the machine.
"""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiohttp import WSMessage, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.commands import output

_GOODBYE = 5.0
"""Seconds that the app has to end by itself when its page is gone."""
_READY = b"__GANGLION__\n"
_NUMBER = re.compile(r"[0-9]{1,9}")


class Size(NamedTuple):
    """Cells of a terminal. Every cell takes memory in the app, so there are limits."""

    width: int = 80
    height: int = 24

    @classmethod
    def within_limits(cls, width: int, height: int) -> Size:
        return cls(min(max(width, 20), 500), min(max(height, 5), 300))

    @classmethod
    def asked_for(cls, query: Mapping[str, str]) -> Size:
        """The size that the query of a request names. HTTPBadRequest when that is none."""
        found = {name: query.get(name, str(default)) for name, default in cls()._asdict().items()}
        for name, text in found.items():
            if not _NUMBER.fullmatch(text):
                raise web.HTTPBadRequest(text=f"The {name} of a page is a number of cells.")
        return cls.within_limits(int(found["width"]), int(found["height"]))


class Page(AppService):
    """Shows the app, which `words` start, on the page at the other end of `socket`. The app ends with the page."""

    def __init__(
        self, words: Sequence[str], socket: web.WebSocketResponse, downloads: DownloadManager
    ) -> None:
        super().__init__(
            "",
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=self._close,
            download_manager=downloads,
        )
        self._words = list(words)
        self._socket = socket

    async def show(self, size: Size) -> None:
        """Until the page is closed, or the app is quit."""
        await self.start(*size)
        try:
            async for message in self._socket:
                await self._obey(message)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End the app, in its own time if that is short."""
        with suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(super().stop(), _GOODBYE)
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def run(self) -> None:
        """Hand on what the app draws until it ends; its last words are for whoever started the server."""
        process = self._process
        assert process is not None and process.stdout is not None and process.stderr is not None
        last_words = asyncio.create_task(process.stderr.read())
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await process.stdout.readuntil() != _READY:
                    pass
                while True:
                    await self._hand_on(process.stdout)
            await self._close()
            said = (await last_words).decode("utf-8", "replace").strip()
        finally:
            last_words.cancel()
        if said:
            output.say(output.block(said))

    async def _hand_on(self, drawn: asyncio.StreamReader) -> None:
        kind = await drawn.readexactly(1)
        payload = await drawn.readexactly(int.from_bytes(await drawn.readexactly(4), "big"))
        match kind:
            case b"D":
                await self.on_data(payload)
            case b"M":
                await self.on_meta(payload)
            case b"P":
                await self.on_packed(payload)

    async def _obey(self, message: WSMessage) -> None:
        """Do what the page asks for; what it cannot ask for does nothing."""
        if message.type is not WSMsgType.TEXT:
            return
        try:
            told: Any = json.loads(message.data)
        except (ValueError, RecursionError):
            return
        match told:
            case ["stdin", str(keys)]:
                if data := keys.encode("utf-8", "ignore"):  # the app takes an empty packet for the end
                    await self.send_bytes(data)
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(*Size.within_limits(width, height))
            case ["ping", data]:
                await self._socket.send_json(["pong", data])
            case ["blur", *_]:
                await self.blur()
            case ["focus", *_]:
                await self.focus()

    async def _close(self) -> None:
        with suppress(ConnectionError):
            await self._socket.close()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        environment = self._build_environment(width, height) | {"TEXTUAL_DRIVER": "tui.served:PageDriver"}
        process = await asyncio.create_subprocess_exec(
            *self._words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
        )
        self._process, self._stdin = process, process.stdin
        return process
