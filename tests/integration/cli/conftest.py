"""Real `flow` processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest


class Ran:
    """What a command printed and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        assert "Traceback" not in self.out + self.err, self.err

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Flow(Protocol):
    def __call__(self, *arguments: str, cwd: Path, stdin: str = "") -> Ran: ...


FLOW = [sys.executable, "-P", "-m", "tui"]


@pytest.fixture
def flow() -> Flow:
    """Runs `flow ARGUMENTS` in a folder."""

    def run(*arguments: str, cwd: Path, stdin: str = "") -> Ran:
        done = subprocess.run(
            [*FLOW, *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        return Ran(done)

    return run
