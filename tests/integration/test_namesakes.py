"""Tasks of one name under several headings: each is run, taken back and remembered as itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import BusyError, Engine, FlowError, NeedsPersonError, Status, StepOutcome
from engine.runtime.identity import as_json, from_json, key_of, path_of, paths_of, resolve
from engine.status import parse
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, finish

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


def section(heading: str, mark: str = " ", *, hangs: bool = False) -> str:
    """A task that says whose it is; one that `hangs` waits for a file."""
    waits = "    touch started-$FLOW_ATTEMPT\n    while [ ! -e go ]; do sleep 0.02; done\n" if hangs else ""
    script = f'    ```sh\n    echo "{heading} $FLOW_ATTEMPT $FLOW_KEY" >> ran\n{waits}    ```\n'
    return f"# {heading}\n\n- [{mark}] [Script] Deploy\n{script}\n"


def marks(root: Path) -> str:
    """The marks of all tasks, in their order."""
    return "".join(
        line[3] for line in (root / ".flow/status.md").read_text().splitlines() if line[:3] == "- ["
    )


def ran(root: Path) -> str:
    """Whose scripts ran."""
    return "".join(line[0] for line in (root / "ran").read_text().splitlines())


THREE = section("A", "x") + section("B", hangs=True) + section("C")


def _rename(root: Path) -> None:
    Engine.open(root).rename("1", "[Script] Deployed")


def _remove(root: Path) -> None:
    Engine.open(root).remove("1")


def _cut(root: Path) -> None:
    plan = root / ".flow/status.md"
    plan.write_text("# B" + plan.read_text().partition("# B")[2])


def _write_above(root: Path) -> None:
    plan = root / ".flow/status.md"
    plan.write_text(section("New") + plan.read_text())


def _head_anew(root: Path) -> None:
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("# B\n", "# Beta\n"))


CHANGES = [_rename, _remove, _cut, _write_above, _head_anew]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_becomes_of_others_the_one_that_runs_gets_its_result(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, change: Callable[[Path], None]
) -> None:
    root = make_project({"status.md": THREE})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    change(root)
    engine = Engine.open(root)
    here = next(task for task in engine.tree().walk() if task.status is Status.ACTIVE)
    with pytest.raises(BusyError):
        engine.change("fail", here.address)
    (root / "go").touch()
    process.communicate()
    wanted = " xx " if change is _write_above else "x " if change in (_remove, _cut) else "xx "
    assert marks(root) == wanted
    assert ran(root) == "B"


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("how", ["change", "recover", "retry"])
async def test_whatever_becomes_of_others_the_interrupted_one_is_settled(
    make_project: MakeProject, vanish: Callable[..., None], change: Callable[[Path], None], how: str
) -> None:
    root = make_project({"status.md": THREE})
    vanish(root)
    change(root)
    engine = Engine.open(root)
    here = next(task for task in engine.tree().walk() if task.status is Status.ACTIVE)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.address == here.address
    last = list(engine.tree().walk())[-1]
    (root / "go").touch()
    if how == "change":
        engine.change("skip", here.address)
    elif how == "recover":
        await finish(engine.recover("done"))
    else:
        await finish(engine.retry(here.address, expect="Deploy"))
    assert engine.recovery() is None
    assert engine.find(here.address).status.is_settled
    assert engine.find(last.address).status is Status.PENDING
    assert ran(root) == "BB" if how == "retry" else "B"


@pytest.mark.parametrize("choice", ["done", "retry", None])
async def test_one_that_is_gone_is_not_taken_for_another(
    make_project: MakeProject, vanish: Callable[..., None], choice: str | None
) -> None:
    root = make_project({"status.md": section("A", hangs=True) + section("B") + section("C")})
    vanish(root)
    _cut(root)
    engine = Engine.open(root)
    with suppress(FlowError):
        await finish(engine.recover(choice) if choice else engine.step())
    assert marks(root) in ("  ", "x ")
    assert marks(root) == "  " or ran(root) == "AB", "B is done by its own script, if at all"


def test_a_run_ends_at_its_end_whatever_becomes_of_others(
    make_project: MakeProject, wait_for: WaitFor
) -> None:
    slow = section("S", hangs=True).replace("Deploy", "Build")
    root = make_project({"status.md": section("A", "x") + slow + section("B") + section("C")})
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "run", "--until", "3"], cwd=root, stderr=subprocess.DEVNULL
    )
    wait_for((root / "started-1").exists)
    _rename(root)
    (root / "go").touch()
    process.wait()
    assert ran(root) == "SB"


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_remembered_of_attempts_stays_with_its_task(
    make_project: MakeProject, change: Callable[[Path], None]
) -> None:
    """What ran and was taken back asks before it runs again."""
    root = make_project({"status.md": section("A", "x") + section("B") + section("C")})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    engine.undo()
    change(root)
    engine = Engine.open(root)
    if change is _write_above:
        engine.change("skip", "1")
    with pytest.raises(NeedsPersonError):
        await finish(engine.step())
    assert ran(root) == "B"


async def test_the_key_of_one_is_not_given_to_another(make_project: MakeProject) -> None:
    fails = section("B").replace(">> ran\n", ">> ran; exit 1\n")
    root = make_project({"status.md": section("A", "x") + fails + section("C")})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.remove("1")
    engine.change("skip", "1")
    await finish(engine.step())
    lines = [line.split() for line in (root / "ran").read_text().splitlines()]
    assert [line[:2] for line in lines] == [["B", "1"], ["C", "1"]]
    assert lines[0][2] != lines[1][2]


def test_undo_takes_back_no_other_after_one_was_cut(make_project: MakeProject) -> None:
    root = make_project({"status.md": section("A", "x") + section("B") + section("C", "x")})
    engine = Engine.open(root)
    engine.change("done", "2")
    _cut(root)
    Engine.open(root).undo()
    assert marks(root) == " x"


def test_what_happened_to_one_is_not_told_of_the_other(make_project: MakeProject) -> None:
    from tui.history import History

    engine = Engine.open(make_project({"status.md": STAGES}))
    engine.change("done", "2")
    history = History(engine)
    history.update()
    assert history.of(engine.find("2"))
    assert not history.of(engine.find("4"))


def _plan_of(names: list[tuple[str, int, str | None]]) -> str:
    """A plan with tasks of these names and levels, each behind a heading where the last gives one."""
    text, level = "", -1
    for name, deeper, heading in names:
        level = min(level + 1, deeper)
        indent = "    " * level
        text += f"\n{indent}{heading}\n\n" if heading else ""
        text += f"{indent}- [ ] {name}\n"
    return text


HEADINGS = [None, "## H", "## H (2)", "##", "# H", "### 2", "## # H"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B", "[Script] A"]), st.integers(0, 2), st.sampled_from(HEADINGS))
    )
)
def test_a_path_leads_back_to_its_task_and_to_no_other(names: list[tuple[str, int, str | None]]) -> None:
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
