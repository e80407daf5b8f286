"""What has run does not run again unasked, and nothing else is taken for it, whatever becomes of the plan meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from engine import Engine, FlowError, NeedsPersonError, Status, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, finish

Vanish = Callable[..., None]
ONCE = "- [ ] [Script] Migrate\n    ```sh\n    echo run >> runs\n    exit {code}\n    ```\n- [ ] After\n"
NEW = "- [ ] [Script] Migrate\n    ```sh\n    echo new >> runs\n    ```\n"


def runs(root: Path) -> list[str]:
    return (root / "runs").read_text().split()


def plan(root: Path) -> Path:
    return root / ".flow/status.md"


def outside(root: Path, old: str, new: str, times: int = 1) -> None:
    """Another program changes the plan."""
    text = plan(root).read_text()
    assert old in text
    plan(root).write_text(text.replace(old, new, times))


async def asks(root: Path, name: str = "Migrate") -> None:
    """The name that it got is told by its text only, which another task might have."""
    says = "may have run already" if name == "Move" else "has run already"
    with pytest.raises(NeedsPersonError, match=f"{name} {says}"):
        await finish(Engine.open(root).step())
    assert runs(root) == ["run"]


@pytest.mark.parametrize("choice", ["done", "skip", "fail"])
async def test_what_was_decided_of_an_interrupted_task_is_taken_back(vanished: Path, choice: str) -> None:
    await finish(Engine.open(vanished).recover(choice))
    Engine.open(vanished).undo()
    await asks(vanished)


async def test_a_failure_is_taken_back(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(code=1)})
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.FAILED
    Engine.open(root).undo()
    await asks(root)
    assert (await finish(Engine.open(root).retry("1"))).outcome is StepOutcome.FAILED
    assert runs(root) == ["run", "run"]


async def test_what_a_person_marked_is_taken_back_and_runs(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(code=0)})
    for verb in ("done", "skip", "fail"):
        Engine.open(root).change(verb, "1")
        Engine.open(root).undo()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE


async def test_it_was_removed_while_it_ran_and_comes_back(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    Engine.open(root).remove("1")
    (root / "go").touch()
    process.communicate(timeout=60)
    Engine.open(root).undo()
    await asks(root)


async def test_it_was_gone_for_a_step_and_comes_back(vanished: Path) -> None:
    text = plan(vanished).read_text()
    plan(vanished).write_text("- [ ] After\n")
    assert "no longer in the plan" in (await finish(Engine.open(vanished).step())).message
    plan(vanished).write_text(text)
    await asks(vanished)


async def test_its_heading_and_its_text_were_changed_beside_a_namesake(
    make_project: MakeProject, vanish: Vanish
) -> None:
    root = make_project({"status.md": f"# A\n\n{HANGING.format(options='')}\n# B\n\n{NEW}"})
    vanish(root)
    outside(root, "# A", "# Alpha")
    outside(root, "    ```sh", "    A note.\n    ```sh")
    assert "no longer in the plan" in (await finish(Engine.open(root).step())).message
    await asks(root)


@pytest.mark.parametrize(
    "newcomer", [HANGING.format(options="").replace("- [ ] After\n", ""), NEW], ids=["copy", "other"]
)
@pytest.mark.parametrize("heading", ["", "\n# B\n\n"], ids=["beside it", "under a heading"])
async def test_it_was_renamed_and_a_newcomer_has_its_name(
    make_project: MakeProject, vanish: Vanish, heading: str, newcomer: str
) -> None:
    root = make_project({"status.md": heading.replace("B", "A") + HANGING.format(options="")})
    vanish(root)
    outside(root, "Migrate", "Migrate v1")
    plan(root).write_text(plan(root).read_text() + heading + newcomer)
    engine = Engine.open(root)
    await finish(engine.recover("done"))
    marks = {task.name: task.status for task in engine.tree().walk()}
    assert marks == {"Migrate v1": Status.DONE, "After": Status.PENDING, "Migrate": Status.PENDING}


async def test_it_is_renamed_after_a_section_was_put_above_it(
    make_project: MakeProject, vanish: Vanish
) -> None:
    root = make_project({"status.md": f"## A\n\n{HANGING.format(options='')}"})
    vanish(root)
    plan(root).write_text(f"# Top\n\n{NEW}\n{plan(root).read_text()}")
    engine = Engine.open(root)
    engine.rename("2", "[Script] Migrate v1")
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.name) == ("2", "Migrate v1")
    await finish(engine.recover("done"))
    assert [task.status for task in engine.tree().walk()] == [Status.PENDING, Status.DONE, Status.PENDING]


@pytest.mark.parametrize("change", ["its name", "its heading"])
async def test_what_was_taken_back_asks_under_another_name(make_project: MakeProject, change: str) -> None:
    root = make_project({"status.md": "# A\n\n" + ONCE.format(code=0)})
    await finish(Engine.open(root).step())
    Engine.open(root).undo()
    Engine.open(root).undo()
    outside(root, *(("Migrate", "Move") if change == "its name" else ("# A", "# B")))
    await asks(root, "Move" if change == "its name" else "Migrate")


async def test_a_reset_forgets_what_was_taken_back(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(code=0)})
    await finish(Engine.open(root).step())
    Engine.open(root).undo()
    Engine.open(root).undo()
    Engine.open(root).reset()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE


@pytest.mark.parametrize("options", ["", "effect=idempotent"])
async def test_the_key_is_the_same_for_all_attempts(
    make_project: MakeProject, vanish: Vanish, options: str
) -> None:
    text = HANGING.format(options=options).replace("echo run >> runs", 'echo "$FLOW_KEY" >> runs')
    root = make_project({"status.md": text})
    vanish(root)
    (root / "go").touch()
    engine = Engine.open(root)
    finished = await finish(engine.step() if options else engine.recover("retry"))
    assert finished.outcome is StepOutcome.DONE
    first, second = runs(root)
    assert first == second


ATOM = """\
import pathlib, time
from engine import Atom, AtomResult
class Nightly(Atom):
    def run(self, call):
        with open("runs", "a") as file:
            file.write("run\\n")
        pathlib.Path("started-1").touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        return AtomResult.success()
"""


@pytest.fixture
def nightly(make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor) -> Path:
    """A project in which a task without a text, that of a user's atom, has just got a child, and then ended well."""
    root = make_project({"status.md": "- [ ] [Nightly] Backup\n- [ ] After\n"})
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/nightly.py").write_text(ATOM)
    registry = root / ".flow/flow.registry.json"
    registry.write_text(registry.read_text().replace("{", '{"Nightly": "nightly:Nightly", ', 1))
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    Engine.open(root).add("Copy it away", to="1")
    (root / "go").touch()
    process.communicate(timeout=60)
    return root


async def test_a_task_that_got_tasks_while_it_ran_is_done_when_they_are(nightly: Path) -> None:
    engine = Engine.open(nightly)
    assert engine.recovery() is None
    engine.change("done", "1.1")
    assert engine.tree().find("1").status is Status.DONE
    assert runs(nightly) == ["run"]


async def test_a_task_that_lost_its_tasks_again_asks(nightly: Path) -> None:
    Engine.open(nightly).remove("1.1")
    await asks(nightly, "Backup")


async def test_an_interrupted_task_that_got_tasks_is_settled(
    make_project: MakeProject, vanish: Vanish
) -> None:
    root = make_project({"status.md": HANGING.format(options=""), "more.md": "- [ ] Inner\n"})
    vanish(root)
    text = plan(root).read_text()
    plan(root).write_text("- [/] [Script] Migrate @ more.md\n" + text[text.index("- [ ] After") :])
    engine = Engine.open(root)
    with pytest.raises(FlowError):
        await finish(engine.step())
    with pytest.raises(FlowError, match="tasks of its own"):
        await finish(engine.recover("retry"))
    finished = await finish(engine.recover("done"))
    assert finished.status is Status.ACTIVE
    assert "done when they are" in finished.message
    engine.change("done", "1/1")
    assert engine.tree().find("1").status is Status.DONE
    assert runs(root) == ["run"]


async def test_an_interrupted_task_that_became_a_persons_waits_for_them(vanished: Path) -> None:
    outside(vanished, "[Script] Migrate", "[Manual] Migrate")
    engine = Engine.open(vanished)
    assert (await finish(engine.recover("retry"))).outcome is StepOutcome.WAITING
    assert engine.recovery() is None
    engine.change("done", "1")


@pytest.mark.parametrize(("mark", "status"), [("x", Status.DONE), ("-", Status.SKIPPED)])
async def test_an_idempotent_task_that_was_marked_outside_stays_so(
    make_project: MakeProject, vanish: Vanish, mark: str, status: Status
) -> None:
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    vanish(root)
    outside(root, "[/]", f"[{mark}]")
    finished = await finish(Engine.open(root).step())
    assert (finished.outcome, finished.status) == (StepOutcome.DONE, status)
    assert runs(root) == ["run"]


async def taken_back(make_project: MakeProject, text: str) -> tuple[Path, Engine]:
    """A project of which the first task has run, and is pending again."""
    root = make_project({"status.md": text})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    engine.undo()
    return root, engine


LONE = ONCE.format(code=0).replace("- [ ] After\n", "")
GROUP = "- [ ] Group\n    - [ ] Old\n"


@pytest.mark.parametrize("order", ["through Flow first", "outside first"])
@pytest.mark.parametrize("change", ["move", "zoom"])
async def test_it_gets_another_place_and_another_name(
    make_project: MakeProject, change: str, order: str
) -> None:
    text = LONE + GROUP if change == "move" else "- [ ] Group\n" + indent(LONE, "    ")
    root, engine = await taken_back(make_project, text)

    def by_flow() -> None:
        if change == "move":
            engine.move("1", to="2", at=1)
        else:
            engine.zoom("1")

    if order == "through Flow first":
        by_flow()
    for file in (root / ".flow").rglob("*.md"):
        if "backups" not in file.parts:
            file.write_text(file.read_text().replace("Migrate", "Move"))
    if order == "outside first":
        by_flow()
    await asks(root, "Move")


@pytest.mark.parametrize(("old", "new"), [("Migrate", "Move"), ("# H", "# Other")])
async def test_it_was_removed_came_back_and_was_renamed(
    make_project: MakeProject, old: str, new: str
) -> None:
    root, engine = await taken_back(make_project, f"# H\n\n{LONE}- [ ] Z\n")
    engine.remove("1")
    engine.undo()
    await asks(root)
    outside(root, old, new)
    await asks(root, "Move" if old == "Migrate" else "Migrate")


async def test_it_was_nested_outside(make_project: MakeProject) -> None:
    root, _ = await taken_back(make_project, LONE + GROUP)
    plan(root).write_text("- [ ] Group\n" + indent(LONE, "    ") + "    - [ ] Old\n")
    await asks(root)


async def test_what_was_skipped_around_it_is_taken_back_and_it_runs(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Group\n" + indent(ONCE.format(code=0), "    ")})
    engine = Engine.open(root)
    engine.change("skip", "1")
    engine.undo()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_who_decided_once_is_asked_no_more(make_project: MakeProject) -> None:
    root, engine = await taken_back(make_project, LONE)
    outside(root, "Migrate", "Move")
    await asks(root, "Move")
    assert (await finish(engine.retry("1"))).outcome is StepOutcome.DONE
    engine.reset()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_a_person_who_reopens_it_wants_it_again(make_project: MakeProject) -> None:
    _, engine = await taken_back(make_project, LONE)
    engine.change("done", "1")
    engine.change("reopen", "1")
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_tasks_with_the_script_of_one_that_is_gone_run(make_project: MakeProject) -> None:
    tests = [LONE.replace("Migrate", f"Test {number}") for number in (1, 2, 3)]
    root, engine = await taken_back(make_project, "".join(tests))
    outside(root, tests[0], "")
    assert (await finish(engine.step())).name == "Test 2"
    assert (await finish(engine.step())).name == "Test 3"


async def test_a_copy_runs_though_the_heading_of_what_has_run_was_changed(make_project: MakeProject) -> None:
    text = f"# H\n\n{LONE}\n# H2\n\n{LONE.replace('Migrate', 'Test 2')}"
    root, engine = await taken_back(make_project, text)
    engine.change("done", "1")
    outside(root, "# H\n", "# Hx\n")
    assert (await finish(engine.step())).name == "Test 2"


async def test_a_new_task_of_its_name_is_another_one(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(code=1).replace("echo run", 'echo "$FLOW_KEY"')})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.remove("1")
    engine.add(LONE.replace("echo run", 'echo new "$FLOW_ATTEMPT $FLOW_KEY"'), at=1)
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    first, new, attempt, second = runs(root)
    assert (new, attempt) == ("new", "1")
    assert first != second


async def test_a_refused_undo_leaves_nothing_behind(make_project: MakeProject) -> None:
    root = make_project({"status.md": LONE})
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    engine = Engine.open(root)
    await finish(engine.step())
    plan(root).write_text(plan(root).read_text() + "- [ ] More\n")
    meta = (root / ".flow/status.meta").read_bytes()
    with pytest.raises(FlowError):
        engine.undo()
    assert (root / ".flow/status.meta").read_bytes() == meta


async def test_a_plan_of_which_the_last_task_was_removed_goes_on(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Only\n"})
    engine = Engine.open(root)
    engine.remove("1")
    assert plan(root).read_text() == ""
    engine.undo()
    assert plan(root).read_text() == "- [ ] Only\n"
    engine.remove("1")
    engine.add("New")
    assert plan(root).read_text() == "- [ ] New\n"
    plan(root).write_text("")
    with pytest.raises(FlowError, match="is empty"):
        engine.add("Newer")


async def test_two_thousand_tasks_of_one_name_are_no_burden(make_project: MakeProject) -> None:
    many = "".join(f"# {number}\n\n{NEW}\n" for number in range(2000))
    root = make_project({"status.md": many.replace("echo new", "false #", 1)})
    engine = Engine.open(root)
    assert (await finish(engine.step())).outcome is StepOutcome.FAILED
    engine.rename("2000", "[Script] Other")
    engine.reset()
    assert engine.tree().find("1").status is Status.PENDING
