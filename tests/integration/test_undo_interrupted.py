"""What is taken back while a task is interrupted: nothing by which it would be lost, and run again unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, NeedsPersonError, StateError
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, finish


async def asks(root: Path, name: str) -> None:
    """A step asks about this task, and has run nothing."""
    with pytest.raises(NeedsPersonError, match=name):
        await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n"


async def test_the_start_of_an_interrupted_task_is_not_taken_back(vanished: Path) -> None:
    with pytest.raises(StateError, match="interrupted"):
        Engine.open(vanished).undo()
    await asks(vanished, "Migrate")


async def test_its_new_name_is_not_taken_back(vanished: Path) -> None:
    engine = Engine.open(vanished)
    engine.rename("1", "Move the data")
    with pytest.raises(StateError, match="interrupted"):
        engine.undo()
    await asks(vanished, "Move the data")


async def test_its_way_into_a_sub_flow_is_not_taken_back(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    lines = HANGING.format(options="").splitlines(keepends=True)
    root = make_project({"status.md": "- [ ] Parent\n" + "".join(f"    {line}" for line in lines)})
    vanish(root)
    engine = Engine.open(root)
    engine.zoom("1")
    with pytest.raises(StateError, match="interrupted"):
        engine.undo()
    await asks(root, "Migrate")


async def test_what_another_task_became_is_taken_back(vanished: Path) -> None:
    engine = Engine.open(vanished)
    engine.rename("2", "Later")
    engine.undo()
    assert engine.find("2").name == "After"
    engine.change("skip", "2")
    engine.undo()
    await asks(vanished, "Migrate")


async def test_an_interrupted_task_that_was_removed_comes_back(vanished: Path) -> None:
    engine = Engine.open(vanished)
    engine.remove("1")
    engine.undo()
    await asks(vanished, "Migrate")
