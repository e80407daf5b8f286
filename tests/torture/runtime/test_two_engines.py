"""Two engines that are started together: one runs, the other says who does, and no attempt is lost."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject

pytestmark = pytest.mark.torture

ROUNDS = 200
SHARE = 10
PATIENCE = 60.0
PLAN = """\
- [ ] [Script] Migrate
    ```sh
    echo $FLOW_ATTEMPT >> runs
    while [ ! -e go-$FLOW_ATTEMPT ]; do sleep 0.01; done
    exit 1
    ```
"""
# Answers each order, the name of a file to wait for, with how its attempt at the task ended.
DRIVER = """\
import asyncio, json, os, sys, time
from engine import Engine, Finished, FlowError

async def attempt():
    engine = Engine.open()
    try:
        async for event in engine.retry("Migrate") if os.path.exists("runs") else engine.step():
            if isinstance(event, Finished):
                return {"outcome": event.outcome.value}
    except FlowError as error:
        return {"outcome": error.code, "message": error.message, **error.fields}

for line in sys.stdin:
    print("ready", flush=True)
    while not os.path.exists(line.strip()):
        pass
    print(json.dumps(asyncio.run(attempt())), flush=True)
"""


@pytest.fixture
def engines(make_project: MakeProject) -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    root = make_project({"status.md": PLAN})
    made = [
        subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        for _ in range(2)
    ]
    yield root, made
    for process in made:
        process.kill()
        process.communicate()


def test_two_engines_started_together(
    engines: tuple[Path, list[subprocess.Popen[bytes]]],
    share: int | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, processes = engines
    rounds = ROUNDS if share is None else SHARE * share
    winners = [0, 0]
    for number in range(1, rounds + 1):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"start-{number}\n".encode())
        assert [line(process) for process in processes] == [b"ready", b"ready"]
        (root / f"start-{number}").touch()
        loser = first_to_speak(processes)
        said = json.loads(line(processes[loser]))
        runner = processes[1 - loser]
        assert said["outcome"] == "busy", said
        if "pid" in said:
            # Right after it won, the other has not written yet what it runs.
            assert (said["pid"], said["name"]) == (runner.pid, "Migrate")
        (root / f"go-{number}").touch()
        assert json.loads(line(runner)) == {"outcome": "failed"}
        winners[1 - loser] += 1
    assert (root / "runs").read_text().split() == [str(number) for number in range(1, rounds + 1)]
    attempts = [entry.attempt for entry in Engine.open(root).timeline() if entry.run]
    assert attempts == list(range(1, rounds + 1))
    with capsys.disabled():
        print(f"\ntwo engines started together: {rounds} times, won {winners}")  # noqa: T201


def first_to_speak(processes: list[subprocess.Popen[bytes]]) -> int:
    """Which of them has something to say first; a task that runs says nothing before it may end."""
    streams = [process.stdout for process in processes if process.stdout is not None]
    ready = select.select(streams, [], [], PATIENCE)[0]
    assert ready, "both wait for ever"
    return streams.index(ready[0])


def line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    found = b""
    while not found.endswith(b"\n"):
        assert select.select([process.stdout], [], [], PATIENCE)[0], "it waits for ever"
        one = os.read(process.stdout.fileno(), 1)
        assert one, "the engine is gone"
        found += one
    return found.strip()
