"""What has run does not run again unasked, and nothing else is taken for it, whatever becomes of the plan meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
    with pytest.raises(NeedsPersonError, match=f"{name} has run already"):
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


async def test_two_thousand_tasks_of_one_name_are_no_burden(make_project: MakeProject) -> None:
    many = "".join(f"# {number}\n\n{NEW}\n" for number in range(2000))
    root = make_project({"status.md": many.replace("echo new", "false #", 1)})
    engine = Engine.open(root)
    assert (await finish(engine.step())).outcome is StepOutcome.FAILED
    engine.rename("2000", "[Script] Other")
    engine.reset()
    assert engine.tree().find("1").status is Status.PENDING
