"""Work in the background: `flow wait` ends as the last run did, also where that was no end of a task, and nobody who is
refused leaves a trace of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow, script

WaitFor = Callable[[Callable[[], object]], None]

FIRST = script("Build", "true")
CHANGES = script("Build", "echo >> .flow/more.md") + "- [ ] [More](more.md)\n"
PUBLISH = script("Publish", "true").replace("sh\n", "sh no_such_option=1\n")


@pytest.mark.parametrize(
    ("plan", "settings", "code", "message"),
    [
        (FIRST + PUBLISH, "", 4, "no_such_option"),
        (FIRST + "- [ ] [Publish](publish.md)\n", "", 4, "publish.md"),
        (CHANGES, 'integrity = "strict"\n', 8, "changed"),
    ],
)
def test_a_run_that_ended_with_an_error_is_not_called_done(
    flow: Flow, make_project: MakeProject, plan: str, settings: str, code: int, message: str
) -> None:
    root = make_project({"status.md": plan, "more.md": FIRST, "flow.toml": settings})
    ran = flow("run", cwd=root)
    assert ran.code == code
    assert "done" in ran.out

    waited = flow("wait", cwd=root)
    assert (waited.code, waited.out) == (code, "")
    assert message in waited.err
    assert waited.err in ran.err
    assert flow("wait", "--json", cwd=root).json["error"]["message"] in ran.err
    assert "ended with an error: " in flow("log", cwd=root).out
    assert flow("report", cwd=root).code == 0


@pytest.mark.parametrize("rest", [script("Publish", "true"), ""])
def test_a_run_that_ends_well_makes_up_for_an_error(flow: Flow, make_project: MakeProject, rest: str) -> None:
    root = make_project({"status.md": FIRST + PUBLISH})
    assert flow("run", cwd=root).code == 4
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace(PUBLISH, rest))
    assert flow("wait", cwd=root).code == 4

    assert flow("run", cwd=root).code == 0

    assert flow("wait", cwd=root).code == 0
    assert flow("wait", "--json", cwd=root).json["outcome"] == ("done" if rest else "nothing")
    assert "error" not in flow("log", "-n", "1", cwd=root).out


def test_what_came_after_an_error_is_what_counts(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    hanging = script("Build", "touch began; while ! test -e go; do sleep 0.05; done")
    root = make_project({"status.md": hanging})
    with subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL) as engine:
        wait_for(lambda: (root / "began").exists())
        engine.kill()
    registry = root / ".flow/flow.registry.json"
    text = registry.read_text()
    registry.write_text("{")
    assert (flow("run", cwd=root).code, flow("wait", cwd=root).code) == (4, 4)
    registry.write_text(text)
    with subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL):
        wait_for(lambda: Engine.open(root).running() is not None)
        assert flow("stop", cwd=root).code == 0
    waited = flow("wait", cwd=root)
    assert (waited.code, "interrupted" in waited.out) == (3, True)


def test_a_run_that_is_held_by_a_failed_task_ends_as_that_after_an_error(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": FIRST})
    registry = root / ".flow/flow.registry.json"
    text = registry.read_text()
    registry.write_text("{")
    assert (flow("run", cwd=root).code, flow("wait", cwd=root).code) == (4, 4)
    registry.write_text(text)
    assert flow("fail", "1", cwd=root).code == 0
    assert (flow("run", cwd=root).code, flow("wait", cwd=root).code) == (1, 1)
    assert "has failed and holds the plan" in flow("log", "-n", "1", cwd=root).out


def test_an_engine_that_is_refused_for_another_one_tells_nothing(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project(
        {"status.md": script("Build", "touch began; while ! test -e go; do sleep 0.05; done")}
    )
    with subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        wait_for(lambda: (root / "began").exists())
        before = list(Engine.open(root).history())
        assert flow("run", cwd=root).code == 6
        assert list(Engine.open(root).history()) == before
        (root / "go").touch()
    assert flow("wait", cwd=root).code == 0


def test_a_second_run_in_the_background_leaves_the_output_of_the_first_alone(
    flow: Flow, flow_process: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": script("Build", "echo first; while ! test -e go; do sleep 0.05; done")})
    assert flow_process("run", "--detach", cwd=root).code == 0
    output = root / ".flow/logs/detached.txt"
    wait_for(lambda: "first" in output.read_text())
    before = output.read_text()

    refused = flow_process("run", "--detach", cwd=root)

    assert (refused.code, output.read_text()) == (6, before)
    assert "Another engine" in refused.err
    (root / "go").touch()
    assert flow("wait", cwd=root).code == 0
    assert output.read_text().startswith(before)
    assert list(output.parent.glob("detached*")) == [output]
