"""What a prompt asked about was settled elsewhere: it closes by itself, says so, and its keys start nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine import Engine
from tests.tui.conftest import Sit
from tui import actions, palette

Make = Callable[[Mapping[str, str]], Path]

FAILED = (
    "- [!] [Script] Test\n    ```sh\n    exit 3\n    ```\n"
    "- [ ] [Script] Publish\n    ```sh\n    touch published\n    ```\n"
)
LOOM = """\
- [ ] [Loom] Announce
    ```toml
    op = "append"
    path = "CHANGELOG.md"
    text = "- Orbit 2.0 is out."
    ```
- [ ] [Script] Publish
    ```sh
    touch published
    ```
"""


@pytest.mark.parametrize(("plan", "title"), [(FAILED, "Failed"), (LOOM, "Preview")])
async def test_a_prompt_about_what_was_settled_elsewhere_closes_and_its_key_starts_nothing(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch, plan: str, title: str
) -> None:
    monkeypatch.setattr("tui.presses._GRACE", 1000.0)
    root = make_project({"status.md": plan})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked(title)
        name = "Test" if title == "Failed" else "Announce"
        Engine.open(root).change("skip", "1")
        await person.told(f"Settled elsewhere: {name} is skipped")
        await person.unasked()
        await person.press("r", "s", "x")
        assert not person.main.session.busy
        await person.idle()
        assert person.status("2") == "pending"
        assert not (root / "published").exists()


async def test_a_preview_of_what_was_settled_meanwhile_writes_nothing_and_says_so(
    sit: Sit, make_project: Make
) -> None:
    root = make_project({"status.md": LOOM})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    async with sit(root) as person:
        await person.press("s")
        await person.asked("Preview")
        Engine.open(root).change("skip", "1")
        await person.press("y")
        await person.told("Announce")
        assert (root / "CHANGELOG.md").read_text() == "# Changelog\n"
        assert not (root / "published").exists()


async def test_soon_after_a_prompt_has_closed_by_itself_keys_work_again(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.presses._GRACE", 0.01)
    root = make_project({"status.md": FAILED})
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked("Failed")
        Engine.open(root).change("done", "1")
        await person.told("Settled elsewhere: Test is done")
        await person.unasked()
        await person.until(lambda: not person.app.presses.is_deaf)
        await person.press("s")
        await person.until(lambda: person.status("2") == "done")


async def test_a_prompt_stays_while_what_it_asks_about_stands(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": FAILED})
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked("Failed")
        before = person.main.reading
        (root / ".flow" / "status.md").write_text(FAILED + "- [ ] One more\n")
        await person.until(lambda: person.main.reading is not before and person.main.find("3"))
        assert person.prompt == "Failed"


async def test_a_refused_undo_says_why_and_the_hint_to_it_goes(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n"})
    async with sit(root, watch=True) as person:
        await person.press("x")
        await person.sees("Done: One · z undoes")
        (root / ".flow" / "status.md").write_text("- [ ] Another\n- [ ] Plan\n")
        await person.sees("○ Another")
        await person.until(lambda: "z undoes" not in person.text)
        await person.press("z")
        await person.sees("Not undone: One was changed again since")


BLOCKS = """\
- [ ] [Script] Nothing to run
- [ ] [Script] A slip
    ```sh timout=10
    true
    ```
- [x] [Script] Long ago
- [ ] By hand
"""


async def test_a_block_that_its_atom_cannot_run_is_a_problem_of_its_row(sit: Sit) -> None:
    async with sit({"status.md": BLOCKS}) as person:
        await person.sees("⚠ Nothing to run", "⚠ A slip", "This Script task has no script.", "✔ Long ago")
        await person.press("j")
        await person.sees("⚠ A script has no option `timout`.", "There are: ", "status.md:3:1")
        await person.press("s")
        await person.told("The task's block needs mending")


async def test_when_all_is_done_the_palette_offers_nothing_that_runs(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Only\n"}) as person:
        offered = {entry.text for entry in palette.entries(person.main, "")}
        assert actions.BY_ID["run"].help in offered
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        offered = {entry.text for entry in palette.entries(person.main, "")}
        assert offered.isdisjoint(actions.BY_ID[name].help for name in ("step", "run", "run_to", "stop"))
        assert actions.BY_ID["add"].help in offered


async def test_a_failed_task_of_a_person_is_not_said_to_run(sit: Sit) -> None:
    async with sit({"status.md": "- [!] Approve\n"}) as person:
        await person.sees("Press t to do it again")
        await person.press("s")
        await person.asked("Failed")
        await person.sees("do it again: it waits for you")
        await person.press("t")
        await person.sees("waiting for you: 1 Approve")


async def test_the_prompt_stop_says_for_how_long_the_task_runs_by_now(sit: Sit, gate: Path) -> None:
    work = f"- [ ] [Script] Long\n    ```sh\n    while [ ! -e {gate} ]; do sleep 0.02; done\n    ```\n"
    async with sit({"status.md": work}) as person:
        await person.press("s")
        await person.sees("running 1 Long")
        await person.press("ctrl+c")
        await person.asked("Stop")
        await person.sees("runs for")
        first = next(line for line in person.text.splitlines() if "runs for" in line)
        await person.until(lambda: first not in person.text, "a later time")
        await person.sees("runs for")
        gate.touch()
        await person.unasked()


async def test_a_bar_tells_a_failed_task_from_a_settled_one_without_colours(sit: Sit) -> None:
    async with sit({"status.md": "- [x] One\n- [!] Two\n"}) as person:
        await person.sees("▰▰▰▰▰✖✖✖✖✖  1/2")


async def test_an_error_leaves_the_corner_once_something_went_on(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n    - [ ] In\n    - [ ] Two\n"}) as person:
        await person.press("g", "x")
        await person.until(lambda: len(person.app._notifications), "the refusal")
        await person.press("j", "x")
        await person.until(lambda: person.status("1.1") == "done")
        await person.until(lambda: not len(person.app._notifications), "the refusal to go")


async def test_what_a_run_waited_for_is_forgotten_once_its_sub_flow_has_tasks(sit: Sit) -> None:
    files = {"status.md": "- [ ] [Part](part.md)\n", "part.md": "Project: Part\n"}
    async with sit(files, watch=True) as person:
        await person.press("s")
        await person.sees("part.md has no tasks", "waiting for you: 1 Part")
        (person.app.engine.root / ".flow/part.md").write_text("- [ ] Now\n")
        await person.sees("next 1/1 Now")
        assert "has no tasks" not in person.text


async def test_a_prompt_that_opens_by_itself_under_typing_hands_takes_no_key_until_they_pause(
    sit: Sit, interrupted: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sit(interrupted) as person:
        await person.asked("Interrupted")
        await person.press("escape")
        await person.unasked()
        monkeypatch.setattr("tui.presses._GRACE", 1000.0)
        await person.press("/", "e")
        person.main.conductor.prompts.asked_about = ""  # as if it were interrupted only now
        person.main.session.read()
        await person.asked("Interrupted")
        await person.press("t", "x", "minus", "enter", "escape")
        assert person.prompt == "Interrupted"
        assert person.status("1/1") == "active"
        monkeypatch.setattr("tui.presses._GRACE", 0.01)
        await person.press("j")  # the pause begins behind the last of them
        person.app.presses.be_deaf()
        await person.until(lambda: not person.app.presses.is_deaf)
        await person.press("minus")
        await person.until(lambda: person.status("1/1") == "skipped")
        await person.sees("Skipped: Long work")


@pytest.mark.parametrize(("plan", "title"), [(FAILED, "Failed"), (LOOM, "Preview")])
async def test_a_prompt_goes_along_with_its_task_when_others_come_before_it(
    sit: Sit, make_project: Make, plan: str, title: str
) -> None:
    root = make_project({"status.md": "- [x] Before\n" + plan})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    name = "Test" if title == "Failed" else "Announce"
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked(title)
        await person.sees(f"2  {name}")
        asked = person.app.screen
        engine = Engine.open(root)
        engine.add("- [x] Pushed in", at=1)
        await person.sees(f"3  {name}")
        assert person.app.screen is asked
        assert not person.app._notifications
        await person.press("x" if title == "Failed" else "y")
        await person.until(lambda: person.status("3") == "done")


@pytest.mark.parametrize(("plan", "title"), [(FAILED, "Failed"), (LOOM, "Preview")])
async def test_a_prompt_goes_along_with_its_task_in_a_sub_flow(
    sit: Sit, make_project: Make, plan: str, title: str
) -> None:
    root = make_project({"status.md": "- [ ] Build @ build.md\n", "build.md": plan})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    name = "Test" if title == "Failed" else "Announce"
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked(title)
        await person.sees(f"1/1  {name}")
        asked = person.app.screen
        engine = Engine.open(root)
        engine.add("- [x] Pushed in", to="1", at=1)
        await person.sees(f"1/2  {name}")
        engine.add("- [x] Before its flow", at=1)
        await person.sees(f"2/2  {name}")
        assert person.app.screen is asked
        assert not person.app._notifications
        await person.press("x" if title == "Failed" else "y")
        await person.until(lambda: person.status("2/2") == "done")


@pytest.mark.parametrize("key", ["d", "R", "m"])
async def test_what_is_changed_in_a_sub_flow_is_the_task_that_was_selected(
    sit: Sit, make_project: Make, key: str
) -> None:
    """Of two with one name under different headings, the one above gets the address of the one that is meant."""
    build = "## Staging\n\n- [ ] Deploy\n\n## Production\n\n- [ ] Deploy\n- [ ] Hand over\n"
    root = make_project({"status.md": "- [ ] Build @ build.md\n- [ ] Last\n", "build.md": build})
    plan = root / ".flow" / "build.md"
    async with sit(root, watch=True) as person:
        await person.press("l", "j")
        assert person.selected == "1/2"
        await person.press(key)
        if key != "m":
            await person.asked("Confirm" if key == "d" else "Task")
        else:
            await person.press("j")
        plan.write_text(build.replace("- [ ] Deploy\n\n##", "- [ ] Announce\n- [ ] Deploy\n\n##"))
        await person.until(lambda: person.name("1/3") == "Deploy", "the new reading")
        if key == "R":
            await person.press("end", "!", "enter")
        else:
            await person.press("y" if key == "d" else "enter")
        await person.until(lambda: plan.read_text() != build and "Deploy\n- [ ] Hand" not in plan.read_text())
        staging, production = plan.read_text().split("## Production")
        assert staging == "## Staging\n\n- [ ] Announce\n- [ ] Deploy\n\n"
        assert (
            production
            == {
                "d": "\n\n- [ ] Hand over\n",
                "R": "\n\n- [ ] Deploy!\n- [ ] Hand over\n",
                "m": "\n\n- [ ] Hand over\n- [ ] Deploy\n",
            }[key]
        )


async def test_a_run_goes_on_with_the_task_of_a_sub_flow_that_it_waits_for(
    sit: Sit, make_project: Make
) -> None:
    build = "- [ ] Sign\n- [ ] [Script] Publish\n    ```sh\n    touch published\n    ```\n"
    root = make_project({"status.md": "- [ ] Build @ build.md\n", "build.md": build})
    async with sit(root, watch=True) as person:
        await person.press("r")
        await person.sees("waiting for you: 1/1 Sign")
        await person.idle()
        (root / ".flow" / "build.md").write_text("- [x] Pushed in\n" + build.replace("[ ] Sign", "[/] Sign"))
        await person.sees("waiting for you: 1/2 Sign")
        await person.press("x")
        await person.until((root / "published").exists)
        await person.idle()


async def test_a_selected_task_of_a_sub_flow_that_got_another_name_stays_selected(
    sit: Sit, make_project: Make
) -> None:
    build = "- [ ] One\n- [ ] Two\n- [ ] Three\n"
    root = make_project({"status.md": "- [ ] Build @ build.md\n- [ ] Last\n", "build.md": build})
    async with sit(root, watch=True) as person:
        await person.press("space", "j", "j")
        assert person.selected == "1/2"
        (root / ".flow" / "build.md").write_text(build.replace("Two", "Second"))
        await person.until(lambda: person.name("1/2") == "Second")
        assert person.selected == "1/2"


async def test_a_prompt_closes_when_its_task_got_another_name(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": FAILED})
    async with sit(root, watch=True) as person:
        await person.press("s")
        await person.asked("Failed")
        (root / ".flow" / "status.md").write_text(FAILED.replace("Test", "Deploy"))
        await person.told("Changed elsewhere: Test is not at 1 any more")
        await person.unasked()


STRICT = {"status.md": "- [ ] One\n- [ ] [Script] Two\n    ```sh\n    touch as-it-was\n    ```\n"}


@pytest.mark.parametrize("watch", [True, False])
async def test_a_version_that_was_put_back_elsewhere_is_neither_accepted_nor_run(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch, watch: bool
) -> None:
    monkeypatch.setattr("tui.presses._GRACE", 0.01)
    root = make_project(STRICT | {"flow.toml": 'integrity = "strict"\n'})
    plan = root / ".flow" / "status.md"
    async with sit(root, watch=watch) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        plan.write_text(plan.read_text().replace("as-it-was", "by-another"))
        await person.idle()
        await person.press("s")
        await person.asked("Changed outside")
        Engine.open(root).restore()
        if watch:
            await person.told("Settled elsewhere: status.md")
        else:
            await person.press("a")
            await person.sees("Settled elsewhere.")
        await person.unasked()
        await person.idle()
        assert person.status("2") == "pending"
        assert not (root / "as-it-was").exists()


async def test_a_version_that_was_accepted_elsewhere_is_gone_on_with(sit: Sit, make_project: Make) -> None:
    root = make_project(STRICT | {"flow.toml": 'integrity = "strict"\n'})
    plan = root / ".flow" / "status.md"
    async with sit(root) as person:
        await person.press("x")
        await person.until(lambda: person.status("1") == "done")
        plan.write_text(plan.read_text().replace("as-it-was", "by-another"))
        await person.press("f5")
        await person.idle()
        await person.press("s")
        await person.asked("Changed outside")
        Engine.open(root).accept()
        await person.press("a")
        await person.until(lambda: person.status("2") == "done")
        assert (root / "by-another").exists()
