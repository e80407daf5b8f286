"""`flow mcp` line by line, without a client: it answers what is no request, too, since whoever sent it waits; and a
client may die."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW
from tests.integration.conftest import is_running

LIMIT = 300.0
"""Seconds to wait for what has to come: a busy machine takes long to import the protocol."""

HELLO: dict[str, object] = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw\u0007", "version": "1"},
    },
}
READY: dict[str, object] = {"jsonrpc": "2.0", "method": "notifications/initialized"}
HALF = "\ud800"


def call(number: object, tool: str, given: object) -> dict[str, object]:
    params = {"name": tool, "arguments": given}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def start(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*FLOW, "mcp"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def send(server: subprocess.Popen[bytes], *messages: object) -> None:
    """Sends lines: those that are bytes as they are, everything else as JSON."""
    assert server.stdin is not None
    for message in messages:
        server.stdin.write((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")
    server.stdin.flush()


def heard(server: subprocess.Popen[bytes]) -> Any:
    """Waits for a line of the server."""
    assert server.stdout is not None and server.stderr is not None
    line = server.stdout.readline()
    assert line, server.stderr.read()
    return json.loads(line)


def test_every_line_is_answered(make_project: MakeProject) -> None:
    lines: list[tuple[object, object]] = [
        (0, HELLO),
        (1, call(1, "add", {"what": HALF})),
        (2, call(2, HALF, {})),
        (None, call(HALF, "next", {})),
        (3, {"jsonrpc": "2.0", "id": 3, "method": HALF}),
        (4, {"jsonrpc": "2.0", "id": 4}),
        (None, []),
        (None, b"nonsense"),
        (None, b'{"id": ' + b"[" * 100_000),
        (5, call(5, "status", {"limit": float("nan")})),
        (6, call(6, "add", {"what": "x" * 3_000_000, "unknown": 1})),
        (7, call(7, "next", {})),
        (7, call(7, "next", {})),
    ]
    server = start(make_project({"status.md": "- [ ] One\n"}))
    answers: list[Any] = []
    for _, line in lines:
        send(server, line, b"")
        answers.append(heard(server))
    assert [answer["id"] for answer in answers] == [number for number, _ in lines]
    assert [answer["error"]["code"] for answer in answers[1:5]] == [-32700] * 4
    assert [answer["error"]["code"] for answer in answers[5:9]] == [-32600, -32600, -32700, -32700]
    assert all(answer["result"]["isError"] for answer in answers[9:11])
    assert answers[-1]["result"]["structuredContent"]["task"]["name"] == "One"
    _, said = server.communicate(timeout=LIMIT)
    assert (server.returncode, said) == (0, b"")


def test_nonsense_does_not_end_the_server(make_project: MakeProject) -> None:
    server = start(make_project({"status.md": "- [ ] One\n"}))
    send(server, HELLO, READY, b"nonsense", b"\xff\xfe\x00", b"[]", b'{"jsonrpc": "2.0"}', b"{" * 5000)
    send(
        server,
        {"jsonrpc": "2.0", "id": 2, "method": "no/such"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call"},
    )
    send(server, call(4, "done", {"address": 7}), call(5, "next", {}))
    while (last := heard(server)).get("id") != 5:
        pass
    assert last["result"]["structuredContent"]["task"]["name"] == "One"
    server.communicate(timeout=LIMIT)
    assert server.returncode == 0


@pytest.mark.parametrize("how", ["eof", "kill", "term"])
def test_a_client_that_dies_in_a_call_leaves_the_work_running(
    make_project: MakeProject, how: str, wait_for: Callable[..., None]
) -> None:
    script = "touch ran; while [ ! -e go ]; do sleep 0.05; done; touch finished"
    root = make_project({"status.md": f"- [ ] [Script] Long\n    ```sh\n    {script}\n    ```\n"})
    server = start(root)
    send(server, HELLO, READY, call(2, "step", {"wait": 600}))
    wait_for((root / "ran").exists, LIMIT)
    if how == "eof":
        server.communicate(timeout=LIMIT)
        assert server.returncode == 0
    else:
        server.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
        server.communicate(timeout=LIMIT)
        assert server.returncode == (-signal.SIGKILL if how == "kill" else 128 + signal.SIGTERM)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume == "follow"
    (root / "go").touch()
    wait_for((root / "finished").exists, LIMIT)
    wait_for(lambda: not any(map(is_running, recovery.children)), LIMIT)
