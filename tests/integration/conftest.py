"""Engines as processes of their own, to be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from engine import Engine, Event, Finished
from tests.conftest import MakeProject

DRIVER = """\
import asyncio, sys
from engine import Engine

async def main():
    async for event in getattr(Engine.open(), sys.argv[1])(*sys.argv[2:]):
        print(event, flush=True)

asyncio.run(main())
"""

HOLDER = """\
import fcntl, os, sys, time
with open(f"{sys.argv[1]}.new", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    os.replace(file.name, sys.argv[1])
    print("held", flush=True)
    time.sleep(1000)
"""

StartEngine = Callable[..., subprocess.Popen[bytes]]
WaitFor = Callable[[Callable[[], object]], None]
TakeLock = Callable[[Path], subprocess.Popen[bytes]]

HANGING = """\
- [ ] [Script] Migrate
    ```sh {options}
    echo run >> runs
    touch started-$FLOW_ATTEMPT
    while [ ! -e go ]; do sleep 0.02; done
    ```
- [ ] After
"""


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    """Starts an engine process that executes `step` (or what is named) in a project."""
    started: list[subprocess.Popen[bytes]] = []

    def start(root: Path, *what: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *(what or ("step",))], cwd=root, stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def vanish(start_engine: StartEngine, wait_for: WaitFor) -> Callable[[Path], None]:
    """Runs a step of a project, kills its engine, and then its work, so that nobody knows how it ended."""

    def make(root: Path, *what: str) -> None:
        before = len(list(root.glob("started-*")))
        process = start_engine(root, *what)
        wait_for(lambda: len(list(root.glob("started-*"))) > before)
        kill(process)
        kill_work(Engine.open(root))

    return make


@pytest.fixture
def vanished(make_project: MakeProject, vanish: Callable[..., None]) -> Path:
    """A project whose one script was killed with its engine; nobody knows how it ended."""
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    return root


@pytest.fixture
def take_lock() -> Iterator[TakeLock]:
    """Puts another file, which somebody else has locked, into the place of a project's lock."""
    holders: list[subprocess.Popen[bytes]] = []

    def take(root: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLDER, str(root / ".flow/run.lock")]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        return holder

    yield take
    for holder in holders:
        holder.kill()
        holder.communicate()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill an engine as nothing can prevent, and see that it died of that."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def kill_each(pids: Iterable[int], ending: signal.Signals = signal.SIGKILL) -> None:
    """End processes of which none begins or ends anything because another one is gone."""
    pids = list(pids)
    for sent in (signal.SIGSTOP, ending, signal.SIGCONT):
        for pid in pids:
            with suppress(ProcessLookupError):  # a short-lived child of the work
                os.kill(pid, sent)


def kill_work(engine: Engine) -> None:
    """Kill everything of an interrupted task, its supervisor first, so that no exit status is written."""
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.children
    kill_each(recovery.children)
    psutil.wait_procs([p for pid in recovery.children if (p := process_of(pid))], timeout=10)


def note(root: Path, **values: object) -> None:
    """As if an engine had written this of its attempt before it died."""
    record = root / ".flow/intent.lock"
    record.write_text(json.dumps({**json.loads(record.read_text()), **values}))


def process_of(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie that merely waits to be reaped."""
    process = process_of(pid)
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def collect(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def finish(events: AsyncIterator[Event]) -> Finished:
    """Consume all events and return the last one, which tells how it ended."""
    collected = await collect(events)
    assert isinstance(collected[-1], Finished)
    return collected[-1]
