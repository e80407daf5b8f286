"""T1.37: a project that came from elsewhere runs nothing before its person has approved it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine import Engine, StepOutcome, TrustError, init_project
from tests.integration.conftest import finish

PLAN = """\
- [ ] [Script] Touch
    ```sh
    touch trace-script
    ```
- [ ] [Mine] Touch too
"""
ATOM = """\
from pathlib import Path
from engine import Atom, AtomResult
Path(__file__).parents[2].joinpath("trace-import").touch()
class Mine(Atom):
    def run(self, call):
        Path(call.root, "trace-atom").touch()
        return AtomResult.success()
"""


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was made here, and its copy in another folder, which nobody has approved."""
    monkeypatch.delenv("FLOW_TRUST")
    original = tmp_path / "original"
    original.mkdir()
    init_project(original)
    flow = original / ".flow"
    (flow / "status.md").write_text(PLAN)
    (flow / "atoms").mkdir(exist_ok=True)
    (flow / "atoms/mine.py").write_text(ATOM)
    registry = json.loads((flow / "flow.registry.json").read_text())
    (flow / "flow.registry.json").write_text(json.dumps({**registry, "Mine": "mine:Mine"}))
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def traces(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("trace-*"))


async def test_t1_37_opening_and_looking_leave_no_trace(copied: Path) -> None:
    engine = Engine.open(copied)
    assert engine.check() == []
    assert [engine.atom_of(task) for task in engine.tree().walk()] == ["Script", "Mine"]
    assert engine.recovery() is None
    assert traces(copied) == []


async def test_t1_37_a_step_stops_and_after_trust_it_runs(copied: Path) -> None:
    engine = Engine.open(copied)
    with pytest.raises(TrustError) as caught:
        await finish(engine.step())
    assert caught.value.exit_code == 3
    assert traces(copied) == []
    assert (copied / ".flow/status.md").read_text() == PLAN

    engine.trust()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert traces(copied) == ["trace-atom", "trace-import", "trace-script"]


async def test_t1_37_after_a_change_of_an_atom_it_asks_again(copied: Path) -> None:
    engine = Engine.open(copied)
    engine.trust()
    await finish(engine.step())
    (copied / ".flow/atoms/mine.py").write_text(ATOM + "# changed\n")
    with pytest.raises(TrustError):
        await finish(engine.step())
    assert traces(copied) == ["trace-script"]


async def test_approving_what_is_shown_covers_that_alone(copied: Path) -> None:
    engine = Engine.open(copied)
    codes = engine.unapproved()
    assert any("touch trace-script" in code.text for code in codes)
    engine.approve(codes)
    plan = copied / ".flow/status.md"
    plan.write_text(PLAN.replace("trace-script", "trace-other"))
    with pytest.raises(TrustError):
        await finish(engine.step())
    plan.write_text(PLAN)
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_a_project_made_here_is_trusted(copied: Path) -> None:
    assert (await finish(Engine.open(copied.parent / "original").step())).outcome is StepOutcome.DONE


async def test_init_in_a_folder_that_has_one_grants_nothing(copied: Path) -> None:
    init_project(copied)
    with pytest.raises(TrustError):
        await finish(Engine.open(copied).step())
