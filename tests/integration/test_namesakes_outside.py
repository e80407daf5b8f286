"""Tasks of one name, and somebody who edits the headings above them: what is meant is found, or nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import BusyError, Engine, Status
from engine.storage import Plans, Store
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, finish
from tests.integration.test_namesakes import marks, ran, section


def _copy_as_template(root: Path) -> None:
    """The old section gets another heading, and a new one like it stands above."""
    plan = root / ".flow/status.md"
    plan.write_text(section("A") + plan.read_text().replace("# A\n", "# Z\n"))


def _same_heading_above(root: Path) -> None:
    plan = root / ".flow/status.md"
    plan.write_text(section("A") + plan.read_text())


@pytest.mark.parametrize("edit", [_copy_as_template, _same_heading_above])
def test_the_one_that_runs_is_protected_and_gets_its_result(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, edit: Callable[[Path], None]
) -> None:
    root = make_project({"status.md": section("A", hangs=True)})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    edit(root)
    with pytest.raises(BusyError):
        Engine.open(root).change("fail", "2")
    (root / "go").touch()
    process.communicate()
    assert marks(root) == " x"
    assert ran(root) == "A"


@pytest.mark.parametrize("edit", [_copy_as_template, _same_heading_above])
async def test_the_interrupted_one_is_settled(
    make_project: MakeProject, vanish: Callable[..., None], edit: Callable[[Path], None]
) -> None:
    root = make_project({"status.md": section("A", hangs=True)})
    vanish(root)
    edit(root)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.address == "2"
    await finish(engine.recover("done"))
    assert marks(root) == " x"


async def test_one_of_two_with_the_same_script_is_found_under_another_heading(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    both = section("A", hangs=True) + section("B", hangs=True).replace('echo "B', 'echo "A')
    root = make_project({"status.md": both})
    vanish(root)
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("# A\n", "# Alpha\n"))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.address == "1"
    await finish(engine.recover("skip"))
    assert marks(root) == "- "


async def test_an_intent_without_headings_means_the_active_one(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": "- [-] [Script] Deploy\n\n" + section("A", hangs=True)})
    vanish(root)
    path = root / ".flow/intent.lock"
    intent = json.loads(path.read_text())
    for level in intent["path"]:
        del level["sections"], level["shared"]
    path.write_text(json.dumps(intent))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.address == "2"
    await finish(engine.recover("done"))
    assert marks(root) == "-x"


async def test_a_failed_one_keeps_attempt_and_key_under_another_heading(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    fails = section("A", hangs=True).replace("    ```\n\n", "    exit 1\n    ```\n\n")
    root = make_project({"status.md": fails + section("B")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("# A\n", "# Alpha\n"))
    (root / "go").touch()
    process.communicate()
    await finish(Engine.open(root).retry("1"))
    lines = [line.split() for line in (root / "ran").read_text().splitlines()]
    assert [line[1] for line in lines] == ["1", "2"]
    assert lines[0][2] == lines[1][2]


async def test_what_was_removed_leaves_nothing_to_its_namesake(make_project: MakeProject) -> None:
    root = make_project({"status.md": section("A").replace(">> ran\n", ">> ran; exit 1\n")})
    engine = Engine.open(root)
    await finish(engine.step())
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text() + section("B"))
    engine.remove("1")
    await finish(engine.step())
    lines = [line.split() for line in (root / "ran").read_text().splitlines()]
    assert [line[:2] for line in lines] == [["A", "1"], ["B", "1"]]
    assert lines[0][2] != lines[1][2]


async def test_what_was_taken_back_and_removed_asks_nobody_about_its_namesake(
    make_project: MakeProject,
) -> None:
    root = make_project({"status.md": section("A") + section("B")})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    engine.undo()
    engine.remove("1")
    await finish(engine.step())
    assert ran(root) == "AB"


async def test_records_that_hold_anything_stop_nothing(make_project: MakeProject) -> None:
    root = make_project({"status.md": section("A")})
    plans = Plans(Store(root))
    plans.put_record("status.md#[Script] Deploy\n#Z", {"interruptions": "zz", "attempt": [], "undone": 0})
    plans.put_record("status.md#[Script] Deploy\n#Y", {"interruptions": 10**400, "shared": 1})
    engine = Engine.open(root)
    await finish(engine.step())
    assert engine.find("1").status is Status.DONE


def test_reset_forgets_what_is_kept_of_namesakes_that_are_gone(make_project: MakeProject) -> None:
    root = make_project({"status.md": section("A", "x")})
    plans = Plans(Store(root))
    gone = "status.md#[Script] Deploy\n#Z"
    plans.put_record(gone, {"undone": True, "shared": True})
    Engine.open(root).reset()
    assert gone not in Plans(Store(root)).records()
