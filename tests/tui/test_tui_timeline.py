"""The timeline: what ran when, how long it took, what failed; and the same beside each task."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import Sit
from tui.widgets.bars import _bar


def script(name: str, code: str) -> str:
    return f"- [ ] [Script] {name}\n    ```sh\n    {code}\n    ```\n"


PLAN = script("Compile", "echo compiled") + "- [ ] Approve\n" + script("Test", "exit 3") + "- [ ] Last\n"


async def test_the_timeline_shows_what_ran_and_what_failed_and_goes_to_the_task(sit: Sit) -> None:
    async with sit({"status.md": PLAN}) as person:
        await person.press("r")
        await person.sees("waiting for you: 2 Approve")
        await person.idle()
        await person.press("w")
        await person.sees("1 attempt: 1 done  ·  1 waiting")
        await person.press("escape", "c", "x")
        await person.until(lambda: person.status("3") == "failed")
        await person.idle()
        await person.press("g", "w")
        await person.sees(
            "Timeline",
            "1 done, 1 failed  ·  1 by hand  ·  ",
            "Compile",
            "Approve",
            "by hand",
            "Test",
        )
        await person.sees("Script · attempt 1", "failed Exit status 3.")
        assert "wait" not in person.text
        await person.press("k", "k")
        await person.sees("✔ done")
        await person.press("f", "enter")
        await person.until(lambda: person.selected == "3", "the failed task")


async def test_the_timeline_follows_a_run_and_is_empty_at_first(sit: Sit, gate: Path) -> None:
    work = f"while [ ! -e {gate} ]; do sleep 0.02; done"
    async with sit({"status.md": script("Long", work)}, watch=True) as person:
        await person.press("w")
        await person.sees("Nothing has run here yet")
        await person.press("escape", "s", "w")
        await person.sees("1 attempt: 1 running", "▶ runs")
        gate.touch()
        await person.sees("1 attempt: 1 done")
        await person.press("w")
        await person.unasked()


async def test_what_was_taken_back_does_not_read_as_done(sit: Sit) -> None:
    async with sit({"status.md": script("Compile", "true") + "- [ ] Last\n"}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        await person.press("g", "z")
        await person.until(lambda: person.status("1") == "active")
        await person.sees("attempt 1 done", "taken back")
        assert "attempt 1 ·" not in person.text
        await person.press("w")
        await person.sees("1 attempt: 1 taken back", "↶ done, taken back")


async def test_a_wait_that_ended_says_so_and_is_never_taken_back(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Approve\n- [ ] Last\n"}) as person:
        await person.press("s")
        await person.sees("waits for a person")
        await person.press("x")
        await person.sees("done by", "waited for a person")
        await person.press("z")
        await person.until(lambda: person.status("1") == "active", "undone")
        await person.sees("done by")
        await person.press("z")
        await person.until(lambda: person.status("1") == "pending", "undone")
        await person.idle()
        await person.sees("waited for a person")
        assert person.text.count("taken back") == 1


async def test_a_task_that_moved_says_so(sit: Sit) -> None:
    async with sit({"status.md": script("Compile", "true") + "- [ ] Last\n"}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        (person.app.engine.root / ".flow" / "status.md").write_text("- [x] Other\n- [ ] Last\n")
        await person.press("f5")
        await person.sees("Other")
        await person.press("w")
        await person.sees("Compile")
        await person.press("enter")
        await person.sees("Compile is not at 1 any more.")


async def test_a_try_that_its_task_took_back_is_not_counted_as_failed(sit: Sit) -> None:
    plan = "- [ ] [Script] Flaky\n    ```sh retries=1 backoff=10ms\n    [ $FLOW_ATTEMPT -eq 2 ]\n    ```\n"
    async with sit({"status.md": plan}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        await person.press("w")
        await person.sees("2 attempts: 1 tried again, 1 done")


async def test_attempts_stand_beside_their_task_with_times_and_results(sit: Sit) -> None:
    plan = script("Test", "test -e fixed || exit 3")
    async with sit({"status.md": plan}, size=(150, 40)) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "failed")
        await person.idle()
        (person.app.engine.root / "fixed").touch()
        await person.press("t")
        await person.until(lambda: person.status("1") == "done")
        await person.sees("what happened", "attempt 1 failed after", "Exit status 3.", "attempt 2 done after")


@pytest.mark.parametrize(
    ("seconds", "bar"), [(0.0, "    "), (0.001, "▏   "), (2.0, "██  "), (2.5, "██▌ "), (4.0, "████")]
)
def test_a_bar_is_as_long_as_its_share(seconds: float, bar: str) -> None:
    assert _bar(seconds, 4.0, 4) == bar
