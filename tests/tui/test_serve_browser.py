"""`flow serve` in headless Chromium, driven through chromedriver by plain W3C calls."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.tui.conftest import free_port

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,800",
]
SECONDS = 60.0

# What xterm.js shows is in a canvas; the rows are in the buffer of the terminal and nowhere in the document. So the
# test reads the frames of the web socket, which is what is drawn, by listening in before the page opens it. A frame
# waits for the one before it: `seen += await ...` would take what was seen before the wait and lose what came in it.
LISTEN = """
window.seen = '';
let heard = Promise.resolve();
const open = window.WebSocket;
window.WebSocket = function (...words) {
  const socket = new open(...words);
  window.opened = socket;
  socket.addEventListener('message', ({data}) => {
    heard = heard.then(async () => {
      const text = typeof data === 'string' ? data : await new Response(data).text();
      window.seen += text;
    });
  });
  return socket;
};
window.WebSocket.prototype = open.prototype;
Object.assign(window.WebSocket, {CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3});
"""


@contextmanager
def serving(root: Path, *words: str) -> Iterator[tuple[str, int]]:
    """The address with its key, and the port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", "serve", "--port", str(port), *words],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield address, port
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def answer(port: int, path: str, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


PLAN = {
    "status.md": "- [ ] First of all\n- [ ] Second thing\n- [ ] [Third](sub.md)\n",
    "sub.md": "- [ ] Inside\n",
}
MakeProject = Callable[[Mapping[str, str]], Path]


def test_nothing_is_answered_without_the_key_to_another_site_or_under_a_foreign_name(
    make_project: MakeProject,
) -> None:
    with serving(make_project(PLAN)) as (address, port):
        key = address.partition("?")[2]
        assert address == f"http://127.0.0.1:{port}/?{key}"
        assert answer(port, f"/?{key}") == 200
        assert answer(port, f"/?{key}", Host=f"localhost:{port}") == 200
        cookie = f"flow-{port}={key.removeprefix('key=')}"
        assert answer(port, "/static/js/textual.js", Cookie=cookie) == 200
        for path in ("/", "/ws", "/static/js/textual.js", "/?key=", "/?key=wrong", "/download/x"):
            assert answer(port, path) == 403, path
        assert answer(port, f"/?{key}", Host="evil.example") == 403
        assert answer(port, f"/ws?{key}", Origin="http://evil.example") == 403
        assert answer(port, f"/ws?{key}", Origin="null") == 403


class Browser:
    """One session of headless Chromium."""

    def __init__(self, port: int, profile: Path) -> None:
        self.port = port
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"], "binary": CHROMIUM}
        capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self.session = ""
        self.session = self.call("POST", "session", {"capabilities": capabilities})["sessionId"]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        where = f"/session/{self.session}/{path}".rstrip("/") if self.session else f"/{path}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{where}",
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def run(self, script: str) -> Any:
        return self.call("POST", "execute/sync", {"script": script, "args": []})

    def press(self, key: str) -> None:
        typed = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "actions", {"actions": [{"type": "key", "id": "keyboard", "actions": typed}]})

    def sees(self, *words: str, since: int = 0) -> int:
        """Waits until all words came through the web socket behind `since`; answers with how much came so far."""
        deadline = time.monotonic() + SECONDS
        while True:
            seen: str = self.run("return window.seen")
            if all(word in seen[since:] for word in words):
                return len(seen)
            if time.monotonic() > deadline:
                raise AssertionError(f"{words} did not come: {seen[-3_000:]!r}")
            time.sleep(0.1)


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    assert DRIVER is not None
    port = free_port()
    process = subprocess.Popen(
        [DRIVER, f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5).close()
                break
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        browser = Browser(port, folder / "profile")
        try:
            yield browser
        finally:
            browser.call("DELETE", "")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver (Debian's packages)"
)
def test_the_tree_is_on_the_page_and_a_key_moves_it(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PLAN).rename(tmp_path / "a 'project' $(touch pwned); \"x\" & y")
    with serving(project) as (address, _), browsing(tmp_path) as browser:
        browser.call("POST", "goog/cdp/execute", {"cmd": "Page.enable", "params": {}})
        listen = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": LISTEN}}
        browser.call("POST", "goog/cdp/execute", listen)
        browser.call("POST", "url", {"url": address})
        at = browser.sees("First of all", "Second thing", "sub.md")
        browser.run("document.querySelector('textarea').focus()")
        browser.press("j")
        browser.sees("2  Second thing", since=at)  # the title of the details: it is selected
        picture = base64.b64decode(browser.call("GET", "screenshot"))
        (tmp_path / "picture.png").write_bytes(picture)
        assert len(picture) > 10_000  # an empty page is much smaller
        at = browser.sees("Second thing")
        browser.press("x")
        browser.sees("Done: Second thing", since=at)
    assert "- [x] Second thing" in (project / ".flow/status.md").read_text()
    assert not [path for path in tmp_path.rglob("pwned*") if path.is_file()]
