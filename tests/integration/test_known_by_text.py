"""A task that has run and was taken back is asked about, under whatever name and at whatever place its text is."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from engine import Engine, NeedsPersonError, StateError, Status
from engine.storage import Plans, Store
from tests.conftest import MakeProject
from tests.integration.conftest import finish


def task(name: str, says: str = "$FLOW_TASK") -> str:
    return f"- [ ] [Script] {name}\n    ```sh\n    echo {says} >> runs\n    ```\n"


def outside(root: Path, old: str, new: str) -> None:
    """Another program changes the plan."""
    file = root / ".flow/status.md"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


async def taken_back(root: Path) -> Engine:
    """A project whose first task has run, and is pending again."""
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    engine.undo()
    return engine


async def asks(root: Path, name: str, says: str = "has run already") -> None:
    before = (root / "runs").read_text()
    with pytest.raises(NeedsPersonError, match=f"{name} {says}"):
        await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == before


@pytest.mark.parametrize("again", ["reset all", "reset", "reopen"])
async def test_that_it_was_opened_again_is_taken_back(make_project: MakeProject, again: str) -> None:
    root = make_project({"status.md": task("Work")})
    engine = await taken_back(root)
    engine.change("done", "1")
    if again == "reopen":
        engine.change("reopen", "1")
    else:
        engine.reset(None if again == "reset all" else "1")
    engine.undo()
    engine.undo()
    await asks(root, "Work")


async def test_so_it_is_behind_what_was_done_by_hand_since(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("Work")})
    engine = await taken_back(root)
    for _ in range(2):
        engine.change("done", "1")
        engine.reset("1")
    engine.change("done", "1")
    for _ in range(5):
        engine.undo()
    await asks(root, "Work")


def test_a_flow_may_have_any_name_and_its_change_is_taken_back(make_project: MakeProject) -> None:
    part = "- [ ] One\n- [ ] Two\n"
    root = make_project({"status.md": "- [ ] Build @ build.txt <!-- type: flow -->\n", "build.txt": part})
    engine = Engine.open(root)
    engine.rename("1/1", "Uno")
    assert engine.undo().because == "renamed"
    assert (root / ".flow/build.txt").read_text() == part


async def test_it_was_renamed_and_its_namesake_under_another_heading_is_not_asked_about(
    make_project: MakeProject,
) -> None:
    root = make_project(
        {"status.md": f"# East\n\n{task('Deploy', 'east')}\n# West\n\n{task('Deploy', 'west')}"}
    )
    await taken_back(root)
    outside(root, "] Deploy", "] Deploy again")
    await asks(root, "Deploy again", "may have run already")
    engine = Engine.open(root)
    engine.change("skip", "1")
    await finish(engine.step())
    assert (root / "runs").read_text() == "east\nwest\n"


async def test_a_reset_of_its_namesake_forgets_nothing_of_it(make_project: MakeProject) -> None:
    root = make_project(
        {"status.md": f"# East\n\n{task('Deploy', 'east')}\n# West\n\n{task('Deploy', 'west')}"}
    )
    await taken_back(root)
    outside(root, "# East", "# Oost")
    Engine.open(root).reset("2")
    await asks(root, "Deploy")


async def test_it_was_removed_and_is_back_at_another_place(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Build](build.md)\n- [ ] Other\n", "build.md": task("Work")})
    engine = await taken_back(root)
    engine.remove("1")
    engine.add("Build again @ build.md", at=1)
    await asks(root, "Work")


async def test_what_is_around_it_was_renamed_and_another_task_has_the_same_text(
    make_project: MakeProject,
) -> None:
    both = indent(task("Deploy east") + task("Deploy west"), "    ")
    root = make_project({"status.md": f"- [ ] Services\n{both}"})
    await taken_back(root)
    outside(root, "Services", "Services (eu)")
    await asks(root, "Deploy east")


async def test_a_reset_ends_the_question_of_whose_text_several_had(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("A", "run") + task("B", "run")})
    engine = Engine.open(root)
    await finish(engine.step())
    await finish(engine.step())
    for _ in range(4):
        engine.undo()
    (root / ".flow/status.md").write_text(task("C", "run"))
    await asks(root, "C", "may have run already")
    Engine.open(root).reset("1")
    await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n" * 3


def test_to_begin_by_hand_is_no_way_around_the_circuit_breaker(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("Work").replace("[ ]", "[!]")})
    record = {"key": "k", "attempt": 3, "interruptions": 3}
    Plans(Store(root)).put_record("status.md#[Script] Work", record)
    with pytest.raises(StateError, match="vanished 3 times"):
        Engine.open(root).change("begin", "1")


def test_a_log_takes_no_other_file_away_than_a_plan(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("Work")})
    engine = Engine.open(root)
    engine.change("done", "1")
    registry = root / ".flow/flow.registry.json"
    registry.write_text("{}")
    there = Plans(Store(root)).read("flow.registry.json")
    assert there is not None
    versions = {"flow.registry.json": [None, there.revision]}
    engine._project.log.write("rewritten", because="moved", address="1", name="Work", versions=versions)
    assert engine.undo().because == "done"
    assert registry.exists()


async def test_another_name_and_another_text_while_it_runs(make_project: MakeProject) -> None:
    change = "sed -i 's/Work/Other/; s/echo run/echo more/' .flow/status.md"
    work = f"- [ ] [Script] Work\n    ```sh\n    echo run >> runs\n    {change}\n    ```\n"
    root = make_project({"status.md": work + task("Two")})
    engine = Engine.open(root)
    with pytest.raises(NeedsPersonError, match="Other may have run already"):
        await finish(engine.run())
    assert (root / "runs").read_text() == "run\n"
    assert engine.change("done", "Other").status is Status.DONE
    assert (await finish(engine.run())).name == "Two"


async def test_another_name_and_another_text_while_an_older_task_got_those_that_it_had(
    make_project: MakeProject,
) -> None:
    work = "- [{mark}] [Script] {name}\n    ```sh\n    echo {says} >> runs\n    cp other.md .flow/status.md\n    ```\n"
    before = work.format(mark=" ", name="Work", says="work") + work.format(mark=" ", name="Two", says="two")
    after = work.format(mark="/", name="Other", says="other") + work.format(mark=" ", name="Two", says="work")
    root = make_project({"status.md": before})
    (root / "other.md").write_text(after)
    assert "no longer in the plan" in (await finish(Engine.open(root).step())).message
    await asks(root, "Other", "may have run already")
    Engine.open(root).change("done", "Other")
    await asks(root, "Two", "may have run already")


async def test_a_suspicion_leaves_what_is_known_where_it_is(make_project: MakeProject) -> None:
    other = task("Other").replace("[ ]", "[/]")
    change = "cp .flow/status.md work.md; cp other.md .flow/status.md"
    work = f"- [ ] [Script] Work\n    ```sh\n    echo work >> runs\n    {change}\n    ```\n"
    root = make_project({"status.md": work})
    (root / "other.md").write_text(other)
    engine = Engine.open(root)
    await finish(engine.step())
    with pytest.raises(NeedsPersonError, match="Other may have run already"):
        await finish(engine.step())
    await finish(engine.retry("Other"))
    (root / ".flow/status.md").write_text((root / "work.md").read_text())
    with pytest.raises(NeedsPersonError, match="Work has run already"):
        await finish(Engine.open(root).step())


async def test_what_a_person_begins_is_not_suspected(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("Work").replace("echo", "cp other.md .flow/status.md; echo")})
    (root / "other.md").write_text(task("Other"))
    engine = Engine.open(root)
    await finish(engine.step())
    engine.change("begin", "Other")
    assert (await finish(engine.step())).status is Status.DONE


LOST = """\
- [ ] [Script] A
    ```sh
    echo $FLOW_TASK >> runs
    [ -e cut ] || { touch cut; cp rest.md .flow/status.md; }
    ```
"""


def lost(make_project: MakeProject, rest: str) -> Path:
    """A project of whose plan the first task was cut while it ran."""
    root = make_project({"status.md": LOST + rest, "rest.md": rest})
    (root / ".flow/rest.md").rename(root / "rest.md")
    assert "no longer in the plan" in asyncio.run(finish(Engine.open(root).step())).message
    return root


DECISIONS: dict[str, Callable[[Engine, str], object]] = {
    "skipped": lambda engine, it: engine.change("skip", it),
    "done": lambda engine, it: engine.change("done", it),
    "done and taken back": lambda engine, it: (engine.change("done", it), engine.undo()),
    "done and reopened": lambda engine, it: (engine.change("done", it), engine.change("reopen", it)),
    "begun": lambda engine, it: engine.change("begin", it),
    "run": lambda engine, it: asyncio.run(finish(engine.retry(it))),
    "run and taken back": lambda engine, it: (asyncio.run(finish(engine.retry(it))), engine.undo()),
    "renamed": lambda engine, it: engine.rename(it, "[Script] C"),
    "removed": lambda engine, it: engine.remove(it),
    "reset": lambda engine, it: engine.reset(it),
}


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("other", ["another name", "another place"])
def test_what_has_its_text_takes_nothing_from_it(
    make_project: MakeProject, other: str, decision: str
) -> None:
    is_beside = other == "another name"
    rest = LOST.replace("] A", "] B") if is_beside else "- [ ] Group\n" + indent(LOST, "    ")
    root = lost(make_project, rest)
    DECISIONS[decision](Engine.open(root), "1" if is_beside else "1.1")
    plan = root / ".flow/status.md"
    plan.write_text(LOST + plan.read_text().replace("[/]", "[ ]"))
    asyncio.run(asks(root, "1 A"))


@pytest.mark.parametrize("decision", ["done and reopened", "begun", "run", "reset"])
def test_who_decided_about_what_has_its_text_is_asked_no_more(
    make_project: MakeProject, decision: str
) -> None:
    root = lost(make_project, LOST.replace("] A", "] B"))
    asyncio.run(asks(root, "B", "may have run already"))
    DECISIONS[decision](Engine.open(root), "1")
    for _ in range(2):
        plan = root / ".flow/status.md"
        plan.write_text(plan.read_text().replace("[x]", "[ ]"))
        assert asyncio.run(finish(Engine.open(root).step())).status is Status.DONE


@pytest.mark.parametrize(
    ("decisions", "changes"),
    [(["done"], 1), (["done and reopened"], 2), (["begun"], 1), (["done", "reset"], 2)],
    ids=lambda one: "" if isinstance(one, int) else " ".join(one),
)
def test_a_decision_about_it_that_was_taken_back_asks(
    make_project: MakeProject, decisions: list[str], changes: int
) -> None:
    root = lost(make_project, LOST.replace("] A", "] B"))
    for decision in decisions:
        DECISIONS[decision](Engine.open(root), "1")
    for _ in range(changes):
        Engine.open(root).undo()
    asyncio.run(asks(root, "B", "may have run already"))


async def test_a_commit_with_the_text_of_another_is_made(make_project: MakeProject) -> None:
    block = '    ```toml\n    op = "commit"\n    all = true\n    ```\n'
    root = make_project({"status.md": f"- [ ] [Git] One\n{block}"})

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("config", "user.name", "A")
    git("config", "user.email", "a@b")
    (root / "file").write_text("1")
    await taken_back(root)
    (root / "file").write_text("2")
    outside(root, "One", "Two")
    await finish(Engine.open(root).retry("1"))
    assert git("show", "HEAD:file") == "2"
    assert git("log", "--format=%s").split() == ["Two", "One"]


@pytest.mark.parametrize("headings", [True, False])
async def test_the_record_of_another_one_of_its_name_does_not_hide_it(
    make_project: MakeProject, headings: bool
) -> None:
    names = ("Deploy", "Deploy") if headings else ("Deploy", "Deploy again")
    first, second = task(names[0], "old; false"), task(names[1], "new")
    plan = f"# Now\n\n{first}\n# Next\n\n{second}" if headings else first + second
    root = make_project({"status.md": plan})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.change("skip", "1")
    await taken_back(root)
    (root / ".flow/status.md").write_text(("# Now\n\n" if headings else "") + task("Deploy", "new"))
    await asks(root, "Deploy", "may have run already")


@pytest.mark.parametrize("has_text", [True, False])
async def test_it_is_active_again_and_gets_another_name_and_text(
    make_project: MakeProject, has_text: bool
) -> None:
    root = make_project({"status.md": task("Work") if has_text else "- [ ] [Nightly] Work\n"})
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/nightly.py").write_text(
        "from engine import Atom, AtomResult\n\n\nclass Nightly(Atom):\n    def run(self, call):\n"
        "        open('runs', 'a').write('run')\n        return AtomResult.success()\n"
    )
    registry = root / ".flow/flow.registry.json"
    registry.write_text(registry.read_text().replace("{", '{"Nightly": "nightly:Nightly", ', 1))
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("Work", "Other").replace("echo", "echo more"))
    await asks(root, "Other", "may have run already")


async def test_what_is_active_is_not_taken_for_what_is_still_there(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("A") + task("B")})
    engine = await taken_back(root)
    engine.change("skip", "1")
    outside(root, "[ ] [Script] B", "[/] [Script] B")
    assert (await finish(engine.step())).status is Status.DONE
    assert (root / "runs").read_text() == "A\nB\n"


async def test_it_is_active_again_and_a_newcomer_has_its_name_and_text(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("Work", "run")})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    (root / ".flow/status.md").write_text(task("Other", "run").replace("[ ]", "[/]") + task("Work", "run"))
    await asks(root, "Other", "may have run already")


async def test_what_ran_for_certain_is_no_suspicion(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("A", "run")})
    await taken_back(root)
    outside(root, "] A", "] B")
    engine = Engine.open(root)
    await finish(engine.retry("1"))
    engine.undo()
    await asks(root, "B")
