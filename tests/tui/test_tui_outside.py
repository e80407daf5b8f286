"""Rows that another program changed carry a mark until a person has been on them."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import Person, Sit

FILES = {
    "status.md": "- [ ] One\n- [ ] [Build](build.md)\n- [ ] Three\n    - [ ] Inside\n    - [ ] Other\n- [ ] Four\n",
    "build.md": "- [ ] Compile\n- [ ] Sign\n",
}


async def _known(person: Person) -> Path:
    """Lets the engine write the plans once, so that there is something to compare with."""
    await person.press("G", "b")
    await person.until(lambda: person.status("4") == "active")
    await person.press("g")
    await person.idle()
    return person.app.engine.root / ".flow"


def _marked(person: Person) -> list[str]:
    """The names of the rows with a mark, as they stand on the screen."""
    lines = [line for line in person.text.splitlines() if line.startswith("│~")]
    return [line.split("○ ")[1].split()[0] for line in lines]


async def test_t1_13_changed_rows_are_marked_and_counted_until_visited(sit: Sit) -> None:
    async with sit(FILES, size=(90, 24), watch=True) as person:
        flow = await _known(person)
        plan = flow / "status.md"
        plan.write_text(
            plan.read_text().replace("Inside", "Indoors").replace("- [/] Four", "- [/] Four\n- [ ] New")
        )
        build = flow / "build.md"
        build.write_text(build.read_text() + "- [ ] Ship\n")
        await person.sees("~ 3 rows changed outside")
        assert _marked(person) == ["Build", "Three", "Indoors", "New"]
        await person.press("G")
        await person.sees("~ 2 rows changed outside")
        assert "New" not in _marked(person)
        await person.press("k", "k", "k")
        await person.sees("~ 1 row changed outside")
        assert _marked(person) == ["Build"]
        await person.press("g", "j", "enter", "G")
        await person.until(lambda: "changed outside" not in person.text, "the end of the marks")


async def test_a_second_change_marks_only_what_it_changed(sit: Sit) -> None:
    async with sit(FILES, size=(90, 24), watch=True) as person:
        plan = await _known(person) / "status.md"
        plan.write_text(plan.read_text().replace("Inside", "Indoors"))
        await person.sees("~ 1 row changed outside")
        await person.press("j", "j", "j")
        await person.until(lambda: "changed outside" not in person.text)
        plan.write_text(plan.read_text().replace("Other", "Another"))
        await person.sees("~ 1 row changed outside", "Another")
        plan.write_text(plan.read_text().replace("    - [ ] Another\n", ""))
        await person.until(lambda: _marked(person) == ["Three"], "the row around")


async def test_a_plan_that_is_read_half_written_marks_only_what_changed_in_the_end(sit: Sit) -> None:
    async with sit(FILES, size=(90, 24), watch=True) as person:
        plan = await _known(person) / "status.md"
        text = plan.read_text()
        for half in ("", "- [ ] One\n"):
            plan.write_text(half)
            await person.until(lambda: "Three" not in person.text, "the half of the plan")
            plan.write_text(text.replace("Inside", "Indoors"))
            await person.sees("~ 1 row changed outside", "Indoors")
            await person.until(lambda: _marked(person) == ["Three", "Indoors"], "the marks")
        plan.write_text(text)
        await person.until(lambda: "changed outside" not in person.text, "the end of the marks")


async def test_what_was_changed_before_the_start_is_marked_too(sit: Sit) -> None:
    async with sit(FILES, size=(90, 24)) as person:
        plan = await _known(person) / "status.md"
    plan.write_text(plan.read_text().replace("Inside", "Indoors"))
    async with sit(plan.parent.parent, size=(90, 24)) as person:
        await person.sees("~ 1 row changed outside", "Indoors")


async def test_what_the_engine_writes_marks_nothing(sit: Sit) -> None:
    async with sit(FILES, size=(90, 24), watch=True) as person:
        await _known(person)
        await person.press("x", "G", "o")
        await person.until(lambda: person.status("1") == "done")
        await person.idle()
        assert "changed outside" not in person.text
