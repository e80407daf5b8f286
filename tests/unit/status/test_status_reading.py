"""INVENTORY section 1: reading a plan."""

from __future__ import annotations

import pytest

from engine.status import Plan, Status, Task, cursor, find_in, parse, progress, validate_state


def sound(text: str | bytes) -> Plan:
    plan = parse(text)
    assert plan.problems == []
    return plan


def only(text: str) -> Task:
    (task,) = sound(text).tasks
    return task


def next_in(text: str) -> str | None:
    task = cursor(sound(text).tasks)
    return task.id if task is not None else None


def test_t1_01_headers_and_three_levels() -> None:
    plan = sound(
        "Project: Orbit 2.0\nOwner: release team\n\n# Release\n\n"
        "- [/] A\n    - [/] B\n        - [ ] C\n    - [ ] D\n- [ ] E\n"
    )
    assert plan.headers == {"Project": "Orbit 2.0", "Owner": "release team"}
    assert plan.title == "Orbit 2.0"
    assert [(task.id, task.name) for task in plan.walk()] == [
        ("1", "A"),
        ("1.1", "B"),
        ("1.1.1", "C"),
        ("1.2", "D"),
        ("2", "E"),
    ]
    assert find_in(plan, "1.1.1").parent is find_in(plan, "1.1")


def test_t1_01_front_matter_is_the_same() -> None:
    plan = sound("---\nProject: 'Orbit'\ntags:\n- a\nOwner: me\n---\n\n- [ ] A\n")
    assert plan.headers == {"Project": "Orbit", "tags": "", "Owner": "me"}
    assert plan.headings == []


def test_t1_01_a_thematic_break_is_no_front_matter() -> None:
    plan = sound("---\n\n- [ ] A\n\n---\n\n- [ ] B\n")
    assert plan.headers == {}
    assert len(plan.tasks) == 2


@pytest.mark.parametrize(
    ("text", "name", "ref"),
    [
        ("Task @ sub.md", "Task", "sub.md"),
        ("Task  @  a/b.md", "Task", "a/b.md"),
        ("Task @ sub.md <!-- type: flow -->", "Task", "sub.md"),
        ("a @ b @ c.md", "a @ b", "c.md"),
        ("mail bob@example.org", "mail bob@example.org", None),
        ("Lunch @ the cafe", "Lunch @ the cafe", None),
        ("run `x @ y`", "run `x @ y`", None),
    ],
)
def test_t1_02_reference(text: str, name: str, ref: str | None) -> None:
    task = only(f"- [ ] {text}\n")
    assert (task.name, task.ref) == (name, ref)


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_t1_04_nesting_of_any_depth(depth: int) -> None:
    text = "".join(f"{'    ' * level}- [/] level {level}\n" for level in range(depth))
    plan = sound(text)
    deepest = list(plan.walk())[-1]
    assert deepest.id.count(".") == depth - 1
    assert plan.text == text
    assert cursor(plan.tasks) is deepest
    assert progress(plan).total == 1
    validate_state(plan)


@pytest.mark.parametrize(
    ("mark", "status"),
    [
        (" ", Status.PENDING),
        ("/", Status.ACTIVE),
        ("x", Status.DONE),
        ("X", Status.DONE),
        ("v", Status.DONE),
        ("-", Status.SKIPPED),
        ("!", Status.FAILED),
    ],
)
def test_t1_05_marks(mark: str, status: Status) -> None:
    assert only(f"- [{mark}] A\n").status is status


def test_t1_06_the_deepest_active_task_is_the_cursor() -> None:
    assert next_in("- [ ] A\n- [/] B\n    - [x] C\n    - [/] D\n        - [/] E\n    - [ ] F\n") == "2.2.1"


@pytest.mark.parametrize(
    ("text", "name", "ref"),
    [
        ('Task @ "my file.md"', "Task", "my file.md"),
        ("[Build](sub/b.md)", "Build", "sub/b.md"),
        ("[Build](<my file.md>)", "Build", "my file.md"),
        ("[Build](my%20file.md)", "Build", "my file.md"),
        ('[Build](b.md "a title")', "Build", "b.md"),
        ("[Script] [Build](b.md)", "Build", "b.md"),
        ("[Site](https://example.org/a.md)", "[Site](https://example.org/a.md)", None),
        ("[Picture](a.png)", "[Picture](a.png)", None),
        ("see [Build](b.md)", "see [Build](b.md)", None),
    ],
)
def test_t1_07_quoted_paths_and_links(text: str, name: str, ref: str | None) -> None:
    task = only(f"- [ ] {text}\n")
    assert (task.name, task.ref) == (name, ref)


def test_t1_09_the_last_header_wins_and_both_stay() -> None:
    text = "Owner: a\nOwner: b\n\n- [ ] A\n"
    plan = sound(text)
    assert plan.headers == {"Owner": "b"}
    assert plan.text == text


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# Only a heading\n", b"\xef\xbb\xbf"])
def test_t1_10_no_tasks(data: bytes) -> None:
    assert sound(data).tasks == []


def test_t1_11_nothing_active() -> None:
    assert next_in("- [x] A\n- [ ] B\n    - [x] C\n    - [ ] D\n- [ ] E\n") == "2.2"


def test_t1_12a_active_parent() -> None:
    assert next_in("- [ ] A\n- [/] B\n    - [x] C\n    - [ ] D\n    - [ ] E\n") == "2.2"


def test_t1_12_ids_run_on_under_headings() -> None:
    plan = sound("# One\n\n- [ ] A\n    - [ ] B\n\n# Two\n\n- [ ] A\n")
    assert [task.id for task in plan.walk()] == ["1", "1.1", "2"]
    assert [(heading.line, heading.level, heading.text) for heading in plan.headings] == [
        (1, 1, "One"),
        (6, 1, "Two"),
    ]


EVERYTHING = """Project: X

Some text, and a setext heading
===============================

| a | b |
|---|---|
| 1 | 2 |

- [ ] A <!-- hidden -->
    - a note
      of two lines
    * another

        indented code
    ```sh
    echo "- [ ] no task"
    ```
    - [ ] B

      a paragraph of B
- just a note
- [2026-01-29] done
- [a link](x)
> a quote

<!-- a comment
- [ ] in it
-->

1. one
2. two

trailing  \t
"""


def test_t1_16_the_authors_text_stays_to_the_byte() -> None:
    plan = sound(EVERYTHING)
    assert plan.text == EVERYTHING
    assert [task.name for task in plan.walk()] == ["A", "B"]
    assert [(comment.line, comment.column, comment.text) for comment in plan.comments] == [
        (10, 9, "<!-- hidden -->"),
        (27, 1, "<!-- a comment\n- [ ] in it\n-->"),
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "```\n- [ ] no\n```",
        "~~~~ text\n- [ ] no\n~~~\n~~~~",
        "text\n\n    - [ ] no",
        "- [ ] A\n\n      - [ ] no",
        "<!-- x\n\n- [ ] no\n-->",
        "<details>\n- [ ] no\n</details>",
        "<pre>\n\n- [ ] no\n</pre>",
        "<b>\n- [ ] no\n</b>",
        "<?php\n- [ ] no\n?>",
        "<script>\n\n- [ ] no\n</script>",
        "- note\n\n      - [ ] no",
        "- [ ] A\n    ```\n    - [ ] no\n    ```",
    ],
)
def test_t1_17_not_a_task(hidden: str) -> None:
    plan = sound(f"{hidden}\n\n- [ ] real\n")
    assert "no" not in [task.name for task in plan.walk()]
    assert plan.tasks[-1].name == "real"


def test_t1_17_details_with_a_blank_line_show_tasks() -> None:
    assert [task.name for task in sound("<details>\n\n- [ ] yes\n\n</details>\n").walk()] == ["yes"]


def test_cursor_a_failed_task_holds_everything() -> None:
    assert next_in("- [x] A\n- [/] B\n    - [!] C\n    - [/] D\n- [!] E\n") == "2.1"


def test_cursor_nothing_inside_of_finished_tasks() -> None:
    assert next_in("- [-] A\n    - [ ] B\n    - [!] C\n- [ ] D\n") == "2"
    assert next_in("- [x] A\n- [-] B\n") is None


def test_cursor_passes_over_tasks_with_problems() -> None:
    assert next_in("- [ ] A @ ../x.md\n- [ ] B\n") == "2"


def test_cursor_nothing_of_a_plan_with_problems() -> None:
    assert cursor(parse("- [ ] A\n- [?] B\n").tasks) is None


def test_progress_counts_leaves() -> None:
    counted = progress(sound("- [/] A\n    - [x] B\n    - [!] C\n- [-] D\n    - [ ] E\n- [ ] F\n"))
    assert (counted.done, counted.failed, counted.skipped, counted.total) == (1, 1, 1, 4)


def test_t2_25_zero_width_characters_in_a_tag() -> None:
    text = "- [ ] \u200b[Scr\u200dipt]\u2060 Publish 👩‍👩‍👧\n"
    task = only(text)
    assert (task.tag, task.name) == ("Script", "Publish 👩‍👩‍👧")
    assert task.plan.text == text


def test_t2_26_metadata_counts_outside_of_code_and_strings_only() -> None:
    assert only("- [ ] A <!-- type: flow -->\n").is_flow
    assert only("- [ ] A <!--type:flow--> more\n").name == "A  more"
    for text in ("A `<!-- type: flow -->`", 'A "<!-- type: flow -->"', "A ``b ` <!-- type: flow -->``"):
        task = only(f"- [ ] {text}\n")
        assert not task.is_flow
        assert task.name == text
    assert not only("- [ ] A\n    ```\n    <!-- type: flow -->\n    ```\n").is_flow
