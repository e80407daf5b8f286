"""Which rows another program changed, until a person has seen them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Set

from engine import Plan, Task, Tree, parse

Row = tuple[str, ...]
"""A task inside its file: the names from the top of the file down to it."""


class Outside:
    """Compares the plans that were changed outside with what was known of them before, row by row.

    `update` may run in a thread of its own. What the engine itself writes is known and marks nothing.
    """

    def __init__(self, known: Callable[[str], str | None]) -> None:
        self._known = known
        self._seen: dict[str, tuple[str, Plan]] = {}
        self._marks: dict[str, set[Row]] = {}
        self._lock = threading.Lock()

    def update(self, tree: Tree, outside: Set[str]) -> frozenset[Task]:
        """Takes in a reading, of which the plans `outside` are another program's. Returns the tasks to mark."""
        with self._lock:
            for file, snapshot in tree.snapshots.items():
                plan = tree.plans.get(file)
                if plan is None:
                    continue
                revision, before = self._seen.get(file, ("", None))
                if snapshot.revision != revision and file in outside:
                    self._compare(file, before, plan)
                self._seen[file] = snapshot.revision, plan
            return frozenset(self._marked(tree))

    def visit(self, task: Task) -> None:
        """A person has seen this row."""
        with self._lock:
            rows = self._marks.get(task.plan.file)
            if rows is not None:
                rows.discard(_row(task))
                if not rows:
                    del self._marks[task.plan.file]

    def _compare(self, file: str, before: Plan | None, after: Plan) -> None:
        if before is None:
            text = self._known(file)
            if text is None:
                return
            before = parse(text, file)
        old, new = _texts(before), _texts(after)
        marks = self._marks.setdefault(file, set())
        marks.intersection_update(new)
        marks.update(row for row, text in new.items() if old.get(row) != text)
        # A row that is gone is nowhere to be seen: what was around it is, unless another name came into its place.
        filled = {row[:-1] for row in new if row not in old}
        marks.update(row[:-1] for row in old if row not in new and row[:-1] in new and row[:-1] not in filled)

    def _marked(self, tree: Tree) -> Iterator[Task]:
        for file, rows in self._marks.items():
            plan = tree.plans.get(file)
            if plan is not None and rows:
                yield from (task for row, task in _rows(plan) if row in rows)


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
    lines = plan.text.splitlines()
    texts: dict[Row, str] = {}
    for row, task in _rows(plan):
        end = task.children[0].line if task.children else max(task.end, task.line + 1)
        texts[row] = "\n".join(line.strip() for line in lines[task.line - 1 : end - 1]).rstrip()
    return texts
