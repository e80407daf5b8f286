"""The rows of the tree: a flat list of what is visible of a fractal tree, for one zoom, with what is folded left out.

Nothing here draws. Folding and unfolding splice the list; only a new tree, another zoom or another filter builds it
anew. Tasks are compared by identity; `carry` finds the task of an old reading again in a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine import Plan, Problem, Task

Keep = Callable[[Task], bool]


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


class Rows:
    """The visible rows of `root`, or of what is inside `zoom`.

    Children are shown and sub-flows folded until they are toggled.
    """

    def __init__(self) -> None:
        self.root: Plan = Plan("status.md")
        self.zoom: Task | None = None
        self.keep: Keep | None = None
        self.list: list[Row] = []
        self.toggled: set[Task] = set()
        self.folded_all = False
        self.problems: dict[Task, list[Problem]] = {}

    def show(self, root: Plan, zoom: Task | None) -> None:
        """Builds the list anew."""
        self.root = root
        self.zoom = zoom
        self.problems = {}
        self.list = list(self._build(zoom, 0, self._prefix(zoom)))

    def rebuild(self) -> None:
        self.show(self.root, self.zoom)

    def is_open(self, task: Task) -> bool:
        by_itself = task.subflow is None and not self.folded_all
        return bool(task.inside) and (by_itself != (task in self.toggled))

    def problems_of(self, task: Task) -> list[Problem]:
        """What stands on its row: its own problems, those of its file at its lines, and that its sub-flow is broken."""
        found = [*task.problems, *self.problems.get(task, ())]
        if task.subflow is not None and task.subflow.problems:
            found.append(task.subflow.problems[0])
        return found

    def index(self, task: Task | None) -> int | None:
        """The row of `task`, None if it is not visible."""
        return (
            next((number for number, row in enumerate(self.list) if row.task is task), None) if task else None
        )

    def end_of(self, index: int) -> int:
        """The first row after what is shown inside the row `index`."""
        depth = self.list[index].depth
        rows = self.list
        end = index + 1
        while end < len(rows) and (rows[end].depth > depth):
            end += 1
        return end

    def toggle(self, index: int) -> bool:
        """Folds or unfolds a row. False: there is nothing inside."""
        row = self.list[index]
        task = row.task
        if task is None or not task.inside:
            return False
        if self.is_open(task):
            end = self.end_of(index)
            self._flip(task)
            del self.list[index + 1 : end]
        else:
            self._flip(task)
            separator = "/" if task.subflow is not None else "."
            self.list[index + 1 : index + 1] = list(self._build(task, row.depth + 1, f"{row.id}{separator}"))
        return True

    def fold_all(self) -> None:
        """Folds everything; the second time, shows everything as it was at first."""
        self.folded_all = not self.folded_all
        self.toggled.clear()
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
        folded = [outer for outer in path if not self.is_open(outer)]
        if folded:
            for outer in folded:
                self._flip(outer)
            self.rebuild()
        return self.index(task)

    def contains(self, task: Task) -> bool:
        """Whether `task` is inside the zoom."""
        above: Task | None = task
        while above is not None:
            above = above.above
            if above is self.zoom:
                return True
        return False

    def _flip(self, task: Task) -> None:
        self.toggled ^= {task}

    @staticmethod
    def _prefix(zoom: Task | None) -> str:
        return f"{zoom.id}." if zoom is not None and zoom.subflow is None else ""

    def _build(self, outer: Task | None, depth: int, prefix: str) -> Iterator[Row]:
        pending = [self._inside(outer, depth, prefix)]
        while pending:
            for row in pending[-1]:
                yield row
                task = row.task
                if task is not None and (task.children or task.subflow is not None) and self.is_open(task):
                    separator = "/" if task.subflow is not None else "."
                    pending.append(self._inside(task, row.depth + 1, f"{row.id}{separator}"))
                    break
            else:
                pending.pop()

    def _inside(self, outer: Task | None, depth: int, prefix: str) -> Iterator[Row]:
        if outer is None:
            yield from self._file(self.root, depth, prefix)
        elif outer.subflow is not None:
            yield from self._file(outer.subflow, depth, prefix)
        else:
            for task in outer.children:
                if self.keep is None or self.keep(task):
                    yield Row(depth, f"{prefix}{task.number}", task)

    def _file(self, plan: Plan, depth: int, prefix: str) -> Iterator[Row]:
        for problem in plan.problems:
            task = _task_at(plan, problem.line)
            if task is None:
                yield Row(depth, "", problem=problem, text=problem.message)
            else:
                self.problems.setdefault(task, []).append(problem)
        headings = iter(plan.headings if self.keep is None else ())
        heading = next(headings, None)
        for task in plan.tasks:
            while heading is not None and heading.line < task.line:
                yield Row(depth, "", text=heading.text, level=heading.level)
                heading = next(headings, None)
            if self.keep is None or self.keep(task):
                yield Row(depth, f"{prefix}{task.number}", task)


def _task_at(plan: Plan, line: int) -> Task | None:
    """The innermost task to which a line belongs."""
    found: Task | None = None
    inside = plan.tasks
    while inside:
        inner = next((task for task in inside if task.line <= line < max(task.end, task.line + 1)), None)
        if inner is None:
            return found
        found = inner
        inside = inner.children
    return found


def carry(task: Task, old: Plan, new: Plan) -> Task | None:
    """The task of the tree `new` that is what `task` was in the tree `old`: at the same path of names.

    Where a name is gone, a task at the same position with a new name counts, if its old name is nowhere beside it.
    """
    path: list[Task] = []
    step: Task | None = task
    while step is not None:
        path.append(step)
        step = step.above
    before, after = old.tasks, new.tasks
    found: Task | None = None
    for step in reversed(path):
        found = _same(step, before, after)
        if found is None:
            return None
        before, after = step.inside, found.inside
    return found


def _same(task: Task, before: list[Task], after: list[Task]) -> Task | None:
    position = next((number for number, other in enumerate(before) if other is task), task.number - 1)
    at = after[position] if 0 <= position < len(after) else None
    if at is not None and at.name == task.name:
        return at
    names = [other for other in after if other.name == task.name]
    if names:
        return min(names, key=lambda other: abs(other.number - task.number))
    if at is not None and len(before) == len(after) and all(other.name != at.name for other in before):
        return at
    return None
