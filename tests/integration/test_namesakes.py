"""Tasks of one name under several headings: each is run, taken back and remembered as itself."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine, Status, StepOutcome
from engine.runtime.identity import as_json, from_json, key_of, path_of, paths_of, resolve
from engine.status import parse
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, finish

NOTE = '    ```sh\n    echo "$FLOW_ADDRESS $FLOW_ATTEMPT $FLOW_KEY" >> ran\n    ```\n'
DEPLOY = f"- [ ] [Script] Deploy\n{NOTE}- [ ] Look\n"
STAGES = f"# Staging\n\n{DEPLOY}\n# Production\n\n{DEPLOY}"


async def test_each_of_them_runs_once_and_as_itself(make_project: MakeProject) -> None:
    root = make_project({"status.md": STAGES})
    engine = Engine.open(root)
    for address in ("1", "2", "3", "4"):
        finished = await finish(engine.step())
        assert finished.address == address
        if finished.outcome is StepOutcome.WAITING:
            engine.change("done", address)
    ran = [line.split() for line in (root / "ran").read_text().splitlines()]
    assert [line[:2] for line in ran] == [["1", "1"], ["3", "1"]]
    assert ran[0][2] != ran[1][2]
    assert engine.next() is None


async def test_undo_takes_back_the_one_that_was_changed_last(make_project: MakeProject) -> None:
    engine = Engine.open(make_project({"status.md": STAGES}))
    for address in ("1", "2", "3", "4"):
        engine.change("done", address)
    assert engine.undo().address == "4"
    assert engine.undo().address == "3"
    assert [task.status for task in engine.tree().walk()] == [Status.DONE] * 2 + [Status.PENDING] * 2


async def test_a_run_ends_at_the_one_that_was_meant(make_project: MakeProject) -> None:
    root = make_project({"status.md": STAGES.replace("- [ ] Look\n", "- [ ] [Script] Look\n" + NOTE)})
    engine = Engine.open(root)
    assert (await finish(engine.run(until="3"))).address == "3"
    assert [task.status is Status.DONE for task in engine.tree().walk()] == [True] * 3 + [False]


@pytest.mark.parametrize("above", ["", "# Before\n\n- [ ] [Script] Migrate\n\n"])
async def test_an_interrupted_one_is_found_again(
    make_project: MakeProject, vanish: Callable[..., None], above: str
) -> None:
    """Also where another one was written above it: of all of that name, it is the active one."""
    hanging = HANGING.format(options="")
    root = make_project({"status.md": f"# A\n\n- [x] [Script] Migrate\n\n# B\n\n{hanging}"})
    vanish(root)
    plan = root / ".flow/status.md"
    plan.write_text(above + plan.read_text())
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.address == ("3" if above else "2")
    await finish(engine.recover("done"))
    wanted = [Status.PENDING] * bool(above) + [Status.DONE, Status.DONE, Status.PENDING]
    assert [task.status for task in engine.tree().walk()] == wanted


def test_what_happened_to_one_is_not_told_of_the_other(make_project: MakeProject) -> None:
    from tui.history import History

    engine = Engine.open(make_project({"status.md": STAGES}))
    engine.change("done", "2")
    history = History(engine)
    history.update()
    assert history.of(engine.find("2"))
    assert not history.of(engine.find("4"))


def _plan_of(names: list[tuple[str, int, bool]]) -> str:
    """A plan with tasks of these names and levels, each behind a heading where the last says so."""
    text, level = "", -1
    for name, deeper, heading in names:
        level = min(level + 1, deeper)
        indent = "    " * level
        text += f"\n{indent}## H\n\n" if heading else ""
        text += f"{indent}- [ ] {name}\n"
    return text


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "[Script] A"]), st.integers(0, 2), st.booleans())))
def test_a_path_leads_back_to_its_task_and_to_no_other(names: list[tuple[str, int, bool]]) -> None:
    plan = parse(_plan_of(names))
    tasks = list(plan.walk())
    # Where siblings have one name with no heading between them the plan is refused, and paths are still its own.
    paths = list(paths_of(tasks))
    assert paths == [path_of(task) for task in tasks]
    for task, path in zip(tasks, paths, strict=True):
        assert from_json(json.loads(json.dumps(as_json(path)))) == path
        if not plan.problems:
            assert resolve(plan, path) is task
    if not plan.problems:
        assert len({key_of(path) for path in paths}) == len(tasks)
