"""A wish to stop that comes between two attempts, or in the moment in which the work ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, StepOutcome
from engine.atoms import LocalRunner, ProcessId
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, collect, finish

AFTER = "- [ ] [Script] After\n    ```sh\n    touch after\n    ```\n"


async def test_t7_06_a_stop_ends_the_wait_for_the_next_attempt(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    text = "- [ ] [Script] Flaky\n    ```sh retries=3 backoff=1h\n    echo run >> runs; exit 1\n    ```\n"
    root = make_project({"status.md": text})
    process = start_engine(root, "run")
    wait_for(lambda: list((root / ".flow" / "logs" / "output").glob("*.exit")))
    engine = Engine.open(root)
    assert engine.stop_other() is not None
    process.communicate(timeout=60)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.stopped
    assert (root / "runs").read_text() == "run\n"


def ends_in_this_moment(root: Path, monkeypatch: pytest.MonkeyPatch, wait_for: WaitFor) -> None:
    """Let the work come to its end by itself between the wish to end it and the attempt at that."""
    end = LocalRunner.end

    def end_late(self: LocalRunner, run: str, supervisor: ProcessId | None, **more: Any) -> list[ProcessId]:
        (root / "go").touch()
        wait_for(lambda: self.ended(run))
        return end(self, run, supervisor, **more)

    monkeypatch.setattr(LocalRunner, "end", end_late)


WAITING = "- [ ] [Script] Work\n    ```sh\n    echo run >> runs\n    while [ ! -e go ]; do sleep 0.02; done\n    ```\n"


async def test_t7_06_the_result_of_work_that_ended_by_itself_is_taken(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": WAITING + AFTER})
    ends_in_this_moment(root, monkeypatch, wait_for)
    engine = Engine.open(root)
    outcomes = []
    async for event in engine.run():
        if type(event).__name__ == "Started":
            engine.stop()
        outcomes.append(getattr(event, "outcome", None))
    assert outcomes[-1] is StepOutcome.DONE
    assert engine.find("1").status.value == "done"
    assert not (root / "after").exists(), "the run went on, although a person wanted it to stop"
    assert engine.recovery() is None


async def test_t7_06_a_stop_that_comes_too_late_for_its_task_ends_the_run(make_project: MakeProject) -> None:
    """The work asks for it with its last breath, and whoever follows it may see its end first."""
    text = "- [ ] [Script] Work\n    ```sh\n    printf %s $FLOW_RUN > .flow/stop\n    ```\n"
    root = make_project({"status.md": text + AFTER})
    await collect(Engine.open(root).run())
    assert not (root / "after").exists()
    assert not (root / ".flow" / "stop").exists()


BEGUN = "8s"
"""A time limit that an interpreter does not reach before it has begun."""

COMET = """\
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    with open("beats", "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(0.02)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system has no list of children")
async def test_t7_06_what_is_another_process_all_the_time_is_ended_with_its_task(
    make_project: MakeProject,
) -> None:
    work = f"    ```sh timeout={BEGUN}\n    {sys.executable} comet.py\n    sleep 600\n    ```\n"
    root = make_project({"status.md": f"- [ ] [Script] Work\n{work}"})
    (root / "comet.py").write_text(COMET)
    beats = root / "beats"
    try:
        assert (await finish(Engine.open(root).step())).outcome is StepOutcome.FAILED
        before = beats.read_bytes()
        # It would beat fifty times. That there is no process, no look at processes can tell.
        await asyncio.sleep(1)
        assert beats.read_bytes() == before
    finally:
        beats.unlink(missing_ok=True)
        beats.mkdir()  # it ends when it cannot write
