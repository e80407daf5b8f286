"""Changing the tree of a project: texts, files, identity of what runs, and undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, NameMismatchError, PlanError, StateError, StepOutcome, UsageError
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, finish

PLAN = """\
# Release

- [x] Freeze
- [ ] Build
    - [ ] Compile
        A note of the compiler.
    - [ ] Pack

Some words of the author.

- [ ] [Sign](sign.md)
"""


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project({"status.md": PLAN, "sign.md": "- [ ] Ask for the key\n"})


def text(root: Path, file: str = "status.md") -> str:
    return (root / ".flow" / file).read_text()


def test_t4_01_to_t4_10_add_rename_move_remove_and_undo_each(root: Path) -> None:
    engine = Engine.open(root)
    steps: list[tuple[Callable[[], object], str, str]] = [
        (lambda: engine.add("Publish"), "- [ ] Publish\n", "status.md"),
        (lambda: engine.add("[Manual] Test", to="Build", at=1), "    - [ ] [Manual] Test\n", "status.md"),
        (lambda: engine.add("Use the key", to="Sign"), "- [ ] Use the key\n", "sign.md"),
        (lambda: engine.rename("Pack", "Pack it all"), "    - [ ] Pack it all\n", "status.md"),
        (
            lambda: engine.move("Compile", to=None, at=1),
            "- [ ] Compile\n    A note of the compiler.\n",
            "status.md",
        ),
        (
            lambda: engine.move("Compile", to="Sign"),
            "- [ ] Compile\n    A note of the compiler.\n",
            "sign.md",
        ),
        (lambda: engine.remove("Build"), "# Release", "status.md"),
    ]
    before = []
    for change, expected, file in steps:
        before.append((text(root), text(root, "sign.md")))
        change()
        assert expected in text(root, file)
        assert engine.check() == []
        assert "Some words of the author." in text(root)
    assert "Compile" not in text(root)
    for status, sign in reversed(before):
        engine.undo()
        assert (text(root), text(root, "sign.md")) == (status, sign)
    with pytest.raises(UsageError):
        engine.undo()


def test_zoom_makes_and_links_a_flow(root: Path) -> None:
    engine = Engine.open(root)
    assert engine.zoom("Build").files == ("sub_flows/build.md", "status.md")
    assert "- [ ] Compile\n    A note of the compiler.\n- [ ] Pack\n" in text(root, "sub_flows/build.md")
    assert engine.find("2/1").name == "Compile"
    engine.zoom("Freeze")
    assert engine.check() == []
    engine.undo()
    engine.undo()
    assert text(root) == PLAN


def test_t4_04_t4_14_t4_16_t4_18_what_is_refused(root: Path) -> None:
    engine = Engine.open(root)
    with pytest.raises(NameMismatchError):
        engine.remove("1", expect="Build")
    with pytest.raises(StateError):
        engine.add("Late", to="Freeze")
    with pytest.raises(StateError):
        engine.add("Build")
    with pytest.raises(StateError):
        engine.move("Build", to="Compile")
    with pytest.raises(StateError):
        engine.move("Sign", to="Sign")
    with pytest.raises(StateError):
        engine.move("Sign", to="Ask for the key")
    assert text(root) == PLAN


HANGING = """\
- [ ] Group
    - [ ] [Script] Migrate
        ```sh
        touch started
        while [ ! -e go ]; do sleep 0.02; done
        ```
- [ ] Other
"""

CHANGES: dict[str, Callable[[Engine], object]] = {
    "renamed": lambda engine: engine.rename("Migrate", "Move the data"),
    "parent renamed": lambda engine: engine.rename("Group", "Crowd"),
    "moved": lambda engine: engine.move("Group", at=2),
    "zoomed": lambda engine: engine.zoom("Group"),
    "all of it": lambda engine: (
        engine.rename("Migrate", "M"),
        engine.zoom("Group"),
        engine.rename("Group", "G"),
    ),
}


@pytest.mark.parametrize("how", CHANGES)
async def test_t3_27_what_runs_is_found_after_changes_through_flow(
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: Callable[[Callable[[], object]], None],
    how: str,
) -> None:
    root = make_project({"status.md": HANGING})
    process = start_engine(root)
    wait_for(lambda: (root / "started").exists())
    engine = Engine.open(root)
    CHANGES[how](engine)
    (root / "go").touch()
    process.communicate(timeout=60)
    done = [task for task in engine.tree().walk() if task.status.value == "done" and task.is_leaf]
    assert [task.tag for task in done] == ["Script"]
    assert engine.recovery() is None


async def test_t3_27_a_removed_running_task_is_reported_and_no_other_marked(
    make_project: MakeProject, start_engine: StartEngine, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    root = make_project({"status.md": HANGING})
    process = start_engine(root)
    wait_for(lambda: (root / "started").exists())
    engine = Engine.open(root)
    engine.remove("Migrate")
    (root / "go").touch()
    output, _ = process.communicate(timeout=60)
    assert b"no longer in the plan" in output
    assert (root / ".flow/status.md").read_text() == "- [/] Group\n- [ ] Other\n"
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING


async def test_a_step_and_an_addition_refuse_another_task_than_the_expected_one(root: Path) -> None:
    engine = Engine.open(root)
    before = text(root)
    with pytest.raises(NameMismatchError, match="is 'Compile', not 'Pack'"):
        await finish(engine.step(expect="Pack"))
    with pytest.raises(NameMismatchError, match="is 'Build', not 'Sign'"):
        engine.add("Upload", to="2", expect="Sign")
    with pytest.raises(UsageError, match="no task"):
        engine.add("Upload", expect="Sign")
    assert text(root) == before
    assert (await finish(engine.step(expect="Compile"))).outcome is StepOutcome.WAITING
    assert engine.add("Upload", to="2", expect="Build").address == "2.3"


def test_t3_10_a_status_that_there_is_not_is_refused_before_anything_is_written(root: Path) -> None:
    engine = Engine.open(root)
    before = text(root)
    with pytest.raises(UsageError, match="'burn' changes no task"):
        engine.change("burn", "Compile")
    with pytest.raises(PlanError, match="unknown marker"):
        engine.add("- [?] Publish\n")
    assert text(root) == before
    assert not (root / ".flow/backups").exists()


def test_t3_11_a_done_parent_with_a_pending_child_is_refused_before_anything_is_written(root: Path) -> None:
    engine = Engine.open(root)
    before = text(root)
    with pytest.raises(StateError, match="logic conflict"):
        engine.add("- [x] Publish\n    - [ ] Upload\n")
    with pytest.raises(StateError, match="'Compile'"):
        engine.change("done", "Build")
    assert text(root) == before
    assert not (root / ".flow/backups").exists()
