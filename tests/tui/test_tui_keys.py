"""Every key reaches its action, by hand and from the palette; and what those do that no other test presses."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.tui.conftest import Person, Sit
from tui import actions, palette
from tui.screens.main import MainScreen

Make = Callable[[Mapping[str, str]], Path]


async def test_every_key_reaches_the_action_that_the_key_table_names(
    sit: Sit, orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    async with sit(orbit) as person:
        monkeypatch.setattr(MainScreen, "handler", lambda screen, id: partial(reached.append, id))
        for action in actions.ACTIONS:
            for key in action.keys:
                await person.press(key)
                assert reached == [action.id], key
                reached.clear()


async def test_the_palette_has_every_action_but_those_that_only_keys_make_sense_for(
    sit: Sit, orbit: dict[str, str]
) -> None:
    async with sit(orbit) as person:
        offered = {entry.text for entry in palette.entries(person.main, "")}
        assert offered == {action.help for action in actions.ACTIONS if action.palette}
        await person.press("colon", *"fold everything", "enter")
        await person.until(lambda: "Changelog" not in person.text, "everything folded")


async def test_readonly_offers_nothing_that_writes(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, readonly=True) as person:
        offered = {entry.text for entry in palette.entries(person.main, "")}
        assert offered.isdisjoint(action.help for action in actions.ACTIONS if action.writes)
        await person.press("a", "A", "R", "m", "d", "e", "M", "u", "t", "z", "ctrl+c")
        await person.idle()
        assert person.app.screen is person.main
        assert (person.app.engine.root / ".flow" / "status.md").read_text() == orbit["status.md"]


async def test_capital_j_and_k_scroll_the_other_side(sit: Sit) -> None:
    notes = "".join(f"    - Note {number}\n" for number in range(60))
    tasks = "".join(f"- [ ] Task {number}\n" for number in range(5))
    async with sit({"status.md": f"- [ ] Long\n{notes}{tasks}"}) as person:
        facts = person.main.detail.facts
        await person.until(lambda: facts.max_scroll_y > 20, "the notes")
        await person.press("J", "J")
        assert facts.scroll_offset.y == 6
        assert person.selected == "1"
        await person.press("K")
        assert facts.scroll_offset.y == 3
        await person.press("tab", "J")  # and the tree, while the details have the focus
        assert person.selected == "2"
        await person.press("K")
        assert person.selected == "1"


async def test_no_key_that_scrolls_is_lost_however_fast_they_come(sit: Sit) -> None:
    script = "- [ ] [Script] Test\n    ```sh\n    seq 12; exit 3\n    ```\n"
    notes = "".join(f"    - Note {number}\n" for number in range(60))
    async with sit({"status.md": f"{script}{notes}"}) as person:
        facts = person.main.detail.facts
        await person.until(lambda: facts.max_scroll_y > 20, "the notes")
        person.types_at_once(*"JJJJ")
        await person.until(lambda: facts.scroll_offset.y == 12, "four times three lines")
        await person.press("?")
        box = person.app.screen.query_one("#box")
        await person.until(lambda: box.max_scroll_y > 4, "the keys")
        person.types_at_once(*"jjjjk")
        await person.until(lambda: box.scroll_offset.y == 3, "four lines down and one up")
        await person.press("ctrl+d")
        assert box.scroll_offset.y == 13
        await person.press("G")
        assert box.scroll_offset.y == box.max_scroll_y
        await person.press("g")
        assert box.scroll_offset.y == 0
        await person.press("escape")
        await person.pilot.resize_terminal(40, 12)
        await person.fail()
        evidence = person.app.screen.query_one("#evidence")
        await person.until(lambda: evidence.max_scroll_y > evidence.size.height, "more than one screen")
        person.types_at_once(*["ctrl+d"] * 3)  # each half of what there is room for
        await person.until(lambda: evidence.scroll_offset.y == evidence.max_scroll_y, "the end of the output")


async def test_capital_m_makes_a_subflow_and_n_leaves_the_task_as_it_is(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Docs\n"}) as person:
        plan = person.app.engine.root / ".flow" / "status.md"
        await person.press("M")
        await person.asked("Confirm")
        await person.press("n")
        await person.unasked()
        assert plan.read_text() == "- [ ] Docs\n"
        await person.press("M")
        await person.asked("Confirm")
        await person.press("y")
        await person.until(lambda: plan.read_text() == "- [ ] [Docs](sub_flows/docs.md)\n")
        await person.sees("Made a flow: Docs")


async def test_f5_reads_what_was_written_meanwhile(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        (person.app.engine.root / ".flow" / "status.md").write_text("- [ ] One\n- [ ] Two\n")
        await person.press("f5")
        await person.sees("Two")


async def test_escape_undoes_one_thing_at_a_time(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, size=(80, 24)) as person:
        await person.press("f", "slash", *"thank", "enter", "m", "tab")
        await person.sees("moving Thank everybody")
        await person.press("escape")
        assert "moving" not in person.text
        await person.press("escape")
        assert not person.main.finder.needle
        await person.press("escape")
        assert not person.main.finder.filter_name
        await person.press("escape")
        assert person.main.focused_side is None


async def test_a_click_on_a_key_of_the_footer_and_on_the_way_back_does_as_the_keys(
    sit: Sit, orbit: dict[str, str]
) -> None:
    async with sit(orbit) as person:
        await _click(person, "zoom")
        await person.sees("Orbit 2.0 › Build", "Compile")
        await _click(person, "Orbit 2.0")
        await person.sees("Thank everybody")
        assert person.selected == "2"


async def _click(person: Person, word: str) -> None:
    lines = person.text.split("\n")
    line = next(number for number, text in enumerate(lines) if word in text)
    await person.pilot.click(offset=(lines[line].index(word) + 1, line))
    await person.settled()


EDITOR = """\
import pathlib, sys, termios
line, path = sys.argv[1:]
print("editing", line, "canonical" if termios.tcgetattr(0)[3] & termios.ICANON else "raw", flush=True)
print("typed", input(), flush=True)
plan = pathlib.Path(path)
plan.write_text(plan.read_text().replace("Two", "Deux"))
"""


def test_e_gives_the_terminal_to_the_editor_at_the_line_and_shows_what_it_saved(
    make_project: Make, tmp_path: Path
) -> None:
    root = make_project({"status.md": "- [ ] One\n    - a note\n- [ ] Two\n"})
    editor = tmp_path / "editor.py"
    editor.write_text(EDITOR)
    env = {"VISUAL": shlex.join([sys.executable, str(editor)])}
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(100, 24), cwd=root, env=env) as terminal:
        terminal.wait_for("step 1 One")
        terminal.settle()
        since = terminal.send("Ge")
        terminal.wait_for("editing +3 canonical", since=since)
        terminal.send("xyz\r")
        terminal.wait_for("typed xyz", since=since)
        terminal.wait_for("Deux", since=since)
        terminal.send("q")
        assert terminal.wait() == 0
    assert (root / ".flow" / "status.md").read_text() == "- [ ] One\n    - a note\n- [ ] Deux\n"


def test_e_opens_a_file_that_must_be_mended_at_its_first_problem(make_project: Make, tmp_path: Path) -> None:
    root = make_project({"status.md": "- [ ] One\n    - a note\n- [?] Two\n- [?] Three\n"})
    editor = tmp_path / "editor.py"
    editor.write_text(EDITOR.replace("Two", "- [?] T").replace("Deux", "- [ ] T"))
    env = {"VISUAL": shlex.join([sys.executable, str(editor)])}
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(100, 24), cwd=root, env=env) as terminal:
        terminal.wait_for("mend it")
        terminal.settle()
        since = terminal.send("ge")
        terminal.wait_for("editing +3 canonical", since=since)
        terminal.send("xyz\r")
        terminal.wait_for("step 1 One", since=since)
        terminal.send("q")
        assert terminal.wait() == 0


def test_an_editor_that_is_not_there_is_said(make_project: Make) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    env = {"VISUAL": "no-such-editor"}
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(100, 24), cwd=root, env=env) as terminal:
        terminal.wait_for("step 1 One")
        terminal.settle()
        since = terminal.send("e")
        terminal.wait_for("Set EDITOR to yours", since=since)
        terminal.send("q")
        assert terminal.wait() == 0
