"""A change that is meant for a task as it was seen is made to that one, or to none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine import ContentChangedError, Engine, NameMismatchError, Task
from tests.conftest import MakeProject

WEEK = "# Mon\n\n- [ ] Test\n\n# Tue\n\n- [ ] Test\n- [ ] Ship\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda engine, task: engine.remove("1", expect=task),
        lambda engine, task: engine.rename("1", "Other", expect=task),
        lambda engine, task: engine.zoom("1", expect=task),
        lambda engine, task: engine.move("1", at=2, expect=task),
        lambda engine, task: engine.change("done", "1", expect=task),
        lambda engine, task: engine.add("New", at=2, beside=task),
    ],
    ids=["remove", "rename", "zoom", "move", "done", "add"],
)
def test_another_task_of_the_same_name_is_not_the_one_that_was_seen(
    make_project: MakeProject, change: Callable[[Engine, Task], object]
) -> None:
    root = make_project({"status.md": WEEK})
    engine = Engine.open(root)
    monday = engine.find("1")
    plan = root / ".flow/status.md"
    plan.write_text(WEEK.replace("- [ ] Test\n\n", "", 1))
    before = plan.read_text()
    with pytest.raises(NameMismatchError, match="1 is another task by now"):
        change(engine, monday)
    assert plan.read_text() == before
    change(engine, engine.find("1"))
    assert plan.read_text() != before


@pytest.mark.parametrize(("to", "at"), [("2", None), (None, 3)], ids=["inside", "after"])
def test_a_task_is_added_by_the_one_that_was_seen_or_not_at_all(
    make_project: MakeProject, to: str | None, at: int | None
) -> None:
    root = make_project({"status.md": "- [ ] alpha\n- [ ] beta\n- [ ] gamma\n"})
    engine = Engine.open(root)
    beta = engine.find("beta")
    plan = root / ".flow/status.md"
    before = "- [ ] zero\n" + plan.read_text()
    plan.write_text(before)
    with pytest.raises(NameMismatchError, match="2 is 'alpha', not 'beta'"):
        engine.add("kid", to=to, at=at, beside=beta)
    with pytest.raises(NameMismatchError, match="2 is 'alpha', not 'beta'"):
        engine.move("gamma", to=to, at=at, beside=beta)
    assert plan.read_text() == before


def test_a_place_is_refused_when_what_is_around_it_has_gone_elsewhere(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] A\n- [ ] [Part](part.md)\n", "part.md": "- [ ] One\n"})
    engine = Engine.open(root)
    one = engine.find("2/1")
    plan = root / ".flow/status.md"
    plan.write_text("- [ ] Zero\n" + plan.read_text())
    engine.tree()  # the task of the old reading has the new address now, and what was asked for has not
    with pytest.raises(NameMismatchError, match="3/1 One is somewhere else by now"):
        engine.add("Two", to="2", at=2, beside=one)


def test_a_task_that_has_got_children_is_not_removed_with_them(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] A\n- [ ] B\n"})
    engine = Engine.open(root)
    seen = engine.find("1")
    plan = root / ".flow/status.md"
    plan.write_text("- [ ] A\n    - [ ] In\n- [ ] B\n")
    with pytest.raises(NameMismatchError, match="1 A has other tasks inside by now"):
        engine.remove("1", expect=seen)
    assert "In" in plan.read_text()


@pytest.mark.parametrize("settle", ["accept", "restore"])
def test_only_what_was_shown_is_accepted_or_put_back(make_project: MakeProject, settle: str) -> None:
    root = make_project(
        {
            "status.md": "- [ ] A\n- [ ] [P](p.md)\n",
            "p.md": "- [ ] B\n",
            "flow.toml": 'integrity = "strict"\n',
        }
    )
    engine = Engine.open(root)
    engine.change("begin", "1")
    known = (root / ".flow/status.md").read_text()
    for file in ("status.md", "p.md"):
        with (root / ".flow" / file).open("a") as written:
            written.write("- [ ] Shown\n")
    shown = {"status.md": engine.tree().snapshots["status.md"].revision}
    plan = root / ".flow/status.md"
    seen = plan.read_text()
    plan.write_text(seen + "- [ ] Not shown\n")
    settling = engine.accept if settle == "accept" else engine.restore
    with pytest.raises(ContentChangedError):
        settling(shown)
    assert "Not shown" in plan.read_text()
    assert sorted(engine.changed_outside()) == ["p.md", "status.md"]
    plan.write_text(seen)
    assert settling(shown) == ["status.md"]
    assert plan.read_text() == (seen if settle == "accept" else known)
    assert engine.changed_outside() == ["p.md"]  # nobody was shown it
    assert engine.known_at("status.md").startswith("20")


def test_the_number_of_the_last_change_rises_with_every_change_and_with_what_takes_it_back(
    make_project: MakeProject,
) -> None:
    engine = Engine.open(make_project({"status.md": "- [ ] A\n- [ ] B\n"}))
    numbers = [engine.last_change()]
    changes: list[Callable[[], object]] = [
        lambda: engine.change("done", "1"),
        lambda: engine.rename("2", "C"),
        engine.undo,
        engine.undo,
    ]
    for change in changes:
        change()
        numbers.append(engine.last_change())
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
