"""The prompt Interrupted, while the plan changes around the task that it asks about."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.tui.conftest import ENGINE, Sit
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


async def test_the_prompt_goes_along_when_its_task_is_renamed(sit: Sit, interrupted: Path) -> None:
    async with sit(interrupted, watch=True) as person:
        await person.asked("Interrupted")
        asked = person.app.screen
        engine = Engine.open(interrupted)
        engine.rename("1", "Construction")
        engine.rename("1/1", "[Script] Longer work")
        await person.sees("1/1  Longer work", "› Construction")
        await person.until(lambda: person.name("1/1") == "Longer work")
        await person.idle()
        assert person.app.screen is asked
        assert not person.app._notifications
        await person.press("escape")
        await person.unasked()
        engine.rename("1/1", "[Script] Long again")
        await person.until(lambda: person.name("1/1") == "Long again")
        await person.idle()
        assert person.prompt == ""


@pytest.mark.parametrize("choice", ["skip", "done", "fail"])
async def test_the_prompt_says_how_its_task_was_settled_elsewhere(
    sit: Sit, interrupted: Path, choice: str
) -> None:
    async with sit(interrupted, watch=True) as person:
        await person.asked("Interrupted")
        async for _ in Engine.open(interrupted).recover(choice):
            pass
        status = {"skip": "skipped", "done": "done", "fail": "failed"}[choice]
        await person.told(f"Settled elsewhere: Long work is {status}")
        await person.unasked()
        await person.idle()
        assert len(person.app._notifications) == 1


async def test_the_prompt_says_that_another_engine_follows_its_task(
    sit: Sit, interrupted: Path, gate: Path
) -> None:
    async with sit(interrupted, watch=True) as person:
        await person.asked("Interrupted")
        code = ENGINE.replace("step()", "recover('resume')")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=interrupted)
        await person.told("Taken on by another engine: Long work")
        await person.unasked()
        process.kill()
        await process.wait()
        await person.asked("Interrupted")  # once more, as that engine has left it as well
        gate.touch()


async def test_what_has_left_the_plan_is_not_called_by_the_address_of_another(
    sit: Sit, interrupted: Path
) -> None:
    root = interrupted / ".flow"
    async with sit(interrupted, size=(130, 28), watch=True) as person:
        await person.asked("Interrupted")
        await person.sees("still at work")
        (root / "build.md").write_text("- [ ] Another\n")
        await person.sees("This task is no longer in the plan")
        assert "1/1  Long work" not in person.text
        assert "Interruption 1" not in person.text
        await person.press("escape")
        await person.unasked()
        await person.sees(
            "! interrupted: Long work (no longer in the plan)", "s settle Long work (no longer in the plan)"
        )
        await person.press("space", "j", "x")  # it stands where that began, and is another one
        await person.until(lambda: person.status("1/1") == "done")
        (root / "build.md").write_text("- [?] Another\n")
        await person.sees("! interrupted: 1/1 Long work")  # nobody knows whether it is in there


VANISHES = """\
import os, signal
from engine import Atom

class Deploy(Atom):
    def run(self, call):
        for pid in (os.getppid(), os.getpid()):
            os.kill(pid, signal.SIGKILL)
"""


async def test_the_prompt_says_that_its_own_check_was_asked(sit: Sit, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Deploy] To production\n"})
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/deploy.py").write_text(VANISHES)
    registry = root / ".flow/flow.registry.json"
    registry.write_text(registry.read_text().replace("{", '{"Deploy": "deploy:Deploy", ', 1))
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Interrupted")
        assert "its own check" not in person.text
        await person.press("r")
        await person.sees("its own check")
        assert person.prompt == "Interrupted"
