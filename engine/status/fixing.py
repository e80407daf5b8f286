"""Normalising a plan: what is wrong and can be mended without asking what was meant."""

from __future__ import annotations

from dataclasses import dataclass

from engine.status.layout import NEW_WIDTH, Row, depth_of, own_lines, rows, shifted
from engine.status.model import RULES, Plan, Problem, Task
from engine.status.scanner import Scanner, parse
from engine.status.syntax import BOX, STATUSES

_PASSES = 12
#: The codes of problems that a blank line above mends.
DISPUTES = frozenset({"disputed", "underline"})
#: Marks of other tools, and what they mean here; any other unknown mark becomes pending.
_MEANINGS = {
    "✓": "x",
    "✔": "x",
    "√": "x",
    "☑": "x",
    "–": "-",
    "—": "-",
    "~": "-",
    ">": "/",
    ".": "/",
    "\\": "/",
}


@dataclass(frozen=True, slots=True)
class Fixed:
    """The mended text, and the problems that a person has to mend."""

    text: str
    left: tuple[Problem, ...]


def fix(data: bytes | str, file: str = "status.md", *, comments: bool = False) -> Fixed:
    """Mends what has one right answer: bullets, indentation, unknown markers, fences and lines that readers dispute.

    With `comments`, hidden comments go too (metadata stays). What means something else afterwards is not touched:
    rules, names and references are left to a person, and so is a file with problems of its encoding.
    """
    plan = parse(data, file)
    if any(problem.code == "encoding" and "carriage" not in problem.message for problem in plan.problems):
        return Fixed(plan.text, tuple(plan.problems))
    text = plan.text
    if "\r" in text:
        text = text.replace("\r", "\n")
        plan = parse(text, file)
    for _ in range(_PASSES):
        mended = _mended(plan)
        if mended == text:
            break
        text = mended
        plan = parse(text, file)
    if comments and plan.comments:
        bare = _without_comments(plan)
        again = parse(bare, file)
        if _trees(again) == _trees(plan) and len(again.problems) <= len(plan.problems):
            plan = again
    return Fixed(plan.text, tuple(plan.problems))


def _trees(plan: Plan) -> list[Row]:
    return [row._replace(lines=0) for row in rows(plan.tasks)]


def _mended(plan: Plan) -> str:
    """One pass: enough for most files; mending one thing may bring another to light."""
    if all(problem.code in RULES for problem in plan.problems):
        return plan.text
    scanner = Scanner(Plan(plan.file, plan.lines))
    scanner.run()
    lines = list(plan.lines)
    disputed = [problem.line - 1 for problem in plan.problems if problem.code in DISPUTES]
    if mend_fences(scanner, lines):
        return "".join(lines)
    if disputed:
        for line in disputed:
            lines[line] = f"\n{lines[line]}"
        return "".join(lines)
    width = scanner.width or NEW_WIDTH
    for task in plan.walk():
        _mend_task(task, width, lines)
    return "".join(lines)


def mend_fences(scanner: Scanner, lines: list[str]) -> bool:
    """Indents what is in a fence as far as the fence, and closes fences that nothing closes."""
    mended = False
    for fence, last in [*scanner.fences, *scanner.unclosed]:
        indent = lines[fence.line - 1][: -len(lines[fence.line - 1].lstrip(" \t"))].expandtabs(4)
        if len(indent) != fence.column or not lines[fence.line - 1].lstrip().startswith(fence.mark):
            continue  # inside of a quote, or behind a bullet
        if fence.broken:
            mended = True
            for index in range(fence.line, last):
                line = lines[index]
                if line.strip() and len(line) - len(line.lstrip(" ")) < fence.column and line[0] != "\t":
                    lines[index] = shifted(line, fence.column)
        if (fence, last) in scanner.unclosed:
            mended = True
            lines[last - 1] = f"{lines[last - 1].removesuffix(chr(10))}\n{indent}{fence.mark}\n"
    return mended


def _mend_task(task: Task, width: int, lines: list[str]) -> None:
    source = lines[task.line - 1]
    mark = "\ufeff" if source.startswith("\ufeff") else ""
    source = source.removeprefix("\ufeff")
    box = BOX.search(source)
    if box is None:
        return
    head = source[: box.start()].expandtabs(4)
    indent = depth_of(task) * width
    rest = source[box.end() :]
    text = rest.lstrip(" \t")
    if not text.strip():
        text = f"Untitled{text}"
    name = rest if rest[:1] == " " and rest.strip() else f" {text}"
    lines[task.line - 1] = f"{mark}{' ' * indent}- [{_mark(box[1])}]{name}"
    shift = indent - (len(head) - len(head.lstrip(" ")))
    for number in own_lines(task)[1:]:
        lines[number - 1] = shifted(lines[number - 1], shift)


def _mark(mark: str) -> str:
    """The nearest mark of ours."""
    if mark in STATUSES:
        return mark
    bare = mark.strip()
    for character in (bare, bare[:1]):
        if character in STATUSES and character != " " and (len(bare) < 2 or bare[0] == bare[-1]):
            return character
        if character in _MEANINGS:
            return _MEANINGS[character]
    return " "


def _without_comments(plan: Plan) -> str:
    lines = list(plan.lines)
    for comment in reversed(plan.comments):
        first = comment.line - 1
        last = first + comment.text.count("\n")
        start = comment.column - 1 + (1 if first == 0 and lines[0].startswith("\ufeff") else 0)
        end = lines[last].find("-->", start if first == last else 0) + 3
        head, tail = lines[first][:start], lines[last][end:]
        joined = head.rstrip(" ") + tail if not tail.strip() else head + tail
        lines[first : last + 1] = [joined] if joined.strip() else []
    return "".join(lines)
