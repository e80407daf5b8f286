"""Flow Manager as a child process of the demonstration, which survives when that child is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PID_FILE = Path(".demo", "pid")


def run_flow(
    root: Path,
    arguments: Sequence[str] = (),
    *,
    stdout: IO[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run `flow ARGUMENTS` in `root` and wait for it. Returns its exit code, negative for the signal that
    ended it.

    While it runs, `$FLOW_DEMO_PID_FILE` names a file with its process id: that is whom the demonstration
    crash kills.
    """
    pid_file = root / _PID_FILE
    pid_file.parent.mkdir(exist_ok=True)
    # The plan's scripts say python3; where only another name is installed, the interpreter that runs us is
    # found last.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", *arguments],
        cwd=root,
        env={**os.environ, "PATH": path, "FLOW_DEMO_PID_FILE": str(pid_file), **(environment or {})},
        stdout=stdout,
    )
    pid_file.write_text(str(child.pid), "ascii")
    # ctrl+c reaches the whole group: what it means is the child's to say, and we wait for that.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if child.poll() is None:
            child.terminate()
        pid_file.unlink(missing_ok=True)


def was_killed(code: int) -> bool:
    """Whether this exit code of `run_flow` means kill -9."""
    return code == -getattr(signal, "SIGKILL", signal.SIGTERM)
