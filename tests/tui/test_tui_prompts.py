"""Every prompt, reached by its real cause, and what its keys do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from textual.events import Resize
from textual.widgets import Static

from engine import Engine
from tests.tui.conftest import SECONDS, Sit, kill_an_engine, long_script
from tui.screens.interrupted import InterruptedPrompt
from tui.screens.prompt import ChoiceLine, Prompt

Make = Callable[[Mapping[str, str]], Path]
Wait = Callable[[Callable[[], object]], None]


def count(tmp_path: Path) -> int:
    return len((tmp_path / "count").read_text().splitlines())


async def test_t3_23_an_interrupted_task_is_shown_at_the_start_with_its_evidence(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.sees("1/1  Long work", "status.md › Build", "attempt 1", "still at work:", "at work")
        await person.press("escape")
        await person.sees("interrupted: 1/1 Long work", "settle 1/1 Long work")
        await person.press("s")
        await person.asked("Interrupted")
        recovery = person.app.engine.recovery()
        await person.press("r")
        await person.sees("following 1/1 Long work")
        own = person.main.conductor.own
        assert recovery is not None
        assert own is not None
        assert time.time() - (time.monotonic() - own.since) == pytest.approx(
            datetime.fromisoformat(recovery.started_at).timestamp(), abs=0.5
        )
        gate.touch()
        await person.until(lambda: person.status("1/1") == "done", "the followed task")
        assert count(tmp_path) == 1


async def test_t3_22a_retry_ends_what_is_alive_and_runs_again(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press("t")
        await person.until(lambda: count(tmp_path) == 2, "the second run")
        await person.sees("attempt 2")
        gate.touch()
        await person.until(lambda: person.status("1/1") == "done")


@pytest.mark.parametrize(
    ("key", "status"), [("x", "done"), ("minus", "skipped"), ("exclamation_mark", "failed")]
)
async def test_an_interrupted_task_can_be_settled_by_hand(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path, key: str, status: str
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press(key)
        await person.until(lambda: person.status("1/1") == status, status)
        await person.until(lambda: person.app.engine.recovery() is None)


FAILING = "- [ ] [Script] Test\n    ```sh\n    echo broken; exit 3\n    ```\n- [ ] Publish\n"


async def test_t3_21a_a_failed_task_holds_the_plan_and_s_asks(sit: Sit) -> None:
    async with sit({"status.md": FAILING}) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "failed")
        await person.sees("failed and holds the plan", "retry or skip 1 Test")
        await person.idle()
        await person.press("s")
        await person.asked("Failed")
        await person.sees("broken", "Exit status 3 · attempt 1", "retry", "mark done")
        await person.press("enter")  # the safe choice has the focus
        await person.unasked()
        await person.until(lambda: person.status("1") == "failed")
        await person.press("s")
        await person.asked("Failed")
        await person.press("t")
        await person.until(
            lambda: person.app.engine.attempts(person.app.engine.find("1")) == 2, "the second attempt"
        )
        await person.idle()
        await person.press("s")
        await person.asked("Failed")
        await person.press("minus")
        await person.until(lambda: person.status("1") == "skipped")


async def test_the_prompt_failed_shows_the_end_of_much_output(sit: Sit) -> None:
    plan = "- [ ] [Script] Test\n    ```sh\n    seq 30000; echo the very end; exit 3\n    ```\n"
    async with sit({"status.md": plan}) as person:
        await person.fail()
        await person.until(
            lambda: "the very end" in str(person.app.screen.query("#evidence Static").last(Static).content)
        )


LOOM = """\
- [ ] [Loom] Announce
    ```toml
    op = "insert"
    path = "CHANGELOG.md"
    after = "## Unreleased"
    text = "- Orbit 2.0 is out."
    ```
"""


async def test_t6_10_preview_conflict_reload_and_both_changes_are_there(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": LOOM})
    log = root / "CHANGELOG.md"
    log.write_text("# Changelog\n\n## Unreleased\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Preview")
        await person.sees("+- Orbit 2.0 is out.", "CHANGELOG.md, as shown", "nothing is written")
        log.write_text("# Changelog\n\nWritten by another program\n\n## Unreleased\n")
        await person.press("y")
        await person.asked("Conflict")
        await person.sees(
            "Written by another program", "base", "disk", "edit", "reload", "keep the file", "not now"
        )
        assert "Orbit" not in log.read_text()
        await person.press("r")
        await person.asked("Preview")
        await person.sees("+- Orbit 2.0 is out.")
        assert "Orbit" not in log.read_text()
        await person.press("y")
        await person.until(lambda: person.status("1") == "done", "the task done")
        assert log.read_text() == (
            "# Changelog\n\nWritten by another program\n\n## Unreleased\n- Orbit 2.0 is out.\n"
        )


async def test_conflict_keep_and_retry(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": LOOM})
    log = root / "CHANGELOG.md"
    log.write_text("## Unreleased\n")
    async with sit(root, size=(80, 24)) as person:
        for answer in ("k", "t"):
            await person.press("s")
            await person.asked("Preview")
            log.write_text(f"Another line before {answer}\n## Unreleased\n")
            await person.press("y")
            await person.asked("Conflict")
            await person.sees(f"Another line before {answer}")
            await person.press(answer)
            if answer == "k":
                await person.sees("Kept CHANGELOG.md")
                assert "Orbit" not in log.read_text()
                await person.idle()
        await person.until(lambda: person.status("1") == "done", "the task done")
        assert log.read_text() == "Another line before t\n## Unreleased\n- Orbit 2.0 is out.\n"


@pytest.mark.parametrize("name", ["Loom", "Edit"])
async def test_a_preview_can_be_left_alone(sit: Sit, make_project: Make, name: str) -> None:
    registry = f'{{"{name}": "engine.atoms.loom:LoomAtom"}}'
    root = make_project({"status.md": LOOM.replace("Loom", name), "flow.registry.json": registry})
    (root / "CHANGELOG.md").write_text("## Unreleased\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Preview")
        await person.press("enter")
        await person.unasked()
        await person.until(lambda: person.status("1") == "pending")
        assert (root / "CHANGELOG.md").read_text() == "## Unreleased\n"


async def test_an_edit_that_is_refused_is_not_previewed(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": LOOM})
    log = root / "CHANGELOG.md"
    log.write_text("## Unreleased\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Preview")
        await person.press("y")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        await person.press("z")
        await person.until(lambda: person.status("1") == "active")
        await person.sees("what it did stays", "has run already", "t run it again", "x done")
        await person.idle()
        await person.press("s")
        await person.told("has run already")
        await person.idle()
        assert person.prompt == ""


async def test_code_that_nobody_approved_is_asked_about_before_its_preview(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    root = make_project({"status.md": LOOM})
    (root / "CHANGELOG.md").write_text("## Unreleased\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Trust")
        await person.press("y")
        await person.asked("Preview")
        await person.press("y")
        await person.until(lambda: person.status("1") == "done")


async def test_an_edit_that_is_there_already_is_said_in_plain_words(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": LOOM})
    log = root / "CHANGELOG.md"
    log.write_text("## Unreleased\n- Orbit 2.0 is out.\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Preview")
        await person.sees("CHANGELOG.md is already as wanted", "mark done", "the task stays open")
        await person.press("y")
        await person.until(lambda: person.status("1") == "done")


async def test_t6_05_an_anchor_that_is_not_there_is_said_and_nothing_written(
    sit: Sit, make_project: Make
) -> None:
    root = make_project({"status.md": LOOM})
    (root / "CHANGELOG.md").write_text("nothing to hold on to\n")
    async with sit(root) as person:
        await person.press("s")
        await person.told("## Unreleased")
        assert (root / "CHANGELOG.md").read_text() == "nothing to hold on to\n"


@pytest.mark.parametrize("answer", ["d", "w", "y", "n"])
async def test_quitting_while_a_task_runs_asks(sit: Sit, tmp_path: Path, gate: Path, answer: str) -> None:
    async with sit({"status.md": long_script(tmp_path)}) as person:
        await person.press("s")
        await person.until((tmp_path / "begun").exists, "the script")
        await person.until(lambda: person.main.conductor.own, "the app to hear of it")
        await person.press("q")
        await person.asked("Quit")
        await person.sees("leave it running", "end it", "stay")
        await person.press(answer)
        engine = person.app.engine
        if answer == "n":
            await person.unasked()
            await person.press("q")
            await person.asked("Quit")
            await person.press("w")
        if answer in ("w", "n"):
            await person.sees("Quits when this task ends")
            gate.touch()
        await person.until(lambda: person.app._exit, "the end")
    if answer == "d":
        until = time.monotonic() + SECONDS
        while (recovery := engine.recovery()) is None and time.monotonic() < until:
            await asyncio.sleep(0.02)  # the engine lets go when its thread has come back
        assert recovery is not None
        assert recovery.children
        gate.touch()
        async for _ in engine.recover("resume"):
            pass
    task = engine.tree().find("1")
    assert task.status == ("active" if answer == "y" else "done")
    assert count(tmp_path) == 1


async def test_t1_37_code_from_elsewhere_is_shown_before_it_runs(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    trace = "- [ ] [Script] Trace\n    ```sh\n    echo here > trace\n    ```\n"
    root = make_project({"status.md": trace})
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Trust")
        await person.sees("echo here > trace", "trust")
        await person.press("enter")
        await person.unasked()
        assert not (root / "trace").exists()
        await person.idle()
        await person.press("s")
        await person.asked("Trust")
        await person.press("y")
        await person.until(lambda: person.status("1") == "done")
        assert (root / "trace").exists()


async def test_t1_14_a_strict_project_asks_before_it_writes_over_an_outside_change(
    sit: Sit, make_project: Make
) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n", "flow.toml": 'integrity = "strict"\n'})
    async with sit(root) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        (root / ".flow" / "status.md").write_text("- [x] One\n- [ ] Two, by hand\n")
        await person.press("f5")
        await person.sees("Two, by hand")
        await person.press("G", "x")
        await person.asked("Changed outside")
        await person.sees("~ status.md  +1 -1", "-- [ ] Two", "+- [ ] Two, by hand", "accept", "put back")
        await person.press("a")
        await person.until(
            lambda: person.status("2") == "done"
        )  # which takes the place of the word that it was accepted
        assert not person.app.engine.changed_outside()


async def test_t3_22a_the_prompt_follows_what_becomes_of_the_work(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.sees("follow it to its end", "still at work")
        output = next(
            file
            for file in (interrupted / ".flow" / "logs" / "output").iterdir()
            if file.read_text().startswith("at work")
        )
        with output.open("a") as file:
            file.write("and more\n")
        await person.sees("and more")
        gate.touch()
        await person.sees("Nothing of it is alive any more", "take it")
        await person.press("enter")
        await person.until(lambda: person.status("1/1") == "done", "the result")
        await person.sees("Done while nobody watched: Long work")
        assert count(tmp_path) == 1


async def test_the_prompt_says_which_result_there_is_before_it_is_taken(
    sit: Sit, make_project: Make, wait_for: Wait, tmp_path: Path, gate: Path
) -> None:
    plan = long_script(tmp_path).replace("done\n", "done; exit 9\n")
    root = make_project({"status.md": plan})
    kill_an_engine(root, wait_for, tmp_path / "begun")
    async with sit(root) as person:
        await person.asked("Interrupted")
        gate.touch()
        await person.sees("take its result: it failed: Exit status 9")
        shown = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "tui", "recover"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "resume would take its result: it failed: Exit status 9\n" in shown.stdout
        await person.press("r")
        await person.until(lambda: person.status("1") == "failed")


async def test_an_interrupted_task_that_somebody_else_settles_is_not_asked_about_any_more(
    sit: Sit, interrupted: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.presses._GRACE", 1000.0)
    async with sit(interrupted, watch=True) as person:
        await person.asked("Interrupted")
        async for _ in Engine.open(interrupted).recover("skip"):
            pass
        await person.told("Settled elsewhere: Long work is skipped")
        await person.unasked()
        await person.press("r")  # was meant for the prompt
        assert not person.main.session.busy
        await person.until(lambda: person.status("1/1") == "skipped")


async def test_a_prompt_that_was_answered_while_it_looked_again_closes_nothing_else(
    sit: Sit, interrupted: Path, gate: Path
) -> None:
    looking, answered, told = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        answered.wait(SECONDS)  # and then it says: nothing is interrupted any more
        told.set()

    def answer(prompt: InterruptedPrompt) -> None:
        prompt.dismiss(None)
        answered.set()
        told.wait(SECONDS)  # on a busy machine what it saw comes before its parts are taken away

    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press("escape")
        known = person.app.engine.recovery()
        assert known is not None
        prompt = InterruptedPrompt(known, (), look)
        person.app.push_screen(prompt)
        await person.until(looking.is_set, "a second look")
        workers = list(person.app.workers)
        person.app.call_later(answer, prompt)
        await person.until(lambda: all(worker.is_finished for worker in workers if worker.node is prompt))
        assert person.app.screen is person.main
        assert person.app.is_running
        gate.touch()


async def test_always_writes_the_effect_and_runs_again(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.sees("always", "effect=idempotent")
        await person.press("A")
        await person.until(lambda: count(tmp_path) == 2, "the second run")
        gate.touch()
        await person.until(lambda: person.status("1/1") == "done")
        assert "```sh effect=idempotent" in (interrupted / ".flow" / "build.md").read_text()


async def test_every_choice_is_on_the_smallest_screen_and_explained(
    sit: Sit, interrupted: Path, gate: Path
) -> None:
    async with sit(interrupted, size=(40, 15)) as person:
        await person.asked("Interrupted")
        await person.sees(*("resume", "retry", "always", "mark done", "skip", "fail", "not now"))
        await person.sees("1/1  Long work", "it is still running: follow it")
        await person.press("down")
        await person.sees("end it, then run it again, as", "attempt 2")
        await person.press(*["ctrl+d"] * 8)
        await person.sees("at work", "not now")


async def test_enter_never_takes_a_choice_that_is_not_safe(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press("down", "enter")
        await person.sees("press t to retry")
        await person.asked("Interrupted")
        assert count(tmp_path) == 1
        await person.press("escape")
        gate.touch()


@pytest.mark.parametrize("size", [(90, 24), (60, 18)])
async def test_long_evidence_scrolls_and_the_choices_stay_on_the_screen(
    sit: Sit, interrupted: Path, tmp_path: Path, gate: Path, size: tuple[int, int]
) -> None:
    folder = interrupted / ".flow" / "logs" / "output"
    output = next(file for file in folder.iterdir() if file.read_text().startswith("at work"))
    with output.open("a") as file:
        file.write("".join(f"line {number}\n" for number in range(60)))
    async with sit(interrupted, size=size) as person:
        await person.asked("Interrupted")
        await person.sees("1/1  Long work", "resume", "retry", "mark done", "skip", "fail", "not now")
        await person.press(*["ctrl+d"] * 20)
        await person.sees("line 59", "not now")
        await person.pilot.resize_terminal(100, 30)
        await person.sees("not now")


async def test_a_prompt_without_its_parts_is_not_renewed(sit: Sit, make_project: Make) -> None:
    async with sit(make_project({"status.md": "- [!] One\n"})) as person:
        await person.press("s")
        await person.asked("Failed")
        prompt = person.app.screen
        assert isinstance(prompt, Prompt)
        await prompt.query(ChoiceLine).remove()
        prompt.renew([])
        prompt.on_resize(Resize(prompt.size, prompt.size))
