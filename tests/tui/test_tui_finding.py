"""Finding a task while the plan changes, or while a filter hides it; where the selection goes when its task is gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine import Engine, Tree
from tests.conftest import MakeProject
from tests.tui.conftest import Person, Sit
from tui.app import FlowApp

TEN = "".join(f"- [ ] Task {number}\n" for number in range(1, 11))
SUBS = {"status.md": "- [ ] First\n- [ ] Second\n- [ ] [Sub](sub.md)\n- [ ] Last\n", "sub.md": TEN}
MIXED = "- [x] Done one\n- [x] Done two\n- [ ] Open one\n- [!] Failed one\n- [x] Done three\n"


async def write(person: Person, text: str, file: str = "status.md") -> None:
    """Writes a plan as another program does, and waits until it is on the screen."""
    before = person.main.reading
    (person.app.engine.root / ".flow" / file).write_text(text)
    await person.press("f5") if not person.main.finder.typing else person.main.session.read()
    await person.until(lambda: person.main.reading is not before, "a new reading")
    await person.idle()


@pytest.mark.parametrize("zoomed", [False, True])
async def test_escape_goes_back_from_a_search_also_when_the_plan_changed_meanwhile(
    sit: Sit, zoomed: bool
) -> None:
    async with sit(SUBS) as person:
        await person.press("g", "j", "j", *(["enter", "G"] if zoomed else ["j"]))
        before = "3/10" if zoomed else "4"
        await person.until(lambda: person.selected == before)
        await person.press("/", *"task")
        file = "sub.md" if zoomed else "status.md"
        await write(person, "- [ ] New\n" + SUBS[file], file)
        await person.press("escape")
        await person.until(lambda: person.selected == ("3/11" if zoomed else "5"))
        assert person.name(person.selected) == ("Task 10" if zoomed else "Last")
        chosen = person.main.flow_tree.chosen
        assert chosen is person.main.find(person.selected)
        await person.sees("New")


async def test_what_a_search_found_is_counted_again_when_the_plan_changed(sit: Sit) -> None:
    async with sit({"status.md": TEN}) as person:
        await person.press("/", *"task", "enter")
        await person.sees("/task  1/10 found")
        await write(person, "- [ ] Task 0\n" + TEN)
        await person.sees("/task  2/11 found")


async def test_a_search_that_was_ended_is_not_said_to_have_never_been(sit: Sit) -> None:
    async with sit({"status.md": TEN}) as person:
        await person.press("/", *"task", "escape", "n")
        await person.sees("Nothing is searched now: / searches.")


async def test_a_task_of_the_palette_is_found_in_the_plan_of_now(sit: Sit) -> None:
    async with sit(SUBS) as person:
        await person.press("g", "j", "j", "enter", "colon", *"task 7")
        await person.sees("3/7")
        before = person.main.reading
        (person.app.engine.root / ".flow/sub.md").write_text("- [ ] New\n" + TEN)
        person.main.session.read()
        await person.until(lambda: person.main.reading is not before)
        await person.press("enter")
        await person.until(lambda: person.selected == "3/8")
        zoom = person.main.flow_tree.rows.zoom
        assert zoom is not None
        assert zoom.address == "3"


@pytest.mark.parametrize(
    ("keys", "address"), [(["c"], "4"), (["colon", *"done three", "enter"], "5"), (["/", *"three"], "5")]
)
async def test_a_filter_that_hides_where_one_goes_is_lifted_and_that_is_said(
    sit: Sit, keys: list[str], address: str
) -> None:
    async with sit({"status.md": MIXED}) as person:
        await person.press("f", *(["f", "f"] if keys == ["c"] else []))
        await person.until(lambda: person.main.finder.filter_name)
        await person.press(*keys)
        await person.until(lambda: person.selected == address)
        await person.sees("Everything is shown again: ")
        assert not person.main.finder.filter_name


async def test_escape_from_a_search_brings_the_filter_back_that_it_lifted(sit: Sit) -> None:
    async with sit({"status.md": MIXED}) as person:
        await person.press("f", "g", "/", *"three")
        await person.until(lambda: person.selected == "5")
        await person.press("escape")
        await person.until(lambda: person.main.finder.filter_name == "open")
        assert person.selected == "3"
        await person.until(lambda: "Done three" not in person.text, "the end of its row and its page")


@pytest.mark.parametrize("keys", [["enter", "G"], ["space", "j", "j"]])
async def test_when_a_sub_flow_goes_the_selection_is_on_the_task_that_it_was_the_inside_of(
    sit: Sit, keys: list[str]
) -> None:
    async with sit(SUBS) as person:
        await person.press("g", "j", "j", *keys)
        await person.until(lambda: person.selected.startswith("3/"))
        sub: Path = person.app.engine.root / ".flow" / "sub.md"
        sub.unlink()
        before = person.main.reading
        await person.press("f5")
        await person.until(lambda: person.main.reading is not before)
        await person.until(lambda: person.selected == "3")


async def test_when_one_of_several_goes_the_row_at_its_place_is_selected(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Outer\n    - [ ] One\n    - [ ] Two\n    - [ ] Three\n"}) as person:
        await person.press("g", "j", "j")
        await person.until(lambda: person.selected == "1.2")
        await write(person, "- [ ] Outer\n    - [ ] One\n    - [ ] Three\n")
        assert person.name(person.selected) == "Three"


@pytest.mark.parametrize("keys", [(), ("enter",)])
async def test_what_was_searched_for_before_all_was_read_is_gone_to_then(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    go_on, read = threading.Event(), Engine.tree

    def slow(engine: Engine) -> Tree:
        go_on.wait(60)
        return read(engine)

    monkeypatch.setattr(Engine, "tree", slow)
    app = FlowApp(Engine.open(make_project(SUBS)), watch=False)
    async with app.run_test(size=(104, 28)) as pilot:
        person = Person(app, pilot)
        await person.sees("Second", "counting")
        await person.press("/", *"task 7")
        await person.sees("still being read", "enter keep the selection")
        await person.press(*keys)
        if keys:
            await person.press("n")
            await person.sees("The plans are still being read.")
        go_on.set()
        await person.until(lambda: person.selected == "3/7", "what is found")
        await person.sees("1/1 found")
        await person.press("escape")
        await person.until(lambda: person.selected == ("3/7" if keys else "1"))


async def test_who_has_moved_before_all_was_read_is_left_there(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, read = threading.Event(), Engine.tree

    def slow(engine: Engine) -> Tree:
        go_on.wait(60)
        return read(engine)

    monkeypatch.setattr(Engine, "tree", slow)
    app = FlowApp(Engine.open(make_project(SUBS)), watch=False)
    async with app.run_test(size=(104, 28)) as pilot:
        person = Person(app, pilot)
        await person.sees("Second", "counting")
        await person.press("/", *"task 7", "enter", "j")
        assert person.main.reading is None
        go_on.set()
        await person.sees("/task 7  1 found")
        assert person.selected == "2"
        await person.press("n")
        await person.until(lambda: person.selected == "3/7")
