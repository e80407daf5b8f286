"""The body of a task: its notes, and the fenced blocks that configure its atom."""

from __future__ import annotations

import shlex

from engine.status.layout import unindented
from engine.status.model import Body, Fence, Plan, Task
from engine.status.scanner import Scanner


def body(task: Task) -> Body:
    """Reads what is indented under a task and is not a task of its own.

    Fences are those right under the task; one inside of a note is a part of the note. Line numbers are those
    of the file.
    """
    numbers = _own_lines(task)
    if len(numbers) == 1:
        return Body()
    source = task.plan.lines
    first = source[task.line - 1]
    indent = len(first) - len(first.lstrip(" \t\ufeff"))
    # Without tabs in its indentation, a line keeps its place among the others when all of them move left.
    plan = Plan(task.plan.file, [unindented(_without_tabs(source[n - 1]), indent) for n in numbers])
    scanner = Scanner(plan)
    scanner.run()
    owner = plan.tasks[0] if plan.tasks else None
    fences: list[Fence] = []
    taken = {child.line - 1 for child in plan.walk()}
    for fence, last in scanner.fences:
        if fence.owner is not None and fence.owner is owner:
            taken.update(range(fence.line - 1, last))
            content = numbers[fence.line : last - 1]
            inner = "".join(unindented(source[n - 1], indent + fence.column) for n in content)
            info = plan.lines[fence.line - 1].strip()[len(fence.mark) :]
            fences.append(_fence(info, inner, numbers[fence.line - 1]))
    notes = [source[n - 1] for index, n in enumerate(numbers) if index not in taken]
    return Body(_dedented(notes), tuple(fences))


def _own_lines(task: Task) -> list[int]:
    """The numbers of the lines of a task, with only the first line of each child."""
    numbers: list[int] = []
    line = task.line
    for child in task.children:
        numbers.extend(range(line, child.line + 1))
        line = child.end
    numbers.extend(range(line, max(task.end, task.line + 1)))
    return numbers


def _without_tabs(line: str) -> str:
    blank = len(line) - len(line.lstrip(" \t"))
    return line[:blank].expandtabs(4) + line[blank:] if "\t" in line[:blank] else line


def _dedented(lines: list[str]) -> str:
    """The lines without their common indentation, trimmed of blank lines at both ends."""
    widths = [len(text) - len(text.lstrip(" ")) for line in lines if (text := line.expandtabs(4)).strip()]
    shared = min(widths, default=0)
    return "".join(unindented(line, shared) if line.strip() else "\n" for line in lines).strip("\n")


def _fence(info: str, text: str, line: int) -> Fence:
    try:
        words = shlex.split(info)
    except ValueError:
        words = info.split()
    lang = words[0] if words else ""
    options: dict[str, str] = {}
    flags: list[str] = []
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if equals and key:
            options[key] = value
        else:
            flags.append(word)
    return Fence(lang, tuple(flags), options, text, line)
