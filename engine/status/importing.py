"""Making a plan of any GitHub-style Markdown: the same tasks, nesting, states and surrounding text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from engine.errors import PlanError
from engine.status.blocks import LONGEST_LINE
from engine.status.fixing import DISPUTES, mend_fences
from engine.status.foreign import Container, Literal, is_lazy, read_foreign, stripped, without_prefix_tabs
from engine.status.layout import unindented
from engine.status.model import Plan, Problem, Status, Task
from engine.status.scanner import Scanner, parse
from engine.status.syntax import BOX
from engine.status.wording import read_wording

_PASSES = 40
_BOX_AT_START = re.compile(
    r"((?:[ \t]|[-*+>](?=[ \t>])|\d{1,9}[.)](?=[ \t]))*+)(?=\[[^\]\n]{0,2}\](?:[ \t]|\n|\Z))"
)
_TASK_BOX = re.compile(r"\[[^\]\n]\][ \t]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of the plan, and what of the source it could not keep (lines are those of the source)."""

    text: str
    lost: tuple[Problem, ...]


@dataclass(slots=True)
class _Sheet:
    """The plan as it is being written: its lines, the line of the source (from 1) that each came from, the losses."""

    file: str
    lines: list[str] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    lost: list[Problem] = field(default_factory=list)

    def write(self, text: str, origin: int) -> None:
        self.lines.append(text if text.endswith("\n") else f"{text}\n")
        self.origins.append(origin)

    def lose(self, origin: int, what: str) -> None:
        self.lost.append(Problem(self.file, origin, 1, what, "", "import"))


def import_markdown(data: bytes | str, file: str = "import.md") -> Imported:
    """Makes a plan of a Markdown file, with levels two spaces wide. `file` is its name for the list of what was lost.

    Tasks are what GitHub shows as such: list items, under any bullet, that begin with a box, and the other marks of
    plans. Raises `PlanError` for a file that nests too deeply or has endless lines.
    """
    sheet = _Sheet(file)
    text = _text(data, sheet)
    containers, literals = read_foreign(text)
    expected = _write(sheet, text.split("\n"), containers, literals)
    plan = _settle(sheet)
    if plan.problems or _shape(plan) != expected:
        _write_tasks_only(sheet, text.split("\n"), containers)
        plan = _settle(sheet)
    return Imported(plan.text, tuple(sorted(sheet.lost, key=lambda problem: problem.line)))


def _text(data: bytes | str, sheet: _Sheet) -> str:
    if isinstance(data, bytes):
        text = data.decode("utf-8-sig", "replace")
        if "\ufffd" in text and "\ufffd".encode() not in data:
            sheet.lose(1, "Bytes that are not UTF-8 became replacement characters.")
    else:
        text = data.removeprefix("\ufeff")
    if "\0" in text:
        sheet.lose(text[: text.index("\0")].count("\n") + 1, "NUL bytes became replacement characters.")
        text = text.replace("\0", "\ufffd")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in text.split("\n")):
        raise PlanError(
            f"A line of {sheet.file} is longer than {LONGEST_LINE:,} characters.", hint="Break it up."
        )
    return text.removesuffix("\n")


def _paths(count: int, containers: list[Container]) -> Iterator[list[Container]]:
    """For each line, the containers it is in, from the outermost in."""
    stack: list[Container] = []
    waiting = iter(containers)
    following = next(waiting, None)
    for number in range(count):
        while stack and stack[-1].end <= number:
            stack.pop()
        while following is not None and following.start <= number:
            while stack and stack[-1] is not following.parent:
                stack.pop()
            stack.append(following)
            following = next(waiting, None)
        yield stack


def _write(
    sheet: _Sheet, lines: list[str], containers: list[Container], literals: list[Literal]
) -> list[int]:
    """Writes every line of the source; returns the depths of the tasks, in order."""
    literal = {number: each for each in literals for number in range(each.start, each.end)}
    depths: list[int] = []
    behind: set[Container | None] = set()  # frames that a task was written in
    for number, path in enumerate(_paths(len(lines), containers)):
        within = literal.get(number)
        line = lines[number] if within is not None else without_prefix_tabs(lines[number])
        if path and path[-1].start == number:
            stripped(line, number, path)  # for where the contents begin
        frame = next((index for index in range(len(path) - 1, -1, -1) if _is_frame(path[index])), -1)
        inner = path[frame] if frame >= 0 else None
        level = sum(container.mark is not None for container in path[: frame + 1])
        if inner is not None and inner.start == number:
            for container in path[:frame]:
                if container.start == number:
                    sheet.lose(
                        number + 1, f"The {'quote' if container.is_quote else 'item'} that a task is in."
                    )
            if inner.mark is not None:
                around = takewhile(lambda each: each.mark is None, reversed(path[:frame]))
                if any(not each.is_quote and each.start < number for each in around):
                    sheet.lose(number + 1, "The place of a task in an item that is none.")
                if inner.bullet[:1].isdigit():
                    sheet.lose(number + 1, f"The number {inner.bullet} of a task.")
                text = stripped(line, number, path[: frame + 1])
                _write_task(sheet, inner.mark, text, level - 1, number + 1)
                depths.append(level - 1)
                behind.add(next((each for each in reversed(path[:frame]) if _is_frame(each)), None))
                continue
            if inner.is_quote:
                sheet.lose(number + 1, "The quote that a task is in.")
        keep = inner is not None and inner.start == number and not inner.is_quote
        text = stripped(line, number, path[:frame] if keep else path[: frame + 1])
        if within is None:
            text, boxes = _BOX_AT_START.subn(r"\1\\", text, count=1)
            if boxes and path and path[-1].start == number and not path[-1].is_quote:
                box = text[text.index("\\[") + 1 : text.index("]") + 1]
                sheet.lose(number + 1, f"The box {box}, which marks no task: it became text.")
        if (
            level
            and within is None
            and is_lazy(line, number, path[: frame + 1])
            and not text.lstrip()[0].isalpha()
        ):
            text = f"    {text.lstrip()}"  # so far in, it begins no block
        elif inner in behind and len(path) == frame + 1:
            text = _to_the_left(text, within, lines, path[: frame + 1])
        sheet.write("  " * level + text if text.strip() else "\n", number + 1)
        if within is not None and within.closer and number == within.end - 1:
            prefix = "".join("> " if each.is_quote else " " * each.content for each in path[frame + 1 :])
            sheet.write("  " * level + prefix + within.closer, number + 1)
    return depths


def _to_the_left(text: str, within: Literal | None, lines: list[str], path: list[Container]) -> str:
    """A block behind a task, so far to the left that it is not taken for a part of the task."""
    indent = 3
    if within is not None:
        first = stripped(lines[within.start], within.start, path)
        indent = len(first) - len(first.lstrip(" "))
    return unindented(text, indent) if indent < 4 else text


def _is_frame(container: Container) -> bool:
    return container.mark is not None or container.holds_tasks


def _write_task(sheet: _Sheet, mark: str, text: str, level: int, origin: int) -> None:
    name = _TASK_BOX.sub("", text, count=1).rstrip("\n")
    wording = read_wording(name)
    if wording.ref is not None and not re.search(r"@\s+\"?[^\"\s]+\.md\"?\s*\Z", name):
        sheet.lose(origin, f"The task would refer to the flow {wording.ref!r}: its text was altered.")
        name = _neutral(name)
    if not wording.name and read_wording(name).tag is not None:
        name = _without_tag(name)
    elif not read_wording(name).name:
        sheet.lose(origin, "The task says nothing that a reader sees: it got a name.")
        name = f"Untitled {name}"
    sheet.write(f"{'  ' * level}- [{mark}] {name}", origin)


def _without_tag(name: str) -> str:
    """The same text for a reader, with what would be a tag as text."""
    return re.sub(r"\[", r"\\[", name, count=1)


def _neutral(name: str) -> str:
    """The same text for a reader, without a reference and a tag."""
    if name.lstrip().startswith("["):
        name = re.sub(r"(\.[mM][dD])(>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)\s*(?:<!--.*)?)\Z", r"\1#\2", name)
    at = name.rfind("@")
    if read_wording(name).ref is not None and at >= 0:
        name = f"{name[:at]}&#64;{name[at + 1 :]}"
    return name


def _write_tasks_only(sheet: _Sheet, lines: list[str], containers: list[Container]) -> None:
    """The plan of a file whose text cannot stay around its tasks."""
    sheet.lines, sheet.origins = [], []
    sheet.lost = [Problem(sheet.file, 1, 1, "The text around the tasks.", "", "import")]
    for container in containers:
        if container.mark is not None:
            text = stripped(without_prefix_tabs(lines[container.start]), container.start, container.path)
            level = sum(above.mark is not None for above in container.path) - 1
            _write_task(sheet, container.mark, text, level, container.start + 1)


def _settle(sheet: _Sheet) -> Plan:
    """Mends what the text says and a plan may not: duplicate names, states that contradict each other, disputes."""
    plan = parse("".join(sheet.lines), sheet.file)
    for _ in range(_PASSES):
        before = list(sheet.lines)
        _mend(sheet, plan)
        if sheet.lines == before:
            break
        pairs = [(f"{part}\n", origin) for text, origin in zip(sheet.lines, sheet.origins, strict=True)
                 for part in text.removesuffix("\n").split("\n")]  # fmt: skip
        sheet.lines, sheet.origins = [text for text, _ in pairs], [origin for _, origin in pairs]
        plan = parse("".join(sheet.lines), sheet.file)
    return plan


def _mend(sheet: _Sheet, plan: Plan) -> None:
    if not plan.problems:
        return
    scanner = Scanner(Plan(plan.file, plan.lines))
    scanner.run()
    if mend_fences(scanner, sheet.lines):
        return
    tasks = {task.line: task for task in plan.walk()}
    taken: dict[Task | None, dict[str, int]] = {}
    for problem in plan.problems:
        index = problem.line - 1
        line, origin, task = sheet.lines[index], sheet.origins[index], tasks.get(problem.line)
        if problem.code in DISPUTES:
            sheet.lines[index] = f"\n{line}"
        elif problem.code == "front":
            sheet.lines[0] = f"\n{sheet.lines[0]}"
            return
        elif task is None:
            sheet.lines[index] = _escaped(line)
        elif problem.code == "duplicate":
            if task.parent not in taken:
                taken[task.parent] = dict.fromkeys((sibling.name for sibling in task.siblings), 1)
            sheet.lines[index] = _numbered(task, line, taken[task.parent])
            sheet.lose(origin, f"The name {task.name!r}, which another task has: a number was added.")
        elif problem.code in ("focus", "conflict"):
            parent = task.parent
            if parent is not None and parent.status is Status.DONE:
                task, index = parent, parent.line - 1
            if sheet.lines[index] == plan.lines[index]:
                sheet.lose(
                    sheet.origins[index], f"The state of {task.name!r}, which the tasks around it contradict."
                )
            sheet.lines[index] = plan.lines[index].replace(f"[{plan.lines[index].lstrip()[3]}]", "[ ]", 1)
        elif problem.code == "mixed":
            box = BOX.search(line)
            assert box is not None
            name = _neutral(line[box.end() :].rstrip("\n"))
            if task.tag is not None:
                name = _without_tag(name)
            sheet.lose(origin, f"What the text of {task.name!r} would mean: it was altered.")
            sheet.lines[index] = f"{line[: box.end()]}{name}\n"
        else:
            sheet.lines[index] = _escaped(line)


def _escaped(line: str) -> str:
    """The line with its box as text."""
    return re.sub(r"(?<!\\)\[(?=[^\]\n]{0,2}\](?:[ \t]|\n|\Z))", r"\\[", line, count=1)


def _numbered(task: Task, line: str, taken: dict[str, int]) -> str:
    """The task line with the first number behind its name that none of its siblings has.

    `taken` holds the names of the siblings, each with the number that was tried last.
    """
    number = taken[task.name] + 1
    while f"{task.name} ({number})" in taken:
        number += 1
    taken[task.name] = number
    taken[f"{task.name} ({number})"] = 1
    at = line.rfind(f" @ {task.ref}") if task.ref is not None else -1
    head, tail = (line[:at], line[at:]) if at >= 0 else (line.rstrip(" \t\n"), "\n")
    return f"{head} ({number}){tail}"


def _shape(plan: Plan) -> list[int]:
    depths: dict[Task, int] = {}
    for task in plan.walk():
        depths[task] = depths[task.parent] + 1 if task.parent is not None else 0
    return list(depths.values())
