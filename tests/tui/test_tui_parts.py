"""The parts without an app: text made safe, themes, the registry of actions, rows, three versions side by side."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine import Plan, Progress, Status, Task
from tests.tui.conftest import Sit
from tui import actions, marks, themes
from tui.preferences import Preferences
from tui.text import colours_after, lines, one_line, output_line
from tui.widgets.rows import Rows, carry
from tui.widgets.three_way import beside, regions, stacked

ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT)
def test_no_control_character_gets_through(text: str) -> None:
    for shown in (one_line(text), output_line(text).plain):
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown)
        assert not any(char in shown for char in "\u202e\u2066\u200b\u2028\ufeff")
    assert not any(ord(char) < 0x20 and char != "\n" for char in lines(text))


def test_controls_become_symbols_and_long_text_is_cut() -> None:
    assert one_line("\x1b]0;owned\x07") == "␛]0;owned␇"
    assert one_line("a\nb\tc") == "a␊b c"
    assert len(one_line("x" * 10_000)) == 5_000
    assert one_line("👩‍👩‍👧 नमस्ते") == "👩‍👩‍👧 नमस्ते"


def test_output_keeps_colours_and_nothing_else() -> None:
    text = output_line("\x1b[1;31mred\x1b[0m \x1b[2Jx\x1b]8;;http://e\x07link")
    assert text.plain == "red ␛[2Jx␛]8;;http://e␇link"
    assert str(text.spans[0].style) == "bold color(1)"
    assert not any(getattr(span.style, "link", None) for span in text.spans)
    assert output_line("10%\r20%\r30%").plain == "30%"
    assert output_line("done\r").plain == "done"


def test_colours_hold_across_lines_until_they_are_reset() -> None:
    active = colours_after("", "\x1b[32mgreen")
    assert str(output_line("still", active).spans[0].style) == "color(2)"
    assert colours_after(active, "x\x1b[0m") == ""


def test_all_built_in_themes_are_sound() -> None:
    loaded = themes.load()
    assert loaded.problems == []
    assert list(loaded.themes)[:2] == ["dark", "light"]
    assert len(loaded.themes) >= 7
    for theme in loaded.themes.values():
        theme.to_color_system().generate()
        for name in (*themes.DEFAULTS, "selected-text"):
            assert name in theme.variables, (theme.name, name)


def test_theme_files_are_data_only() -> None:
    for file in resources.files("themes").iterdir():
        if file.name.endswith(".toml"):
            assert set(tomllib.loads(file.read_text())) <= {
                "title",
                "dark",
                "ansi",
                "colors",
                "status",
                "screen",
            }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[colors", "broken.toml"),
        ("", "no [colors]"),
        (
            '[colors]\nprimary = "#12"\nforeground = "red"\nbackground = "blue"\n',
            "colors.primary is no color: '#12'",
        ),
        ('[colors]\nprimary = 7\nforeground = "red"\nbackground = "blue"\n', "colors.primary is no color: 7"),
        (
            '[colors]\nprimary = "red"\nforeground = "red"\nbackground = "blue"\nglow = "red"\n',
            "unknown color",
        ),
    ],
)
def test_a_bad_theme_is_left_out_with_one_message(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    loaded = themes.load(tmp_path)
    assert "broken" not in loaded.themes
    assert len(loaded.problems) == 1
    assert said in loaded.problems[0]
    assert loaded.choose("broken") == "dark"


async def test_a_theme_that_is_not_there_falls_back_and_says_so(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}, mine=Preferences(theme="nowhere")) as person:
        await person.until(lambda: person.app.theme == "dark")
        await person.told("nowhere")


async def test_a_folded_row_is_marked_when_it_holds_the_next_task(sit: Sit, orbit: dict[str, str]) -> None:
    async with sit(orbit) as person:
        await person.sees("next 2/2.2 Run the tests", "›2   ▸ ● Build")
        await person.press("c")
        await person.until(lambda: person.selected == "2/2.2")
        await person.sees(" 2     ▾ ● Build", "›2/2.2")
        await person.press("Z")
        await person.sees("›2   ▸ ● Build")


async def test_a_message_takes_the_place_of_the_last_one_of_its_kind(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        for number in range(3):
            person.app.notify(f"first {number}", title="A", severity="error")
        person.app.notify("second", title="B", severity="error")
        await person.settled()
        assert [one.message for one in person.app._notifications] == ["first 2", "second"]
        person.app.notify("third", severity="warning")
        await person.settled()
        assert [one.message for one in person.app._notifications] == ["second", "third"]


async def test_a_filter_that_leaves_nothing_says_so_and_which_key_shows_all(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("f", "f")
        await person.sees("Nothing has failed.", "esc  shows everything", "f    goes to the next filter")
        await person.press("f")
        await person.sees("Nothing is done or skipped yet.")
        await person.press("escape")
        await person.sees("One")


async def test_a_tag_that_no_atom_has_is_said_in_the_details(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] [Skript] Slip\n- [ ] Other\n"}, size=(140, 24)) as person:
        await person.sees("No atom is called 'Skript'", "[Script]?")
        await person.press("j")
        await person.until(lambda: "Skript" not in person.text)


async def test_a_long_word_in_a_table_of_the_notes_is_folded_and_not_cut(sit: Sit) -> None:
    url = "https://example.org/" + "/".join(f"part{number}" for number in range(15))
    plan = f"- [ ] One\n\n    | what | where |\n    | --- | --- |\n    | docs | {url} |\n"
    async with sit({"status.md": plan}, size=(80, 24)) as person:
        await person.press("tab")
        await person.sees("https://example.org/part0/", "/part14")


async def test_every_action_has_one_handler_and_every_key_one_action(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        main = person.main
        for action in actions.ACTIONS:
            parts = [
                part
                for part in (main.navigator, main.finder, main.conductor, main.editor, main)
                if hasattr(part, f"do_{action.id}")
            ]
            assert len(parts) == 1, action.id
    keys = [key for action in actions.ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))


def test_a_keymap_that_clashes_or_names_nothing_is_reported() -> None:
    found, problems = actions.with_keymap({"step": "x,S", "fly": "w", "run": "S"})
    by_id = {action.id: action for action in found}
    assert by_id["step"].keys == ("S",)
    assert by_id["done"].keys == ("x",)
    assert by_id["run"].keys == ("r",), "rather its own one than none"
    assert len(problems) == 3
    assert any("'fly'" in problem for problem in problems)


def test_a_key_that_is_none_is_reported_and_takes_nothing_away() -> None:
    keymap = {
        "undo": "ctrl+banana",
        "down": "n",
        "step": "",
        "up": "ctrl+up,é,slash,f13,shift+tab,question_mark,+",
    }
    found, problems = actions.with_keymap(keymap)
    by_id = {action.id: action for action in found}
    default = {action.id: action.keys for action in actions.ACTIONS}
    assert by_id["undo"].keys == default["undo"]
    assert by_id["down"].keys == default["down"]
    assert by_id["step"].keys == (), "whoever wants none has none"
    assert any("'ctrl+banana'" in problem for problem in problems)
    assert not any(f"no key '{key}'" in problem for key in keymap["up"].split(",") for problem in problems)
    assert "n" in by_id["find_next"].keys


def test_every_key_of_ours_is_one() -> None:
    _, problems = actions.with_keymap({action.id: ",".join(action.keys) for action in actions.ACTIONS})
    assert problems == []


def test_the_key_table_names_every_action() -> None:
    table = actions.key_table()
    assert all(action.help in table for action in actions.ACTIONS)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(1, 20))
def test_a_bar_is_as_long_as_it_should_be_and_full_only_when_all_is_settled(
    done: int, skipped: int, failed: int, pending: int, cells: int
) -> None:
    progress = Progress(done, skipped, failed, done + skipped + failed + pending)
    full, bad, empty = marks.bar(progress, cells)
    assert full + bad + empty == cells
    assert min(full, bad, empty) >= 0
    if progress.total:
        assert (full == cells) == (done + skipped == progress.total)


def tree(spec: list[object], plan: Plan | None = None, parent: Task | None = None) -> Plan:
    """A plan from nested lists of names: `["A", ["A1", "A2"], "B"]`."""
    plan = plan or Plan("status.md")
    tasks: list[Task] = plan.tasks
    if parent is not None:
        parent.children = tasks = []
    for item in spec:
        if isinstance(item, list):
            tree(item, plan, tasks[-1])
        else:
            line = sum(1 for _ in plan.walk()) + 1
            tasks.append(Task(plan, parent, str(item), Status.PENDING, line, len(tasks) + 1))
    return plan


def names(rows: Rows) -> list[str]:
    return [f"{row.id} {row.task.name}" for row in rows if row.task is not None]


def test_folding_splices_and_unfolding_brings_back_the_same_rows() -> None:
    plan = tree(["A", ["A1", ["A11", "A12"], "A2"], "B", ["B1"]])
    rows = Rows()
    rows.show(plan, None)
    every = names(rows)
    assert every == ["1 A", "1.1 A1", "1.1.1 A11", "1.1.2 A12", "1.2 A2", "2 B", "2.1 B1"]
    rows.toggle(1)
    assert names(rows) == ["1 A", "1.1 A1", "1.2 A2", "2 B", "2.1 B1"]
    rows.toggle(0)
    assert names(rows) == ["1 A", "2 B", "2.1 B1"]
    rows.toggle(0)
    rows.toggle(1)
    assert names(rows) == every


def test_rows_go_a_thousand_levels_deep() -> None:
    plan = tree_deep(1_001)
    rows = Rows()
    rows.show(plan, None)
    assert len(rows) == 1_001
    rows.toggle(0)
    assert len(rows) == 1


def tree_deep(levels: int) -> Plan:
    plan = Plan("status.md")
    parent: Task | None = None
    for level in range(levels):
        task = Task(plan, parent, f"level {level}", Status.PENDING, level + 1, 1)
        if parent is None:
            plan.tasks.append(task)
        else:
            parent.children = [task]
        parent = task
    return plan


def test_a_row_folds_while_the_next_reading_is_not_on_the_screen_yet() -> None:
    """Readings share the plans that did not change: the sub-flow of a task on the screen may be another one already."""
    build, plan = tree(["One", "Two", ["Two one"], "Three"]), tree(["Build", "Last"])
    plan.tasks[0].subflow, build.referrer = build, plan.tasks[0]
    rows = Rows()
    rows.toggled = {plan.tasks[0]}
    rows.show(plan, None)
    assert [row.id for row in rows] == ["1", "1/1", "1/2", "1/2.1", "1/3", "2"]
    again = tree(["One", "Two", ["Two one"], "Three", "Four"])
    plan.tasks[0].subflow, again.referrer = again, plan.tasks[0]
    assert rows.toggle(2)
    assert [row.id for row in rows] == ["1", "1/1", "1/2", "1/3", "2"]
    newer = tree(["Pushed in", "Build", "Last"])
    newer.tasks[1].subflow, build.referrer = build, newer.tasks[1]
    assert rows.toggle(3) is False
    assert rows.toggle(2)
    rows.rebuild()
    assert rows.toggle(0)
    assert len(rows) == 2


def test_a_task_is_found_again_after_the_plan_changed() -> None:
    old = tree(["A", "B", ["B1", "B2"], "C"])
    new = tree(["New", "A", "B", ["B2", "B1"], "Cee"])
    b2 = old.tasks[1].children[1]
    found = carry(b2, new)
    assert found is not None
    assert (found.name, found.id) == ("B2", "3.1")
    assert carry(old.tasks[2], new) is None
    renamed = tree(["A", "B", ["B1", "B2"], "Cee"])
    found = carry(old.tasks[2], renamed)
    assert found is not None
    assert found.name == "Cee"


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "long line of text"]), max_size=12).map("\n".join)


@given(LINES, LINES, LINES)
def test_three_versions_lose_no_line_and_keep_to_the_width(base: str, disk: str, edit: str) -> None:
    hunks = regions(base, disk, edit)
    changed = [region for hunk in hunks for region in hunk if region.changed]
    if base.splitlines() == disk.splitlines() == edit.splitlines():
        assert not changed
    for name, text in (("base", base), ("disk", disk), ("edit", edit)):
        shown = [line for hunk in hunks for region in hunk for line in getattr(region, name)]
        assert _is_subsequence(shown, text.splitlines())
        others = [line for region in changed for line in getattr(region, name)]
        assert len(text.splitlines()) - len(others) == len(base.splitlines()) - sum(
            len(r.base) for r in changed
        )
    for width in (40, 100):
        draw = beside if width > 90 else stacked
        assert all(cell_len(line) <= width for line in draw(hunks, width).plain.split("\n"))


def _is_subsequence(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(line in rest for line in part)
