"""Running real scripts from the app: live output, waiting for a person, stopping, another engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import Engine
from tests.tui.conftest import Person, Sit


def script(code: str, name: str = "Work", *, options: str = "") -> str:
    return f"- [ ] [Script] {name}\n    ```sh {options}\n    {code}\n    ```\n"


def gated(gate: Path) -> str:
    """A script that says `begun`, and ends when the file `gate` appears."""
    return script(f"echo begun; while [ ! -e {gate} ]; do sleep 0.02; done; echo ended")


async def _status(person: Person, address: str, status: str) -> None:
    await person.until(lambda: person.status(address) == status, f"{address} {status}")


async def test_t6_06_step_shows_output_while_the_script_runs(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + "- [ ] After\n"}) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text, "output while it runs")
        await person.sees("running 1 Work", "ctrl+c stop", "output", "attempt 1")
        await person.press("j", "k")  # the screen answers meanwhile
        await person.until(lambda: person.status("1") == "active")
        gate.touch()
        await _status(person, "1", "done")
        await person.sees("Done: Work", "next 2 After")
        await person.until(lambda: person.main.detail.output.text.split() == ["begun", "ended"])


async def test_run_goes_on_until_a_person_is_needed_and_x_goes_on_with_it(sit: Sit) -> None:
    plan = script("echo one", "One") + "- [ ] Approve\n" + script("echo two", "Two") + "- [ ] Last\n"
    async with sit({"status.md": plan}) as person:
        await person.press("r")
        await person.sees("waiting for you: 2 Approve")
        await person.until(lambda: person.status("1") == "done")
        await person.until(lambda: person.status("3") == "pending")
        await person.idle()
        await person.press("c", "x")
        await _status(person, "3", "done")
        await person.sees("waiting for you: 4 Last")


async def test_u_runs_no_further_than_the_selection(sit: Sit) -> None:
    plan = script("true", "One") + script("true", "Two") + script("true", "Three")
    async with sit({"status.md": plan}) as person:
        await person.press("g", "j", "u")
        await _status(person, "2", "done")
        await person.idle()
        await person.until(lambda: person.status("3") == "pending")


async def test_t7_06_ctrl_c_ends_the_script_and_the_next_step_asks(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate)}) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.press("ctrl+c")
        await person.asked("Interrupted")
        await person.sees("stopped by a person")
        await person.press("escape")
        await person.sees("interrupted: 1 Work")
        await person.until(lambda: person.app.engine.recovery() is not None)


async def test_what_an_own_task_keeps_from_being_undone_is_not_called_another_engine(
    sit: Sit, gate: Path
) -> None:
    async with sit({"status.md": gated(gate)}) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.press("z")
        await person.sees("Not undone: a task is running. ctrl+c stops it.")
        assert "Another engine" not in person.text
        gate.touch()
        await _status(person, "1", "done")


async def test_ctrl_c_offers_to_stop_after_this_task(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + script("true", "Next")}) as person:
        await person.press("r")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.sees("after this task", "now", "go on")
        await person.press("a")
        await person.sees("then stops")
        gate.touch()
        await _status(person, "1", "done")
        await person.idle()
        await person.sees("next 2 Next")


async def test_the_question_to_stop_goes_when_the_task_ends(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + "- [ ] After\n"}) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.press("ctrl+c")
        await person.asked("Stop")
        assert "after this task" not in person.text
        gate.touch()
        await person.unasked()
        await person.sees("next 2 After")


async def test_f_follows_a_run_until_the_person_moves(sit: Sit, gate: Path) -> None:
    files = {
        "status.md": "- [ ] [Inner](inner.md)\n- [ ] Last\n",
        "inner.md": script("true", "First") + gated(gate),
    }
    async with sit(files) as person:
        await person.press("G", "r")
        await person.until(lambda: person.selected == "1/2", "the running task")
        await person.press("G")
        await person.until(lambda: person.selected == "2")
        await person.press("F")
        await person.until(lambda: person.selected == "1/2")
        gate.touch()
        await _status(person, "1", "done")


async def test_the_next_task_of_a_run_does_not_take_the_person_along_who_has_moved(
    sit: Sit, gate: Path
) -> None:
    plan = gated(gate) + script("true", "Next") + "- [ ] Decide\n- [ ] Last\n"
    async with sit({"status.md": plan}) as person:
        await person.press("r")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.press("G")
        await person.until(lambda: person.selected == "4")
        gate.touch()
        await _status(person, "2", "done")
        await person.idle()
        assert person.selected == "4"


async def test_a_second_engine_makes_the_app_a_viewer(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + "- [ ] After\n"}, watch=True) as person:
        other = Engine.open(person.app.engine.root)
        steps = other.step()

        async def work() -> None:
            async for _ in steps:
                pass

        running = asyncio.create_task(work())
        await person.sees("viewer: another engine", "1 Work")
        await person.press("s")
        await person.sees("Another engine is at work")
        gate.touch()
        await running
        await person.sees("next 2 After")


async def test_a_broken_registry_is_said_in_words(sit: Sit) -> None:
    async with sit({"status.md": script("true"), "flow.registry.json": "[]"}) as person:
        await person.press("s")
        await person.told("flow.registry.json")
        await person.idle()
        await person.until(lambda: person.status("1") == "pending")


async def test_output_keeps_colours_and_shows_other_controls(sit: Sit) -> None:
    code = r"printf '\033[31mred\033[0m \033]0;owned\007 [bold]x[/] \r\033[2Jend\n'"
    async with sit({"status.md": script(code)}) as person:
        await person.press("s")
        await _status(person, "1", "done")
        await person.sees("␛[2Jend")
        assert "owned" not in person.app.title
        text = person.main.detail.output.text
        assert "\x1b" not in text
        assert "\x07" not in text


async def test_the_output_of_another_engine_is_followed_too(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate)}, watch=True) as person:

        async def work() -> None:
            async for _ in Engine.open(person.app.engine.root).step():
                pass

        running = asyncio.create_task(work())
        await person.until(lambda: "begun" in person.main.detail.output.text, "the other's output")
        gate.touch()
        await running
        await person.until(lambda: person.status("1") == "done")


async def test_what_happened_stands_beside_the_task_also_after_a_restart(sit: Sit) -> None:
    async with sit({"status.md": script("echo hello; exit 7")}) as person:
        await person.press("s")
        await _status(person, "1", "failed")
        root = person.app.engine.root
    async with sit(root, size=(120, 50)) as person:
        await person.sees("what happened", "attempt 1 failed after", "Exit status 7.", "hello")


async def test_a_run_that_waits_goes_on_with_its_own_task_wherever_that_is_by_now(sit: Sit) -> None:
    plan = "- [ ] A\n" + script("echo deployed > deployed", "Deploy") + "- [ ] C\n"
    async with sit({"status.md": plan}, watch=True) as person:
        await person.press("r")
        await person.sees("waiting for you: 1 A")
        path = person.app.engine.root / ".flow/status.md"
        path.write_text(f"- [ ] Z\n{path.read_text()}")
        await person.sees("waiting for you: 2 A")
        await person.idle()
        await person.press("g", "x")  # nobody waits for this one
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        assert person.status("3") == "pending"
        assert not (person.app.engine.root / "deployed").exists()
        await person.press("j", "x")
        await person.until(lambda: person.status("3") == "done")
        await person.sees("waiting for you: 4 C")


async def test_run_to_the_selection_ends_there_wherever_that_is_by_now(sit: Sit) -> None:
    plan = "- [ ] A\n- [ ] M\n" + script("true", "B") + script("true", "C") + "- [ ] D\n"
    async with sit({"status.md": plan}, watch=True) as person:
        await person.press("j", "j", "u")
        await person.sees("waiting for you: 1 A")
        path = person.app.engine.root / ".flow/status.md"
        text = path.read_text()
        path.write_text("")  # as a program leaves it that cuts the file before it writes it anew
        await person.until(lambda: not person.main.find("1"), "the reading between")
        path.write_text(text.replace("- [ ] M\n", ""))
        await person.until(lambda: person.main.find("4") and not person.main.find("5"), "the reading")
        await person.idle()
        await person.press("g", "x")
        await person.until(lambda: person.status("2") == "done")
        await person.idle()
        assert person.status("3") == "pending"


async def test_a_run_to_the_selection_does_not_go_on_when_that_task_is_gone(sit: Sit) -> None:
    plan = "- [ ] A\n" + script("true", "B") + script("true", "C") + "- [ ] D\n"
    async with sit({"status.md": plan}, watch=True) as person:
        await person.press("j", "j", "u")
        await person.sees("waiting for you: 1 A")
        path = person.app.engine.root / ".flow/status.md"
        path.write_text(path.read_text().replace(" C", " E"))
        await person.sees("○ E")
        path.write_text(path.read_text().replace(script("true", "E"), ""))
        await person.until(lambda: person.main.find("3") and not person.main.find("4"), "the reading")
        await person.idle()
        await person.press("g", "x")
        await person.told("3 is 'D', not 'E'")
        await person.idle()
        assert person.status("2") == "pending"


async def test_run_to_a_task_that_is_done_runs_nothing(sit: Sit) -> None:
    async with sit({"status.md": "- [x] A\n" + script("true", "B") + "- [ ] C\n"}) as person:
        await person.press("g", "u")
        await person.sees("A is done already")
        await person.idle()
        assert person.status("2") == "pending"


async def test_a_change_that_changes_nothing_says_so_and_offers_no_undo(sit: Sit) -> None:
    async with sit({"status.md": script("true", "Greet") + "- [ ] C\n"}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        await person.press("g", "x")
        await person.sees("Greet is done already.")
        assert "undoes" not in person.text
        await person.press("j", "o")
        await person.sees("C is pending already.")
        assert "undoes" not in person.text


async def test_what_runs_is_told_from_what_is_pushed_in_before_it(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + "- [ ] After\n"}, watch=True) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await _status(person, "1", "active")
        await person.press("ctrl+c")
        await person.asked("Stop")
        Engine.open(person.app.engine.root).add("Pushed in", at=1)
        await person.sees("running 2 Work", "2  Work")
        assert "1  Work" not in person.text
        await person.press("escape")
        assert person.selected == "2"
        running = person.main.flow_tree.facts.running
        assert running is not None
        assert running.name == "Work"
        await person.press("q")
        await person.asked("Quit")
        await person.sees("2  Work")
        await person.press("n", "k")
        await person.until(lambda: not person.main.detail.output.display, "the page of the other")
        gate.touch()
        await _status(person, "2", "done")


async def test_a_viewer_follows_what_another_engine_runs_to_its_place(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": gated(gate) + "- [ ] After\n"}, watch=True) as person:
        other = Engine.open(person.app.engine.root)

        async def work() -> None:
            async for _ in other.step():
                pass

        running = asyncio.create_task(work())
        await person.sees("viewer: another engine", "runs 1 Work")
        Engine.open(person.app.engine.root).add("Pushed in", at=1)
        await person.sees("runs 2 Work")
        at_work = person.main.flow_tree.facts.running
        assert at_work is not None
        assert at_work.name == "Work"
        gate.touch()
        await running


async def test_what_runs_and_has_left_the_plan_is_not_called_by_the_address_of_another(
    sit: Sit, gate: Path
) -> None:
    plan = "- [ ] First\n    - [ ] [Script] Long\n        ```sh\n        {}\n        ```\n    - [ ] Second\n"
    wait = f"while [ ! -e {gate} ]; do sleep 0.02; done"
    async with sit({"status.md": plan.format(wait)}, size=(130, 28), watch=True) as person:
        root = person.app.engine.root
        await person.press("r")
        await person.sees("● running 1.1 Long")
        await person.press("d")
        await person.asked("Confirm")
        await person.sees("It is running: its work goes on.")
        await person.press("n", "k", "d")
        await person.asked("Confirm")
        await person.sees("Long is running in it: that goes on.")
        await person.press("n", "j", "d", "y")
        await person.sees("● running Long (no longer in the plan) · ", "1.1 │   ○ Second")
        other = Engine.open(root, readonly=True)
        running = other.running(other.tree())
        assert running is not None
        assert running.gone
        for key, title in (("q", "Quit"), ("ctrl+c", "Stop")):
            await person.press(key)
            await person.asked(title)
            await person.sees("Long", "This task is no longer in the plan.", "runs for")
            assert "1.1  Long" not in person.text
            await person.press("n" if key == "q" else "escape")
            await person.unasked()
        status = root / ".flow" / "status.md"
        text = status.read_text()
        status.write_text("- [?] Broken\n")
        await person.sees("● running 1.1 Long · ")  # nobody knows whether it is in there
        status.write_text(text)
        await person.sees("● running Long (no longer in the plan) · ")
        gate.touch()
        await person.sees("Let go of: Long is no longer in the plan", "waiting for you: 1.1 Second")


async def test_a_reason_of_several_lines_is_said_in_one(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Work\n"}) as person:
        person.main.say("Failed: checking\n\n  bad: new.txt\r\n", "$error")
        await person.sees("Failed: checking bad: new.txt")


async def test_that_it_failed_is_no_news_while_it_runs_again(sit: Sit, gate: Path) -> None:
    code = f"[ -e tried ] || {{ touch tried; exit 1; }}; while [ ! -e {gate} ]; do sleep 0.02; done"
    async with sit({"status.md": script(code)}) as person:
        await person.press("s")
        await person.sees("Failed: Work")
        await person.idle()
        await person.press("t")
        await person.sees("running 1 Work")
        assert "Failed: Work" not in person.text
        gate.touch()
        await _status(person, "1", "done")
