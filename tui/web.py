"""The app in a browser: a web server of Textual's makers, behind a key, that starts the app for every page.

Any page of any site that a browser shows may send requests to this machine, and so may every other user of it. So
nothing is answered without the key, which the first request brings in its query and the next ones as a cookie; no other
site may open the connection (`Origin`), and no foreign name may lead here (`Host`).
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web
from textual_serve.server import Server

from engine import StorageError, UsageError
from tui.commands import output
from tui.loopback import is_loopback
from tui.page import Page, Size

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; frame-ancestors 'none'"
)


class Site(Server):
    """Serves the project at `root`. `key` is asked for; the app runs in the project's folder."""

    def __init__(self, root: Path, host: str, port: int, *, readonly: bool = False) -> None:
        self.root = root
        self.key = secrets.token_urlsafe(24)
        # `-P`: no module of the project is imported.
        self._words = [sys.executable, "-P", "-m", "tui.served", *(["--readonly"] if readonly else [])]
        self._sockets: set[web.WebSocketResponse] = set()
        super().__init__("", host, port, title="Flow Manager")

    @property
    def address(self) -> str:
        """Where a browser finds it, with the key."""
        host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/?key={self.key}"

    def serve(self, debug: bool = False) -> None:
        """Serves until ctrl+c or SIGTERM. UsageError when the address cannot be had."""
        try:
            os.chdir(self.root)
        except OSError as error:
            raise StorageError(f"The folder {self.root} cannot be entered: {error.strerror}.") from error
        try:
            asyncio.run(self._serve())
        except KeyboardInterrupt:  # where a signal cannot be waited for
            return

    async def _serve(self) -> None:
        runner = web.AppRunner(await self._make_app(), access_log=None)
        await runner.setup()
        try:
            await self._listen(runner)
            output.put(self.address)
            output.say("Open this address in a browser; ctrl+c ends it.")
            await _ending()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                what, hint = f"Port {self.port} of {self.host} is in use.", "--port takes another one."
            else:
                what, hint = (
                    f"{self.host} cannot be listened at: {error.strerror or error}.",
                    "--host takes another.",
                )
            raise UsageError(what, hint=hint) from error

    async def on_startup(self, app: web.Application) -> None:
        """Where it is can be said once it listens."""

    async def on_shutdown(self, app: web.Application) -> None:
        """The pages end with the server."""
        for page in list(self._sockets):
            await page.close(code=WSCloseCode.GOING_AWAY)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_protect)
        return app

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, which leads back to wherever the browser found it."""
        self.public_url = f"http://{request.host}"
        response: web.StreamResponse = await super().handle_index(request)
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict")
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A page and its app, until one of them ends."""
        page = web.WebSocketResponse(heartbeat=15)
        if not page.can_prepare(request).ok:
            raise web.HTTPBadRequest(
                text="The page connects here; a browser is led to it by the address of the page."
            )
        size = Size.asked_for(request.query)
        await page.prepare(request)
        self._sockets.add(page)
        try:
            await Page(self._words, page, self.download_manager).show(size)
        finally:
            self._sockets.discard(page)
        return page

    @property
    def _cookie(self) -> str:
        return f"flow-{self.port}"  # a browser keeps the cookies of all ports of a machine together

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not self._is_ours(request.host) or (
            origin is not None and urlsplit(origin).netloc != request.host
        ):
            raise web.HTTPForbidden(text="This page is not for other sites.")
        given = request.cookies.get(self._cookie) or request.query.get("key", "")
        if not any(
            secrets.compare_digest(one.encode("utf-8", "replace"), self.key.encode())
            for one in (given, request.query.get("key", ""))
        ):
            raise web.HTTPForbidden(text="This address lacks its key: `flow serve` printed the whole of it.")
        return await handler(request)

    def _is_ours(self, host: str) -> bool:
        """Whether a request may name us so. At an address of this machine only it is that address, or localhost."""
        if not _HOST.fullmatch(host):
            return False
        name = (urlsplit(f"//{host}").hostname or "").lower()
        return is_loopback(name) or not is_loopback(self.host)


async def _ending() -> None:
    """Returns when ctrl+c or a signal asks for the end."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        with suppress(NotImplementedError):  # there, a signal ends the process as it is
            asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await asked.wait()


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
