"""INVENTORY sections 3 and 4, statuses: one character a changed task, activation, completion, across files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PlanError, StateError, UnknownAddressError
from engine.status import (
    Change,
    Plan,
    Status,
    Task,
    apply,
    begin,
    cursor,
    done,
    fail,
    find_in,
    parse,
    progress,
    reopen,
    reset,
    set_marker,
    settle,
    skip,
    validate_state,
    walk,
)
from tests.amount import times

EXAMPLES = times(40)


def after(text: str, verb: Callable[[Task], list[Change]], id: str) -> str:
    plan = parse(text)
    assert not plan.problems
    apply(verb(find_in(plan, id)))
    assert not parse(plan.text).problems
    return plan.text


def linked(above: str, below: str) -> tuple[Plan, Plan]:
    """Two plans, the second one linked to the task of the first that refers to `b.md`."""
    root, flow = parse(above), parse(below, "b.md")
    referrer = next(task for task in root.walk() if task.ref == "b.md")
    referrer.subflow, flow.referrer = flow, referrer
    return root, flow


@pytest.mark.parametrize("status", list(Status))
def test_t3_02_one_character_differs(status: Status) -> None:
    text = "\ufeff- [ ]  A [x] é 👩‍👩‍👧  \n- [X] B\n\n    odd\ttext\n"
    plan = parse(text)
    for task in plan.walk():
        set_marker(task, status)
    changed = plan.text
    assert len(changed) == len(text)
    assert sum(one != other for one, other in zip(text, changed, strict=True)) <= 2
    assert [task.status for task in parse(changed).walk()] == [status, status]


@pytest.mark.parametrize("mark", "xXv")
def test_t3_08_done_stays_as_it_is_written(mark: str) -> None:
    plan = parse(f"- [{mark}] A\n")
    set_marker(plan.tasks[0], Status.DONE)
    assert plan.text == f"- [{mark}] A\n"


def test_t3_06_crlf_becomes_lf() -> None:
    assert parse(b"- [ ] A\r\n    note\r\n").text == "- [ ] A\n    note\n"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30))
@settings(max_examples=EXAMPLES)
def test_t3_03_names_in_any_script_come_back(name: str) -> None:
    text = f"- [ ] {name}\n- [/] Z{name}"
    assert parse(text.encode()).text == text


def test_t4_11_no_second_active_sibling() -> None:
    with pytest.raises(StateError, match=r"'A' \(1\) beside it is"):
        begin(parse("- [/] A\n- [ ] B\n").tasks[1])
    with pytest.raises(StateError):
        begin(find_in(parse("- [/] A\n- [ ] B\n    - [ ] C\n"), "2.1"))


@pytest.mark.parametrize("mark", "x-")
def test_t4_12_nothing_begins_under_a_finished_parent(mark: str) -> None:
    plan = parse("- [-] A\n    - [ ] B\n") if mark == "-" else linked("- [x] A @ b.md\n", "- [ ] B\n")[1]
    task = list(plan.walk())[-1]
    for verb in (begin, done, skip, fail):
        with pytest.raises(StateError, match="Reopen"):
            verb(task)


def test_begin_activates_ancestors_top_down() -> None:
    plan = parse("- [ ] A\n    - [ ] B\n        - [!] C\n")
    changes = begin(find_in(plan, "1.1.1"))
    assert [(change.task.name, change.status) for change in changes] == [
        ("A", Status.ACTIVE),
        ("B", Status.ACTIVE),
        ("C", Status.ACTIVE),
    ]
    assert plan.text.count("[/]") == 0, "computing changes nothing"
    assert apply(changes) == [plan]
    assert begin(find_in(plan, "1.1.1")) == []


@pytest.mark.parametrize("mark", "x-")
def test_begin_refuses_what_is_finished(mark: str) -> None:
    with pytest.raises(StateError, match="Reopen"):
        begin(parse(f"- [{mark}] A\n").tasks[0])


def test_t3_11_done_needs_finished_children() -> None:
    for mark in " /!":
        above = "/" if mark == "/" else " "
        with pytest.raises(StateError, match=r"'B' \(1\.1\)"):
            done(parse(f"- [{above}] A\n    - [{mark}] B\n").tasks[0])


def test_t5_01_a_parent_becomes_active() -> None:
    assert after("- [ ] A\n    - [ ] B\n    - [ ] C\n", done, "1.1") == "- [/] A\n    - [x] B\n    - [ ] C\n"
    assert after("- [ ] A\n    - [ ] B\n    - [ ] C\n", fail, "1.1") == "- [/] A\n    - [!] B\n    - [ ] C\n"


def test_t5_02_the_last_child_completes_the_parent() -> None:
    assert after("- [/] A\n    - [x] B\n    - [/] C\n", done, "1.2") == "- [x] A\n    - [x] B\n    - [x] C\n"


def test_t5_03_up_to_the_top() -> None:
    depth = 1000
    text = "".join(f"{'    ' * level}- [ ] T{level}\n" for level in range(depth))
    assert after(text, done, ".".join("1" * depth)) == text.replace("[ ]", "[x]")


def test_t5_04_across_files() -> None:
    root, flow = linked("- [ ] A\n    - [ ] R @ b.md\n    - [ ] S\n", "- [ ] B\n    - [ ] C\n")
    changes = done(find_in(flow, "1.1"))
    assert [(change.task.name, change.status.marker) for change in changes] == [
        ("A", "/"),
        ("C", "x"),
        ("B", "x"),
        ("R", "x"),
    ]
    assert apply(changes) == [flow, root], "what refers to a flow is written after it"
    assert root.text == "- [/] A\n    - [x] R @ b.md\n    - [ ] S\n"


def test_t5_05_a_mix_is_done_and_all_skipped_is_skipped() -> None:
    assert after("- [/] A\n    - [x] B\n    - [ ] C\n", skip, "1.2") == "- [x] A\n    - [x] B\n    - [-] C\n"
    assert after("- [ ] A\n    - [-] B\n    - [ ] C\n", skip, "1.2") == "- [-] A\n    - [-] B\n    - [-] C\n"


def test_skip_takes_what_is_unfinished_inside_along() -> None:
    text = "- [/] A\n    - [/] B\n        - [!] C\n        - [x] D\n    - [ ] E\n- [ ] F\n"
    assert after(text, skip, "1") == text.replace("[/]", "[-]").replace("[!]", "[-]").replace(
        "- [ ] E", "- [-] E"
    )


def test_out_of_turn_the_focus_stays_where_it_is() -> None:
    text = "- [/] A\n- [ ] B\n    - [ ] C\n    - [ ] D\n"
    assert after(text, done, "2.1") == "- [/] A\n- [ ] B\n    - [x] C\n    - [ ] D\n"


def test_fail_refuses_a_task_with_an_active_child() -> None:
    with pytest.raises(StateError, match="'B'"):
        fail(parse("- [/] A\n    - [/] B\n").tasks[0])


def test_reopen_makes_finished_ancestors_active() -> None:
    assert (
        after("- [x] A\n    - [x] B\n        - [x] C\n", reopen, "1.1.1")
        == "- [/] A\n    - [/] B\n        - [ ] C\n"
    )
    assert after("- [x] A\n    - [x] B\n- [/] C\n", reopen, "1.1") == "- [ ] A\n    - [ ] B\n- [/] C\n"
    with pytest.raises(StateError):
        reopen(parse("- [ ] A\n").tasks[0])


def test_reset_makes_everything_inside_pending() -> None:
    root, flow = linked("- [x] A\n    - [x] R @ b.md\n", "- [x] B\n- [-] C\n")
    assert set(apply(reset(root))) == {root, flow}
    assert root.text + flow.text == "- [ ] A\n    - [ ] R @ b.md\n- [ ] B\n- [ ] C\n"
    assert after("- [x] A\n    - [x] B\n    - [!] C\n".replace("!", "-"), reset, "1.1") == (
        "- [/] A\n    - [ ] B\n    - [-] C\n"
    )


def test_settle_completes_what_a_crash_left_open() -> None:
    root, _ = linked("- [/] A\n    - [/] R @ b.md\n    - [-] S\n", "- [x] B\n")
    assert apply(settle(root)) == [root]
    assert root.text == "- [x] A\n    - [x] R @ b.md\n    - [-] S\n"
    assert settle(root) == []


def test_settle_leaves_alone_what_somebody_marked_as_failed() -> None:
    root, _ = linked("- [!] R @ b.md\n", "- [x] B\n")
    assert settle(root) == []


def test_nothing_changes_in_a_plan_with_problems() -> None:
    broken = parse("- [ ] A\n    - [ ] B\n- [?] C\n")
    for verb in (begin, done, skip, fail, reopen, reset):
        with pytest.raises(PlanError, match="unknown marker"):
            verb(broken.tasks[0])
    root, flow = linked("- [ ] R @ b.md\n- [?] C\n", "- [ ] B\n")
    with pytest.raises(PlanError):
        done(flow.tasks[0])
    assert settle(root) == []


def test_a_task_with_a_problem_does_not_begin() -> None:
    task = parse("- [ ] A @ ../x.md\n").tasks[0]
    with pytest.raises(PlanError, match="leads out"):
        begin(task)
    assert skip(task)


@pytest.mark.parametrize(
    "text",
    ["- [/] A\n    - [/] B\n    - [ ] C\n- [ ] D\n", "- [x] A\n- [/] B\n"],
)
def test_t3_09_one_path_of_active_tasks(text: str) -> None:
    validate_state(parse(text))


def test_t3_09_two_active_tasks_apart() -> None:
    root, _ = linked("- [ ] A @ b.md\n- [/] B\n", "- [/] C\n")
    with pytest.raises(StateError, match=r"'C' \(b\.md:1\) and 'B' \(status\.md:2\)"):
        validate_state(root)
    with pytest.raises(StateError):
        validate_state(parse("- [ ] A\n    - [/] B\n- [/] C\n"))


@pytest.mark.parametrize("id", ["", "0", "3", "1.3", "1.", "x", "-1", "1.1.1", "9" * 400, "¹"])
def test_t4_01_no_such_id(id: str) -> None:
    plan = parse("- [ ] A\n    - [ ] B\n- [ ] C\n")
    with pytest.raises(UnknownAddressError):
        find_in(plan, id)


VERBS = st.sampled_from([begin, done, skip, fail, reopen, reset])


@given(st.data())
@settings(max_examples=EXAMPLES)
def test_any_changes_leave_a_plan_that_obeys_the_rules(data: st.DataObject) -> None:
    depths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=10))
    lines: list[str] = []
    level = -1
    for number, depth in enumerate(depths):
        level = min(depth, level + 1)
        lines.append(f"{'  ' * level}- [ ] T{number}{' @ b.md' if number == len(depths) - 1 else ''}\n")
    root, flow = linked("".join(lines), "- [ ] X\n- [ ] Y\n    - [ ] Z\n")
    for _ in range(data.draw(st.integers(1, 12))):
        task = data.draw(st.sampled_from(list(walk(root.tasks))))
        before = root.text + flow.text
        try:
            changes = data.draw(VERBS)(task)
        except StateError:
            assert root.text + flow.text == before
            continue
        apply(changes)
        after = root.text + flow.text
        assert sum(one != other for one, other in zip(before, after, strict=True)) <= len(changes)
        assert not parse(root.text).problems + parse(flow.text).problems
        validate_state(root)
        counted = progress(root)
        failed = any(
            task.status is Status.FAILED for task in walk(root.tasks)
        )  # with all settled inside, too
        if counted.done + counted.skipped == counted.total and not failed:
            assert cursor(root.tasks) is None
