"""Merging two copies of a plan that were changed apart from each other, with the copy that both began from.

Tasks merge one by one, by who they are: the status by rule, name and body as text does. So branches that changed
different tasks merge without a conflict however close the tasks stand, and what both added is kept. Copies that indent
a level differently are brought to one width first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from engine.errors import PlanError
from engine.status.body import body
from engine.status.changes import set_marker
from engine.status.layout import laid_out, rows, width_of
from engine.status.model import RULES, Body, Plan, Problem, Status, Task
from engine.status.pairing import pair, renamed_apart, replaced, section_names
from engine.status.scanner import parse
from engine.status.syntax import STATUSES
from engine.status.threeway import Clash, Key, merge_keys

_Value = TypeVar("_Value", str, int)
_OURS, _BETWEEN, _THEIRS = "<<<<<<< ours\n", "=======\n", ">>>>>>> theirs\n"
#: How far a task is on in each state: of two changes, the one that is further on wins.
_ADVANCE = {Status.PENDING: 0, Status.ACTIVE: 1, Status.FAILED: 2, Status.SKIPPED: 3, Status.DONE: 4}


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged text (LF line endings); how many places in it are conflicts, with markers around both versions; and
    what the merged plan breaks although both copies were sound, which takes a person too.
    """

    text: str
    conflicts: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.conflicts and not self.problems


def merge_plans(base: bytes, ours: bytes, theirs: bytes, file: str = "status.md") -> Merged:
    """Merge two changed copies of a plan; an empty `base` means that both sides made the file.

    Of two states the more advanced one wins, unless a side reopened the task. A task that one side removed and the
    other changed is a conflict. Where a copy is no plan that can be read, all merges line by line.
    Raises PlanError for what is no text in UTF-8.
    """
    copies = [parse(data, file) for data in (base, ours, theirs)]
    for plan in copies:
        broken = next((problem for problem in plan.problems if problem.code == "encoding"), None)
        if broken is not None:
            raise PlanError(f"{broken} It cannot be merged.", hint="Choose one of the two files.")
    mark = _agreed(*("\ufeff" if plan.text.startswith("\ufeff") else "" for plan in copies))
    last = _agreed(*("\n" if plan.text.endswith("\n") or not plan.lines else "" for plan in copies))
    texts = [_plain(plan.text) for plan in copies]
    if (text := _undisputed(*texts)) is not None:
        return Merged(_ended(mark, text, last))
    copies = [
        plan if plan.text == text else parse(text, file) for plan, text in zip(copies, texts, strict=True)
    ]
    readable = all(problem.code in RULES for plan in copies for problem in plan.problems)
    laid = _in_one_width(copies) if readable else copies
    if laid is not None and (text := _undisputed(*(plan.text for plan in laid))) is not None:
        return Merged(_ended(mark, text, last))
    merging = _Merging(*(laid or copies))
    lines = merging.whole() if laid is None else merging.tree() if readable else merging.lines()
    text = "".join(lines)
    problems: list[Problem] = []
    if not merging.conflicts and readable and not copies[1].problems and not copies[2].problems:
        plan = parse(text, file)
        _restore_rules(plan, _active_names(copies[1]))
        text = plan.text
        problems = [*parse(text, file).problems, *_second_references(plan, copies)]
    return Merged(_ended(mark, text, last), merging.conflicts, tuple(problems))


def _plain(text: str) -> str:
    """Without a byte-order mark, and with a line feed at the end."""
    text = text.removeprefix("\ufeff")
    return text if text.endswith("\n") or not text else f"{text}\n"


def _ended(mark: str, text: str, last: str) -> str:
    return mark + (text if last else text.removesuffix("\n"))


def _undisputed(base: str, ours: str, theirs: str) -> str | None:
    """The merged text where one side alone changed it, or both alike."""
    return _agreed(base, ours, theirs) if ours == theirs or base in (ours, theirs) else None


def _agreed(base: _Value, ours: _Value, theirs: _Value) -> _Value:
    return theirs if ours == base else ours


def _in_one_width(copies: Sequence[Plan]) -> list[Plan] | None:
    """The copies, each level indented as the merged plan has it: a task of another width would get to another level.
    None where a text does not bear that, as one that would get into another task.
    """
    widths = [width_of(plan, 0) for plan in copies]
    width = _agreed(*widths) or widths[2] or widths[0]
    laid: list[Plan] = []
    for plan, its_own in zip(copies, widths, strict=True):
        if its_own in (0, width):
            laid.append(plan)
            continue
        start, end = plan.tasks[0].line - 1, max(plan.tasks[-1].end - 1, plan.tasks[-1].line)
        lines = [*plan.lines[:start], *laid_out(plan.tasks, 0, width), *plan.lines[end:]]
        moved = parse("".join(lines), plan.file)
        if rows(moved.tasks) != rows(plan.tasks) or _bodies(moved) != _bodies(plan):
            return None
        laid.append(moved)
    return laid


def _bodies(plan: Plan) -> list[Body]:
    return [body(task) for task in plan.walk()]


def winner(base: Status | None, ours: Status, theirs: Status) -> Status:
    """The state of a task that both sides have. `base` is None for a task that both added."""
    if ours is theirs or theirs is base:
        return ours
    if ours is base:
        return theirs
    for side in (ours, theirs):
        if base is not None and _is_reopened(base, side):
            return side
    return max(ours, theirs, key=lambda status: _ADVANCE[status])


def _is_reopened(base: Status, status: Status) -> bool:
    if base.is_settled:
        return not status.is_settled and status is not Status.FAILED
    return base is Status.FAILED and status is Status.PENDING


@dataclass(slots=True, eq=False)
class _Same:
    """One task, or the whole file, in the three copies; a copy that lacks it has None. `is_apart` where each side put
    a task of its own in the place of that of `base`.
    """

    base: Task | Plan | None = None
    ours: Task | Plan | None = None
    theirs: Task | Plan | None = None
    is_apart: bool = False


@dataclass(slots=True, eq=False)
class _Block:
    """Merged lines, and blocks between them that are yet to be merged."""

    same: _Same | None = None
    parts: list[str | _Block] = field(default_factory=list)


class _Merging:
    """One merge of three copies; `conflicts` counts the places that a person has to decide."""

    def __init__(self, base: Plan, ours: Plan, theirs: Plan) -> None:
        self._copies = _Same(base, ours, theirs)
        self.conflicts = 0

    def whole(self) -> Iterator[str]:
        """Both files in one conflict."""
        yield from self._conflict(_lines(self._copies.ours), _lines(self._copies.theirs))

    def lines(self) -> Iterator[str]:
        """The merged file where it is no tree: line by line."""
        base, ours, theirs = (
            plan.lines if isinstance(plan, Plan) else []
            for plan in (self._copies.base, self._copies.ours, self._copies.theirs)
        )
        merged: list[str] = []
        for key in merge_keys(base, ours, theirs):
            if isinstance(key, Clash):
                merged += self._conflict(
                    [each for each in key.ours if isinstance(each, str)],
                    [each for each in key.theirs if isinstance(each, str)],
                )
            elif isinstance(key, str):
                merged.append(key)
        yield from merged

    def tree(self) -> Iterator[str]:
        """The merged file, task by task. Not recursive: plans nest a thousand levels deep."""
        top = _Block(self._copies)
        waiting = [top]
        while waiting:
            block = waiting.pop()
            assert block.same is not None
            self._head(block, block.same)
            waiting += self._inside(block, block.same)
        return _flat(top)

    def _head(self, block: _Block, same: _Same) -> None:
        """The line of the task itself."""
        base, ours, theirs = same.base, same.ours, same.theirs
        if not isinstance(ours, Task) or not isinstance(theirs, Task):
            return
        old = base if isinstance(base, Task) else None
        status = winner(old.status if old is not None else None, ours.status, theirs.status)
        mine, other = _with_status(ours, status), _with_status(theirs, status)
        before = _with_status(old, status) if old is not None else None
        if _bare(mine) == _bare(other) or (before is not None and _bare(before) == _bare(other)):
            block.parts.append(mine)
        elif before is not None and _bare(before) == _bare(mine):
            block.parts.append(other)
        else:
            block.parts += self._conflict([mine], [other])

    def _inside(self, block: _Block, same: _Same) -> list[_Block]:
        """What is in the task, or in the file: lines, and tasks as blocks; returned are those yet to be merged."""
        versions, tasks = _numbered(same)
        base, ours, theirs = versions
        for number, one in tasks.items():
            if one.base is None:
                continue
            # What one side removed and the other changed is put back, to become a conflict where it stood.
            if one.ours is None and one.theirs is not None and _lines(one.theirs) != _lines(one.base):
                _put_back(ours, base, number)
            if one.theirs is None and one.ours is not None and _lines(one.ours) != _lines(one.base):
                _put_back(theirs, base, number)
        waiting: list[_Block] = []
        for key in merge_keys(base, ours, theirs):
            if isinstance(key, Clash):
                mine = [line for each in key.ours for line in _side_lines(each, tasks, "ours")]
                other = [line for each in key.theirs for line in _side_lines(each, tasks, "theirs")]
                block.parts += self._conflict(mine, other)
            elif isinstance(key, str):
                block.parts.append(key)
            else:
                one = tasks[key]
                if one.ours is not None and one.theirs is not None and not one.is_apart:
                    inner = _Block(one)
                    block.parts.append(inner)
                    waiting.append(inner)
                elif one.base is None:
                    block.parts += _lines(one.ours if one.ours is not None else one.theirs)
                else:
                    block.parts += self._conflict(_lines(one.ours), _lines(one.theirs))
        return waiting

    def _conflict(self, ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
        if list(ours) == list(theirs):
            return list(ours)
        self.conflicts += 1
        return [_OURS, *ours, _BETWEEN, *theirs, _THEIRS]


def _flat(block: _Block) -> Iterator[str]:
    stack: list[Iterator[str | _Block]] = [iter(block.parts)]
    while stack:
        part = next(stack[-1], None)
        if part is None:
            stack.pop()
        elif isinstance(part, str):
            yield part
        else:
            stack.append(iter(part.parts))


def _children(one: Task | Plan | None) -> Sequence[Task]:
    if one is None:
        return []
    return one.tasks if isinstance(one, Plan) else one.children


def _lines(one: Task | Plan | None) -> list[str]:
    """All lines of a task, with those of what is in it."""
    if one is None:
        return []
    return one.lines if isinstance(one, Plan) else one.plan.lines[one.line - 1 : max(one.end - 1, one.line)]


def _numbered(same: _Same) -> tuple[list[list[Key]], dict[int, _Same]]:
    """The three versions of what is inside, as lines and numbers of tasks; and the tasks by their numbers."""
    base, ours, theirs = (_children(each) for each in (same.base, same.ours, same.theirs))
    tasks: dict[int, _Same] = {}
    number_of: dict[Task, int] = {}
    for task in base:
        number_of[task] = len(tasks)
        tasks[len(tasks)] = _Same(base=task)
    mine, other = pair(base, ours), pair(base, theirs)
    for task, old in mine.items():
        number_of[task] = number_of[old]
        tasks[number_of[old]].ours = task
    for task, old in other.items():
        number_of[task] = number_of[old]
        tasks[number_of[old]].theirs = task
    for old, my_task, other_task in list(renamed_apart(base, ours, theirs, mine, other)):
        number = number_of[my_task] = number_of[other_task] = number_of[old]
        tasks[number] = _Same(old, my_task, other_task, is_apart=True)
        mine[my_task] = other[other_task] = old
    in_place, in_other = replaced(base, ours, mine), replaced(base, theirs, other)
    added: dict[object, Task] = {}
    for key, task in section_names(ours):
        if task in in_place:
            added[key] = task
            number_of[task] = len(tasks)
            tasks[len(tasks)] = _Same(ours=task)
    for key, task in section_names(theirs):
        if task in in_other:
            twin = added.get(key)
            # In the places of different tasks one name may be what two of them are called now.
            if (
                twin is not None
                and (in_place[twin] or in_other[task])
                and in_place[twin].isdisjoint(in_other[task])
            ):
                twin = None
            number_of[task] = number_of[twin] if twin is not None else len(tasks)
            tasks.setdefault(number_of[task], _Same()).theirs = task
    versions = [_keys(each, number_of) for each in (same.base, same.ours, same.theirs)]
    return versions, tasks


def _keys(one: Task | Plan | None, number_of: dict[Task, int]) -> list[Key]:
    if one is None:
        return []
    source, start, end = (
        (one.lines, 1, len(one.lines) + 1)
        if isinstance(one, Plan)
        else (one.plan.lines, one.line + 1, one.end)
    )
    keys: list[Key] = []
    for child in _children(one):
        keys += source[start - 1 : child.line - 1]
        keys.append(number_of[child])
        start = max(child.end, child.line + 1)
    keys += source[start - 1 : max(end - 1, start - 1)]
    return keys


def _put_back(side: list[Key], base: Sequence[Key], number: int) -> None:
    before = list(base[: base.index(number)])
    anchor = next((key for key in reversed(before) if isinstance(key, int) and key in side), None)
    side.insert(side.index(anchor) + 1 if anchor is not None else _first_task(side), number)


def _first_task(side: Sequence[Key]) -> int:
    return next((index for index, key in enumerate(side) if isinstance(key, int)), len(side))


def _side_lines(key: Key, tasks: dict[int, _Same], side: str) -> list[str]:
    return [key] if isinstance(key, str) else _lines(getattr(tasks[key], side))


def _with_status(task: Task, status: Status) -> str:
    """The line of the task as it is with this status; a mark that means it already (`[X]`) stays."""
    line = task.plan.lines[task.line - 1]
    at = line.index("[") + 1
    return line if STATUSES.get(line[at]) is status else f"{line[:at]}{status.marker}{line[at + 1 :]}"


def _bare(line: str) -> str:
    """The line without its mark."""
    at = line.index("[") + 1
    return line[:at] + line[at + 1 :]


# The rules of parents and siblings, which two sound copies can break together.


def _active_names(plan: Plan) -> set[tuple[str, ...]]:
    """Which tasks are active in a copy, by the names on the way down."""
    return {_names(task) for task in plan.walk() if task.status is Status.ACTIVE}


def _names(task: Task) -> tuple[str, ...]:
    names: list[str] = []
    here: Task | None = task
    while here is not None:
        names.append(here.name)
        here = here.parent
    return tuple(names)


def _restore_rules(plan: Plan, preferred: set[tuple[str, ...]]) -> None:
    """Makes parents say again what their children say, and leaves one focus: `preferred`, where several are active."""
    for task in reversed(list(plan.walk())):
        if task.children:
            set_marker(task, _of_parent(task))
    stack: list[Sequence[Task]] = [plan.tasks]
    while stack:
        tasks = stack.pop()
        active = [task for task in tasks if task.status is Status.ACTIVE]
        parent = tasks[0].parent if tasks else None
        if active and parent is not None and parent.status is not Status.ACTIVE:
            keep = None
        else:
            keep = next((task for task in active if _names(task) in preferred), active[0] if active else None)
        for task in active:
            if task is not keep:
                set_marker(task, Status.PENDING)
        stack += [task.children for task in tasks if task.children]


def _of_parent(task: Task) -> Status:
    """What a task is by its children. A failed one stays failed: a person has to look at it."""
    statuses = [child.status for child in task.children]
    if task.status is Status.FAILED:
        return Status.FAILED
    if all(status.is_settled for status in statuses):
        if task.status.is_settled:
            return task.status
        return Status.DONE if Status.DONE in statuses else Status.SKIPPED
    if task.status is Status.DONE or Status.ACTIVE in statuses:
        return Status.ACTIVE
    return task.status


def _second_references(plan: Plan, copies: Iterable[Plan]) -> list[Problem]:
    """References that two tasks have and had not in one copy: each side gave the same sub-flow to another task."""
    known = {ref for copy in copies for ref, count in _references(copy).items() if count > 1}
    twice = {ref for ref, count in _references(plan).items() if count > 1} - known
    found: list[Problem] = []
    for task in plan.walk():
        if task.ref in twice:
            what = f"{task.ref!r} is the sub-flow of several tasks."
            found.append(
                Problem(
                    plan.file,
                    task.line,
                    1,
                    what,
                    "Only one task can refer to a flow: choose one.",
                    "reference",
                )
            )
    return found


def _references(plan: Plan) -> Counter[str]:
    return Counter(task.ref for task in plan.walk() if task.ref is not None)
