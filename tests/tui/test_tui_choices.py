"""The choices of the prompts that the other tests of prompts leave: each by its key, on a real cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.tui.conftest import Sit

Make = Callable[[Mapping[str, str]], Path]

FAILING = "- [ ] [Script] Test\n    ```sh\n    exit 3\n    ```\n- [ ] [Script] Publish\n    ```sh\n    true\n    ```\n"


@pytest.mark.parametrize(("key", "status"), [("x", "done"), ("minus", "skipped")])
async def test_t3_21a_a_run_goes_on_behind_a_failed_task_that_is_settled(
    sit: Sit, key: str, status: str
) -> None:
    async with sit({"status.md": FAILING}) as person:
        await person.fail("r")
        await person.press(key)
        await person.until(lambda: person.status("2") == "done", "the task behind it")
        assert person.status("1") == status


async def test_a_failed_task_stays_when_the_answer_is_not_now(sit: Sit) -> None:
    async with sit({"status.md": FAILING}) as person:
        await person.fail()
        await person.press("escape")
        await person.unasked()
        await person.idle()
        assert (person.status("1"), person.status("2")) == ("failed", "pending")


async def test_t1_14_b_puts_back_the_version_that_was_accepted_last(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n", "flow.toml": 'integrity = "strict"\n'})
    plan = root / ".flow" / "status.md"
    async with sit(root) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        accepted, foreign = plan.read_text(), "- [x] One\n- [ ] Two, by hand\n"
        plan.write_text(foreign)
        await person.press("f5")
        await person.sees("Two, by hand")
        await person.press("G", "x")
        await person.asked("Changed outside")
        await person.press("escape")
        await person.unasked()
        assert plan.read_text() == foreign
        await person.press("x")
        await person.asked("Changed outside")
        await person.press("b")
        await person.sees("Put back: status.md")
        await person.until(lambda: "by hand" not in person.text, "the old version")
        assert plan.read_text() == accepted
    kept = [one.read_text() for one in (root / ".flow" / "backups").rglob("*") if one.is_file()]
    assert foreign in kept


async def test_t1_37_trusting_the_project_is_asked_once(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    script = "- [ ] [Script] {0}\n    ```sh\n    echo {0} >> trace\n    ```\n"
    root = make_project({"status.md": script.format("One") + script.format("Two")})
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Trust")
        await person.press("A")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        plan = root / ".flow" / "status.md"
        plan.write_text(plan.read_text().replace("echo Two", "echo Another"))
        await person.press("f5")
        await person.idle()
        await person.press("s")
        await person.until(lambda: person.status("2") == "done", "the new code, unasked")
    assert (root / "trace").read_text() == "One\nAnother\n"


@pytest.mark.parametrize("key", ["y", "escape"])
async def test_stop_ends_the_task_or_changes_nothing(sit: Sit, gate: Path, key: str) -> None:
    work = f"- [ ] [Script] Work\n    ```sh\n    while [ ! -e {gate} ]; do sleep 0.02; done\n    ```\n"
    async with sit({"status.md": work}) as person:
        await person.press("s")
        await person.sees("running 1 Work")
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.press(key)
        if key == "y":
            await person.asked("Interrupted")
            await person.sees("stopped by a person")
        else:
            await person.unasked()
            gate.touch()
            await person.until(lambda: person.status("1") == "done")


async def test_n_keeps_what_would_be_deleted(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("d")
        await person.asked("Confirm")
        await person.press("n")
        await person.unasked()
        assert (person.app.engine.root / ".flow" / "status.md").read_text() == "- [ ] One\n"


async def test_a_click_takes_a_choice(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n"}) as person:
        await person.press("g", "d")
        await person.asked("Confirm")
        lines = person.text.split("\n")
        line = next(number for number, text in enumerate(lines) if "delete" in text and " y " in text)
        await person.pilot.click(offset=(lines[line].index("delete"), line))
        await person.until(lambda: person.main.find("2") is None, "one task less")


async def test_every_way_out_of_the_lists_leaves_everything_as_it_was(
    sit: Sit, orbit: dict[str, str]
) -> None:
    async with sit(orbit) as person:
        for opens, closes in (
            ("?", "?"), ("?", "q"), ("f1", "f1"), ("w", "q"), ("w", "w"), ("w", "escape"), ("T", "escape"),
            ("colon", "escape"), ("ctrl+p", "ctrl+c"), ("slash", "escape"),
        ):  # fmt: skip
            await person.press(opens, closes)
            await person.until(lambda: person.app.screen is person.main, f"{closes} closing {opens}")
        assert person.selected == "2"
        assert person.main.flow_tree.has_focus


PRINTING = "- [ ] [Script] Test\n    ```sh\n    seq -f 'line %g of it' 12; exit 3\n    ```\n"


async def test_the_end_of_the_output_is_on_the_screen_whatever_its_size(sit: Sit) -> None:
    async with sit({"status.md": PRINTING}, size=(80, 30)) as person:
        await person.fail()
        await person.sees("line 1 of it", "line 12 of it")
        assert "ctrl+d: more" not in person.text
        await person.pilot.resize_terminal(80, 18)
        await person.sees("line 12 of it")
        assert "line 1 of it" not in person.text
        await person.pilot.resize_terminal(80, 30)
        await person.sees("line 1 of it", "line 12 of it")


async def test_a_prompt_says_that_there_is_more_below_what_it_shows(sit: Sit) -> None:
    async with sit({"status.md": PRINTING}, size=(40, 12)) as person:
        await person.fail()
        await person.sees("ctrl+d: more")
        await person.press(*["ctrl+d"] * 8)
        await person.sees("line 12 of it")
        await person.until(lambda: "ctrl+d: more" not in person.text, "that there is no more")
        await person.press("ctrl+u")
        await person.sees("ctrl+d: more")
