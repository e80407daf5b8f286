"""Normalising a plan."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.status import RULES, fix, parse
from tests.amount import times

EXAMPLES = times(40)


def outline(text: str) -> list[str]:
    return [f"{task.id} {task.status.marker} {task.name}" for task in parse(text).walk()]


MESSY = """* [X] star
  * [ ] a
     + [?] b
          body
1.  [✓] num
    - [] x
- [ ] A
        - [ ] B
-  [ ] C
\t- [ ] tab
- note
  - [ ] x2
> - [ ] q
- [ ] D
    ```sh
    cat <<EOF
foo
  bar
EOF
    ```
- [ ] E
  ===
- [ ] F
    ~~~
    open
"""


def test_t2_05_everything_that_has_one_right_answer_is_mended() -> None:
    fixed = fix(MESSY)
    assert (
        fixed.text
        == """- [X] star
  - [ ] a
    - [ ] b
         body
- [x] num
  - [ ] x
- [ ] A
  - [ ] B
- [ ] C
  - [ ] tab
- note
- [ ] x2
- [ ] q
- [ ] D
    ```sh
    cat <<EOF
    foo
      bar
    EOF
    ```
- [ ] E

  ===
- [ ] F
    ~~~
    open
    ~~~
"""
    )
    assert {problem.code for problem in fixed.left} == {"conflict"}
    assert fix(fixed.text).text == fixed.text


@pytest.mark.parametrize(
    ("messy", "mended"),
    [
        ("- [ ] A\n   - [ ] B\n", "- [ ] A\n    - [ ] B\n"),
        ("- [ ] A\n\t- [ ] B\n", "- [ ] A\n    - [ ] B\n"),
        (
            "- [ ] A\n  - [ ] B\n    note\n- [ ] C\n    - [ ] D\n",
            "- [ ] A\n  - [ ] B\n    note\n- [ ] C\n  - [ ] D\n",
        ),
        (
            "- [ ] A\n   - [ ] B\n      - [ ] C\n         - [ ] D\n",
            "- [ ] A\n    - [ ] B\n        - [ ] C\n            - [ ] D\n",
        ),
        ("- [-]\tA\n", "- [-] A\n"),
        ("- [✔] A\n- [~] B\n- [ x] C\n- [xx] D\n- [é] E\n", "- [x] A\n- [-] B\n- [x] C\n- [x] D\n- [ ] E\n"),
        ("- [ ]\n", "- [ ] Untitled\n"),
        ("- [ ] A\r- [ ] B\r", "- [ ] A\n- [ ] B\n"),
        ("[a]: /url\n<b>\n- [ ] A\n", None),
        ("\ufeff* [ ] A", "\ufeff- [ ] A"),
    ],
)
def test_single_mends(messy: str, mended: str | None) -> None:
    fixed = fix(messy)
    assert fixed.left == ()
    if mended is not None:
        assert fixed.text == mended


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- [ ] A\n    - [v] B\n\n\n* note\n",
        "- [x] A\n    - [ ] B\n",
        "- [ ] A @ ../x\n",
        "- [ ] A\n- [ ] A\n",
    ],
)
def test_what_has_none_stays(text: str) -> None:
    assert fix(text).text == text


def test_a_file_that_is_no_text_is_left_to_a_person() -> None:
    fixed = fix(b"* [ ] A\0\n")
    assert fixed.text == "* [ ] A\0\n"
    assert fixed.left


def test_t3_05_comments_go_when_asked_for() -> None:
    text = (
        "<!-- top -->\n\n- [ ] A <!-- one --> b <!-- two -->\n- [ ] B <!-- type: flow -->\n"
        "    <!-- more\n    lines -->\n"
        "    `<!-- code -->` text <!-- x -->\n\n    ```\n    <!-- in code -->\n    ```\n"
    )
    assert fix(text).text == text
    assert fix(text, comments=True).text == (
        "\n- [ ] A  b\n- [ ] B <!-- type: flow -->\n"
        "    `<!-- code -->` text\n\n    ```\n    <!-- in code -->\n    ```\n"
    )


LINES = st.tuples(
    st.integers(0, 9),
    st.sampled_from(
        ["- [ ] ", "* [x] ", "1. [ ] ", "-  [?] ", "", "- ", "```", "> ", "+ [] ", "    - [ ] ", "==="]
    ),
    st.sampled_from(["a", "b", "c @ x.md", "<!-- d -->", ""]),
)


@given(st.lists(LINES, max_size=8))
@settings(max_examples=EXAMPLES)
def test_mending_keeps_every_task_and_word_and_is_done_in_one_go(lines: list[tuple[int, str, str]]) -> None:
    text = "".join(f"{' ' * indent}{bullet}{rest}\n" for indent, bullet, rest in lines)
    fixed = fix(text)
    assert fix(fixed.text).text == fixed.text
    if not parse(text).problems:
        assert fixed.text == text
    left = parse(fixed.text).problems
    assert all(problem in fixed.left for problem in left)
    if {problem.code for problem in left} <= RULES:
        for word in ("a", "b", "c @ x.md", "<!-- d -->"):
            assert fixed.text.count(word) >= text.count(word)
