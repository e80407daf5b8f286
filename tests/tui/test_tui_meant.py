"""What a prompt names is what is changed, also when the plan is changed, or the work goes on, while it asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.tui.conftest import Person, Sit
from tui.screens.leave import QuitPrompt, StopPrompt
from tui.widgets.field import Field

THREE = "- [ ] alpha\n- [ ] beta\n- [ ] gamma\n"
WEEK = "# Mon\n\n- [ ] Test\n\n# Tue\n\n- [ ] Test\n- [ ] Ship\n"
TUESDAY = "# Mon\n\n# Tue\n\n- [ ] Test\n- [ ] Ship\n"


def plan_of(person: Person) -> Path:
    return person.app.engine.root / ".flow" / "status.md"


@pytest.mark.parametrize(
    ("key", "asks", "becomes"),
    [
        ("A", "inside {} beta", "- [ ] beta\n    - [ ] kid\n- [ ] gamma\n"),
        ("a", "after {} beta", "- [ ] beta\n- [ ] kid\n- [ ] gamma\n"),
    ],
)
async def test_a_task_is_added_by_the_one_that_the_prompt_names(
    sit: Sit, key: str, asks: str, becomes: str
) -> None:
    async with sit({"status.md": THREE}) as person:
        await person.press("g", "j", key)
        await person.asked("Task")
        await person.sees(asks.format(2))
        await person.press(*"kid")
        plan_of(person).write_text("- [ ] zero\n" + THREE)  # which the app has not read yet
        await person.press("enter")
        await person.sees("2 is 'alpha', not 'beta'", asks.format(3), "kid")
        assert "kid" not in plan_of(person).read_text()
        await person.press("enter")
        await person.until(
            lambda: plan_of(person).read_text() == "- [ ] zero\n- [ ] alpha\n" + becomes, "the task"
        )


async def test_a_name_for_a_task_that_is_gone_is_refused_and_stays_typed(sit: Sit) -> None:
    async with sit({"status.md": THREE}) as person:
        await person.press("g", "j", "A")
        await person.asked("Task")
        await person.press(*"kid")
        rest = THREE.replace("- [ ] beta\n", "")
        plan_of(person).write_text(rest)
        person.main.session.read()
        await person.sees("beta is not in the plan any more:")
        await person.press("enter")
        await person.sees("beta is not in the plan any more.", "kid")
        assert plan_of(person).read_text() == rest


async def test_a_task_is_not_moved_to_a_place_that_has_become_another(sit: Sit) -> None:
    text = "- [ ] A\n    - [ ] A1\n- [ ] B\n    - [ ] B1\n- [ ] C\n"
    async with sit({"status.md": text}) as person:
        await person.press("G", "m", "k")
        await person.until(lambda: person.name(person.selected) == "B1")
        plan_of(person).write_text("- [ ] Zero\n" + text)
        await person.press("enter")
        await person.told("Another task stands there")
        assert plan_of(person).read_text() == "- [ ] Zero\n" + text


async def test_what_is_moved_is_left_when_it_is_gone(sit: Sit) -> None:
    async with sit({"status.md": WEEK}) as person:
        await person.press("g", "m")
        await person.sees("moving Test")
        plan_of(person).write_text(TUESDAY)
        person.main.session.read()
        await person.sees("Not moved: Test is not in the plan any more")
        assert "moving Test" not in person.text


async def test_a_long_name_leaves_room_for_what_to_do_about_the_move(sit: Sit) -> None:
    async with sit({"status.md": f"- [ ] {'long ' * 60}\n- [ ] B\n"}, size=(40, 15)) as person:
        await person.press("g", "m", "x")
        await person.until(
            lambda: "leave it, first" in " ".join(person.text.replace("│", " ").split()), "the words"
        )


async def test_a_deletion_is_not_asked_about_any_more_when_its_task_is_gone(sit: Sit) -> None:
    async with sit({"status.md": WEEK}) as person:
        await person.press("g", "d")
        await person.asked("Confirm")
        plan_of(person).write_text(TUESDAY)
        person.main.session.read()
        await person.told("Test is not in the plan any more")
        await person.unasked()
        assert plan_of(person).read_text() == TUESDAY


@pytest.mark.parametrize("key", ["d", "M"])
async def test_another_task_of_the_same_name_is_left_alone(sit: Sit, key: str) -> None:
    async with sit({"status.md": WEEK}) as person:
        await person.press("g", key)
        await person.asked("Confirm")
        plan_of(person).write_text(TUESDAY)  # which the app has not read yet
        await person.press("y")
        await person.told("is another task by now")
        assert plan_of(person).read_text() == TUESDAY


async def test_a_deletion_says_anew_what_goes_along(sit: Sit) -> None:
    grown = THREE.replace("alpha\n", "alpha\n    - [ ] one\n    - [ ] two\n")
    async with sit({"status.md": THREE}) as person:
        await person.press("g", "d")
        await person.asked("Confirm")
        plan_of(person).write_text(grown)
        person.main.session.read()
        await person.sees("With it go the 2 tasks inside.")
        await person.until(lambda: not person.app.presses.is_deaf)
        await person.press("y")
        await person.until(lambda: "alpha" not in plan_of(person).read_text(), "the deletion")


async def test_a_task_that_runs_code_takes_no_task_in_and_says_so_at_once(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] [Script] Test\n    ```sh\n    true\n    ```\n"}) as person:
        await person.press("A")
        await person.sees("It runs code")
        assert person.prompt == ""


@pytest.mark.parametrize("size", [(104, 28), (40, 15), (20, 6)])
@pytest.mark.parametrize("key", ["a", "A", "R"])
async def test_the_field_is_on_the_screen_whatever_the_name(
    sit: Sit, size: tuple[int, int], key: str
) -> None:
    async with sit({"status.md": f"- [ ] {'long ' * 400}\n"}, size=size) as person:
        await person.press("g", key)
        await person.asked("Task")
        await person.press("end", *"!?")
        await person.sees("!?")
        field = person.app.screen.query_one(Field).region
        assert 0 <= field.y < field.bottom <= size[1]


def two(gate: Path, other: Path) -> str:
    wait = "- [ ] [Script] {}\n    ```sh\n    while [ ! -e {} ]; do sleep 0.02; done\n    ```\n"
    return wait.format("One", gate) + wait.format("Two", other)


async def test_the_question_to_stop_goes_along_with_the_run(sit: Sit, gate: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    async with sit({"status.md": two(gate, other)}) as person:
        await person.press("r")
        await person.sees("running 1 One")
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.sees("1  One")
        gate.touch()
        await person.sees("2  Two")
        prompt = person.app.screen
        assert isinstance(prompt, StopPrompt)
        prompt._unseen_until = float("inf")
        await person.press("y")  # meant for the one before
        assert person.prompt == "Stop"
        prompt._unseen_until = 0.0
        await person.press("y")
        await person.asked("Interrupted")
        await person.sees("2  Two", "stopped by a person")
        assert person.status("1") == "done"
        other.touch()


async def test_between_two_tasks_a_stop_lets_nothing_more_begin(sit: Sit, gate: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    async with sit({"status.md": two(gate, other)}) as person:
        await person.press("r")
        await person.sees("running 1 One")
        await person.press("ctrl+c")
        await person.asked("Stop")
        person.main.conductor.own = None  # as if it had ended, and the next not begun
        await person.press("y")
        await person.sees("Nothing more is run.")
        gate.touch()
        await person.idle()
        await person.until(lambda: person.status("1") == "done")
        assert person.status("2") == "pending"


async def test_the_question_to_quit_goes_when_nothing_runs_any_more(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": two(gate, gate)}) as person:
        await person.press("s")
        await person.sees("running 1 One")
        await person.press("q")
        await person.asked("Quit")
        gate.touch()
        await person.told("What ran has ended by itself")
        await person.unasked()
        assert not person.app._exit


async def test_a_question_that_goes_while_it_is_drawn_goes_quietly(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": two(gate, gate)}) as person:
        await person.press("s")
        await person.sees("running 1 One")
        await person.press("q")
        await person.asked("Quit")
        prompt = person.app.screen
        assert isinstance(prompt, QuitPrompt)
        await prompt.query("#box").remove()
        prompt._say_more()
        prompt.dismiss(None)
        gate.touch()


async def test_undo_is_not_offered_any_more_when_another_engine_has_changed_something(sit: Sit) -> None:
    async with sit({"status.md": THREE}) as person:
        await person.press("g", "x")
        await person.sees("Done: alpha · z undoes")
        await person.idle()
        assert "z undoes" in person.text
        Engine.open(person.app.engine.root).change("done", "3")
        person.main.session.read()
        await person.until(lambda: "z undoes" not in person.text, "the end of the offer")
        assert "Done: alpha" in person.text


async def test_only_what_was_shown_is_accepted_and_then_it_goes_on(
    sit: Sit, make_project: MakeProject
) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n", "flow.toml": 'integrity = "strict"\n'})
    plan = root / ".flow" / "status.md"
    async with sit(root) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        with plan.open("a") as file:
            file.write("- [ ] Shown\n")
        await person.press("f5")
        await person.sees("Shown")
        await person.press("j", "x")
        await person.asked("Changed outside")
        await person.sees("+- [ ] Shown", "the version at", "a copy of this is kept")
        with plan.open("a") as file:
            file.write("- [ ] Not yet\n")
        await person.press("a")
        await person.sees("was changed once more", "+- [ ] Not yet")
        await person.press("a")
        await person.until(lambda: person.status("2") == "done", "what was asked for")


async def test_work_that_goes_on_is_not_ended_unasked(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press("escape")
        await person.unasked()
        await person.press("enter")
        await person.until(lambda: person.selected == "1/1")
        for key in ("x", "minus", "exclamation_mark"):
            await person.press(key)
            await person.asked("Interrupted")
            await person.press("escape")
            await person.unasked()
        recovery = person.app.engine.recovery()
        assert recovery is not None
        assert recovery.children
