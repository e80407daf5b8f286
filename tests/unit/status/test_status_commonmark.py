"""The scanner against markdown-it-py: what it accepts means the same for a CommonMark reader."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.status import RULES, Plan, body, parse
from tests.amount import times

EXAMPLES = times(120)
READER = MarkdownIt("commonmark", {"maxNesting": 10_000})
READER.core.ruler.disable("inline")
BOX = re.compile(r"\[([^\]\n]{0,2})\](?=[ \t\n]|\Z)")

Tasks = list[tuple[int, str, int | None, bool]]
Fences = list[tuple[int, int, str]]


def as_commonmark_has_it(text: str) -> tuple[Tasks, Fences, list[tuple[int, int]]]:
    """Tasks (line, mark, line of the parent, right under it and with a dash), fences of tasks (line of the task, line,
    text), headings outside of lists (line, level)."""
    tokens = READER.parse(text)
    tasks: Tasks = []
    fences: Fences = []
    headings: list[tuple[int, int]] = []
    stack: list[tuple[int, str, int | None, bool] | None] = []
    for index, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "list_item_open":
            task = None
            if tokens[index + 1].type == "paragraph_open" and (box := BOX.match(tokens[index + 2].content)):
                proper = token.markup == "-" and None not in stack
                task = (line, box[1], stack[-1][0] if stack and stack[-1] else None, proper)
                tasks.append(task)
            stack.append(task)
        elif token.type == "blockquote_open":
            stack.append(None)
        elif token.type in ("list_item_close", "blockquote_close"):
            stack.pop()
        elif token.type == "fence" and stack and stack[-1]:
            fences.append((stack[-1][0], line, token.content))
        elif token.type == "heading_open" and not stack:
            headings.append((line, int(token.tag[1])))
    return tasks, sorted(fences), headings


def as_the_scanner_has_it(plan: Plan) -> tuple[Tasks, Fences, list[tuple[int, int]]]:
    tasks: Tasks = []
    fences: Fences = []
    for task in plan.walk():
        line = plan.lines[task.line - 1]
        tasks.append((task.line, line[line.index("[") + 1], task.parent.line if task.parent else None, True))
        fences.extend((task.line, fence.line, fence.text) for fence in body(task).fences)
    return tasks, sorted(fences), [(heading.line, heading.level) for heading in plan.headings]


def is_accepted(plan: Plan) -> bool:
    """By its grammar: the rules of siblings and parents are no matter of Markdown."""
    return all(problem.code in RULES or problem.code == "mixed" for problem in plan.problems)


HOSTILE = [
    "note", "- note", "* star", "+ plus", "1. one", "2. two", "10) ten", "```", "```sh", "~~~", "~~~~ py", "````",
    "> quote", "> - q", "> ```", ">", "# head", "## h2 ##", "===", "---", "--", "- - -", "***", "<div>",
    "<details>", "</details>", "<b>", "<b", "<!-- c -->", "<!--", "-->", "<pre>", "</pre>", "<?x", "?>", "<!X",
    "<script>", "[a]: /url", "[a]:", "[b]", "/url", "'title'", "EOF", "-", "*", "1.", "- # h", "- - x", "- > q",
    "1. - z", "-\tnote", "\tcode", "x\ty", "- ```", "- <!-- x", "&nbsp;", "\\", "text  ", "[x]", "[ ] y", "_ _ _",
    "<a href='x'>", "</b>", "<b c=d>", "2) p", "-  note", "-     code", "-      [ ] code", "- [x](y)", "- [x]: y",
    "- [ ]x", "-[ ] no",
]  # fmt: skip
ODD = [
    "- [?] u", "* [ ] s", "1. [ ] o", "+ [x] p", "-  [ ] d", "-\t[ ] tab", "- - [ ] n", "> - [ ] q", "- [ ]",
    "- [xx] z", "1. - [ ] k", "- [ ] ```", "- [ ] <b>", "- [ ] # h", "- [ ] > q", "2. [ ] t",
]  # fmt: skip
TAILS = ["", "", "", "", " [x]", " @ a.md", " <!-- c -->", " `<!--`", "\\", " <b>", "  "]


@st.composite
def plans(draw: st.DrawFn) -> str:
    """Mostly tasks where they may stand, and among them whatever could make a reader see something else."""
    width = draw(st.sampled_from([2, 4]))
    level = -1
    lines: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.integers(0, 19))
        if kind < 10:
            level = draw(st.integers(0, min(level + 1, 4)))
            mark = draw(st.sampled_from(" x/-!v"))
            lines.append(f"{' ' * width * level}- [{mark}] t{number}{draw(st.sampled_from(TAILS))}")
        elif kind == 10:
            lines.append(" " * draw(st.integers(0, 8)) + draw(st.sampled_from(ODD)))
        elif kind < 13:
            lines.append(draw(st.sampled_from(["", "  ", "\t"])))
        else:
            inside = width * (level + 1)
            column = draw(
                st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 8, inside, inside, inside + 2, inside + 4])
            )
            lines.append(" " * column + draw(st.sampled_from(HOSTILE)))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def test_what_is_accepted_means_the_same_to_commonmark(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {True: 0, False: 0}

    @given(plans())
    @settings(max_examples=EXAMPLES)
    @example("   >\n    > - [ ] q\n- [-] t\n")
    @example("- [v] t\n*\n  [a]: /url\n  [b]\n")
    @example(" 10) ten\n    <details>\n  </b>\n    -  note\n- [ ] t\n")
    @example("- [v] t1\n  - [ ] t2\n  ```sh\n    \tcode\n  ````")
    @example("- a\n     -    b\n       - [ ] c\n")
    def check(text: str) -> None:
        plan = parse(text)
        assert plan.text == text
        seen[is_accepted(plan)] += 1
        if is_accepted(plan):
            assert as_the_scanner_has_it(plan) == as_commonmark_has_it(text)

    check()
    share = seen[True] / sum(seen.values())
    with capsys.disabled():
        sys.stdout.write(f" [accepted: {share:.0%} of {sum(seen.values())}] ")
    assert share >= 0.3


def nested(depth: int) -> Iterator[str]:
    for level in range(depth):
        yield f"{'    ' * level}- [ ] level {level}\n"
    yield f"{'    ' * depth}```\n{'    ' * depth}- [ ] no\n{'    ' * depth}```\n"


def test_the_same_down_to_a_hundred_levels() -> None:
    text = "".join(nested(100))
    assert as_the_scanner_has_it(parse(text)) == as_commonmark_has_it(text)


PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "- [ ] a\n",
            "    - [x] b\n",
            "\n",
            "\t",
            "\0",
            "\r",
            "\r\n",
            "\ufeff",
            "```",
            "<!--",
            "-->",
            "---\n",
            "a: b\n",
            "@ x",
            "`",
            '"',
            "[",
            "](b.md)",
            "\u2028",
            "\x0b",
            "\x1c",
        ]
    ),
)


@given(
    st.lists(PIECES, max_size=30).map("".join).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=60)
)
@settings(max_examples=EXAMPLES // 2)
def test_any_bytes_give_a_tree_or_problems(data: bytes) -> None:
    plan = parse(data)
    for task in plan.walk():
        body(task)
        assert 1 <= task.line < task.end <= len(plan.lines) + 1
    for problem in plan.problems:
        assert 1 <= problem.line <= len(plan.lines)
        assert problem.column >= 1
    if not plan.problems:
        assert plan.text.encode() == data.replace(b"\r\n", b"\n")
        again = parse(plan.text)
        assert [(task.id, task.name, task.status) for task in again.walk()] == [
            (task.id, task.name, task.status) for task in plan.walk()
        ]
