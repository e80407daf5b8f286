"""From a plan on disk to a finished plan, and back from a kill, with real scripts and real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, Event, Finished, Output, Resume, Started, Status, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, collect, is_running, kill

THREE_STEPS = """\
# Release

- [ ] [Script] Build
    ```sh
    echo built >> trace; echo "compiling $FLOW_TASK"
    ```
- [ ] [Script] Test
    ```bash
    echo tested >> trace
    ```
- [ ] [Script] Publish
    ```python
    with open("trace", "a") as trace:
        trace.write("published\\n")
    ```
"""


def last(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


async def test_full_run_success(make_project: MakeProject) -> None:
    root = make_project({"status.md": THREE_STEPS})
    engine = Engine.open(root)

    assert [task.status for task in engine.tree().walk()] == [Status.PENDING] * 3
    events = await collect(engine.run())

    assert (root / "trace").read_text() == "built\ntested\npublished\n"
    assert last(events).outcome is StepOutcome.DONE
    assert [event.name for event in events if isinstance(event, Started)] == ["Build", "Test", "Publish"]
    assert "compiling Build" in "".join(event.text for event in events if isinstance(event, Output))
    assert (root / ".flow/status.md").read_text() == THREE_STEPS.replace("[ ]", "[x]")
    assert not (root / ".flow/intent.lock").exists()
    assert last(await collect(engine.step())).outcome is StepOutcome.NOTHING


VICTIM = """\
- [ ] [Script] Count
    ```sh
    echo once >> count
    echo counting
    while [ ! -e go ]; do sleep 0.02; done
    echo end >> count
    ```
- [ ] After
"""


@pytest.fixture
def killed(
    make_project: MakeProject, start_engine: StartEngine, wait_for: Callable[[Callable[[], object]], None]
) -> Path:
    """A project whose engine was killed while its script runs on."""
    root = make_project({"status.md": VICTIM})
    process = start_engine(root)
    wait_for(lambda: (root / "count").exists())
    kill(process)
    return root


async def test_crash_recovery_e2e(killed: Path, wait_for: Callable[[Callable[[], object]], None]) -> None:
    """T3.22a, T3.23: killed in mid-task, the next engine knows the task and follows its work to the end."""
    engine = Engine.open(killed)
    wait_for(lambda: "counting" in (engine.recovery() or pytest.fail("no recovery")).output)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.name, recovery.attempt) == ("1", "Count", 1)
    assert recovery.resume is Resume.FOLLOW
    assert recovery.children

    following = asyncio.ensure_future(collect(engine.recover("resume")))
    (killed / "go").touch()
    events = await following

    assert last(events).outcome is StepOutcome.DONE
    assert (killed / "count").read_text() == "once\nend\n"
    assert (killed / ".flow/status.md").read_text().startswith("- [x] [Script] Count")
    assert engine.recovery() is None


async def test_t3_22a_result_of_work_that_ended_meanwhile_is_taken(
    killed: Path, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    engine = Engine.open(killed)
    (killed / "go").touch()
    wait_for(lambda: (engine.recovery() or pytest.fail("no recovery")).resume is Resume.COMMIT)

    events = await collect(engine.step())

    assert last(events).outcome is StepOutcome.DONE
    assert (killed / "count").read_text() == "once\nend\n"


async def test_retry_ends_what_is_alive_before_it_runs_again(killed: Path) -> None:
    engine = Engine.open(killed)
    recovery = engine.recovery()
    assert recovery is not None
    (killed / "count").unlink()
    steps = engine.recover("retry")
    async for event in steps:
        if isinstance(event, Started):
            assert event.attempt == 2
            for pid in recovery.children:
                assert not is_running(pid)
            (killed / "go").touch()
    assert (killed / "count").read_text() == "once\nend\n"


@pytest.mark.parametrize(("choice", "marker"), [("done", "x"), ("skip", "-"), ("fail", "!")])
async def test_a_person_settles_an_interrupted_task(killed: Path, choice: str, marker: str) -> None:
    engine = Engine.open(killed)
    await collect(engine.recover(choice))
    assert (killed / ".flow/status.md").read_text().startswith(f"- [{marker}] [Script] Count")
    assert engine.recovery() is None
