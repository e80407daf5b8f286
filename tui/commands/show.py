"""Where the plan stands, and what became of a task: what `flow status`, `flow next` and a change of a task answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import Engine
from tui.commands import output
from tui.commands.rows import Row, flat_json, nested_json, progress_json, rows, rows_at, task_json
from tui.commands.tree import heading, status_word, tree_lines

if TYPE_CHECKING:
    from engine import Changed, Recovery, Tree


_LIVES = " is still running, nobody follows it: `flow run` goes on with it."


def show_status(address: str | None = None, *, flat: bool = False, as_json: bool = False) -> None:
    """The answer of `flow status`."""
    engine = Engine.open(readonly=True)
    tree = engine.tree()
    if as_json:
        output.put_json(_status_json(engine, tree, address, flat=flat))
    else:
        print_status(engine, tree, address)


def _status_json(engine: Engine, tree: Tree, address: str | None, *, flat: bool) -> dict[str, Any]:
    top = tree.find(address) if address is not None else None
    shown = rows(tree.root.tasks) if top is None else rows_at(top)
    next_task = tree.cursor()
    return {
        "root": str(engine.root),
        "file": tree.root.file,
        "headers": tree.root.headers,
        "cursor": next_task.address if next_task is not None else None,
        "progress": progress_json(tree.progress(top)),
        "changed_outside": sorted(engine.changed_outside(tree)),
        "recovery": recovery_json(engine.recovery()),
        "tasks": (flat_json if flat else nested_json)(engine, tree, shown),
    }


def print_status(engine: Engine, tree: Tree, address: str | None = None) -> None:
    """The text of `flow status` on stdout."""
    top = tree.find(address) if address is not None else None
    output.put(heading(tree.root.title if top is None else top.name, tree.progress(top)))
    lines = list(tree_lines(engine, tree, None if top is None else rows_at(top)))
    if lines:
        output.put("\n".join(lines))  # at once: of ten thousand lines, writing each takes the longest
    if not tree.root.tasks and not tree.root.problems:
        output.put("There are no tasks yet. Write `- [ ] A first task` into .flow/status.md.")
    wrong = engine.settings_problem()
    for problem in [*tree.root.problems, *([wrong] if wrong is not None else [])]:
        output.put(output.coloured(output.line(f".flow/{problem}"), "yellow"))
    if engine.unaccepted(tree):
        output.put(
            "Nothing of that runs yet: `flow accept` takes it in, `flow restore` puts back what was there."
        )
    running, recovery = engine.running(tree), engine.recovery()
    if running is not None:
        output.put(f"Running: {output.line(running.title)}.")
    elif recovery is not None:
        output.put(interruption(recovery))


def interruption(recovery: Recovery) -> str:
    """What is said of an interrupted task, in one line."""
    what = _LIVES if recovery.resume == "follow" else ". `flow recover` shows more."
    return f"Interrupted: {output.line(recovery.title)}{what}"


def show_next(*, as_json: bool = False) -> None:
    """The answer of `flow next`."""
    engine = Engine.open(readonly=True)
    tree = engine.tree()
    engine.require_sound(tree)
    task, recovery = tree.cursor(), engine.recovery()
    if as_json:
        shape = None if task is None else task_json(engine, tree, Row(task, task.address, 0))
        if shape is not None and recovery is not None:
            shape["interrupted"] = True
        output.put_json(shape)
        return
    if recovery is not None:
        what = _LIVES if recovery.resume == "follow" else " was interrupted: `flow recover` shows more."
        output.say(f"First, {output.line(recovery.title)}{what}")
    if task is not None:
        atom = output.dim(engine.atom_of(task) or "manual")
        output.put(f"{task.address}  {status_word(task.status)}  {output.line(task.name)}  {atom}")
    elif recovery is None:
        output.say(nothing_left(tree, "flow step"))


def print_change(changed: Changed, *, as_json: bool) -> None:
    """What became of the task: a line, or an object."""
    if as_json:
        output.put_json(
            {
                "address": changed.address,
                "name": changed.name,
                "status": changed.status.value,
                "files": list(changed.files),
            }
        )
    else:
        name = output.line(changed.name) or "the whole plan"
        output.put("  ".join(part for part in (status_word(changed.status), changed.address, name) if part))


def nothing_left(tree: Tree, step: str) -> str:
    """Why there is no next task in a sound tree; `step` is what marks tasks that only lack their own mark."""
    complete = ", ".join(f"{each.address} {output.line(each.name)}" for each in tree.complete()[:5])
    if not complete:
        return "Nothing is left to do."
    return f"Nothing is left to run. `{step}` marks what is complete: {complete}."


def recovery_json(recovery: Recovery | None) -> dict[str, Any] | None:
    """The shape of `flow recover --json`, without its version."""
    if recovery is None:
        return None
    return {
        "address": recovery.address,
        "file": recovery.file,
        "name": recovery.name,
        "atom": recovery.atom,
        "effect": recovery.effect,
        "attempt": recovery.attempt,
        "interruptions": recovery.interruptions,
        "limit": recovery.limit,
        "started_at": recovery.started_at,
        "resume": recovery.resume.value,
        "ended": recovery.ended,
        "gone": recovery.gone,
        "children": list(recovery.children),
        "output": recovery.output,
    }
