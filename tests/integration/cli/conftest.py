"""Runs `flow` commands on real projects."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest

from tui.cli import main


class Ran:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err
        assert "Traceback" not in out + err, err

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Flow(Protocol):
    def __call__(self, *arguments: str, cwd: Path, stdin: str = "") -> Ran: ...


FLOW = [sys.executable, "-P", "-m", "tui"]


@pytest.fixture
def flow_process() -> Flow:
    """Runs `flow ARGUMENTS` in a folder, as a process of its own."""

    def run(*arguments: str, cwd: Path, stdin: str = "") -> Ran:
        done = subprocess.run(
            [*FLOW, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Flow:
    """Runs `flow ARGUMENTS` in a folder, all of it but the start of an interpreter."""

    def run(*arguments: str, cwd: Path, stdin: str = "") -> Ran:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
            capfd.readouterr()
            code = main(arguments)
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


def script(name: str, body: str, marker: str = " ") -> str:
    """A task with this script, as it stands in a plan."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"- [{marker}] [Script] {name}\n    ```sh\n{lines}    ```\n"
