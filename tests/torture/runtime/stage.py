"""The engine, loaded once; each command of it is a fork, and may be killed at a system call of its choice."""

from __future__ import annotations

import compileall
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.torture.tracing import CALL, Point, traced

_ACTIONS = Path(__file__).with_name("actions.py")
KILL = "signal=KILL"
PATIENCE = 30.0
"""Seconds after which a command waits for ever."""
# The calls that change something, here or in another process; being killed at any other is being killed at the next
# of these. `getpriority` stands for opens that may make a file (see actions.py), and `exit_group` for the end.
CHANGING = frozenset(
    """
    write pwrite64 writev sendto creat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir
    mkdirat rmdir truncate ftruncate fallocate fsync fdatasync sync_file_range chmod fchmod fchmodat chown fchown
    fchownat setxattr fsetxattr utimensat fcntl flock clone clone3 fork vfork execve kill tgkill setsid setpgid
    pipe pipe2 prctl getpriority exit_group
    """.split()  # noqa: SIM905
)
# Calls of the interpreter for itself, or of which nobody knows how many there will be: `getsid` is made for every
# process of the machine, and in a step only where the supervisor ends between two looks at it.
_ITS_OWN = frozenset(
    """
    brk mmap munmap madvise mremap mprotect futex clock_nanosleep rt_sigaction rt_sigprocmask getpid getsid
    """.split()  # noqa: SIM905
)
# Looks at running work after which one call of each is enough.
_ROUNDS = 2
# A shell, since the tracer must not carry the mark of the run, by which it would count as work that survived.
_UNMARKED = 'run=$FLOW_RUN; unset FLOW_RUN; exec strace -DDD -E FLOW_RUN="$run" "$@"'


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: `code` is its exit status (negative: the signal), the rest is what it said."""

    code: int
    outcome: str
    message: str


class Stage:
    """A process that makes the forks. `home`: the home folder that the engines have."""

    def __init__(self, home: Path) -> None:
        # Else the step that is recorded is the one that writes down what it compiles, and no later one makes its calls.
        compileall.compile_dir(_ACTIONS.parents[3] / "engine", quiet=2)
        self._server = subprocess.Popen(
            [sys.executable, str(_ACTIONS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": str(_ACTIONS.parents[3]),
                "PYTHONDONTWRITEBYTECODE": "",
                "HOME": str(home),
                **{f"XDG_{name}_HOME": str(home / name) for name in ("STATE", "CONFIG", "DATA", "CACHE")},
                "FLOW_TRUST": "1",
                "FLOW_ACTOR": "tester",
            },
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

    def run(self, action: str, root: Path) -> Said:
        """The command, left alone."""
        return self._run(action, root)

    def record_engine(self, action: str, root: Path, log: Path) -> list[Point]:
        """The points of the engine in this command."""
        self._run(action, root, engine=["-o", str(log)])
        return _points(log.read_text(errors="replace"), {"openat"})

    def record_supervisor(self, root: Path, log: Path) -> list[Point]:
        """The points of the supervisor in a step, the start of its interpreter included."""
        self._run("step", root, supervisor=["-o", str(log)])
        return _points(_whole(log), {"execve"})  # which is the tracer's own

    def kill_engine(self, action: str, root: Path, point: Point) -> Said:
        """The command, killed before it enters this call."""
        return self._run(action, root, engine=["-o", os.devnull, *point.inject(KILL)])

    def kill_supervisor(self, root: Path, point: Point, log: Path) -> tuple[Said, bool]:
        """A step whose supervisor is killed before it enters this call, and whether it was."""
        said = self._run("step", root, supervisor=["-o", str(log), *point.inject(KILL)])
        return said, "+++ killed by SIGKILL" in _whole(log)

    def _run(
        self,
        action: str,
        root: Path,
        *,
        engine: list[str] | None = None,
        supervisor: list[str] | None = None,
    ) -> Said:
        wrapper = ["/bin/sh", "-c", _UNMARKED, "sh", *supervisor] if supervisor is not None else []
        order = {"action": action, "root": str(root), "traced": engine is not None, "supervisor": wrapper}
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        self._server.stdin.flush()
        child = self._number()
        with nullcontext() if engine is None else traced(child, root, engine):
            code = self._end_of(child)
        said = Path(f"{root}.said")
        if code != 0:
            return Said(code, "", "")
        answer = json.loads(said.read_bytes())
        said.unlink()
        return Said(code, answer["outcome"], answer["message"])

    def _end_of(self, child: int) -> int:
        assert self._server.stdout is not None
        if not select.select([self._server.stdout], [], [], PATIENCE)[0]:
            os.kill(child, signal.SIGKILL)
            self._number()
            raise AssertionError(f"it waits for ever: more than {PATIENCE:g} s")
        return self._number()

    def _number(self) -> int:
        """The next line of the answer; lines are read one by one, so that nothing waits in a buffer of ours."""
        assert self._server.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            one = os.read(self._server.stdout.fileno(), 1)
            assert one, "the stage is gone"
            line += one
        return int(line)


def _points(log: str, silent: set[str]) -> list[Point]:
    """The calls that change something; and, since running work changes things by itself, every call while it has just
    begun, and one for every look at it afterwards."""
    counts: Counter[str] = Counter()
    points: list[Point] = []
    between: list[Point] = []
    is_parent, rounds = False, 0
    for line in log.splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        if "flow-torture-end" in line:
            break
        name = match[1]
        counts[name] += 1
        if (name in CHANGING or (name == "openat" and "O_CREAT" in match[2])) and name not in silent:
            points.append(Point(name, counts[name]))
            is_parent = is_parent or name == "vfork"
        elif name == "futex":  # a pause, in which the work goes on
            points += between if rounds < _ROUNDS else between[:1]
            between = []
            rounds += is_parent
        elif is_parent and name not in _ITS_OWN:
            between.append(Point(name, counts[name]))
    assert points
    return points


def _whole(log: Path) -> str:
    """The log of a tracer that is on its own, when it has come to its end."""
    until = time.monotonic() + PATIENCE
    while True:
        text = log.read_text(errors="replace") if log.exists() else ""
        if text.endswith("+++\n"):
            return text
        assert time.monotonic() < until, "the supervisor waits for ever"
        time.sleep(0.005)
