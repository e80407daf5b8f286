"""`flow mcp` answers what is no request, too: whoever sent it waits."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.conftest import MakeProject

HELLO: dict[str, object] = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "tester", "version": "1"},
    },
}
HALF = "\ud800"


def call(number: object, tool: str, given: object) -> dict[str, object]:
    params = {"name": tool, "arguments": given}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


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
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", "mcp"],
        cwd=make_project({"status.md": "- [ ] One\n"}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert server.stdin is not None and server.stdout is not None
    answers: list[Any] = []
    for _, line in lines:
        server.stdin.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n\n")
        server.stdin.flush()
        answers.append(json.loads(server.stdout.readline()))
    assert [answer["id"] for answer in answers] == [number for number, _ in lines]
    assert [answer["error"]["code"] for answer in answers[1:5]] == [-32700] * 4
    assert [answer["error"]["code"] for answer in answers[5:9]] == [-32600, -32600, -32700, -32700]
    assert all(answer["result"]["isError"] for answer in answers[9:11])
    assert answers[-1]["result"]["structuredContent"]["task"]["name"] == "One"
    _, said = server.communicate(timeout=60)
    assert (server.returncode, said) == (0, b"")
