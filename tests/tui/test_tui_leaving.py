"""Leaving while a task runs, and staying after all."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import Sit

TWO = """\
- [ ] [Script] Work
    ```sh
    echo begun; while [ ! -e {} ]; do sleep 0.02; done
    ```
- [ ] [Script] Next
    ```sh
    true
    ```
"""


async def test_who_has_asked_to_quit_later_can_stay_after_all(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": TWO.format(gate)}) as person:
        await person.press("r")
        await person.sees("running 1 Work")
        await person.press("q")
        await person.asked("Quit")
        await person.press("w")
        await person.sees("· then quits")
        await person.press("q")
        await person.asked("Quit")
        await person.sees("do not quit when this task ends")
        await person.press("escape")
        await person.unasked()
        await person.sees("· then quits")
        await person.press("escape", "q", "w")
        await person.sees("Quits when this task ends.")
        await person.press("q", "n")
        await person.until(lambda: "then quits" not in person.text)
        assert "Quits when" not in person.text
        gate.touch()
        await person.until(lambda: person.status("2") == "done", "the run to go on")
        await person.idle()
        assert not person.app._exit


async def test_staying_takes_back_no_stop_that_was_asked_for_before(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": TWO.format(gate)}) as person:
        await person.press("r")
        await person.sees("running 1 Work")
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.press("a", "q")
        await person.asked("Quit")
        await person.press("w", "q")
        await person.asked("Quit")
        await person.press("n")
        await person.sees("then stops")
        gate.touch()
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        assert person.status("2") == "pending"


async def test_what_this_app_runs_is_said_to_run_here(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": TWO.format(gate)}) as person:
        await person.press("s")
        await person.until(lambda: "begun" in person.main.detail.output.text)
        await person.until(lambda: person.status("1") == "active")
        await person.press("x")
        await person.told("It is running here")
        await person.told("end it with ctrl+c")
        gate.touch()
        await person.until(lambda: person.status("1") == "done")
