"""The output of a task: wrapped, followed to its end, paused by scrolling, searched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.conftest import Sit
from tui import printing as printing_of_runs
from tui.text import output_line, plain_line
from tui.widgets import printed
from tui.widgets.printed import Printed


@given(st.text(st.characters()), st.integers(2, 90))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = Printed(width)
    lines.add(text[:40])
    lines.add(text[40:])
    rows = [row for y in range(lines.rows) if (row := lines.row(y)) is not None]
    assert len(rows) == lines.rows
    assert all(cell_len(row.plain) <= width for row, _ in rows)
    assert "".join(row.plain for row, _ in rows) == lines.text.replace("\n", "")
    lines.resize(7)
    narrow = [row for y in range(lines.rows) if (row := lines.row(y)) is not None]
    assert all(cell_len(row.plain) <= 7 for row, _ in narrow)


@given(st.text(st.characters()))
def test_the_plain_line_is_what_is_shown(text: str) -> None:
    line = text.replace("\n", "")
    assert plain_line(line) == output_line(line).plain


def test_only_the_last_lines_are_kept_and_numbers_stay() -> None:
    lines = Printed(10)
    lines.search("7")
    lines.add("".join(f"line {number}\n" for number in range(printed.LIMIT)))
    matches = len(lines.matches)
    assert lines.add("a long line that takes three rows\n" * 2) == 2
    assert lines.rows == printed.LIMIT - 2 + 2 * 4
    assert len(lines.matches) == matches
    row = lines.row(lines.row_of(lines.matches[-1]))
    assert row is not None
    assert "7" in row[0].plain
    lines.add("\n" * (printed.LIMIT + 5))
    assert not lines.matches
    assert lines.rows == printed.LIMIT


def test_the_last_line_is_found_before_it_has_a_line_break_and_once_it_has_one() -> None:
    lines = Printed()
    lines.add("one\nPassword:")
    lines.search("password")
    assert list(lines.matches) == [1]
    lines.add(" and more")
    assert list(lines.matches) == [1]
    lines.add("\nthe password\npass")
    assert list(lines.matches) == [1, 2]
    lines.add("word?")
    assert list(lines.matches) == [1, 2, 3]


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_that_is_cut_says_so(end: str) -> None:
    lines = Printed()
    for _ in range(3):
        lines.add("x" * printed.PIECE)
    lines.add(end)
    assert lines.text == "x" * printed.PIECE + printed.CUT
    rows = [row for y in range(lines.rows) if (row := lines.row(y)) is not None]
    assert "".join(row.plain for row, _ in rows) == lines.text


@pytest.mark.parametrize("end", ["", "\n"])
def test_of_a_line_that_was_drawn_over_and_over_the_last_is_shown(end: str) -> None:
    lines = Printed()
    for number in range(101):
        lines.add(f"\r{number} %" + " " * 70)
    lines.add(end)
    assert lines.text.rstrip() == "100 %"


def printing(gate: Path, count: int = 60) -> str:
    """A script that prints lines, waits for the gate, and prints one more."""
    return (
        "- [ ] [Script] Print\n    ```sh\n"
        f'    for i in $(seq {count}); do echo "line $i of the log"; done\n'
        f"    while [ ! -e {gate} ]; do sleep 0.02; done\n"
        "    echo the last line\n    ```\n- [ ] After\n"
    )


async def test_a_short_output_leaves_its_room_to_what_is_known_of_the_task(sit: Sit, gate: Path) -> None:
    gate.touch()
    short, _, _ = printing(gate, 2).partition("- [ ] After")
    long, _, _ = printing(gate).replace("] Print", "] Print more").partition("- [ ] After")
    async with sit({"status.md": short + long}) as person:
        await person.press("s")
        await person.sees("the last line", "Done: Print")
        detail = person.main.detail
        await person.until(lambda: detail.output.size.height == 3, "room for three lines")
        await person.press("s")
        await person.sees("Done: Print more")
        await person.until(lambda: detail.output.size.height > detail.facts.size.height, "the larger share")


async def test_output_pauses_when_scrolled_and_follows_again_at_a_key(sit: Sit, gate: Path) -> None:
    async with sit({"status.md": printing(gate)}, size=(104, 28)) as person:
        await person.press("s")
        await person.sees("line 60 of the log")
        output = person.main.detail.output
        await person.press("tab", "tab", "k", "k", "k")
        await person.sees("paused, 3 below · F follows")
        top = output.scroll_offset.y
        gate.touch()
        await person.until(lambda: person.status("1") == "done")
        await person.until(lambda: "the last line" in output.text)
        assert output.scroll_offset.y == top
        assert "the last line" not in person.text
        await person.press("F")
        await person.sees("the last line", "Following the output.")
        assert "paused" not in person.text


async def test_slash_searches_the_output_while_that_side_has_the_focus(sit: Sit, gate: Path) -> None:
    gate.touch()
    async with sit({"status.md": printing(gate)}, size=(104, 28)) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.sees("the last line")
        await person.press("g", "tab", "tab", "/")
        await person.sees("a part of a line of the output")
        await person.press(*"LINE 1")
        await person.sees("11 found", "11/11")  # 1 and 10 to 19
        await person.press("enter", "N")
        await person.sees("10/11", "line 18 of the log")
        await person.press("n", "n")
        await person.sees("1/11", "line 1 of the log")
        await person.press("escape")
        await person.sees("the last line")
        assert "1/11" not in person.text
        assert person.main.focused_side is person.main.detail.output
        await person.press("/", "q", "q")
        await person.sees("nothing found")
        await person.press("escape", "escape")
        await person.until(lambda: person.main.flow_tree.has_focus, "the tree")


async def test_a_long_line_of_output_wraps(sit: Sit) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    plan = f"- [ ] [Script] Long\n    ```sh\n    echo '{words}'\n    ```\n"
    async with sit({"status.md": plan}, size=(104, 40)) as person:
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        await person.sees("word0 word1", "word39")


async def test_of_a_long_output_the_end_is_shown_and_said_to_be_that(sit: Sit) -> None:
    plan = "- [ ] [Script] Long\n    ```sh\n    seq 200000\n    ```\n- [ ] After\n"
    async with sit({"status.md": plan}, size=(104, 40)) as person:
        output = person.main.detail.output
        await person.press("s")
        await person.until(lambda: person.status("1") == "done")
        for keys in ((), ("j", "k")):  # while it ran, and coming back to it
            await person.press(*keys)
            await person.until(lambda: output.text.endswith("199999\n200000"), "the end")
            await person.sees("200000")
        numbers = output.text.splitlines()[-1_000:]
        assert numbers == [str(number) for number in range(199_001, 200_001)]


async def test_what_a_running_task_printed_is_shown_once_wherever_one_looked_meanwhile(
    sit: Sit, gate: Path
) -> None:
    async with sit({"status.md": printing(gate, 500)}, size=(104, 28)) as person:
        output = person.main.detail.output
        await person.press("s")
        await person.sees("line 500 of the log")
        await person.press("j")
        await person.until(lambda: person.selected == "2" and not output.display)
        assert output.text == ""  # nothing is read that is not on the screen
        await person.press("k")
        await person.sees("line 500 of the log")
        gate.touch()
        await person.until(lambda: person.status("1") == "done")
        await person.sees("the last line")
        numbers = range(1, 501)
        assert output.text.splitlines() == [*(f"line {n} of the log" for n in numbers), "the last line"]


async def test_what_passed_by_unseen_is_said_and_its_end_comes_when_the_task_has_ended(
    sit: Sit, gate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing_of_runs, "_WINDOW", 1_000)
    (tmp_path / "much").write_text("".join(f"number {number:05}\n" for number in range(20_000)))
    end = tmp_path / "end"
    script = (
        "    echo the first line\n"
        f"    while [ ! -e {gate} ]; do sleep 0.02; done\n    cat {tmp_path / 'much'}\n"
        f"    while [ ! -e {end} ]; do sleep 0.02; done\n"
    )
    async with sit({"status.md": f"- [ ] [Script] Flood\n    ```sh\n{script}    ```\n"}) as person:
        output = person.main.detail.output
        await person.press("s")
        await person.until(lambda: output.text == "the first line", "the first line")
        gate.touch()
        await person.sees("number 19999")
        said = output.text.splitlines()
        assert said[0] == "the first line"
        assert " passed by: " in said[1]
        assert all(" passed by: " in line or line.startswith("number ") for line in said[1:])
        end.touch()
        await person.until(lambda: person.status("1") == "done")
        await person.until(lambda: " passed by: " not in output.text, "the end without gaps")
        lines = output.text.splitlines()[-printed.LIMIT + 1 :]
        assert lines == [f"number {number:05}" for number in range(20_000 - len(lines), 20_000)]
