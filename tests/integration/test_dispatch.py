"""What runs a task: its metadata, its atom by the registry and by nothing else, or a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import ConfigurationError, Engine, StepOutcome
from tests.conftest import BUILT_IN, MakeProject
from tests.integration.conftest import finish

SCRIPT = "- [ ] [Script] {}\n    ```sh\n    echo {} >> ran\n    ```\n"
ATOM = "from engine import Atom, AtomResult\nopen('{trace}', 'w')\nclass Mine(Atom):\n    pass\n"


def register(root: Path, **entries: str) -> None:
    (root / ".flow/flow.registry.json").write_text(json.dumps(entries))


async def test_t1_36_a_module_without_an_entry_does_not_exist(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Mine] Work\n"})
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/mine.py").write_text(ATOM.format(trace=root / "trace"))
    engine = Engine.open(root)
    assert engine.check() == []
    assert [engine.atom_of(task) for task in engine.tree().walk()] == [None]
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING
    assert not (root / "trace").exists()


async def test_t2_21_metadata_wins_over_a_tag(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Script] Later <!-- type: flow -->\n"})
    engine = Engine.open(root)
    (task,) = engine.tree().walk()
    assert engine.atom_of(task) == "Flow"
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING


async def test_t2_22_a_tag_with_an_entry_is_that_atom(make_project: MakeProject) -> None:
    root = make_project({"status.md": '- [ ] [Git] Commit\n    ```toml\n    op = "comit"\n    ```\n'})
    engine = Engine.open(root)
    (task,) = engine.tree().walk()
    assert engine.atom_of(task) == "Git"
    with pytest.raises(ConfigurationError, match=r"status\.md:1: `op` is 'comit'"):
        await finish(engine.step())


async def test_t2_23_a_tag_without_an_entry_is_manual(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Git] Commit\n"})
    register(root, Script=BUILT_IN["Script"])
    engine = Engine.open(root)
    (task,) = engine.tree().walk()
    assert engine.atom_of(task) is None
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Manual", "It waits for a person: mark it done when it is."),
        ("Flow", "Look has no tasks. Add some, or mark it done."),
    ],
)
async def test_what_waits_for_a_person_does_so_under_any_name(
    make_project: MakeProject, kind: str, message: str
) -> None:
    root = make_project({"status.md": "- [ ] [Review] Look\n"})
    register(root, Review=BUILT_IN[kind])
    engine = Engine.open(root)
    tree = engine.tree()
    assert [problem.code for problem in engine.obstacles(tree, engine.upcoming()) if problem] == ["manual"]
    finished = await finish(engine.step())
    assert (finished.outcome, finished.message) == (StepOutcome.WAITING, message)
    assert engine.recovery() is None


def test_an_edit_has_a_preview_under_any_name(make_project: MakeProject) -> None:
    block = 'op = "append"\n    path = "a.txt"\n    text = "x"'
    root = make_project({"status.md": f"- [ ] [Edit] It\n    ```toml\n    {block}\n    ```\n"})
    (root / "a.txt").write_text("a\n")
    register(root, Edit=BUILT_IN["Loom"])
    engine = Engine.open(root)
    preview = engine.preview()
    assert preview is not None and preview.after.endswith("x\n")


async def test_t2_24_a_tag_in_another_case_is_manual_and_check_says_so(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [git] Commit\n"})
    engine = Engine.open(root)
    (task,) = engine.tree().walk()
    assert engine.atom_of(task) is None
    (problem,) = engine.check()
    assert (problem.line, problem.code) == (1, "tag")
    assert "[Git]" in problem.hint
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING


def test_a_tag_that_is_nearly_an_atoms_is_manual_and_a_note_says_so(make_project: MakeProject) -> None:
    code = "    ```sh\n    true\n    ```\n"
    plan = f"- [ ] [Skript] Slip\n{code}- [ ] [Deploy] Code\n{code}- [ ] [WIP] Label\n- [x] [Gitt] Over\n"
    engine = Engine.open(make_project({"status.md": plan}))
    assert engine.check() == []
    slip, other = engine.notes()
    assert (slip.line, slip.hint) == (1, "Did you mean [Script]?")
    assert slip.message == "No atom is called 'Skript': a person does this task, and its code is not run."
    assert (other.line, other.hint) == (5, "")
    tasks = list(engine.tree().walk())
    said = [note.message if (note := engine.note_of(task)) else "" for task in tasks]
    assert said[2] == "No atom is called 'WIP': a person does this task."
    assert said[3] == ""


async def test_t3_21_the_first_that_is_left_runs(make_project: MakeProject) -> None:
    plan = SCRIPT.format("one", "one").replace("[ ]", "[x]") + SCRIPT.format("two", "two")
    root = make_project({"status.md": plan + SCRIPT.format("three", "three")})
    engine = Engine.open(root)
    assert (await finish(engine.step())).name == "two"
    assert (root / "ran").read_text() == "two\n"
    assert (await finish(engine.step())).name == "three"
    assert (await finish(engine.step())).outcome is StepOutcome.NOTHING


@pytest.mark.parametrize(
    ("plan", "line", "words"),
    [
        ("- [ ] [Script] Up\n    ```sh cwd=../..\n    true\n    ```\n", 2, "leads out of a folder"),
        (
            "- [ ] [Script] Up\n    ```sh\n    true\n    ```\n    ```sh verify cwd=/etc\n    true\n    ```\n",
            5,
            "/etc",
        ),
        ("- [ ] [Script] When\n    ```sh timeout=soon\n    true\n    ```\n", 2, "no length of time"),
        (
            '- [ ] [Loom] Out\n    ```toml\n    op = "append"\n    path = "../x"\n    text = "x"\n    ```\n',
            1,
            "leads out of a folder",
        ),
        (
            '- [ ] [Loom] Own\n    ```toml\n    op = "append"\n    path = ".git/x"\n    text = "x"\n    ```\n',
            1,
            "may not",
        ),
        (
            '- [ ] [Git] Out\n    ```toml\n    op = "commit"\n    paths = ["../x"]\n    ```\n',
            1,
            "leads out of a folder",
        ),
        ('- [ ] [Git] No\n    ```toml\n    op = "tag"\n    ```\n', 1, "needs a `name`"),
    ],
)
async def test_check_sees_what_a_step_would_refuse(
    make_project: MakeProject, plan: str, line: int, words: str
) -> None:
    root = make_project({"status.md": plan})
    engine = Engine.open(root)
    (problem,) = engine.check()
    assert problem.line == line
    assert words in problem.message
    if "Loom" not in plan:
        with pytest.raises(ConfigurationError, match=rf"status\.md:{line}: "):
            await finish(engine.step())
        assert (root / ".flow/status.md").read_text() == plan
