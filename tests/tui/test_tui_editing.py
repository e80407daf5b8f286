"""Adding, renaming, deleting, moving, making a sub-flow, and the person's own editor."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.tui.conftest import SECONDS, Person, Sit
from tui.editor import editor_command


def plan(person: Person, file: str = "status.md") -> str:
    return (person.app.engine.root / ".flow" / file).read_text()


async def _typed(person: Person, *keys: str) -> None:
    await person.asked("Task")
    await person.press(*keys)


async def test_t4_02_a_adds_after_the_selection_and_selects_it(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n"}) as person:
        await person.press("g", "a")
        await _typed(person, *"Between", "enter")
        await person.sees("Added: Between · z undoes")
        await person.until(lambda: person.selected == "2", "the new task")
        assert plan(person) == "- [ ] One\n- [ ] Between\n- [ ] Two\n"


async def test_add_inside_makes_a_child_and_escape_adds_nothing(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("A")
        await _typed(person, *"no", "escape")
        await person.unasked()
        await person.press("A")
        await _typed(person, *"Child", "enter")
        await person.until(lambda: person.selected == "1.1")
        assert plan(person) == "- [ ] One\n    - [ ] Child\n"


async def test_the_first_task_of_an_empty_plan_comes_from_a_key(sit: Sit) -> None:
    async with sit({"status.md": "# Release\n"}) as person:
        await person.sees("a adds the first one")
        await person.press("a")
        await _typed(person, *"Hello", "enter")
        await person.sees("next 1 Hello")


async def test_rename_starts_from_the_old_name(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("R")
        await _typed(person, "end", *" and all", "enter")
        await person.until(lambda: plan(person) == "- [ ] One and all\n")


async def test_delete_asks_and_z_brings_it_back(sit: Sit) -> None:
    text = "- [ ] One\n    - [ ] Inner\n- [ ] Two\n"
    async with sit({"status.md": text}) as person:
        await person.press("g", "d")
        await person.asked("Confirm")
        await person.sees("With it goes the task inside", "keep")
        await person.press("enter")  # the safe choice
        await person.unasked()
        assert plan(person) == text
        await person.press("d")
        await person.asked("Confirm")
        await person.press("y")
        await person.until(lambda: plan(person) == "- [ ] Two\n")
        await person.press("z")
        await person.until(lambda: plan(person) == text)
        await person.sees("Undone: One (deleted)")
        await person.until(lambda: person.selected == "1", "what came back")


async def test_undo_of_a_new_name_selects_its_task_again(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"}) as person:
        await person.press("j", "R")
        await _typed(person, "end", *" or so", "enter")
        await person.sees("Renamed: Two or so")
        await person.press("z")
        await person.sees("Undone: Two or so (renamed)")
        await person.until(lambda: person.name("2") == "Two")
        await person.idle()
        assert person.selected == "2"


async def test_move_takes_a_task_up_and_puts_it_down(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"}) as person:
        await person.press("g", "m")
        await person.sees("moving One", "put here", "leave it")
        await person.press("j", "j")
        await person.sees("put below")
        await person.press("enter")
        await person.until(lambda: plan(person) == "- [ ] Two\n- [ ] Three\n- [ ] One\n")
        await person.until(lambda: person.name("3") == "One", "the reading")
        await person.until(lambda: person.selected == "3")
        await person.press("m", "k")
        await person.sees("put above")
        await person.press("escape")
        await person.until(lambda: person.selected == "3", "the task that stays")
        await person.press("enter")
        assert plan(person) == "- [ ] Two\n- [ ] Three\n- [ ] One\n"


async def test_nothing_else_is_changed_while_a_task_is_being_moved(sit: Sit) -> None:
    before = "- [ ] One\n- [ ] Two\n"
    async with sit({"status.md": before}) as person:
        await person.press("g", "m", "j", "x")
        await person.sees("Put down what is being moved, or leave it, first: One")
        await person.press("d", "a", "s")
        assert person.app.screen is person.main
        assert plan(person) == before
        await person.press("enter")
        await person.until(lambda: plan(person) == "- [ ] Two\n- [ ] One\n", "the move")


async def test_a_task_that_may_not_be_moved_there_is_selected_where_it_is(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n    - [ ] Same\n- [ ] Two\n    - [ ] Same\n"}) as person:
        await person.press("g", "j")
        await person.until(lambda: person.selected == "1.1")
        await person.press("m", "j", "j", "enter")
        await person.told("duplicate name")
        await person.until(lambda: person.selected == "1.1", "the task again")
        await person.press("escape", "g", "m", "j", "enter")
        await person.sees("cannot be moved into itself")
        await person.until(lambda: person.selected == "1", "the task again")
        await person.press("escape")
        await person.until(lambda: "cannot be moved" not in person.text, "escape takes the words away")


async def test_what_is_moved_is_the_task_that_was_taken_up_wherever_it_is_by_now(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"}, watch=True) as person:
        await person.press("g", "m", "j")
        await person.sees("moving One", "put below")
        (person.app.engine.root / ".flow/status.md").write_text("- [ ] Zero\n" + plan(person))
        await person.until(lambda: person.main.find("4"), "the reading")
        await person.idle()
        await person.sees("moving One", "put below")
        await person.press("enter")
        await person.until(
            lambda: plan(person) == "- [ ] Zero\n- [ ] Two\n- [ ] One\n- [ ] Three\n", "the move"
        )


async def test_zooming_into_a_leaf_offers_a_subflow(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Docs\n"}) as person:
        await person.press("enter")
        await person.asked("Confirm")
        await person.press("y")
        await person.until(lambda: plan(person) == "- [ ] [Docs](sub_flows/docs.md)\n")
        await person.sees("» sub_flows/docs.md")
        await person.idle()
        await person.press("enter")
        await person.sees("status.md › Docs", "This plan has no tasks yet", ".flow/sub_flows/docs.md")
        await person.press("a")
        await _typed(person, *"Write", "enter")
        await person.until(lambda: person.selected == "1/1", "the task inside")
        assert "- [ ] Write\n" in plan(person, "sub_flows/docs.md")


async def test_the_tasks_inside_move_into_the_sub_flow_and_that_is_said(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] Docs\n    - [ ] Write\n    - [ ] Print\n"}) as person:
        await person.press("g", "M")
        await person.asked("Confirm")
        await person.sees("The 2 tasks inside move there.")
        await person.press("y")
        await person.until(lambda: plan(person) == "- [ ] [Docs](sub_flows/docs.md)\n")
        assert "- [ ] Write\n- [ ] Print\n" in plan(person, "sub_flows/docs.md")


async def test_t4_16_a_duplicate_name_is_refused_in_words(sit: Sit) -> None:
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("a")
        await _typed(person, *"One", "enter")
        await person.sees("A duplicate name: 'One' is on line 1 already")
        assert plan(person) == "- [ ] One\n"
        await person.press("end", *" more", "enter")  # what was typed is still there
        await person.until(lambda: person.selected == "2", "the task")
        assert plan(person) == "- [ ] One\n- [ ] One more\n"
        await person.press("R")
        await _typed(person, "ctrl+a", "ctrl+k", *"One", "enter")
        await person.sees("duplicate name")
        await person.press("escape")
        await person.unasked()
        assert plan(person) == "- [ ] One\n- [ ] One more\n"


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim -u NONE", ["vim", "-u", "NONE", "+7", "/p/a b.md"]),
        ("code", ["code", "--wait", "--goto", "/p/a b.md:7"]),
        ("/usr/bin/hx", ["/usr/bin/hx", "/p/a b.md:7"]),
    ],
)
def test_the_editor_opens_at_the_line(
    monkeypatch: pytest.MonkeyPatch, editor: str, command: list[str]
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    assert editor_command(Path("/p/a b.md"), 7) == command


@pytest.mark.parametrize("editor", ["vim 'x", "   "])
async def test_an_editor_that_is_no_command_is_said_in_words(
    sit: Sit, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    async with sit({"status.md": "- [ ] One\n"}) as person:
        await person.press("e")
        await person.told("Set EDITOR to your editor")


async def test_who_moves_before_an_added_task_is_there_stays_where_they_went(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sit({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"}) as person:
        engine, moved = person.app.engine, threading.Event()
        add = engine.add

        def slow(what: str, **where: object) -> object:
            moved.wait(SECONDS)
            return add(what, **where)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "add", slow)
        await person.press("g", "a")
        await _typed(person, "N", "enter")
        await person.unasked()
        await person.press("G")
        moved.set()
        await person.until(lambda: person.name("2") == "N", "the new task")
        await person.idle()
        assert person.name(person.selected) == "Three"
