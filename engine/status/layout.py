"""How tasks lie in the text: their lines, their indentation, and how to lay them somewhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.status.model import Plan, Status, Task

#: The indentation of a level in a file that has no nested tasks yet.
NEW_WIDTH = 4


class Row(NamedTuple):
    """A task without its place in the text; the rows of a plan, in order, are its tree. `lines` are its own,
    not blank.
    """

    depth: int
    status: Status
    tag: str | None
    name: str
    ref: str | None
    is_flow: bool
    lines: int


def rows(tasks: Iterable[Task], depth: int = 0) -> list[Row]:
    """The tree of these tasks, the tops at `depth`."""
    found: list[Row] = []
    stack = [(task, depth) for task in tasks]
    stack.reverse()
    while stack:
        task, level = stack.pop()
        found.append(Row(level, task.status, task.tag, task.name, task.ref, task.is_flow, _count(task)))
        stack.extend((child, level + 1) for child in reversed(task.children))
    return found


def _count(task: Task) -> int:
    if task.end <= task.line + 1:
        return 1
    lines = task.plan.lines
    return sum(1 for number in own_lines(task) if lines[number - 1].strip())


def size(task: Task) -> int:
    """How many tasks a task is with all inside of it."""
    count = 0
    stack = [task]
    while stack:
        task = stack.pop()
        count += 1
        stack.extend(task.children)
    return count


def depth_of(task: Task) -> int:
    """How many tasks are above it in its file."""
    depth = 0
    while task.parent is not None:
        depth += 1
        task = task.parent
    return depth


def indent_of(task: Task) -> int:
    """The columns that a task line is indented by."""
    return _indent(task.plan.lines[task.line - 1].removeprefix("\ufeff"))


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))


def width_of(plan: Plan, otherwise: int = NEW_WIDTH) -> int:
    """The indentation of one level: that of the first nested task; `otherwise` where none is nested."""
    for task in plan.tasks:
        if task.children:
            return indent_of(task.children[0])
    return otherwise


def own_lines(task: Task) -> list[int]:
    """The numbers of the lines of a task, without those of its children."""
    numbers: list[int] = []
    line = task.line
    for child in task.children:
        numbers.extend(range(line, child.line))
        line = child.end
    numbers.extend(range(line, max(task.end, task.line + 1)))
    return numbers


def laid_out(tasks: Sequence[Task], level: int, width: int) -> list[str]:
    """The lines of neighbouring tasks and everything in them, indented for `level` in a file of that width.

    Lines between two of the tasks come along. Bodies keep their place beside the children, so that no line of them gets
    into one. Every line ends with a line feed.
    """
    if not tasks:
        return []
    plan = tasks[0].plan
    before = width_of(plan)
    shifts: dict[int, int] = {}
    stack = [(task, level) for task in tasks]
    while stack:
        task, depth = stack.pop()
        shift, column = depth * width - indent_of(task), indent_of(task) + before
        shifts[task.line] = shift
        last, is_inner = task.line, True
        for number in own_lines(task)[1:]:
            line = plan.lines[number - 1]
            is_inner = (is_inner or number > last + 1) and (not line.strip() or _indent(line) >= column)
            shifts[number] = shift + width - before if is_inner else shift
            last = number
        stack.extend((child, depth + 1) for child in task.children)
    first = level * width - indent_of(tasks[0])
    lines: list[str] = []
    for number in range(tasks[0].line, max(tasks[-1].end, tasks[-1].line + 1)):
        line = plan.lines[number - 1]
        if number == 1:
            line = line.removeprefix("\ufeff")
        lines.append(shifted(line if line.endswith("\n") else f"{line}\n", shifts.get(number, first)))
    return lines


def shifted(line: str, columns: int) -> str:
    """The line moved to the right, or (negative) to the left as far as it is indented. Blank lines stay."""
    if columns == 0 or not line.strip():
        return line
    if columns > 0:
        # Behind a tab the columns would not add up.
        blank = line[: len(line) - len(line.lstrip(" \t"))]
        if blank.startswith("\t") and columns % 4:
            line = blank.expandtabs(4) + line[len(blank) :]
        return " " * columns + line
    return unindented(line, -columns)


def unindented(line: str, columns: int) -> str:
    """The line without up to that many columns of white space; of a tab that reaches further, the rest stays."""
    column = 0
    for position, character in enumerate(line):
        if column >= columns or character not in " \t":
            return " " * max(column - columns, 0) + line[position:]
        column += 4 - column % 4 if character == "\t" else 1
    return ""
