"""Turning a task into a flow of its own: as text, the new file and the edited one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from engine.errors import PlanError, StateError
from engine.status.layout import Row, depth_of, indent_of, laid_out, rows, shifted, size, width_of
from engine.status.model import Plan, Task
from engine.status.scanner import parse
from engine.status.syntax import BOX

_FOLDER = "sub_flows"


@dataclass(frozen=True, slots=True)
class Zoomed:
    """The text of the new flow, and the plan that refers to it. Write the new file first."""

    file: str
    text: str
    plan: Plan


def slug(name: str) -> str:
    """A file name for a task, from its letters and digits: `Build & test` -> `build-test`."""
    plain = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[\W_]+", "-", plain).strip("-")[:60].rstrip("-") or "flow"


def flow_file(task: Task, number: int = 1) -> str:
    """Where the flow of a task goes, relative to `.flow/`: `sub_flows/<slug>.md`; `number` tells namesakes apart."""
    end = "" if number == 1 else f"-{number}"
    return f"{_FOLDER}/{slug(task.name)}{end}.md"


def zoom(task: Task, file: str) -> Zoomed:
    """Makes a flow of a task, in a new file; its children move there, with what stands between them and the heading
    that the first of them stands under.

    Raises `StateError` for a task that has a flow or code of its own, `PlanError` where the text cannot be taken apart.
    """
    plan = task.plan
    if plan.problems:
        raise PlanError(str(plan.problems[0]), hint="Nothing of the file is changed until it is mended.")
    if task.ref is not None:
        raise StateError(f"{task.name!r} has a flow already: {task.ref}.", address=task.address)
    lines = list(plan.lines)
    text = f"# {task.name}\n"
    if task.children:
        text += "\n" + "".join(_inside(task))
        del lines[_start(task) : task.end - 1]
    lines[task.line - 1] = _referring(task, file)
    flow = parse(text, file)
    edited = parse("".join(lines), plan.file)
    edited.referrer = plan.referrer
    for problem in [*edited.problems, *flow.problems]:
        raise StateError(
            f"{task.name!r} cannot become a flow: {problem.message}", hint=problem.hint, address=task.address
        )
    wanted = _bare(plan.tasks)
    row = next(index for index, each in enumerate(plan.walk()) if each is task)
    del wanted[row + 1 : row + size(task)]
    wanted[row] = wanted[row]._replace(ref=file)
    if _bare(edited.tasks) != wanted or _bare(flow.tasks) != _bare(task.children):
        raise PlanError(
            f"{plan.file} cannot be taken apart at {task.name!r}.", hint="Move its children by hand."
        )
    return Zoomed(file, text, edited)


def _start(task: Task) -> int:
    """The index of the first line that moves: of the headings right above the first child, or of that."""
    first = task.children[0].line - 1
    depth = depth_of(task) + 1
    headings = {heading.line for tasks, heading in task.plan.inner if tasks == depth}
    while first > task.line and (first in headings or not task.plan.lines[first - 1].strip()):
        first -= 1
    return first


def _inside(task: Task) -> list[str]:
    """The lines that move: the headings of the first child, the children, and what the task has between and behind."""
    lines = task.plan.lines
    inside = laid_out(task.children, 0, width_of(task.plan))
    indent = indent_of(task.children[0])
    above = dropwhile(str.isspace, lines[_start(task) : task.children[0].line - 1])
    behind = lines[task.children[-1].end - 1 : task.end - 1]

    def moved(some: Iterable[str]) -> list[str]:
        return [shifted(line if line.endswith("\n") else f"{line}\n", -indent) for line in some]

    return [*moved(above), *inside, *moved(behind)]


def _referring(task: Task, file: str) -> str:
    """The task's line with a reference; as a link where readers can follow it: it is relative to `.flow/`."""
    line = task.plan.lines[task.line - 1]
    box = BOX.search(line)
    assert box is not None
    linked = "/" not in task.plan.file and not re.search(r"[\[\]()\\<>`@]", task.name)
    if linked:
        wording = f"[{task.name}](<{file}>)" if re.search(r"[\s()]", file) else f"[{task.name}]({file})"
    else:
        wording = f'{task.name} @ "{file}"' if re.search(r"\s", file) else f"{task.name} @ {file}"
    text = line[box.end() :]
    at = text.find(task.name, text.index("]") if task.tag is not None else 0)
    if at < 0:
        raise PlanError(
            f"A comment stands inside of the name {task.name!r}.", hint="Move it behind the name."
        )
    return f"{line[: box.end()]}{text[:at]}{wording}{text[at + len(task.name) :]}"


def _bare(tasks: Sequence[Task]) -> list[Row]:
    return [row._replace(lines=0) for row in rows(tasks)]
