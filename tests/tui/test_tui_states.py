"""A project that breaks while the app looks at it: each is a state of the screen with a way out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from engine import Engine
from tests.conftest import BUILT_IN
from tests.tui.conftest import Sit
from tui.screens import states
from tui.session import Reading, Session

SCRIPT = "- [ ] [Script] Work\n    ```sh\n    true\n    ```\n- [ ] After\n"


async def test_t1_34_a_registry_that_is_garbage_is_said_and_mended(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}, watch=True) as person:
        registry = person.app.engine.root / ".flow" / "flow.registry.json"
        registry.write_text('{"Script": ')
        await person.press("s")
        await person.told("flow.registry.json")
        await person.idle()
        assert person.status("1") == "pending"
        registry.write_text(json.dumps(BUILT_IN))
        await person.press("s")
        await person.until(lambda: person.status("1") == "done", "the task")


async def test_t1_34_without_a_registry_tasks_are_by_hand_until_it_is_back(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}, watch=True) as person:
        registry = person.app.engine.root / ".flow" / "flow.registry.json"
        registry.rename(registry.with_name("away.json"))
        await person.press("f5", "s")
        await person.sees("waiting for you: 1")
        await person.idle()
        await person.press("x")
        await person.until(lambda: person.status("1") == "done", "the task by hand")


async def test_t1_10_a_plan_that_is_emptied_is_not_written_over_and_comes_back(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}, watch=True) as person:
        plan = person.app.engine.root / ".flow" / "status.md"
        plan.write_text("")
        await person.sees("This plan has no tasks yet", "q quit")
        await person.press("x", "s", "r", "a", "z", "escape")
        await person.idle()
        assert plan.read_text() == ""
        plan.write_text(SCRIPT)
        await person.sees("next 1 Work")


async def test_a_plan_that_is_deleted_says_how_it_comes_back(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n"}, watch=True) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done", "the task is done")
        (person.app.engine.root / ".flow" / "status.md").unlink()
        await person.sees("The plan is gone; it had tasks before.", "`flow restore` puts back its last")
        assert person.app.engine.restore() == ["status.md"]
        await person.sees("next 2 Two")


async def test_t2_13_a_plan_that_cannot_be_read_names_what_to_mend_and_comes_back(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}, watch=True) as person:
        plan = person.app.engine.root / ".flow" / "status.md"
        noise = b"\xff\xfe- [ ] Work\n\0\0"
        plan.write_bytes(noise)
        await person.sees("⚠", "problem")
        await person.press("x", "s", "a", "escape")
        await person.idle()
        assert plan.read_bytes() == noise
        plan.write_text(SCRIPT)
        await person.sees("next 1 Work")


async def test_a_plan_that_becomes_a_folder_is_said_and_comes_back(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}, watch=True) as person:
        plan = person.app.engine.root / ".flow" / "status.md"
        plan.unlink()
        plan.mkdir()
        await person.until(lambda: person.main.error is not None, "what is wrong")
        await person.sees("status.md", "q quit")
        await person.press("x", "s", "a", "escape")
        plan.rmdir()
        plan.write_text(SCRIPT)
        await person.sees("next 1 Work")


async def test_t2_07_a_subflow_that_breaks_is_a_problem_of_its_task_until_it_is_mended(sit: Sit) -> None:
    files = {"status.md": "- [ ] [Sub](sub.md)\n- [ ] Last\n", "sub.md": "- [ ] One\n"}
    async with sit(files, watch=True) as person:
        await person.press("enter")
        await person.sees("› Sub", "One")
        sub = person.app.engine.root / ".flow" / "sub.md"
        sub.write_text("- [?] One\n")
        await person.sees("An unknown marker", "mend it")
        sub.unlink()
        await person.sees("1 problem")
        await person.press("h")
        await person.sees("Last")
        sub.write_text("- [ ] One again\n")
        await person.sees("next 1/1 One again")


@pytest.mark.parametrize("size", [(104, 28), (40, 15)])
async def test_while_the_plan_cannot_be_read_the_lines_say_so_and_offer_what_can_be_done(
    sit: Sit, size: tuple[int, int]
) -> None:
    async with sit({"status.md": SCRIPT}, size=size) as person:
        flow = person.app.engine.root / ".flow"
        flow.rename(flow.with_name("away"))
        await person.press("f5")
        await person.sees("✖ No plan here", "f5 read again", "q quit")
        assert "next 1" not in person.text
        assert {hint.action for hint in states.footer(person.main)} == {"reread", "quit", "help"}
        for key in "srxzae":
            await person.press("escape", key)
            await person.sees("Nothing runs or changes until this")
        flow.with_name("away").rename(flow)
        await person.press("escape", "f5")
        await person.sees("next 1 Work")


async def test_keys_that_need_the_whole_plan_say_that_it_is_still_being_read(sit: Sit) -> None:
    async with sit({"status.md": SCRIPT}) as person:
        person.main.reading = None
        for key in "csx":
            await person.press("escape", key)
            await person.sees("still being read")


async def test_a_strict_project_says_what_was_changed_outside_and_that_s_settles_it(sit: Sit) -> None:
    files = {"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n", "flow.toml": 'integrity = "strict"\n'}
    async with sit(files, watch=True) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done", "the task is done")
        plan = person.app.engine.root / ".flow" / "status.md"
        before = plan.read_text()
        plan.write_text(before.replace("- [ ] Three\n", ""))
        await person.sees("~ status.md was changed outside and is not accepted", "s settle status.md")
        await person.press("s")
        await person.asked("Changed outside")
        await person.press("b")
        await person.sees("next 2 Two", "s step 2 Two")
        assert plan.read_text() == before


@pytest.mark.parametrize("asking", [False, True])
async def test_what_is_accepted_elsewhere_is_accepted_here_after_one_reading(
    sit: Sit, monkeypatch: pytest.MonkeyPatch, asking: bool
) -> None:
    files = {"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n", "flow.toml": 'integrity = "strict"\n'}
    async with sit(files, watch=True) as person:
        root = person.app.engine.root
        await person.press("x")
        await person.until(lambda: person.status("1") == "done", "the task is done")
        plan = root / ".flow" / "status.md"
        plan.write_text(plan.read_text().replace("- [ ] Three\n", ""))
        await person.sees("~ status.md was changed outside and is not accepted", "s settle status.md")
        if asking:
            await person.press("s")
            await person.asked("Changed outside")
        await person.idle()
        readings: list[object] = []
        monkeypatch.setattr(Session, "_look", _counting(readings))
        assert Engine.open(root).accept() == ["status.md"]
        if asking:
            await person.told("Settled elsewhere: status.md is accepted")
            await person.unasked()
        await person.sees("next 2 Two", "s step 2 Two")
        await person.idle()
        assert len(readings) == 1
        Engine.open(root).change("done", "2")
        await person.sees("everything is done")
        await person.idle()
        assert len(readings) == 2


def _counting(readings: list[object]) -> Callable[[Session], Reading]:
    look = Session._look

    def counted(session: Session) -> Reading:
        readings.append(session)
        return look(session)

    return counted
