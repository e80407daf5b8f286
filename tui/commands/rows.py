"""The fractal tree as rows, in the order in which a person reads it, and as the JSON of `flow status`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.commands import output

if TYPE_CHECKING:
    from engine import Engine, Plan, Problem, Progress, Task, Tree

MAX_NESTING = 200
"""Levels that nested JSON goes to: deeper objects break the parsers of those who read them."""


class Row(NamedTuple):
    """One task with its address and its depth in the whole tree (the tasks of the first file have 0)."""

    task: Task
    address: str
    depth: int


def rows(tasks: Sequence[Task], *, prefix: str = "") -> Iterator[Row]:
    """Every task of `tasks` and inside them, depth first, through sub-flows. `prefix` goes before their
    numbers.

    The addresses are made on the way down: asking each task for its own would walk up again every time.
    """
    stack = [Row(task, f"{prefix}{task.number}", 0) for task in reversed(tasks)]
    while stack:
        row = stack.pop()
        yield row
        step = "/" if row.task.subflow is not None else "."
        stack.extend(
            Row(child, f"{row.address}{step}{child.number}", row.depth + 1)
            for child in reversed(row.task.inside)
        )


def rows_at(task: Task) -> Iterator[Row]:
    """The rows of one task and all that is inside it."""
    address = task.address
    return rows([task], prefix=address[: len(address) - len(str(task.number))])


def progress_json(progress: Progress) -> dict[str, int]:
    return {
        "done": progress.done,
        "skipped": progress.skipped,
        "failed": progress.failed,
        "total": progress.total,
    }


def problem_json(problem: Problem | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
        "code": problem.code,
    }


def problem_line(problem: Problem, file: str | None = None) -> str:
    """`FILE:LINE:COL: message hint`, as editors and CI read it; `file` is how the file is called here."""
    text = f"{file or problem.file}:{problem.line}:{problem.column}: {problem.message} {problem.hint}"
    return output.line(text.rstrip())


def task_json(engine: Engine, tree: Tree, row: Row) -> dict[str, Any]:
    """One task without what is inside it."""
    task = row.task
    return {
        "address": row.address,
        "id": task.id,
        "name": task.name,
        "status": task.status.value,
        "atom": engine.atom_of(task),
        "ref": task.ref,
        "file": task.plan.file,
        "line": task.line,
        "progress": progress_json(tree.progress(task)),
        "problem": problem_json(engine.problem_of(task)),
    }


def flat_json(engine: Engine, tree: Tree, tasks: Iterator[Row]) -> list[dict[str, Any]]:
    return [task_json(engine, tree, row) for row in tasks]


def nested_json(engine: Engine, tree: Tree, tasks: Iterator[Row]) -> list[dict[str, Any]]:
    """The rows as objects inside each other, `children` and `flow` filled. UsageError past 200 levels."""
    from engine import UsageError

    top: list[dict[str, Any]] = []
    places: list[list[dict[str, Any]]] = [top]
    for row in tasks:
        if row.depth >= MAX_NESTING:
            raise UsageError(
                f"This plan is nested deeper than {MAX_NESTING} levels.",
                hint="`flow status --json --flat` prints it.",
            )
        del places[row.depth + 1 :]
        shape = task_json(engine, tree, row)
        inside: list[dict[str, Any]] = []
        shape["children"] = inside if row.task.subflow is None else []
        shape["flow"] = None if row.task.subflow is None else flow_json(row.task.subflow, inside)
        places[row.depth].append(shape)
        places.append(inside)
    return top


def flow_json(plan: Plan, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """A sub-flow: its file, its headers, what is wrong with the file, its tasks."""
    problem = plan.problems[0] if plan.problems else None
    return {"file": plan.file, "headers": plan.headers, "problem": problem_json(problem), "tasks": tasks}


def title(plan: Plan) -> str:
    return output.line(plan.title)
