"""Recoveries that meet what is not over yet, and recoveries that are asked again."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from engine import Engine, NeedsPersonError, Started, StepOutcome
from engine.atoms import Job, LocalRunner, ProcessId
from tests.conftest import MakeProject
from tests.integration.conftest import collect, finish

ONCE = "- [ ] [Script] Migrate\n    ```sh\n    echo run >> runs\n    ```\n"


class KilledError(BaseException):
    """Stands for SIGKILL at a known place: nothing handles it, and the locks of the engine are let go."""


async def test_a_supervisor_that_is_about_to_begin_is_waited_for(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine dies when it has handed over the job, and the next start is faster than the supervisor."""
    root = make_project({"status.md": ONCE})
    supervisors: list[int] = []
    start, release = LocalRunner.start, LocalRunner.release

    def start_slowly(self: LocalRunner, run: str, *, tty: bool = False) -> ProcessId:
        supervisor = start(self, run, tty=tty)
        supervisors.append(supervisor.pid)
        os.kill(supervisor.pid, signal.SIGSTOP)
        return supervisor

    def release_and_die(self: LocalRunner, job: Job) -> None:
        release(self, job)
        raise KilledError

    with monkeypatch.context() as patches:
        patches.setattr(LocalRunner, "start", start_slowly)
        patches.setattr(LocalRunner, "release", release_and_die)
        with pytest.raises(KilledError):
            await finish(Engine.open(root).step())
    recovering = asyncio.ensure_future(collect(Engine.open(root).step()))
    await asyncio.wait({recovering}, timeout=0.3)
    assert not recovering.done(), "it did not wait"
    os.kill(supervisors[0], signal.SIGCONT)
    events = await recovering
    assert [event.follows for event in events if isinstance(event, Started)] == [True]
    assert (root / "runs").read_text() == "run\n"
    assert (root / ".flow/status.md").read_text().startswith("- [x]")


async def test_a_probe_is_asked_again_when_the_next_start_asks(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor died when it had begun; the probe says no, a person does the rest, and then it says yes."""
    root = make_project({"status.md": ONCE + "    ```sh verify\n    test -e complete\n    ```\n"})
    release = LocalRunner.release

    def release_and_lose(self: LocalRunner, job: Job) -> None:
        self.output(job.run).touch()  # so the supervisor refuses to begin
        self.output(f"{job.run}.ready").unlink()  # and counts as one that began
        release(self, job)

    with monkeypatch.context() as patches:
        patches.setattr(LocalRunner, "release", release_and_lose)
        assert (await finish(Engine.open(root).step())).outcome is StepOutcome.INTERRUPTED
    for _ in range(2):
        with pytest.raises(NeedsPersonError):
            await finish(Engine.open(root).step())
    (root / "complete").touch()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE
    assert not (root / "runs").exists()


async def test_work_whose_supervisor_died_before_it_began_is_no_interruption(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": ONCE})

    def lose(self: LocalRunner, job: Job) -> None:
        self.abandon(job.run)

    for _ in range(4):
        with monkeypatch.context() as patches:
            patches.setattr(LocalRunner, "release", lose)
            finished = await finish(Engine.open(root).step())
            assert finished.outcome is StepOutcome.INTERRUPTED
            assert "nothing was run" in finished.message
    events = await collect(Engine.open(root).step())
    assert [event.attempt for event in events if isinstance(event, Started)] == [1]
    assert (root / "runs").read_text() == "run\n"
