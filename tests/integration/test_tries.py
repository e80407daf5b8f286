"""A script that is tried again as its task declares (`retries`, `backoff`), and a plan that is edited meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine import Engine, Finished, Started, Status, StepOutcome, Warned
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, collect, finish, is_running, kill

FLAKY = """\
- [ ] [Script] Flaky
    ```sh retries=2 backoff={backoff}
    echo run >> runs; exit 1
    ```
- [ ] After
"""


async def edited(root: Path, old: str, new: str) -> Finished:
    """How a step ended during whose first pause the plan was edited."""
    plan = root / ".flow/status.md"
    last = None
    async for last in Engine.open(root).step():
        if isinstance(last, Warned) and "tried again" in last.message:
            plan.write_text(plan.read_text().replace(old, new))
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize(
    ("mark", "status"), [("x", Status.DONE), ("-", Status.SKIPPED), ("!", Status.FAILED)]
)
async def test_what_a_person_marked_is_not_tried_again(
    make_project: MakeProject, mark: str, status: Status
) -> None:
    root = make_project({"status.md": FLAKY.format(backoff="50ms")})
    await edited(root, "- [/]", f"- [{mark}]")
    assert Engine.open(root).tree().find("1").status is status
    assert (root / "runs").read_text() == "run\n"


async def test_what_left_the_plan_is_not_tried_again(make_project: MakeProject) -> None:
    root = make_project({"status.md": FLAKY.format(backoff="50ms")})
    text = FLAKY.format(backoff="50ms").replace("- [ ]", "- [/]", 1)
    finished = await edited(root, text, "- [ ] After\n")
    assert "no longer in the plan" in finished.message
    assert (root / "runs").read_text() == "run\n"


async def test_a_mended_script_is_what_is_tried(make_project: MakeProject) -> None:
    root = make_project({"status.md": FLAKY.format(backoff="50ms")})
    finished = await edited(root, "echo run >> runs; exit 1", "echo mended >> runs")
    assert finished.status is Status.DONE
    assert (root / "runs").read_text() == "run\nmended\n"


async def test_what_cannot_run_any_more_is_not_tried_again(make_project: MakeProject) -> None:
    root = make_project({"status.md": FLAKY.format(backoff="50ms")})
    finished = await edited(root, "retries=2", "retries=2 cwd=nowhere")
    assert (finished.outcome, "It is not tried again" in finished.message) == (StepOutcome.FAILED, True)


async def test_what_was_marked_after_a_crash_in_the_pause_is_not_tried_again(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": FLAKY.format(backoff="1h")})
    process = start_engine(root)
    wait_for(lambda: list((root / ".flow/logs/output").glob("*.exit")))
    kill(process)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert "tried again" in recovery.ended
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("- [/]", "- [x]"))
    assert (await finish(engine.step())).status is Status.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_nothing_of_a_failed_attempt_runs_beside_the_next(make_project: MakeProject) -> None:
    script = "sleep 1000 & echo $! >> runs; exit 1"
    root = make_project(
        {"status.md": FLAKY.format(backoff="1ms").replace("echo run >> runs; exit 1", script)}
    )
    runs = root / "runs"
    async for event in Engine.open(root).step():
        if isinstance(event, Started):
            before = runs.read_text().split()[: event.attempt - 1] if runs.exists() else []
            assert not any(is_running(int(pid)) for pid in before)
    pids = runs.read_text().split()
    assert len(pids) == 3
    assert not any(is_running(int(pid)) for pid in pids)


async def test_what_a_script_that_succeeded_left_running_goes_on(
    make_project: MakeProject,
) -> None:
    root = make_project(
        {"status.md": "- [ ] [Script] Serve\n    ```sh\n    sleep 1000 & echo $! > pid\n    ```\n"}
    )
    events = await collect(Engine.open(root).step())
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome is StepOutcome.DONE
    pid = int((root / "pid").read_text())
    assert is_running(pid)
    os.kill(pid, signal.SIGKILL)
