"""`flow run --dry-run`: what would run, in order, and what a run would stop at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands import output
from tui.commands.rows import Row, problem_json, task_json

if TYPE_CHECKING:
    from engine import Engine, Problem, Task, Tree

_A_PERSON = ("manual", "failed", "trust", "changed_outside")
"""The codes of problems that a person settles without mending a plan."""


def print_upcoming(engine: Engine, until: str | None, *, as_json: bool) -> None:
    """List it. Raises what a run would raise where nothing can run because of problems."""
    ahead = engine.upcoming(until=until)
    tree = engine.tree()
    if not ahead:
        engine.require_sound(tree)
    stops = engine.obstacles(tree, ahead)
    if as_json:
        shapes = [_as_json(engine, tree, task, stop) for task, stop in zip(ahead, stops, strict=True)]
        output.put_json({"tasks": shapes})
        return
    columns = [(task.address, output.line(task.name)) for task in ahead]
    widths = [max((len(text) for text in column), default=0) for column in zip(*columns, strict=True)]
    for task, stop, texts in zip(ahead, stops, columns, strict=True):
        line = "  ".join(f"{text:{width}}" for text, width in zip(texts, widths, strict=True))
        output.put(f"{line}  {_what(engine, task, stop)}")
    _say_what_is_first(engine, tree, ahead)


def _as_json(engine: Engine, tree: Tree, task: Task, stop: Problem | None) -> dict[str, object]:
    shape = task_json(engine, tree, Row(task, task.address, 0))
    shape["stops"] = None if stop is None else "person" if stop.code in _A_PERSON else "problem"
    if shape["stops"] == "problem":
        shape["problem"] = problem_json(stop)
    return shape


def _what(engine: Engine, task: Task, stop: Problem | None) -> str:
    """What runs a task, or what keeps it from running."""
    atom = engine.atom_of(task)
    if stop is None:
        return output.dim(output.line(atom or "manual"))
    if stop.code == "manual":
        return output.dim("manual: a person is needed here")
    if stop.code in _A_PERSON:
        return output.dim(
            output.line(f"{atom or 'manual'}: a person is needed here. {stop.message} {stop.hint}")
        )
    return output.coloured(output.line(f"cannot run: {stop}"), "yellow")


def _say_what_is_first(engine: Engine, tree: Tree, ahead: list[Task]) -> None:
    recovery, task = engine.recovery(), tree.cursor()
    if recovery is not None:
        output.say(f"First, {output.line(recovery.title)} was interrupted: `flow recover` shows more.")
    elif task is not None and task.status.value == "failed":
        output.say(
            f"Nothing would run: {task.address} {output.line(task.name)} failed. "
            f"`flow retry {task.address}` runs it again, `flow skip {task.address}` goes on without it."
        )
    elif not ahead:
        output.say("Nothing is left to do." if task is None else "Nothing would run up to there.")
