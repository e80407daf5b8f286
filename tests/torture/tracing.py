"""strace, attached to a process that waits for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CALL = re.compile(r"^([a-z_0-9]+)\((.*)")
"""A system call in a log of strace: its name, and the rest of the line."""


@dataclass(frozen=True, slots=True)
class Point:
    """The Nth call of a name."""

    name: str
    ordinal: int

    def inject(self, what: str, *, times: int | None = 1) -> list[str]:
        """The options of strace that do this to it and the next calls of its name; None: to all of them."""
        last = "+" if times is None else f"..{self.ordinal + times - 1}"
        return ["-e", f"inject={self.name}:{what}:when={self.ordinal}{last}"]


def can_trace() -> bool:
    """Whether strace is here and may trace."""
    tracer = shutil.which("strace")
    if tracer is None:
        return False
    return subprocess.run([tracer, "-o", os.devnull, "true"], capture_output=True).returncode == 0


@contextmanager
def traced(pid: int, root: Path, options: list[str]) -> Iterator[None]:
    """Lets a process that waits for ROOT.go begin under strace; the body waits for its end."""
    command = ["strace", *options, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert tracer.stderr is not None
    with tracer.stderr:
        attached = tracer.stderr.readline()
        go = Path(f"{root}.go")
        go.touch()
        yield
        tracer.wait()
    go.unlink()
    assert "attached" in attached, attached


def down_from(ordinal: int) -> Iterator[int]:
    """It, and ever fewer: what depends on the time is done less often than when it was recorded, or on a busy machine
    hundreds of times more."""
    step = 1
    while ordinal > 0:
        yield ordinal
        ordinal, step = ordinal - step, step * 2
    yield 1
