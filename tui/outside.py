"""Which rows another program changed, until a person has seen them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Set

from engine import Plan, Task, Tree, parse

Row = tuple[str, ...]
"""A task inside its file: the names from the top of the file down to it."""


class Outside:
    """Compares the plans that were changed outside with what is known of them, row by row.

    `update` may run in a thread of its own. What the engine itself writes is known and marks nothing.
    """

    def __init__(self, known: Callable[[str], str | None]) -> None:
        self._known = known
        self._files: dict[str, _File] = {}
        self._lock = threading.Lock()

    def update(self, tree: Tree, outside: Set[str]) -> frozenset[Task]:
        """Takes in a reading, of which the plans `outside` are another program's. Returns the tasks to mark."""
        with self._lock:
            for name, snapshot in tree.snapshots.items():
                plan = tree.plans.get(name)
                if plan is None:
                    continue
                file = self._files.get(name)
                if file is None:
                    text = self._known(name) if name in outside else None
                    file = self._files[name] = _File(plan if text is None else parse(text, name))
                if file.revision != snapshot.revision:
                    file.revision = snapshot.revision
                    file.compare(plan) if name in outside else file.accept(plan)
            return frozenset(self._marked(tree))

    def visit(self, task: Task) -> None:
        """A person has seen this row."""
        with self._lock:
            file = self._files.get(task.plan.file)
            if file is not None:
                file.visit(task)

    def _marked(self, tree: Tree) -> Iterator[Task]:
        for name, file in self._files.items():
            plan = tree.plans.get(name)
            if plan is not None and file.marks:
                yield from (task for row, task in _rows(plan) if row in file.marks)


class _File:
    """One plan: what is known of it, and which rows differ from that.

    What is known stays as it is until somebody has seen the difference: a plan that another program is just writing
    may be read when only half of it is there.
    """

    def __init__(self, known: Plan) -> None:
        self.revision = ""
        self.marks: set[Row] = set()
        self._plan = known
        self._texts: dict[Row, str] | None = None
        """The rows of `_plan` and those that were seen since; None as long as nobody asked."""

    def accept(self, plan: Plan) -> None:
        """The engine wrote this: it is known, but for the rows that nobody has seen yet."""
        if self.marks:
            known, new = self._known(), _texts(plan)
            self.marks &= new.keys()
            unseen = {row: known[row] for row in self.marks if row in known}
            self._texts = {row: text for row, text in new.items() if row not in self.marks} | unseen
        else:
            self._plan, self._texts = plan, None

    def compare(self, plan: Plan) -> None:
        old, new = self._known(), _texts(plan)
        self.marks = {row for row, text in new.items() if old.get(row) != text}
        # A row that is gone is nowhere to be seen: what was around it is, unless another name came into its place.
        filled = {row[:-1] for row in new.keys() - old.keys()}
        around = {row[:-1] for row in old.keys() - new.keys()} - filled
        self.marks |= around & new.keys()

    def visit(self, task: Task) -> None:
        row = _row(task)
        if row not in self.marks:
            return
        self.marks.discard(row)
        known, new = self._known(), _texts(task.plan)
        known[row] = new.get(row, "")
        for gone in [one for one in known if one not in new and one[:-1] in (row, row[:-1])]:
            del known[gone]

    def _known(self) -> dict[Row, str]:
        if self._texts is None:
            self._texts = _texts(self._plan)
        return self._texts


def with_what_is_around(tasks: Set[Task]) -> frozenset[Task]:
    """These tasks and all that they are inside of: a folded row tells of what is in it."""
    found = set(tasks)
    for task in tasks:
        above = task.above
        while above is not None and above not in found:
            found.add(above)
            above = above.above
    return frozenset(found)


def _row(task: Task) -> Row:
    names: list[str] = []
    above: Task | None = task
    while above is not None:
        names.append(above.name)
        above = above.parent
    return tuple(reversed(names))


def _rows(plan: Plan) -> Iterator[tuple[Row, Task]]:
    pending: list[tuple[Row, Task]] = [((task.name,), task) for task in reversed(plan.tasks)]
    while pending:
        row, task = pending.pop()
        yield row, task
        pending += [((*row, child.name), child) for child in reversed(task.children)]


def _texts(plan: Plan) -> dict[Row, str]:
    """For each row its own lines, without what is inside it, and wherever it is indented to."""
    lines = plan.lines
    texts: dict[Row, str] = {}
    for row, task in _rows(plan):
        first = task.line
        end = task.children[0].line if task.children else task.end
        if end <= first + 1:
            texts[row] = lines[first - 1].strip()
        else:
            texts[row] = "\n".join(line.strip() for line in lines[first - 1 : end - 1]).rstrip()
    return texts
