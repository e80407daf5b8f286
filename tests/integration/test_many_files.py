"""Plans of many files: chains, circles, depth-first execution, and nothing changed but markers."""

from __future__ import annotations

import difflib
import os

import pytest

from engine import Engine, PlanError, Started, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import collect, finish


def script(name: str, indent: str = "") -> str:
    lines = (f"- [ ] [Script] {name}", "    ```sh", f"    echo {name} >> $FLOW_ROOT/order", "    ```")
    return "".join(f"{indent}{line}\n" for line in lines)


async def test_three_files_run_depth_first_and_only_markers_change(make_project: MakeProject) -> None:
    files = {
        "status.md": "# Top\n\n" + script("a") + "- [ ] [Second](second.md)\n" + script("g"),
        "second.md": "Owner: me\n\n" + script("b") + "- [ ] Group\n" + script("c", "    ") + "- [ ] Third @ third.md\n"
        + script("f"),
        "third.md": script("d") + script("e"),
    }  # fmt: skip
    root = make_project(files)
    events = await collect(Engine.open(root).run())
    assert (root / "order").read_text().split() == ["a", "b", "c", "d", "e", "f", "g"]
    assert [event.address for event in events if isinstance(event, Started)] == [
        "1", "2/1", "2/2.1", "2/3/1", "2/3/2", "2/4", "3"
    ]  # fmt: skip
    for file, text in files.items():
        after = (root / ".flow" / file).read_text()
        assert after == text.replace("[ ]", "[x]")
        changed = [
            line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line.startswith("+ ")
        ]
        assert all("[x]" in line for line in changed)


async def test_t7_09_circles_are_problems_of_their_task_and_the_rest_runs(make_project: MakeProject) -> None:
    root = make_project(
        {
            "status.md": "- [ ] [Self](status.md)\n- [ ] [Round](round.md)\n- [ ] [Gone](gone.md)\n"
            + script("fine"),
            "round.md": "- [ ] [Back](back.md)\n" + script("also"),
            "back.md": "- [ ] [Again](round.md)\n",
        }
    )
    engine = Engine.open(root)
    assert {problem.file for problem in engine.check()} == {"status.md", "back.md"}
    with pytest.raises(PlanError):
        await collect(engine.run())
    assert (root / "order").read_text().split() == ["also"]


def chain(length: int) -> dict[str, str]:
    files = {f"f{number}.md": f"- [ ] Next @ f{number + 1}.md\n" for number in range(1, length)}
    return {"status.md": "- [ ] First @ f1.md\n", **files, f"f{length}.md": script("deepest")}


async def test_t2_07_what_is_no_file_is_a_problem_of_the_task_that_refers_to_it(
    make_project: MakeProject,
) -> None:
    plan = "- [ ] [Folder](folder.md)\n- [ ] [Pipe](pipe.md)\n- [ ] Sign\n"
    root = make_project({"status.md": plan, "folder.md/x": ""})
    os.mkfifo(root / ".flow/pipe.md")
    engine = Engine.open(root)
    for task in engine.tree().root.tasks[:2]:
        assert "Only regular files are read" in str(task.problems[0])
    assert (await finish(engine.step())).name == "Sign"


def test_t7_15_a_thousand_files_in_a_chain_are_read(make_project: MakeProject) -> None:
    engine = Engine.open(make_project(chain(1000)))
    tree = engine.tree()
    tree.validate_state()
    task = tree.cursor()
    assert task is not None
    assert (task.plan.file, task.address) == ("f1000.md", "/".join(["1"] * 1001))
    assert engine.find(task.address) is not None
    assert (tree.progress().total, engine.check()) == (1, [])


async def test_t7_15_a_chain_is_completed_to_the_top(make_project: MakeProject) -> None:
    root = make_project(chain(60))
    engine = Engine.open(root)
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (root / ".flow/status.md").read_text() == "- [x] First @ f1.md\n"
    assert engine.next() is None
