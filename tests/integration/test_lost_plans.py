"""A plan that is gone or empty, and was not, is no finished one: it is told, nothing runs, and it can be put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine, PlanError
from tests.conftest import MakeProject
from tests.integration.conftest import finish

PLANS = {"status.md": "- [ ] One\n- [ ] Part @ part.md\n- [ ] Last\n", "part.md": "- [ ] Inner\n"}


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    """A project in which both plans were written."""
    root = make_project(PLANS)
    engine = Engine.open(root)
    for address in ("1", "2/1"):
        engine.change("done", address)
        engine.change("reopen", address)
    return root


def lose(file: Path, how: str) -> None:
    file.unlink() if how == "gone" else file.write_bytes(b"")


@pytest.mark.parametrize("how", ["gone", "empty"])
async def test_the_plan_is_lost(root: Path, how: str) -> None:
    file = root / ".flow/status.md"
    before = file.read_text()
    lose(file, how)
    engine = Engine.open(root)
    (problem,) = engine.tree().problems()
    assert problem.message == f"The plan is {how}; it had tasks before." and "flow restore" in problem.hint
    with pytest.raises(PlanError, match=f"The plan is {how}"):
        await finish(engine.step())
    with pytest.raises(PlanError, match="is empty" if how == "empty" else "is gone"):
        engine.add("Another")
    assert engine.restore() == ["status.md"]
    assert file.read_text() == before and engine.tree().problems() == []
    assert engine.restore() == []


@pytest.mark.parametrize("how", ["gone", "empty"])
async def test_a_sub_flow_is_lost(root: Path, how: str) -> None:
    file = root / ".flow/part.md"
    before = file.read_text()
    lose(file, how)
    engine = Engine.open(root)
    problems = engine.tree().problems()
    assert problems and all("flow restore" in f"{one.message} {one.hint}" for one in problems)
    engine.change("done", "1")  # other files go on
    assert engine.restore() == ["part.md"]
    assert file.read_text() == before and engine.tree().problems() == []


async def test_what_a_person_leaves_empty_is_no_problem(root: Path) -> None:
    file = root / ".flow/status.md"
    file.write_bytes(b"")
    engine = Engine.open(root)
    assert engine.accept() == ["status.md"]
    assert engine.tree().problems() == []
    engine.add("Another")
    assert file.read_text() == "- [ ] Another\n"


async def test_the_last_task_is_taken_out(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    engine = Engine.open(root)
    engine.remove("1")
    assert engine.tree().problems() == []
    (root / ".flow/status.md").unlink()
    assert engine.tree().problems() == []


def test_a_project_that_never_had_a_plan_has_none(make_project: MakeProject) -> None:
    engine = Engine.open(make_project({}))
    assert engine.tree().problems() == [] and engine.restore() == []
