"""Getting around with real keys: moving, folding, zooming, searching, filtering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from textual.widgets import Input

from engine import Engine, Tree
from tests.tui.conftest import Person, Sit
from tui.app import FlowApp


async def test_opens_on_the_next_task_and_says_so(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.until(lambda: person.selected == "2")  # the next task is folded into it
        await person.sees("Orbit 2.0", "next 2/2.2 Run the tests", "step 2/2.2 Run the tests")


async def test_keys_move_over_headings_and_stop_at_both_ends(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("g")
        await person.until(lambda: person.selected == "1")
        await person.press("k")
        await person.until(lambda: person.selected == "1")
        await person.press("j", "down", "j", "j", "j", "j")
        await person.until(lambda: person.selected == "5")  # over the heading "Afterwards"
        await person.press("G", "j")
        await person.until(lambda: person.selected == "6")
        await person.press("up")
        await person.until(lambda: person.selected == "5")


async def test_half_screens_move_far_and_keep_the_selection_in_view(sit: Sit) -> None:
    plan = "".join(f"- [ ] Task {number}\n" for number in range(1, 201))
    async with sit({"status.md": plan}, size=(80, 24)) as person:
        tree = person.main.flow_tree
        await person.press("ctrl+d", "ctrl+d", "ctrl+d")
        index = tree.selected
        assert index > 20
        assert tree.scroll_offset.y <= index < tree.scroll_offset.y + tree.size.height
        await person.press("ctrl+u")
        assert tree.selected < index
        await person.press("G")
        await person.sees("Task 200")


async def test_space_folds_and_unfolds_children_and_subflows(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.sees("Changelog")
        await person.press("g", "j", "j", "j")
        await person.until(lambda: person.selected == "4")
        await person.press("space")
        assert "Changelog" not in person.text
        await person.press("space")
        assert "Changelog" in person.text
        await person.press("j", "space")  # on a leaf: folds what is around it
        await person.until(lambda: person.selected == "4" and "Changelog" not in person.text)
        await person.press("k", "k", "space")
        assert "Compile" in person.text
        await person.press("space")
        assert "Compile" not in person.text


async def test_fold_all_and_where_nothing_is_unfolded_unfold_all(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("Z")
        assert "Changelog" not in person.text
        await person.press("Z")
        assert "Changelog" in person.text
        assert "Compile" in person.text, "sub-flows are unfolded, too"


async def test_zooming_in_and_out_comes_back_to_the_same_row(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("enter")
        await person.sees("Orbit 2.0 › Build", "Compile", "build.md")
        assert "Thank everybody" not in person.text
        await person.until(lambda: person.selected == "2/2.2")  # the next task, inside
        await person.press("g", "j", "l")
        await person.sees("Orbit 2.0 › Build › Check")
        await person.until(lambda: "Compile" not in person.text, "the page of what is selected there")
        await person.press("h")
        await person.until(lambda: person.selected == "2/2")
        await person.press("backspace")
        await person.until(lambda: person.selected == "2")
        await person.sees("Thank everybody")
        await person.press("h")
        await person.sees("This is the whole plan")


async def test_history_goes_back_and_forth(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("enter", "j", "h", "G", "k", "enter")
        await person.sees("Orbit 2.0 › Docs")
        await person.press("H")
        await person.until(lambda: person.selected == "5")
        await person.press("H")
        await person.sees("Orbit 2.0 › Build")
        await person.until(lambda: person.selected == "2/2.3")
        await person.press("L", "L")
        await person.sees("Orbit 2.0 › Docs")


async def test_a_leaf_has_nothing_to_zoom_into(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("g", "enter")
        await person.sees("nothing inside to zoom into")
        await person.until(lambda: person.selected == "1")


async def test_c_selects_the_next_task_wherever_it_is(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("c")
        await person.until(lambda: person.selected == "2/2.2")
        await person.press("G", "k", "enter", "c")
        await person.until(lambda: person.selected == "2/2.2")
        await person.until(lambda: person.main.flow_tree.rows.zoom is None)


async def test_a_click_selects_and_a_click_on_the_arrow_unfolds(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        line = next(number for number, text in enumerate(person.text.split("\n")) if "Announce" in text)
        await person.pilot.click(offset=(30, line))
        await person.until(lambda: person.selected == "4")
        line = next(number for number, text in enumerate(person.text.split("\n")) if "Build  »" in text)
        column = person.text.split("\n")[line].index("▸")
        await person.pilot.click(offset=(column, line))
        await person.until(lambda: person.selected == "2")
        await person.sees("2/2.2")


async def test_search_opens_what_is_folded_and_escape_puts_it_back(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("slash", *"wheel")
        await person.until(lambda: person.selected == "2/2.3", "the first match after the selection")
        await person.sees("1/2 found")
        await person.press("escape")
        await person.until(lambda: person.selected == "2")
        assert "Compile" not in person.text
        await person.press("slash", *"wheel", "enter")
        await person.until(lambda: person.selected == "2/2.3")
        await person.press("n")
        await person.until(lambda: person.selected == "3")
        await person.press("n")
        await person.until(lambda: person.selected == "2/2.3")
        await person.press("N")
        await person.until(lambda: person.selected == "3")


async def test_filter_leaves_what_is_open_then_failed_then_settled(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("f")
        assert "Freeze the branch" not in person.text
        assert "Thank everybody" in person.text
        await person.press("f")
        await person.sees("Nothing has failed")
        await person.press("f")
        assert "Thank everybody" not in person.text
        await person.press("f")
        await person.sees("Thank everybody", "Freeze the branch")


async def test_tab_brings_up_the_details_on_a_narrow_screen(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, size=(80, 24)) as person:
        await person.press("g", "j", "j")
        assert "after the build is green" not in person.text
        await person.press("tab")
        await person.sees("Runs only after the build is green", "echo published", "timeout=120")
        await person.press("tab")
        await person.sees("Freeze the branch")


async def test_help_names_every_action(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit, size=(100, 90)) as person:
        await person.press("question_mark")
        await person.sees("Keys", *(action.help for action in person.main.actions.values()))
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.main)


async def test_the_palette_finds_a_task_and_goes_there(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.press("ctrl+p", *"wheel inst")
        await person.sees("2/2.3")
        await person.press("down", "enter")
        await person.until(lambda: person.selected == "2/2.3", "the task")


async def test_whoever_went_to_the_top_before_all_was_read_stays_there(
    make_project: Callable[[Mapping[str, str]], Path], orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, read = threading.Event(), Engine.tree

    def slow(engine: Engine) -> Tree:
        go_on.wait(60)
        return read(engine)

    monkeypatch.setattr(Engine, "tree", slow)
    app = FlowApp(Engine.open(make_project(orbit)), watch=False)
    async with app.run_test(size=(104, 28)) as pilot:
        person = Person(app, pilot)
        await person.sees("Freeze the branch", "counting")
        await person.press("g")
        go_on.set()
        await person.until(lambda: person.main.reading is not None, "the reading")
        await person.sees("next 2/2.2 Run the tests")
        assert person.selected == "1"


async def test_rows_are_kept_as_they_would_be_drawn_anew(sit: Sit) -> None:
    plan = "".join(f"- [ ] Task {number}\n    - [ ] Inside {number}\n" for number in range(1, 60))
    async with sit({"status.md": plan}, size=(90, 20)) as person:
        for key in (*"jjjjjjjjjjjj", "G", "k", "space", *"kkxjj-zk", "f", "f", "escape", *"gj", "tab", "tab"):
            await person.press(key)
            await person.idle()
            tree = person.main.flow_tree
            kept = dict(tree._drawn)
            assert kept == {at: tree._draw(at, tree._drawn_width) for at in kept}, key


async def test_what_is_typed_right_behind_the_key_of_the_search_is_searched_for(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] so\n"}) as person:
        person.types_at_once("/", "s", "o")
        await person.until(lambda: person.selected == "3", "what is found")
        assert person.main.search.query_one(Input).value == "so"
        await person.press("w", "backspace", "enter")
        await person.idle()
        assert [person.status(address) for address in "123"] == ["pending"] * 3
        await person.press("/", "T")  # over what was searched for before
        await person.until(lambda: person.selected == "2", "what is found")
        await person.press("escape")
        person.types_at_once("/", "o", "n", "escape", "j", "/", "T", "enter")
        await person.until(lambda: person.main.finder.needle and not person.main.search.display, "the end")
        assert person.selected == "2"


async def test_who_leaves_the_line_of_the_search_keeps_what_was_found(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] so\n"}) as person:
        await person.press("/", "s", "tab")
        assert not person.main.search.display
        assert person.main.focused_side is not None
        assert person.selected == "3"
        await person.press("tab", "g", "/", "T")
        await person.pilot.click("FlowTree", offset=(10, 2))
        await person.until(lambda: person.selected == "3", "what was clicked")
        assert not person.main.search.display
        await person.press("k", "k", "x")
        await person.until(lambda: person.status("1") == "done", "the keys to be those of the tree")


async def test_what_is_typed_right_behind_the_key_of_a_prompt_stands_in_it(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        person.types_at_once("a", "x", "q", "space", "1", "enter", "j")
        await person.until(lambda: person.selected == "2", "the new task")
        assert person.main.flow_tree.chosen is not None
        assert person.main.flow_tree.chosen.name == "xq 1"
        assert person.status("1") == "pending"


@pytest.mark.parametrize("keys", ["aN", "RN", ":undo", "T"])
async def test_a_second_enter_in_one_piece_with_the_first_is_harmless(sit: Sit, keys: str) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        person.types_at_once(*keys, "enter", "enter")
        await person.until(
            lambda: len(person.app.screen_stack) == 1 and person.app.presses.count == len(keys) + 2
        )
        await person.until(lambda: keys != "RN" or person.name("1") == "N", "the new name")
        await person.idle()
        await person.press("g", "x")
        await person.until(lambda: person.status("1") == "done")
