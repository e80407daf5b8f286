"""Any GitHub-style Markdown becomes a plan."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.errors import PlanError
from engine.status import Imported, import_markdown, parse
from tests.amount import times

EXAMPLES = times(40)
READER = MarkdownIt("commonmark", {"maxNesting": 10_000})
READER.core.ruler.disable("inline")
BOX = re.compile(r"\[([ xX/!v-])\][ \t]+\S")


def as_github_has_it(text: str) -> list[int]:
    """The depths of the tasks, in order, among tasks."""
    depths: list[int] = []
    stack: list[bool] = []
    tokens = READER.parse(text.replace("\0", "\ufffd"))
    for index, token in enumerate(tokens):
        if token.type == "list_item_open":
            first = tokens[index + 1]
            is_task = first.type == "paragraph_open" and first.map is not None and token.map is not None
            is_task = is_task and first.map[0] == token.map[0] and bool(BOX.match(tokens[index + 2].content))  # type: ignore[index]
            if is_task:
                depths.append(sum(stack))
            stack.append(is_task)
        elif token.type == "list_item_close":
            stack.pop()
    return depths


def taken_in(text: str) -> Imported:
    imported = import_markdown(text)
    plan = parse(imported.text)
    assert not plan.problems
    assert [task.id.count(".") for task in plan.walk()] == as_github_has_it(text)
    assert not any(task.problems for task in plan.walk())
    return imported


FOREIGN = """\
# To do

Some *text*.

* [X] star
   1. [ ] nested in numbers
      with text

      and a paragraph
        + [ ] deeper

          ```sh
          make
          ```
* plain

1. Install
   - [ ] inside of a note
     more

   text behind

> - [x] quoted

- [ ] same
- [ ] same
- [?] not for GitHub
- [ ] [Guide](docs/guide.md)
- [ ] lunch @ noon
- [ ] flow @ b.md
\t- [ ] tabs
"""


def test_lists_of_every_kind() -> None:
    imported = taken_in(FOREIGN)
    assert (
        imported.text
        == """\
# To do

Some *text*.

- [ ] star
  - [ ] nested in numbers
    with text

    and a paragraph
    - [ ] deeper

      ```sh
      make
      ```
* plain

1. Install
- [ ] inside of a note
  more

text behind

- [x] quoted

- [ ] same
- [ ] same (2)
- \\[?] not for GitHub
- [ ] [Guide](docs/guide.md#)
- [ ] lunch &#64; noon
- [ ] flow &#64; b.md
  - [ ] tabs
"""
    )
    assert [(problem.line, problem.message) for problem in imported.lost] == [
        (5, "The state of 'star', which the tasks around it contradict."),
        (6, "The number 1. of a task."),
        (18, "The place of a task in an item that is none."),
        (23, "The quote that a task is in."),
        (26, "The name 'same', which another task has: a number was added."),
        (27, "The box [?], which marks no task: it became text."),
        (28, "The task would refer to the flow 'docs/guide.md': its text was altered."),
        (29, "The task would refer to the flow 'noon': its text was altered."),
        (30, "What the text of 'flow' would mean: it was altered."),
    ]


def test_a_task_in_an_item_that_is_none_loses_its_place_and_that_is_listed() -> None:
    imported = taken_in("- plain\n  - [ ] One\n    - [ ] Inside\n  - [ ] Two\n- [ ] Three\n")
    assert imported.text == "- plain\n- [ ] One\n  - [ ] Inside\n- [ ] Two\n- [ ] Three\n"
    assert [(problem.line, problem.message) for problem in imported.lost] == [
        (2, "The place of a task in an item that is none."),
        (4, "The place of a task in an item that is none."),
    ]


def test_boxes_that_mark_no_task_are_listed_where_an_item_has_them() -> None:
    imported = taken_in(
        "* [~] Doing\n- [ ] One\n    1. [>] strange\n- [ ]\n\n[1] A source.\n\n"
        "> - [~] quoted\n\n- > [~] said\n- plain\n  [~] so\n"
    )
    assert [(problem.line, problem.message) for problem in imported.lost] == [
        (1, "The box [~], which marks no task: it became text."),
        (3, "The box [>], which marks no task: it became text."),
        (4, "The box [ ], which marks no task: it became text."),
        (8, "The box [~], which marks no task: it became text."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no tasks\n",
        "- [ ] a\n  ===\n- [ ] b\n",
        "- [x] a\n  ```\n  open\n- [ ] b\n",
        "- [x] a\n  <!-- open\n- [ ] b\n",
        "---\nkeys:\n- [ ] a\n---\n- [ ] b\n",
        "- - [ ] a\n  - [x] b\n",
        "-\n  [ ] a\n",
        "[a]: /url\n<b>\n- [ ] a\n",
        "- [ ] a\n        - [ ] text of a\n",
        "- [ ] [Script] a\n  ```sh\n  x\n  ```\n  - [ ] b\n",
        "a\r- [ ] b\r\n- [x] c\0\n",
        "- [/] a\n- [/] b\n  - [/] c\n",
        "- [ ] a\n\n\n      - [ ] code\n\n* * *\n- [ ] b\n",
    ],
)
def test_what_a_plan_may_not_hold_is_mended(text: str) -> None:
    taken_in(text)


def test_bytes_that_are_no_text() -> None:
    imported = import_markdown(b"\xef\xbb\xbf- [ ] a \xff\n")
    assert imported.text == "- [ ] a \ufffd\n"
    assert "UTF-8" in imported.lost[0].message


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(PlanError):
        import_markdown("x" * 2_000_000)


def test_nesting_beyond_the_reader_is_refused() -> None:
    with pytest.raises(PlanError, match="deeply"):
        import_markdown("".join(f"{'  ' * level}- [ ] {level}\n" for level in range(500)))


def test_a_list_that_repeats_itself_a_thousand_times() -> None:
    assert len(parse(taken_in("- [ ] again\n" * 1000).text).tasks) == 1000


LINES = st.tuples(
    st.sampled_from([0, 0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 8]),
    st.sampled_from(
        [
            "- [ ] ",
            "* [x] ",
            "1. [ ] ",
            "-  [?] ",
            "",
            "- ",
            "2) ",
            "> ",
            "> - [ ] ",
            "- [/] ",
            "- - [ ] ",
            "\t",
        ]
    ),
    st.sampled_from(
        ["a", "b", "c @ x.md", "<!-- d -->", "", "```", "<div>", "===", "# h", "[g](g.md)", "[S] e", "***"]
    ),
)


@given(st.lists(LINES, max_size=9))
@settings(max_examples=EXAMPLES)
def test_any_markdown_keeps_its_tasks(lines: list[tuple[int, str, str]]) -> None:
    taken_in("".join(f"{' ' * indent}{bullet}{rest}\n" for indent, bullet, rest in lines))


ITEMS = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])[ \t]+\[[ xX]\][ \t]", re.MULTILINE)


def markdown_below(top: Path) -> Iterator[Path]:
    for folder, inside, names in os.walk(top):
        inside[:] = [name for name in inside if name not in (".venv", ".git", "__pycache__")]
        for name in names:
            path = Path(folder, name)
            if path.suffix.lower() in (".md", ".markdown") and path.is_file():
                yield path


def test_every_markdown_file_around() -> None:
    """Those of installed packages, of the system and of this repository that have tasks."""
    here = Path(__file__).parents[3]
    folders = [here, Path(sysconfig.get_path("purelib"))]
    folders += map(Path, ("/usr/share", "/usr/lib/node_modules", "/usr/local/lib/node_modules"))
    seen = 0
    for folder in folders:
        for file in markdown_below(folder):
            text = file.read_text("utf-8", "replace")
            if ITEMS.search(text) is not None:
                imported = taken_in(text)
                assert not any("text around" in problem.message for problem in imported.lost), file
                seen += 1
    assert seen
