"""What holds for all code of a project holds for that one, and not for another one at its path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine import Engine, StepOutcome, TrustError, init_project
from tests.integration.conftest import finish

PLAN = "- [ ] [Script] Touch\n    ```sh\n    touch trace\n    ```\n"


def make(root: Path) -> Path:
    root.mkdir()
    init_project(root)
    (root / ".flow/status.md").write_text(PLAN)
    return root


def clone(project: Path, root: Path) -> None:
    """As git would: what `.flow/.gitignore` leaves out stays behind."""
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("mark", "*.lock", "lock", "status.meta"))


@pytest.mark.parametrize("how", ["made here", "trusted"])
async def test_t1_37_another_project_at_the_path_of_a_trusted_one_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    foreign = make(tmp_path / "foreign")
    root = tmp_path / "here"
    if how == "made here":
        make(root)
    else:
        clone(foreign, root)
        with pytest.raises(TrustError):
            await finish(Engine.open(root).step())
        Engine.open(root).trust()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE
    shutil.rmtree(root)
    (foreign / ".flow/status.md").write_text(PLAN.replace("trace", "other"))
    clone(foreign, root)
    with pytest.raises(TrustError):
        await finish(Engine.open(root).step())
    assert not (root / "other").exists()
    Engine.open(root).trust()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE
