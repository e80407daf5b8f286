"""The rows of the tree: a flat list of what is visible of a fractal tree, for one zoom, with what is folded left out.

Nothing here draws. A line of the list is the task itself, or a mark between tasks; a `Row`, with its id and depth, is
made for lines that are looked at, some dozens of a hundred thousand. Folding cuts a slice out of the list and keeps it,
unfolding puts it back. Tasks are compared by identity; `carry` finds the task of an old reading again in a new one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine import Plan, Problem, Task, headings_of

Keep = Callable[[Task], bool]

_CACHED = 2_000


@dataclass(slots=True, eq=False)
class Row:
    """One visible line: a task, or a heading or a problem of a file (then `task` is None).

    `id` is the address relative to the zoom, `depth` counts from 0.
    """

    depth: int
    id: str
    task: Task | None = None
    text: str = ""
    problem: Problem | None = None
    level: int = 0

    @property
    def is_heading(self) -> bool:
        return self.task is None and self.problem is None


@dataclass(slots=True, eq=False)
class Mark:
    """A line that is no task: a heading of a plan, or a problem that stands at none of its tasks."""

    plan: Plan
    text: str
    problem: Problem | None = None
    level: int = 0


Line = Task | Mark


class _File:
    """The lines of one plan with nothing folded, in document order, to be cut into pieces."""

    def __init__(self, plan: Plan, keep: Keep | None) -> None:
        tasks = list(plan.walk())
        if keep is not None:
            tasks = list(filter(keep, tasks))
        self.marks: list[Mark] = []
        self.problems: dict[Task, list[Problem]] = {}
        self._place_problems(plan, tasks)
        self.lines: list[Line] = (
            [*self.marks, *tasks] if keep is not None else self._with_headings(plan, tasks)
        )
        self._numbers = [line.line if isinstance(line, Task) else 0 for line in self.lines]
        if len(self.lines) != len(tasks):
            self._number_marks()
        self._parents = [task for task in tasks if task.children]
        self.undecided = [task for task in self._parents if task.ref is not None]
        """Those that have children beside a reference, which is a mistake: only the sub-flow, if any, is inside."""
        self._top = len(str(len(plan.tasks)))

    def _place_problems(self, plan: Plan, tasks: list[Task]) -> None:
        if not plan.problems:
            return
        numbers = [task.line for task in tasks]
        for problem in plan.problems:
            at = bisect_right(numbers, problem.line) - 1
            task: Task | None = tasks[at] if at >= 0 else None
            while task is not None and problem.line >= max(task.end, task.line + 1):
                task = task.parent
            if task is None:
                self.marks.append(Mark(plan, problem.message, problem))
            else:
                self.problems.setdefault(task, []).append(problem)

    def _with_headings(self, plan: Plan, tasks: list[Task]) -> list[Line]:
        """Each heading stands before the next task at the top of the file; one that has none is left out."""
        lines: list[Line] = [*self.marks]
        numbers = [task.line for task in tasks] if plan.headings else []
        tops = [task.line for task in plan.tasks]
        done = 0
        for heading in plan.headings:
            following = bisect_right(tops, heading.line)
            if following == len(tops):
                break
            at = bisect_left(numbers, tops[following])
            lines += tasks[done:at]
            lines.append(Mark(plan, heading.text, level=heading.level))
            done = at
        lines += tasks[done:]
        return lines

    def _number_marks(self) -> None:
        """Gives a mark the number of the task behind it, so that all numbers ascend."""
        following = self._numbers[-1]
        for at in range(len(self._numbers) - 1, len(self.marks) - 1, -1):
            following = self._numbers[at] = self._numbers[at] or following

    def position(self, task: Task) -> int | None:
        """Where a task stands; None if it was filtered out."""
        at = bisect_left(self._numbers, task.line, lo=len(self.marks))
        while at < len(self.lines) and self._numbers[at] == task.line:
            if self.lines[at] is task:
                return at
            at += 1
        return None

    def after(self, task: Task) -> int:
        """The first position behind everything that is inside a task, and behind the task itself."""
        last = task
        while last.children:
            last = last.children[-1]
        return bisect_right(self._numbers, last.line, lo=len(self.marks))

    def id_width(self, within: Task | None) -> int:
        """The width of the longest id in the file (or in one of its tasks) when nothing is folded."""
        lengths: dict[Task, int] = {}
        longest = self._top if within is None else 1
        first, end = (0, 1 << 62) if within is None else (within.line, max(within.end, within.line + 1))
        for task in self._parents:
            number = len(str(task.number))
            above = task.parent
            if above is not None:
                number += 1 + (lengths[above] if above in lengths else len(above.id))
            lengths[task] = number
            if first <= task.line < end:
                longest = max(longest, number + 1 + len(str(len(task.children))))
        return longest


class Rows:
    """The visible rows of `root`, or of what is inside `zoom`.

    Children are shown and sub-flows folded until they are toggled.
    """

    def __init__(self) -> None:
        self.root: Plan = Plan("status.md")
        self.zoom: Task | None = None
        self.keep: Keep | None = None
        self.toggled: set[Task] = set()
        self.folded_all = False
        self.id_width = 1
        self._lines: list[Line] = []
        self._files: dict[Plan, _File] = {}
        self._kept: Keep | None = None
        self._hidden: dict[Task, list[Line]] = {}
        self._rows: dict[Line, Row] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> Row:
        """The row at an index from 0; raises IndexError behind the last."""
        line = self._lines[index]
        row = self._rows.get(line)
        if row is None:
            if len(self._rows) >= _CACHED:
                self._rows.clear()
            row = self._rows[line] = self._row(line)
        return row

    def __iter__(self) -> Iterator[Row]:
        return (self[index] for index in range(len(self._lines)))

    def show(self, root: Plan, zoom: Task | None) -> None:
        """Builds the list anew. A plan that was shown before, with the same filter, is not gone through again."""
        self.root = root
        self.zoom = zoom
        before = self._files if self._kept is self.keep else {}
        self._files, self._kept = {}, self.keep
        self._hidden.clear()
        self._rows.clear()
        self.id_width = 1
        self._lines = self._build(zoom, before)

    def rebuild(self) -> None:
        self.show(self.root, self.zoom)

    def is_open(self, task: Task) -> bool:
        by_itself = task.subflow is None and not self.folded_all
        return bool(task.inside) and (by_itself != (task in self.toggled))

    def is_heading(self, index: int) -> bool:
        """Whether this row is one that cannot be selected."""
        line = self._lines[index]
        return isinstance(line, Mark) and line.problem is None

    def problems_of(self, task: Task) -> list[Problem]:
        """What stands on its row: its own problems, those of its file at its lines, and that its sub-flow is broken."""
        found = list(task.problems)
        file = self._files.get(task.plan)
        if file is not None:
            found += file.problems.get(task, ())
        if task.subflow is not None and task.subflow.problems:
            found.append(task.subflow.problems[0])
        return found

    def index(self, task: Task | None) -> int | None:
        """The row of `task`, None if it is not visible."""
        if task is None:
            return None
        try:
            return self._lines.index(task)
        except ValueError:
            return None

    def toggle(self, index: int) -> bool:
        """Folds or unfolds a row. False: there is nothing inside."""
        task = self._lines[index]
        if isinstance(task, Mark) or not task.inside:
            return False
        if self.is_open(task):
            end = self._end(index, task)
            if end is None:
                self.toggled ^= {task}
                self.rebuild()
                return True
            self._hidden[task] = self._lines[index + 1 : end]
            del self._lines[index + 1 : end]
        else:
            hidden = self._hidden.pop(task, None)
            self._lines[index + 1 : index + 1] = hidden if hidden is not None else self._build(task)
        self.toggled ^= {task}
        return True

    def fold_all(self) -> None:
        """Folds everything; where nothing is unfolded, unfolds everything, sub-flows, too."""
        self.folded_all = any(not isinstance(line, Mark) and self.is_open(line) for line in self._lines)
        self.toggled.clear()
        plans = [] if self.folded_all else [self.root]
        while plans:
            flows = {task for task in plans.pop().referring if task.subflow is not None}
            self.toggled |= flows
            plans += [flow.subflow for flow in flows if flow.subflow is not None]
        self.rebuild()

    def reveal(self, task: Task) -> int | None:
        """Unfolds what hides `task` and answers its row; None if it is not inside the zoom, or filtered out."""
        path: list[Task] = []
        above = task.above
        while above is not None and above is not self.zoom:
            path.append(above)
            above = above.above
        if above is not self.zoom:
            return None
        for outer in reversed(path):
            if not self.is_open(outer):
                at = self.index(outer)
                if at is None:
                    return None
                self.toggle(at)
        return self.index(task)

    def contains(self, task: Task) -> bool:
        """Whether `task` is inside the zoom."""
        above: Task | None = task
        while above is not None:
            above = above.above
            if above is self.zoom:
                return True
        return False

    # Rows

    @property
    def _plan(self) -> Plan:
        """The plan of the outermost rows."""
        if self.zoom is None:
            return self.root
        return self.zoom.subflow if self.zoom.subflow is not None else self.zoom.plan

    def _row(self, line: Line) -> Row:
        if isinstance(line, Mark):
            depth = 0 if line.plan is self._plan else self._depth(line.plan.referrer) + 1
            return Row(depth, "", text=line.text, problem=line.problem, level=line.level)
        ids = [line.id]
        plan = line.plan
        while plan is not self._plan and plan.referrer is not None:
            ids.append(plan.referrer.id)
            plan = plan.referrer.plan
        return Row(self._depth(line), "/".join(reversed(ids)), line)

    def _depth(self, task: Task | None) -> int:
        depth = -1
        while task is not None and task is not self.zoom:
            depth += 1
            task = task.above
        return depth

    # The list

    def _file(self, plan: Plan, before: dict[Plan, _File]) -> _File:
        file = self._files.get(plan)
        if file is None:
            file = self._files[plan] = before.get(plan) or _File(plan, self.keep)
        return file

    def _build(self, outer: Task | None, before: dict[Plan, _File] | None = None) -> list[Line]:
        """The lines inside `outer` (None: of the whole plan), in pieces as large as what is folded allows."""
        lines: list[Line] = []
        toggled: dict[Plan, list[Task]] = {}
        for task in () if self.folded_all else self.toggled:
            toggled.setdefault(task.plan, []).append(task)
        todo = [self._open(outer, toggled, before or {})]
        while todo:
            file, at, end, stops = todo.pop()
            while at < end:
                stop = at if self.folded_all else next((one for one in stops if one >= at), end)
                lines += file.lines[at:stop]
                if stop >= end:
                    break
                line = file.lines[stop]
                lines.append(line)
                at = stop + 1
                if isinstance(line, Mark):
                    continue
                if line.subflow is not None or not self.is_open(line):
                    at = file.after(line)
                if line.subflow is not None and self.is_open(line):
                    todo += [(file, at, end, stops), self._open(line, toggled, before or {})]
                    break
        return lines

    def _open(
        self, outer: Task | None, toggled: dict[Plan, list[Task]], before: dict[Plan, _File]
    ) -> tuple[_File, int, int, Iterable[int]]:
        """The file that holds what is inside `outer`, from where to where, and where something is toggled in it."""
        within = outer if outer is not None and outer.subflow is None else None
        plan = self.root if outer is None else outer.subflow or outer.plan
        file = self._file(plan, before)
        start, end = 0, len(file.lines)
        if within is not None:
            position = file.position(within)
            start = position + 1 if position is not None else end
            end = max(start, file.after(within))
        self._widen(file, within, plan)
        places = (file.position(task) for task in (*toggled.get(plan, ()), *file.undecided))
        stops = sorted(place for place in places if place is not None and start <= place < end)
        return file, start, end, iter(stops)

    def _widen(self, file: _File, within: Task | None, plan: Plan) -> None:
        prefix = 0
        while plan is not self._plan and plan.referrer is not None:
            prefix += len(plan.referrer.id) + 1
            plan = plan.referrer.plan
        self.id_width = max(self.id_width, prefix + file.id_width(within))

    def _end(self, index: int, task: Task) -> int | None:
        """The first line behind what is shown inside the line `index`; None if the plans were read anew since the lines
        were made, and so are others."""
        step: Task | None = task
        while step is not None and step is not self.zoom:
            for following in step.siblings[step.number :]:
                if self.keep is None or self.keep(following):
                    try:
                        end = self._lines.index(following, index + 1)
                    except ValueError:
                        return None
                    while isinstance(mark := self._lines[end - 1], Mark) and mark.plan is following.plan:
                        end -= 1
                    return end
            step = step.above
        return len(self._lines)


def carry(task: Task, new: Plan) -> Task | None:
    """The task of the tree `new` that is what `task` was in an older one: at the same path of names.

    What a task refers to is not asked of the older tree: a plan that has not changed is in both, and its tasks refer
    by now to what they refer to in the new one. Of several with one name it is the one under the same headings. Where a
    name is gone, a task at the same position with a new name counts, if its old name is nowhere beside it.
    """
    path: list[Task] = []
    step: Task | None = task
    while step is not None:
        path.append(step)
        step = step.above
    after: Sequence[Task] = new.tasks
    found: Task | None = None
    for step in reversed(path):
        found = _same(step, after)
        if found is None:
            return None
        after = found.inside
    return found


def _same(task: Task, after: Sequence[Task]) -> Task | None:
    before, position = task.siblings, task.number - 1
    at = after[position] if 0 <= position < len(after) else None
    if at is task:
        return at
    may_be_shared = bool(task.plan.headings if task.parent is None else task.plan.inner)
    if may_be_shared and sum(other.name == task.name for other in before) > 1:
        headings = headings_of(task)
        namesakes = (other for other in after if other.name == task.name)
        return next((other for other in namesakes if headings_of(other) == headings), None)
    if at is not None and at.name == task.name:
        return at
    names = [other for other in after if other.name == task.name]
    if names:
        return min(names, key=lambda other: abs(other.number - task.number))
    if at is not None and len(before) == len(after) and all(other.name != at.name for other in before):
        return at
    return None
