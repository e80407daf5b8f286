"""INVENTORY section 2: refusing a bad plan."""

from __future__ import annotations

import pytest

from engine.status import Problem, parse


def problem_of(text: str | bytes) -> Problem:
    plan = parse(text, "sub/plan.md")
    assert plan.problems, "accepted"
    first = plan.problems[0]
    assert first.file == "sub/plan.md"
    assert first.message.endswith(".")
    assert first.hint
    return first


def refuses_indentation(text: str, line: int, column: int) -> None:
    problem = problem_of(text)
    assert "indentation" in problem.message
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("- [ ] A\n - [ ] B\n", 2, 1),
        ("- [ ] A\n   - [ ] B\n", 2, 1),
        (" - [ ] A\n", 1, 1),
        ("   - [ ] A\n", 1, 1),
        ("- note\n  - [ ] A\n", 2, 3),
        ("text\n    - [ ] A\n", 2, 5),
    ],
)
def test_t2_01_a_task_that_is_no_whole_level_in(text: str, line: int, column: int) -> None:
    refuses_indentation(text, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("- [ ] A\n    - [ ] B\n- [ ] C\n  - [ ] D\n", 4, 1),
        ("- [ ] A\n  - [ ] B\n- [ ] C\n    - [ ] D\n", 4, 1),
        ("- [ ] A\n        - [ ] B\n", 2, 9),
        ("- [ ] A\n    - [ ] B\n            - [ ] C\n", 3, 13),
        ("- [ ] A\n      - [ ] B\n", 2, 7),
    ],
)
def test_t2_02_another_width_than_the_files_and_a_level_skipped(text: str, line: int, column: int) -> None:
    refuses_indentation(text, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("- [ ] A\n\t- [ ] B\n", 2, 1),
        ("- [ ] A\n  \t- [ ] B\n", 2, 3),
        ("-  [ ] A\n", 1, 2),
        ("-\t[ ] A\n", 1, 2),
        ("- [ ]\tA\n", 1, 6),
    ],
)
def test_t2_03_tabs_and_two_spaces_behind_the_dash(text: str, line: int, column: int) -> None:
    refuses_indentation(text, line, column)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("- [?] A\n", 3),
        ("- [xx] A\n", 3),
        ("- [/x] A\n", 3),
        ("- [] A\n", 3),
        ("- [?]\n", 3),
        ("* [ ] A\n", 1),
        ("+ [x] A\n", 1),
        ("1. [ ] A\n", 1),
        ("2) [ ] A\n", 1),
        ("text\n2. [ ] A\n", 1),
    ],
)
def test_t2_05_unknown_marker(text: str, column: int) -> None:
    problem = problem_of(text)
    assert "unknown marker" in problem.message
    assert "flow fix" in problem.hint
    assert problem.column == column


@pytest.mark.parametrize(
    "text", ["- just a note\n", "- [2026-01-29] done\n", "- [a link](x)\n", "- [x](y)\n", "* [a] b\n"]
)
def test_t2_05_notes_are_no_tasks(text: str) -> None:
    if text.startswith("* [a]"):
        assert "unknown marker" in problem_of(text).message
    else:
        plan = parse(text)
        assert (plan.tasks, plan.problems) == ([], [])


@pytest.mark.parametrize(
    ("parent", "child"), [("x", " "), ("x", "/"), ("x", "!"), (" ", "/"), ("-", "/"), ("!", "/")]
)
def test_t2_06_logic_conflict(parent: str, child: str) -> None:
    problem = problem_of(f"- [{parent}] A\n    - [{child}] B\n")
    assert "logic conflict" in problem.message
    assert (problem.line, problem.column) == (2, 8)


@pytest.mark.parametrize("marks", ["xx", "x-", "-x", "//", "- ", "! ", "/!", "/ "])
def test_t2_06_no_conflict(marks: str) -> None:
    assert not parse(f"- [{marks[0]}] A\n    - [{marks[1]}] B\n").problems


def test_t2_08_ambiguous_focus() -> None:
    problem = problem_of("# One\n- [/] A\n\n# Two\n- [ ] B\n- [/] C\n")
    assert "ambiguous focus" in problem.message
    assert (problem.line, problem.column) == (6, 4)


def test_t2_09_duplicate_name() -> None:
    problem = problem_of("- [ ] A\n- [ ] B\n- [x] A\n")
    assert "duplicate name" in problem.message
    assert (problem.line, problem.column) == (3, 7)


@pytest.mark.parametrize(
    "text",
    [
        "# One\n\n- [ ] A\n\n# Two\n\n- [ ] A\n",
        "One\n---\n- [ ] A\n\nTwo\n---\n- [ ] A\n",
        "- [ ] A\n    - [ ] A\n- [ ] B\n    - [ ] A\n",
        "- [ ] A\n- [ ] [Script] A\n- [ ] [Git] A\n",
        "- [ ] P\n    - [ ] A\n\n    ## Later\n\n    - [ ] A\n",
    ],
)
def test_t2_09_the_same_name_elsewhere(text: str) -> None:
    assert not parse(text).problems


@pytest.mark.parametrize(
    "ref",
    ["../x", "a/../../x", "/etc/x", "javascript:x", "data:x", "C:\\x", "C:x", "\\\\h\\x", "a\\b", "~/x"],
)
def test_t2_10_t2_12_references_that_lead_out(ref: str) -> None:
    plan = parse(f"- [ ] A @ {ref}\n- [ ] B\n")
    assert not plan.problems
    (problem,) = plan.tasks[0].problems
    assert (problem.line, problem.column) == (1, 11)
    assert plan.tasks[0].name == "A"


def test_t2_11_a_box_in_a_name() -> None:
    (task,) = parse("- [ ] Task with [x] inside\n").tasks
    assert (task.status, task.name, task.tag) == ("pending", "Task with [x] inside", None)


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("- [ ] A @ b.md\n    - [ ] B\n", "move the children to b.md"),
        ("- [ ] [Script] A\n    ```sh\n    x\n    ```\n    - [ ] B\n", "move the code to a child"),
        ("- [ ] [Script] A @ b.md\n    ```sh\n    x\n    ```\n", "move the code to a task of its own"),
    ],
)
def test_t2_14_two_of_children_reference_code(text: str, moves: str) -> None:
    problem = problem_of(text)
    assert moves in problem.hint
    assert problem.line == 1


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] [Loom] A @ x.json\n",
        "- [ ] [Phase] A\n    - [ ] B\n",
        "- [ ] A\n    ```\n    x\n    ```\n    - [ ] B\n",
    ],
)
def test_t2_14_one_of_them(text: str) -> None:
    assert not parse(text).problems


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- [ ] A\n    ```sh\n    cat <<E\nfoo\nE\n    ```\n- [ ] B\n", 4),
        ("- [ ] A\n    ```sh\n  x\n    ```\n", 3),
        ("- [ ] A\n    ```sh\n    x\n- [ ] B\n", 2),
        ("- [ ] A\n    ```sh\n    x\n", 2),
        ("- [ ] A\n  ===\n", 2),
        ("- [ ] A\n    ---\n", 2),
        ("- [ ] A\n    more\n    ===\n", 3),
        ("- [ ] A\n===\n", 2),
    ],
)
def test_t2_15_fences_and_underlines(text: str, line: int) -> None:
    problem = problem_of(text)
    assert problem.line == line
    assert len(parse(text).problems) == 1
    assert parse(text).tasks[0].name == "A"


CONFLICT = "- [ ] A\n<<<<<<< ours\n- [ ] B\n=======\n- [ ] C\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (CONFLICT, 2),
        (CONFLICT.removeprefix("- [ ] A\n"), 1),
        (CONFLICT.replace("=======", "||||||| base\n- [ ] 0\n======="), 2),
        (
            "- [ ] A\n    ```sh\n<<<<<<< ours\n    echo one\n=======\n    echo two\n>>>>>>> theirs\n    ```\n",
            3,
        ),
        (CONFLICT.replace("\n", "\r\n"), 2),
    ],
)
def test_t2_15_a_merge_that_nobody_resolved(text: str, line: int) -> None:
    problem = min(parse(text.encode()).problems, key=lambda one: one.line)
    assert (problem.line, problem.message) == (line, "A merge conflict begins here.")


def test_t2_15_a_merge_conflict_as_an_example() -> None:
    assert not parse("- [ ] A\n    ```\n    <<<<<<< ours\n    >>>>>>> theirs\n    ```\n").problems
    assert not parse("<<<<<<< is what git writes.\n\n- [ ] A\n").problems


def test_t2_15_a_thematic_break_ends_the_list() -> None:
    assert not parse("- [ ] A\n---\n- [ ] B\n").problems


@pytest.mark.parametrize(
    ("data", "line", "column", "word"),
    [
        (b"- [ ] A\n- [ ] B\0\n", 2, 8, "NUL"),
        (b"- [ ] A\n- [ ] \xff\n", 2, 7, "UTF-8"),
        (b"- [ ] A\r- [ ] B\n", 1, 8, "carriage return"),
        (b"- [ ] A\n" + b"x" * 2_000_000 + b"\n", 2, 1, "too long"),
    ],
)
def test_t2_13_bytes_that_are_no_text(data: bytes, line: int, column: int, word: str) -> None:
    problem = problem_of(data)
    assert word in problem.message
    assert (problem.line, problem.column) == (line, column)
    assert parse(data).tasks[0].name.startswith("A")


@pytest.mark.parametrize(
    "text", ["- [ ]\n", "- [ ] \n", "- [ ] [Script]\n", "- [ ] @ x.md\n", "- [ ] <!-- x -->\n"]
)
def test_a_task_needs_a_name(text: str) -> None:
    assert "no name" in problem_of(text).message


@pytest.mark.parametrize(
    "text", ["> - [ ] A\n", "- - [ ] A\n", "1. - [ ] A\n", "-\n  [ ] A\n", "---\na: b\n- [ ] A\n---\n"]
)
def test_what_a_reader_takes_for_a_task_is_no_silent_text(text: str) -> None:
    assert problem_of(text).line in (1, 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "> a\n     > - b\n- [ ] A\n",
        "[a]: /url\n<b>\n- [ ] A\n",
        "  10)  ten\n      <b>\n- [ ] A\n",
        "<!-- open\n- [ ] A\n",
        "---\na: b\n<!-- x\n---\n- [ ] A\n",
    ],
)
def test_what_readers_dispute_is_refused(text: str) -> None:
    problem_of(text)


def test_all_problems_of_a_file_at_once_and_the_tasks_as_far_as_they_can_be_read() -> None:
    plan = parse("- [x] A\n  - [ ] B\n   - [?] C\n* [ ] D\n- [ ] D\n1. [ ] E\n")
    assert [problem.line for problem in plan.problems] == [2, 3, 3, 3, 4, 5, 6]
    assert [(task.id, task.name) for task in plan.walk()] == [
        ("1", "A"),
        ("1.1", "B"),
        ("1.2", "C"),
        ("2", "D"),
        ("3", "D"),
        ("4", "E"),
    ]


def test_a_problem_prints_as_editors_want_it() -> None:
    assert str(problem_of("- [?] A\n")).startswith("sub/plan.md:1:3: An unknown marker: [?].")
