"""INVENTORY section 4, the tree: add, remove, rename, move, with all that belongs to a task."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.errors import FlowError, NameMismatchError, PlanError, StaleIdError, StateError, UsageError
from engine.status import Index, Plan, add, find_in, move, parse, remove, rename

PLAN = """# One

- [ ] A
    note of A
    - [x] B
        ```sh
        x
        ```
    - [ ] C

- [ ] D <!-- why -->

# Two

- [ ] E
text
"""


def plan(text: str = PLAN) -> Plan:
    read = parse(text)
    assert not read.problems
    return read


def names(read: Plan) -> list[str]:
    return [f"{task.id} {task.name}" for task in read.walk()]


def lines_gone_and_new(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    gone = [line for line in old if line not in new]
    return gone, [line for line in new if line not in old]


def test_t4_01_find() -> None:
    assert find_in(plan(), "1.2").name == "C"
    assert Index(plan()).task("1.2", expect="C").name == "C"


def test_t4_02_add_at_the_end() -> None:
    new = add(plan(), "F")
    assert new.text == PLAN + "- [ ] F\n"


def test_t4_03_add_at_the_start_and_in_the_middle() -> None:
    assert add(plan(), "F", at=1).text == PLAN.replace("- [ ] A\n", "- [ ] F\n- [ ] A\n")
    assert add(plan(), "F", at=2).text == PLAN.replace("    - [ ] C\n", "    - [ ] C\n- [ ] F\n")


def test_t4_04_another_name_is_refused() -> None:
    with pytest.raises(NameMismatchError, match="'C'"):
        Index(plan()).remove("1.2", expect="B")


def test_t4_05_add_under() -> None:
    read = plan()
    assert add(read, "F", to=read.tasks[0]).text == PLAN.replace(
        "    - [ ] C\n", "    - [ ] C\n    - [ ] F\n"
    )
    assert add(read, "F", to=read.tasks[0], at=1).text == PLAN.replace(
        "    - [x] B", "    - [ ] F\n    - [x] B"
    )
    assert add(read, "F", to=read.tasks[1]).text == PLAN.replace("why -->\n", "why -->\n    - [ ] F\n")


def test_t4_05_under_a_task_with_a_note_in_the_way_is_refused_whole() -> None:
    read = plan("- [ ] A\n  - note\n- [ ] B\n    - [ ] C\n")
    with pytest.raises(PlanError):
        add(read, "F", to=read.tasks[0])


@pytest.mark.parametrize(("width", "text"), [(2, "- [ ] A\n  - [ ] B\n"), (4, "- [ ] A\n    - [ ] B\n")])
def test_t4_06_indentation_is_that_of_the_file(width: int, text: str) -> None:
    read = plan(text)
    new = add(read, "- [ ] X\n  - [ ] Y\n    body\n", to=read.tasks[0].children[0])
    pad = " " * width
    assert new.text == text + f"{pad * 2}- [ ] X\n{pad * 3}- [ ] Y\n{pad * 4}body\n"


def test_a_subtree_of_another_width_keeps_its_notes_beside_its_tasks() -> None:
    read = plan("- [ ] A\n    - [ ] B\n")
    new = add(read, "- [ ] X\n  - A note.\n  - [ ] Y\n  - More.\n")
    assert new.text.endswith("- [ ] X\n    - A note.\n    - [ ] Y\n    - More.\n")


def test_t4_07_rename() -> None:
    read = plan()
    assert rename(read, read.tasks[0], "Z").text == PLAN.replace("- [ ] A\n", "- [ ] Z\n")
    read = plan("- [ ] [Script] Old  @ x.md <!-- c -->\n- [ ] [Build](b.md)\n")
    assert rename(read, read.tasks[0], "New").text.startswith("- [ ] [Script] New  @ x.md <!-- c -->\n")
    assert rename(read, read.tasks[0], "[Git] New").text.startswith("- [ ] [Git] New  @ x.md <!-- c -->\n")
    assert rename(read, read.tasks[1], "New").text.endswith("- [ ] [New](b.md)\n")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a @ b.md", "a <!-- x -->", "[b](c.md)", "[Tag]"])
def test_t4_07_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        Index(plan()).rename("1", name)


def test_t4_08_remove_takes_body_and_children_along() -> None:
    read = plan()
    assert remove(read, read.tasks[0]).text == "# One\n\n" + PLAN[PLAN.index("- [ ] D") :]
    assert remove(read, find_in(read, "1.1")).text == PLAN.replace(
        "    - [x] B\n        ```sh\n        x\n        ```\n", ""
    )
    assert remove(read, read.tasks[2]).text == PLAN[: PLAN.index("- [ ] E")]


def test_t4_08_text_behind_does_not_become_somebody_elses() -> None:
    read = plan("- [ ] A\n- [ ] B\n    ```\n    ```\ntext\n")
    assert remove(read, read.tasks[1]).text == "- [ ] A\n\ntext\n"


def test_t4_09_move_with_body_and_children() -> None:
    read = plan()
    new = move(read, read.tasks[0], to=read.tasks[1])
    assert new.text == (
        "# One\n\n\n- [ ] D <!-- why -->\n    - [ ] A\n        note of A\n        - [x] B\n            ```sh\n"
        "            x\n            ```\n        - [ ] C\n\n# Two\n\n- [ ] E\ntext\n"
    )
    back = move(new, find_in(new, "1.1"), at=1)
    assert names(back) == names(read)


def test_t4_10_move_among_siblings() -> None:
    read = plan("- [ ] A\n- [ ] B\n    note\n- [ ] C\n")
    assert move(read, read.tasks[1], at=1).text == "- [ ] B\n    note\n- [ ] A\n- [ ] C\n"
    assert move(read, read.tasks[1], at=3).text == "- [ ] A\n- [ ] C\n- [ ] B\n    note\n"
    assert move(read, read.tasks[1], at=2).text == read.text
    assert move(read, read.tasks[2]).text == read.text


def test_an_edit_at_a_missing_line_end() -> None:
    read = plan("- [ ] A")
    assert add(read, "B").text == "- [ ] A\n- [ ] B\n"


def test_a_first_task() -> None:
    assert add(parse(""), "A").text == "- [ ] A\n"
    assert add(parse("Project: X\n"), "A").text == "Project: X\n- [ ] A\n"
    assert parse(add(parse("<div>\n"), "A").text).tasks[0].name == "A"


def test_the_byte_order_mark_stays_first() -> None:
    read = plan("\ufeff- [ ] A\n- [ ] B\n")
    assert add(read, "C", at=1).text == "\ufeff- [ ] C\n- [ ] A\n- [ ] B\n"
    assert remove(read, read.tasks[0]).text == "\ufeff- [ ] B\n"


def test_t4_12_t4_13_an_active_task_under_an_inactive_parent() -> None:
    read = plan("- [ ] A\n- [/] B\n")
    with pytest.raises(StateError, match="logic conflict"):
        add(read, "- [/] X", to=read.tasks[0])
    with pytest.raises(StateError, match="ambiguous focus"):
        add(read, "- [/] X")
    with pytest.raises(StateError, match="logic conflict"):
        move(read, read.tasks[1], to=read.tasks[0])
    assert names(add(read, "- [/] X", to=read.tasks[1])) == ["1 A", "2 B", "2.1 X"]


@pytest.mark.parametrize(
    "subtree",
    [
        "- [ ] X\n    - [/] Y\n",
        "- [x] X\n    - [ ] Y\n",
        "- [ ] X\n    - [ ] Y\n    - [ ] Y\n",
        "- [/] X\n    - [/] Y\n    - [/] Z\n",
    ],
)
def test_t4_19_the_rules_hold_for_a_whole_subtree(subtree: str) -> None:
    with pytest.raises(StateError):
        add(plan(), subtree)


def test_t4_13_across_files() -> None:
    root, flow = parse("- [ ] R @ b.md\n"), parse("- [ ] A\n", "b.md")
    flow.referrer, root.tasks[0].subflow = root.tasks[0], flow
    with pytest.raises(StateError, match="'R'"):
        add(flow, "- [/] X")
    root, flow = parse("- [x] R @ b.md\n"), parse("- [x] A\n", "b.md")
    flow.referrer, root.tasks[0].subflow = root.tasks[0], flow
    with pytest.raises(StateError, match="Reopen"):
        add(flow, "X")


@pytest.mark.parametrize("mark", "x-")
def test_t4_14_a_child_under_a_finished_parent(mark: str) -> None:
    read = plan(f"- [{mark}] A\n- [ ] B\n")
    edits: list[Callable[[], object]] = [
        lambda: add(read, "X", to=read.tasks[0]),
        lambda: move(read, read.tasks[1], to=read.tasks[0]),
    ]
    for edit in edits:
        with pytest.raises(StateError, match="Reopen"):
            edit()
    assert names(add(read, "- [x] X", to=read.tasks[0])) == ["1 A", "1.1 X", "2 B"]


def test_t4_15_an_id_from_before() -> None:
    index = Index(plan())
    index.rename("1", "Z")
    index.add("F", to="1")
    uses: list[Callable[[], object]] = [
        lambda: index.task("1"),
        lambda: index.remove("1"),
        lambda: index.move("1"),
        lambda: index.rename("1", "Q"),
        lambda: index.add("G", to="1"),
    ]
    for use in uses:
        with pytest.raises(StaleIdError):
            use()
    index.reindex()
    assert index.task("1.3").name == "F"


def test_t4_16_a_duplicate_name() -> None:
    read = plan()
    edits: list[Callable[[], object]] = [
        lambda: add(read, "E"),
        lambda: add(read, "B", to=read.tasks[0]),
        lambda: rename(read, read.tasks[0], "D"),
        lambda: add(read, "D", at=1),
    ]
    for edit in edits:
        with pytest.raises(StateError, match="duplicate name"):
            edit()
    assert names(add(read, "D"))[-1] == "4 D", "it is under another heading"


def test_t4_18_a_task_under_itself() -> None:
    read = plan()
    with pytest.raises(StateError, match="itself"):
        move(read, read.tasks[0], to=find_in(read, "1.2"))
    with pytest.raises(StateError):
        move(read, read.tasks[0], to=read.tasks[0])


def test_a_task_of_an_earlier_reading() -> None:
    with pytest.raises(StaleIdError, match="another reading"):
        remove(plan(), plan().tasks[0])


@pytest.mark.parametrize("at", [0, 5, -1])
def test_no_such_place(at: int) -> None:
    with pytest.raises(UsageError):
        add(plan(), "F", at=at)


@pytest.mark.parametrize(
    "what", ["", "two\nlines", "- [?] X", "  - [ ] X", "- [ ] \n", "- [ ] X\n   - [ ] Y"]
)
def test_what_cannot_be_added(what: str) -> None:
    with pytest.raises(FlowError):
        add(plan(), what)


def test_nothing_is_edited_in_a_plan_with_problems() -> None:
    broken = parse("- [ ] A\n- [?] B\n")
    edits: list[Callable[[], object]] = [
        lambda: add(broken, "X"),
        lambda: remove(broken, broken.tasks[0]),
        lambda: rename(broken, broken.tasks[0], "X"),
        lambda: move(broken, broken.tasks[0]),
    ]
    for edit in edits:
        with pytest.raises(PlanError, match="unknown marker"):
            edit()


def test_edits_a_thousand_levels_down() -> None:
    depth = 1000
    read = plan("".join(f"{'  ' * level}- [ ] {level}\n" for level in range(depth)))
    deepest = list(read.walk())[-1]
    new = add(read, "one more", to=deepest)
    assert new.text == read.text + "  " * depth + "- [ ] one more\n"
    assert len(list(remove(read, read.tasks[0].children[0]).walk())) == 1
    up = move(read, read.tasks[0].children[0])
    assert up.text.startswith("- [ ] 0\n- [ ] 1\n  - [ ] 2\n")


def test_a_refused_name_tells_the_line_of_the_one_under_the_same_heading() -> None:
    fillers = "".join(f"- [ ] f{number}\n" for number in range(20))
    read = plan(f"# A\n\n- [ ] One\n{fillers}\n# B\n\n- [ ] One\n- [ ] Two\n")
    with pytest.raises(StateError, match="on line 3 already"):
        rename(read, read.tasks[20], "One")
    with pytest.raises(StateError, match="on line 3 already"):
        add(read, "One", at=22)
