"""The lines around the tree: where we are, what is going on, what can be pressed; and the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import Person, Sit
from tui.widgets.lines import StatusLine, _abridged

DEEP = {
    "status.md": "Project: Orbit\n\n- [ ] [Build](build.md)\n- [ ] Last\n",
    "build.md": "- [ ] [Check](check.md)\n- [ ] Sign\n",
    "check.md": "- [ ] Lint\n- [ ] Test\n",
}


def keys(person: Person) -> str:
    """The last line of the screen."""
    return person.text.splitlines()[-1]


def zoomed(person: Person) -> str:
    """The address of what is zoomed into; empty for the whole plan."""
    zoom = person.main.flow_tree.rows.zoom
    return zoom.address if zoom is not None else ""


async def test_the_footer_says_what_keys_do_while_searching_and_filtering(sit: Sit) -> None:
    async with sit(DEEP, size=(90, 24)) as person:
        await person.press("/", *"lint")
        await person.sees("1 found")
        assert keys(person).split() == [
            "enter",
            "keep",
            "the",
            "selection",
            "esc",
            "put",
            "everything",
            "back",
        ]
        await person.press("enter")
        await person.sees("/lint  1/1 found")
        assert "n next match" in keys(person)
        assert "esc end the search" in keys(person)
        await person.press("escape", "f")
        await person.sees("only open tasks")
        assert "esc show everything" in keys(person)
        await person.press("escape")
        await person.until(lambda: "only open" not in person.text, "the end of the filter")


async def test_the_search_shows_what_was_typed_and_offers_matches_only_where_there_are_any(sit: Sit) -> None:
    async with sit(DEEP, size=(90, 24)) as person:
        await person.press("/", *"LiNT", "enter")
        await person.sees("/LiNT  1/1 found")
        assert "n next match" in keys(person)
        await person.press("/", *"none", "enter")
        await person.sees("/none  0 found")
        assert "next match" not in keys(person)
        assert "esc end the search" in keys(person)


async def test_a_warning_is_said_to_its_end_in_lines_of_its_own(sit: Sit) -> None:
    long = {"status.md": "- [ ] A task whose name leaves no room\n- [ ] B\n"}
    async with sit(long, size=(40, 15), readonly=True) as person:
        status = person.main.query_one(StatusLine)
        assert status.size.height == 1
        await person.press("s")
        await person.sees("This is a read-only view: start", "without --readonly to change or run.")
        await person.until(lambda: status.size.height == 3, "two lines more")
        assert "next 1 A task" in person.text
        await person.press("escape")
        await person.until(lambda: status.size.height == 1, "the line as it was")
        status.flash("What is no warning is cut where its room ends, and no line moves", "$foreground")
        await person.sees("What is no wa…")
        assert status.size.height == 1


async def test_why_something_stopped_is_said_to_its_end(sit: Sit) -> None:
    plan = {"status.md": "- [ ] A task whose name leaves no room\n- [ ] B\n"}
    async with sit(plan, size=(80, 24)) as person:
        status = person.main.query_one(StatusLine)
        status.flash("Stopped: Slow one · It was stopped; the next start asks what to do.", "$status-active")
        await person.sees("the next start asks what to do.", "next 1 A task")


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((40, 15), ["✖ 1 Publish… failed"]),
        ((80, 24), ["✖ 1 Publish the wheel failed and holds the plan", "~ 2 rows changed outside"]),
    ],
)
async def test_a_standing_note_gives_way_to_the_name_of_the_task(
    sit: Sit, size: tuple[int, int], seen: list[str]
) -> None:
    async with sit({"status.md": "- [!] Publish the wheel\n- [ ] Last\n"}, size=size) as person:
        person.main.query_one(StatusLine).note("~ 2 rows changed outside")
        await person.sees(*seen)


async def test_the_footer_and_the_help_are_those_of_the_focused_side(sit: Sit) -> None:
    async with sit(DEEP, size=(110, 24)) as person:
        await person.press("tab")
        assert "s step 1/1/1 Lint" in keys(person)
        assert "esc tree" in keys(person)
        assert "j scroll" in keys(person)
        await person.press("?")
        await person.sees("Here and now", "scroll")
        await person.press("escape", "escape", "?")
        await person.sees("Here and now", "step 1/1/1 Lint", "zoom")
        assert "scroll " not in person.text.partition("Move")[0]


async def test_a_click_selects_two_zoom_and_one_on_a_name_above_zooms_out(sit: Sit) -> None:
    async with sit(DEEP, size=(90, 24)) as person:
        await person.pilot.click("#tree", offset=(12, 1))
        await person.until(lambda: person.selected == "2", "the clicked row")
        await person.pilot.click("#tree", offset=(14, 0), times=2)
        await person.until(lambda: zoomed(person) == "1")
        await person.pilot.click("#tree", offset=(14, 0), times=2)
        await person.until(lambda: zoomed(person) == "1/1")
        await person.sees("Orbit › Build › Check")
        await person.pilot.click("#crumbs", offset=(10, 0))
        await person.until(lambda: zoomed(person) == "1")
        await person.until(lambda: person.selected == "1/1", "the row of what was left")
        await person.pilot.click("#crumbs", offset=(2, 0))
        await person.until(lambda: zoomed(person) == "")


async def test_a_click_on_the_glyph_folds(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n    - [ ] Inside\n- [ ] Two\n"}, size=(90, 24)) as person:
        await person.sees("▾ ○ One", "Inside")
        await person.pilot.click("#tree", offset=(person.main.flow_tree._id_width + 3, 0))
        await person.sees("▸ ○ One")
        await person.until(lambda: "Inside" not in person.main.flow_tree.render_line(1).text)


async def test_a_click_on_a_key_of_the_footer_does_it(sit: Sit) -> None:
    async with sit(DEEP, size=(90, 24)) as person:
        await person.pilot.click("#keys", offset=(keys(person).index("? help"), 0))
        await person.sees("Keys", "esc closes")


LONG = "Look at what it printed, mark this done, and make the plan your own"


async def test_a_long_name_leaves_room_for_the_other_keys(sit: Sit) -> None:
    async with sit({"status.md": f"- [x] One\n- [ ] {LONG}\n"}, size=(80, 24)) as person:
        await person.sees("r run  x done")
        assert keys(person).startswith(" s step 2 Look at what it printed, mark")
        await person.pilot.resize_terminal(40, 15)
        await person.sees("r run  tab details")
        assert keys(person).startswith(" s step 2…  r run  tab details  ? help")


@pytest.mark.parametrize("width", [40, 80])
async def test_a_message_leaves_what_goes_on_readable(sit: Sit, width: int) -> None:
    plan = f"- [ ] {LONG}\n- [ ] [Script] {LONG}, again\n    ```sh\n    exit 1\n    ```\n"
    async with sit({"status.md": plan}, size=(width, 15)) as person:
        status = person.main.query_one(StatusLine)
        await person.press("x")
        await person.until(lambda: status.message.startswith("Done: Look"), "the message")
        await person.sees("› next 2 Look", "Done: Look")
        await person.press("s")
        await person.until(lambda: person.status("2") == "failed")
        await person.idle()
        await person.press("g", "y")
        await person.until(lambda: status.message == "Copied: 1", "the message")
        await person.sees("failed and ho", "Copied: 1")


def test_a_long_path_keeps_its_ends() -> None:
    names = ["Orbit", "Build", "Check", "Databases", "Restore"]
    assert _abridged(names, 80) == list(enumerate(names))
    assert _abridged(names, 35) == [(0, "Orbit"), (2, "…"), (3, "Databases"), (4, "Restore")]
    assert _abridged(names, 5) == [(0, "Orbit"), (3, "…"), (4, "Restore")]
    assert _abridged(["Orbit"], 2) == [(0, "Orbit")]


async def test_a_name_that_the_title_has_no_room_for_is_whole_below_it(sit: Sit) -> None:
    long = " ".join(f"word{number}" for number in range(20))
    async with sit({"status.md": f"- [ ] {long}\n- [ ] Short\n"}, size=(120, 30)) as person:
        await person.until(lambda: "word19" in person.text, "the whole name")
        await person.press("j")
        await person.until(lambda: "word19" not in person.text, "another page")
        assert person.text.count("2  Short") == 1


async def test_a_failed_task_holds_the_plan_also_while_a_run_waits_for_a_person(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n"}) as person:
        await person.press("r")
        await person.sees("waiting for you: 1 One")
        await person.press("j", "!")
        await person.sees("2 Two failed and holds the plan")


async def test_the_row_that_runs_next_says_so_also_when_it_was_changed_outside(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"}, watch=True) as person:
        person.app.engine.change("done", "1")
        await person.sees("›2   ○ Two")
        plan = person.app.engine.root / ".flow/status.md"
        plan.write_text(plan.read_text().replace("Two", "Other").replace("Three", "More"))
        await person.sees("›2~  ○ Other", "~3   ○ More")


async def test_what_ends_a_task_stays_in_a_narrow_footer(sit: Sit, gate: Path) -> None:
    plan = (
        f"- [ ] [Script] Long\n    ```sh\n    while [ ! -e {gate} ]; do sleep 0.02; done\n    ```\n- [ ] B\n"
    )
    async with sit({"status.md": plan}, size=(40, 15)) as person:
        await person.press("s")
        await person.sees("running 1")
        await person.press("j")
        await person.sees("ctrl+c stop")
        gate.touch()
        await person.until(lambda: person.status("1") == "done")


async def test_a_task_that_somebody_has_begun_is_active(sit: Sit) -> None:
    async with sit({"status.md": "- [/] One\n- [ ] Two\n"}) as person:
        await person.sees("● active: 1 One")


@pytest.mark.parametrize("mark", [" ", "!", "x"])
async def test_where_one_side_is_on_the_screen_the_key_to_the_other_one_is_named(sit: Sit, mark: str) -> None:
    plan = f"- [{mark}] Prepare everything that is needed\n- [ ] Another long name\n"
    async with sit({"status.md": plan}, size=(40, 15)) as person:
        await person.sees("tab details")
        await person.press("tab")
        await person.sees("esc tree")
        await person.press("escape")
        await person.sees("tab details")
