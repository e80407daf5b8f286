"""What system calls a piece of work makes, and the same work with one of them killed or failed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.torture.tracing import CALL, Point, traced

ACTIONS = Path(__file__).with_name("actions.py")
# The marks, and the waiting before them, of which nobody knows how long it takes; and the question who one is, which
# locks ask when they are collected, at whatever time that is.
_SILENT = {"access", "clock_nanosleep", "restart_syscall", "getpid"}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    said: tuple[str, ...]


class Stage:
    """A process in which the work is loaded once; each run of it is a fork with a strace of its own."""

    def __init__(self, system: str = "native") -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-B", str(ACTIONS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "FLOW_PLATFORM": system},
        )

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def _run(
        self, action: str, root: Path, options: list[str], *, log: str = os.devnull, shorten: str = "no"
    ) -> Ran:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(f"{action} {root} {shorten}\n")
        self._server.stdin.flush()
        pid = int(self._server.stdout.readline())
        with traced(pid, root, ["-o", log, *options]):
            code = int(self._server.stdout.readline())
        return Ran(code, tuple(Path(f"{root}.said").read_text().split("\n")[:-1]))

    def record(self, action: str, root: Path, log: Path) -> list[Point]:
        """Every system call between the marks, by name and ordinal."""
        self._run(action, root, [], log=str(log))
        counts: Counter[str] = Counter()
        points: list[Point] = []
        inside = False
        for line in log.read_text(errors="replace").splitlines():
            match = CALL.match(line)
            if match is None:
                continue
            name = match[1]
            counts[name] += 1
            if "flow-torture-begin" in line:
                inside = True
            elif "flow-torture-end" in line:
                inside = False
            elif inside and name not in _SILENT:
                points.append(Point(name, counts[name]))
        assert points
        return points

    def inject(self, action: str, root: Path, point: Point, what: str, *, times: int | None = 1) -> Ran:
        """Runs the work with a signal or an error at this point and the next ones; `times` as for `Point.inject`."""
        return self._run(action, root, point.inject(what, times=times))

    def shorten(self, action: str, root: Path, how: str) -> Ran:
        """Runs the work with writes that come up short; `how` as for `actions.shorten`. Ends with `writes N`."""
        return self._run(action, root, [], shorten=how)
