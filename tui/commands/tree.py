"""The tree as text: one line a task, readable in a pipe, in a log and on a bad day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from tui.commands import output
from tui.commands.rows import Row, rows
from tui.marks import EMPTY, FULL, GLYPHS, OUTSIDE, PROBLEM, bar, share

if TYPE_CHECKING:
    from engine import Engine, Progress, Status, Tree

_COLOURS = {"active": "cyan", "done": "green", "skipped": "grey", "failed": "red"}
_WIDEST_ADDRESS = 16


def tree_lines(engine: Engine, tree: Tree, shown: Iterable[Row] | None = None) -> Iterator[str]:
    """The tree, or the rows `shown` of it, as lines that may hold colours (and no other control sequence)."""
    listed = list(rows(tree.root.tasks) if shown is None else shown)
    width = min(_WIDEST_ADDRESS, max((len(row.address) for row in listed), default=0))
    next_task = tree.cursor()
    for row in listed:
        yield _task_line(engine, tree, row, width, is_next=row.task is next_task)
        problem = engine.problem_of(row.task)
        if problem is not None:
            text = f"{'':{width}}   {PROBLEM} {output.line(str(problem))}"
            yield output.coloured(text, "yellow")
    for file in sorted(engine.changed_outside(tree)):
        did = "changed" if engine.known(file) is not None else "made"
        yield output.coloured(f"{OUTSIDE} .flow/{output.line(file)} was {did} by another program.", "yellow")


def heading(name: str, progress: Progress) -> str:
    """`Orbit 2.0  ▰▰▰▱▱▱▱▱▱▱  4/12`."""
    settled, failed, still_open = bar(progress, 10)
    cells = FULL * settled + output.coloured(FULL * failed, "red") * bool(failed) + EMPTY * still_open
    return f"{output.bold(output.line(name))}  {cells}  {share(progress)}"


@cache
def status_word(status: Status) -> str:
    """`✔ done`, padded: glyph, word and colour say the same."""
    text = f"{GLYPHS[status]} {status.value:7}"
    colour = _COLOURS.get(status.value)
    return output.coloured(text, colour) if colour else text


def _task_line(engine: Engine, tree: Tree, row: Row, width: int, *, is_next: bool) -> str:
    task = row.task
    name = output.line(task.name)
    parts = [
        output.dim(f"{row.address:{width}}"),
        status_word(task.status),
        "  " * row.depth + (output.bold(name) if is_next else name),
    ]
    extras = []
    atom = engine.atom_of(task)
    if task.ref is not None:
        extras.append(f"» {output.line(task.ref)}")
    elif atom is not None and task.is_leaf:
        extras.append(output.line(atom))
    if not task.is_leaf:
        extras.append(share(tree.progress(task)))
    if extras:
        parts.append(output.dim("  ".join(extras)))
    if is_next:
        parts.append(output.coloured("← next", "cyan"))
    return "  ".join(parts)
