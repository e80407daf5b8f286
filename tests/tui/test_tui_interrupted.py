"""The prompt Interrupted, while the plan changes around the task that it asks about."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine
from tests.tui.conftest import Sit
from tui.screens.prompt import ChoiceLine


@pytest.mark.parametrize("alive", [True, False])
async def test_an_interrupted_task_that_is_no_longer_in_the_plan_is_let_go_of(
    sit: Sit, interrupted: Path, gate: Path, alive: bool
) -> None:
    root = interrupted / ".flow"
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        (root / "build.md").write_text("- [ ] Another\n")
        if not alive:
            gate.touch()
        words = "end it, and let go of it" if alive else "let go of it"
        await person.until(lambda: f"skip       {words}" in person.text, "the way out")
        ways = [line.choice for line in person.app.screen.query(ChoiceLine)]
        off = {way.value for way in ways if not way.enabled}
        assert off == {"resume", "retry", "always", "done", "fail"}
        assert all("no longer in the plan" in way.explains for way in ways if not way.enabled)
        await person.press("r", "t", "x", "exclamation_mark")
        assert person.prompt == "Interrupted"
        await person.press("minus")
        await person.unasked()
        await person.sees("Let go of: Long work is no longer in the plan")
        await person.idle()
        assert person.app.engine.recovery() is None
        assert person.status("1/1") == "pending"


async def test_the_prompt_stays_with_its_task_when_another_one_comes_before_it(
    sit: Sit, interrupted: Path, gate: Path
) -> None:
    async with sit(interrupted, watch=True) as person:
        await person.asked("Interrupted")
        asked = person.app.screen
        Engine.open(interrupted).add("Pushed in", at=1)
        await person.sees("2/1  Long work")
        assert person.app.screen is asked
        assert not person.app._notifications
        await person.press("escape")
        await person.unasked()
        Engine.open(interrupted).add("And one more", at=1)
        await person.until(lambda: person.name("3/1") == "Long work")
        await person.idle()
        assert person.prompt == ""
