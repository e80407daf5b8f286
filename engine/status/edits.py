"""Changing the tree: each change is the smallest edit of the text, and either does exactly what was asked, or
nothing.

An edit is made on the lines, then the new text is read again. What the whole file means must be what the old
one meant but for the change; otherwise the edit is refused, with the plan untouched. So an edit can never
turn a neighbour's text into a task, or a task into text.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import PlanError, StaleIdError, StateError, UsageError
from engine.status.body import body
from engine.status.layout import Row, depth_of, laid_out, rows, size, width_of
from engine.status.model import RULES, Plan, Problem, Status, Task
from engine.status.scanner import parse, short
from engine.status.syntax import BOX, TASK_LIKE
from engine.status.wording import comment_spans, read_wording


def add(plan: Plan, what: str, *, to: Task | None = None, at: int | None = None) -> Plan:
    """Adds a task, or a subtree, under the task `to` (None: at the top), as the `at`-th there (None: as the
    last).

    `what` is a name, which may have a tag and a reference, or the Markdown of one or more tasks with all
    inside of them. Returns the plan with the new text. Raises `StateError` when a rule forbids it,
    `PlanError` when the text cannot hold it, `UsageError` for a name that is none.
    """
    _require_sound(plan, to)
    text = what.replace("\r\n", "\n")
    if not TASK_LIKE.match(text.split("\n", 1)[0]):
        if "\n" in text.strip("\n"):
            raise UsageError(
                "A name is one line.", hint="Write a subtree as Markdown: `- [ ] name`, with its body below."
            )
        text = f"- [ ] {text.strip()}\n"
    new = parse(text, "the new tasks")
    if new.problems:
        raise _refusal(new.problems)
    if not new.tasks or new.tasks[0].line != 1:
        raise UsageError("There is no task in the text to add.", hint="Begin it with `- [ ] name`.")
    _require_place(plan, to, new.tasks)
    level = depth_of(to) + 1 if to is not None else 0
    place = _Place(plan, to, at)
    block = laid_out(new.tasks, level, width_of(plan))
    wanted = rows(plan.tasks)
    wanted[place.row : place.row] = rows(new.tasks, level)
    return _edited(plan, [(place.line, place.line, block)], wanted)


def remove(plan: Plan, task: Task) -> Plan:
    """Removes a task with its body and children; returns the plan with the new text."""
    _require_sound(plan, task)
    start, end = task.line - 1, task.end - 1
    wanted = rows(plan.tasks)
    row = _row_of(plan, task)
    del wanted[row : row + size(task)]
    if start == 0 or not plan.lines[start - 1].strip():
        while end < len(plan.lines) and not plan.lines[end].strip():
            end += 1  # of the blank lines around it, those above remain
    return _edited(plan, [(start, end, [])], wanted)


def rename(plan: Plan, task: Task, name: str) -> Plan:
    """Gives a task another name, which may bring its tag along; returns the plan with the new text.

    Reference, metadata and comments stay.
    """
    _require_sound(plan, task)
    name = name.strip()
    new = read_wording(name)
    if not new.name or "\n" in name or new.ref is not None or new.is_flow or new.comments:
        raise UsageError(
            f"{name!r} cannot be the name of a task.",
            hint="A name is one line of text; edit the file for all else.",
        )
    line = plan.lines[task.line - 1]
    box = BOX.search(line)
    assert box is not None
    head, text = line[: box.end()], line[box.end() :]
    start = text.index("]") + 1 if task.tag is not None else len(text) - len(text.lstrip())
    if new.tag is not None:
        text, start = (f" {text[start:].lstrip()}", 1) if task.tag is not None else (text, start)
    at = text.find(task.name, start)
    if at >= 0:
        text = f"{text[:at]}{name}{text[at + len(task.name) :]}"
    else:  # comments stand inside of the name: they go behind it
        comments = " ".join(text[first:last] for first, last in comment_spans(text))
        tag = f"[{task.tag}] " if task.tag is not None and new.tag is None else ""
        reference = f' @ "{task.ref}"' if task.ref is not None else ""
        text = f" {tag}{name}{reference} {comments}\n"
    wanted = rows(plan.tasks)
    row = _row_of(plan, task)
    wanted[row] = wanted[row]._replace(name=new.name, tag=new.tag or task.tag)
    return _edited(plan, [(task.line - 1, task.line, [head + text])], wanted)


def move(plan: Plan, task: Task, *, to: Task | None = None, at: int | None = None) -> Plan:
    """Moves a task, with its body and children, under `to` (None: the top), as the `at`-th there (None: the
    last).

    Returns the plan with the new text. Raises `StateError` when a rule forbids it: a task cannot be moved
    into itself, nor an unfinished one under a finished one.
    """
    _require_sound(plan, task, to)
    above = to
    while above is not None:
        if above is task:
            raise StateError(f"{task.name!r} cannot be moved into itself.", address=task.address)
        above = above.parent
    if to is not task.parent:
        _require_place(plan, to, [task])
    level = depth_of(to) + 1 if to is not None else 0
    place = _Place(plan, to, at, without=task)
    block = laid_out([task], level, width_of(plan))
    start, end = task.line - 1, task.end - 1
    wanted = rows(plan.tasks)
    row, count = _row_of(plan, task), size(task)
    deeper = level - depth_of(task)
    moved = [item._replace(depth=item.depth + deeper) for item in wanted[row : row + count]]
    del wanted[row : row + count]
    index = place.row if place.row <= row else place.row - count
    wanted[index:index] = moved
    if not deeper and place.line in (start, end) and wanted == rows(plan.tasks):
        return parse(plan.text, plan.file)
    bodies = [_body(each) for each in _subtree(task)]
    new = _edited(plan, [(start, end, []), (place.line, place.line, block)], wanted)
    if [_body(each) for each in list(new.walk())[index : index + count]] != bodies:
        raise _unfit(plan)
    return new


class _Place:
    """Where a task is to stand: before which line (from 0), and as which row."""

    def __init__(self, plan: Plan, to: Task | None, at: int | None, without: Task | None = None) -> None:
        siblings = [task for task in (to.children if to is not None else plan.tasks) if task is not without]
        number = len(siblings) + 1 if at is None else at
        if not 1 <= number <= len(siblings) + 1:
            raise UsageError(
                f"There is no place {number} among {len(siblings)} tasks.", hint="Places count from 1."
            )
        if number > 1:
            before = siblings[number - 2]
            self.line, self.row = before.end - 1, _row_of(plan, before) + size(before)
        elif siblings:
            self.line, self.row = siblings[0].line - 1, _row_of(plan, siblings[0])
        elif to is not None:
            self.line, self.row = to.end - 1, _row_of(plan, to) + 1
        else:
            self.line, self.row = len(plan.lines), 0


def _edited(plan: Plan, edits: Sequence[tuple[int, int, list[str]]], wanted: list[Row]) -> Plan:
    """The plan with lines replaced, if it then means what is wanted; where that takes a blank line, with one."""
    refused: Plan | None = None
    for before, after in ((0, 0), (1, 0), (0, 1), (1, 1)):
        lines = list(plan.lines)
        mark = "\ufeff" if lines and lines[0].startswith("\ufeff") else ""
        if mark:
            lines[0] = lines[0][1:]
        for start, end, block in sorted(edits, key=lambda edit: edit[0], reverse=True):
            if start > 0 and block and not lines[start - 1].endswith("\n"):
                lines[start - 1] += "\n"
            lines[start:end] = ["\n"] * before + block + ["\n"] * after
        new = parse(mark + "".join(lines), plan.file)
        new.referrer = plan.referrer
        if (
            not new.problems
            and rows(new.tasks) == wanted
            and new.headers == plan.headers
            and [(each.level, each.text) for each in new.headings]
            == [(each.level, each.text) for each in plan.headings]
        ):
            return new
        if refused is None and new.problems:
            refused = new
    raise _unfit(plan) if refused is None else _refused(plan, refused)


def _refused(plan: Plan, new: Plan) -> PlanError | StateError:
    """Why a text was not taken. Its lines are not those of the file: a task that is named is one of the file."""
    problem = new.problems[0]
    if problem.code != "duplicate":
        return _refusal(new.problems)
    second = next(task for task in new.walk() if task.line == problem.line)
    there = [
        task.line
        for task in plan.walk()
        if _names(task) == _names(second) and _heading(plan, task) == _heading(new, second)
    ]
    line = min(there, key=lambda line: abs(line - second.line), default=problem.line)
    return StateError(
        f"{plan.file}: A duplicate name: {short(second.name)} is on line {line} already, under the same heading.",
        hint="Give it another name.",
    )


def _heading(plan: Plan, task: Task) -> int:
    """How many headings of the file are above a task."""
    return sum(heading.line < task.line for heading in plan.headings)


def _names(task: Task) -> list[tuple[str | None, str]]:
    """The tags and names of a task and of those around it in its file."""
    names = []
    step: Task | None = task
    while step is not None:
        names.append((step.tag, step.name))
        step = step.parent
    return names


def _require_place(plan: Plan, to: Task | None, tasks: Sequence[Task]) -> None:
    """The rules of tasks and what is above them, across files; those inside of the file are checked by
    reading it.
    """
    unfinished = next((task for task in tasks if not task.status.is_settled), None)
    above = to if to is not None else plan.referrer
    while unfinished is not None and above is not None:
        if above.status.is_settled:
            raise StateError(
                f"{unfinished.name!r} cannot be added under {above.name!r}, which is {above.status}.",
                hint="Reopen that one first.",
                address=above.address,
            )
        above = above.above
    active = next((task for task in tasks if task.status is Status.ACTIVE), None)
    referrer = plan.referrer
    if active is not None and to is None and referrer is not None and referrer.status is not Status.ACTIVE:
        raise StateError(
            f"{active.name!r} cannot be active: {referrer.name!r}, which refers here, is {referrer.status}.",
            hint="Begin that one first.",
        )


def _require_sound(plan: Plan, *tasks: Task | None) -> None:
    for task in tasks:
        if task is not None and task.plan is not plan:
            raise StaleIdError(
                f"{task.name!r} is from another reading of {plan.file}.", hint="Look it up again."
            )
    if plan.problems:
        raise _refusal(plan.problems, "Nothing of the file is changed until it is mended.")


def _refusal(problems: Sequence[Problem], hint: str = "") -> PlanError | StateError:
    problem = problems[0]
    kind = StateError if problem.code in RULES else PlanError
    return kind(f"{problem.file}:{problem.line}: {problem.message}", hint=hint or problem.hint)


def _unfit(plan: Plan) -> PlanError:
    return PlanError(
        f"{plan.file} cannot be changed so without changing what its other text means.",
        hint="Edit the file by hand.",
    )


def _subtree(task: Task) -> list[Task]:
    found: list[Task] = []
    stack = [task]
    while stack:
        task = stack.pop()
        found.append(task)
        stack.extend(reversed(task.children))
    return found


def _row_of(plan: Plan, task: Task) -> int:
    return next(index for index, each in enumerate(plan.walk()) if each is task)


def _body(task: Task) -> object:
    read = body(task)
    return read.notes, [(fence.lang, fence.flags, fence.options, fence.text) for fence in read.fences]
