"""Which processes there are, and that they are the ones we mean."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.atoms.runner import ProcessId
from engine.lazy import Late

if TYPE_CHECKING:
    import psutil
else:
    psutil = Late("psutil")  # a change by hand looks at no process

# Start times are counted in hundredths of a second.
_SAME = 0.05
# The first namespace, from which the processes of all others are seen, has this number (`PROC_PID_INIT_INO` of Linux).
_FIRST = "pid:[4026531836]"


def namespace() -> str:
    """What tells a container or sandbox, whose processes see only each other, from the rest of this machine; empty
    where all processes are seen, and where there are no namespaces."""
    try:
        name = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return "" if name == _FIRST else name


def identify(pid: int) -> ProcessId | None:
    """The identity of a running process, or None when there is none."""
    try:
        return _identity(psutil.Process(pid))
    except psutil.Error:
        return None


def is_alive(process: ProcessId) -> bool:
    """Whether this very process runs. A zombie does not; another process of the same number is another."""
    try:
        found = psutil.Process(process.pid)
        return _is_same(_identity(found), process) and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def of_run(run: str, supervisor: ProcessId | None, *, helpers: bool = False) -> list[ProcessId]:
    """The living processes of a run: those with its `FLOW_RUN` in their environment, and those in the session
    that its supervisor made. With `helpers`, those of its probes and clean-ups instead.
    """
    found = []
    session = _session_of(supervisor)
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            named = _run_of(process)
            is_meant = (named or "").startswith(f"{run}-") if helpers else named == run
            if is_meant or (named is None and session and _session(process.pid) == session):
                # Asked afresh: what is iterated over remembers a start time from before the clock was set.
                found.append(_identity(psutil.Process(process.pid)))
        except psutil.Error:
            continue
    return found


def send(processes: Iterable[ProcessId], *, hard: bool) -> None:
    """Ask each of them that is still the one it was to end; with `hard`, end it."""
    for process in processes:
        try:
            found = psutil.Process(process.pid)
            if _is_same(_identity(found), process):
                found.kill() if hard else found.terminate()
        except psutil.Error:
            continue


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, at most so long. Says whether it does."""
    until, step = time.monotonic() + seconds, 0.005
    while not condition():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(step, left))
        step = min(step * 2, 0.1)
    return True


def _identity(process: psutil.Process) -> ProcessId:
    started = process.create_time()
    if psutil.LINUX:
        # The kernel counts from the boot; the time of the boot moves whenever the clock is set.
        started -= psutil.boot_time()
    return ProcessId(process.pid, round(started, 2))


def _is_same(one: ProcessId, other: ProcessId) -> bool:
    return one.pid == other.pid and abs(one.started - other.started) < _SAME


def _run_of(process: psutil.Process) -> str | None:
    """The run that a process belongs to by its environment; None where that is not to be seen."""
    try:
        return process.environ().get("FLOW_RUN")
    except (psutil.AccessDenied, OSError):
        return None


def _session_of(supervisor: ProcessId | None) -> int:
    """The session that the supervisor leads or led; 0 when its number belongs to another process by now."""
    if supervisor is None or not hasattr(os, "getsid"):
        return 0
    now = identify(supervisor.pid)
    if now is not None and not _is_same(now, supervisor):
        return 0
    return supervisor.pid


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
