"""`flow status` and `flow next`: where the plan stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui.commands import output
from tui.commands.base import ADDRESS, command, open_engine
from tui.commands.rows import Row, flat_json, nested_json, progress_json, rows, rows_at, task_json
from tui.commands.tree import heading, status_word, tree_lines

if TYPE_CHECKING:
    from engine import Engine, Recovery, Tree


_LIVES = " is still running, nobody follows it: `flow run` goes on with it."


@command("status", "flow status", "flow status 2/1", "flow status --json --flat | jq '.tasks[].name'")
@click.argument("address", required=False, type=ADDRESS)
@click.option(
    "--flat", is_flag=True, help="With --json: one list of tasks, depth first, however deep the plan is."
)
def status(address: str | None, flat: bool, as_json: bool) -> None:
    """Show the plan as a tree with progress.

    The whole plan with its sub-flows, or the task at ADDRESS and what is in it.
    """
    if flat and not as_json:
        raise click.UsageError("--flat goes with --json.", click.get_current_context())
    engine = open_engine(readonly=True)
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
    for problem in tree.root.problems:
        output.put(click.style(output.line(f".flow/{problem}"), fg="yellow"))
    if engine.unaccepted(tree):
        output.put(
            "Nothing of that runs yet: `flow accept` takes it in, `flow restore` puts back what was there."
        )
    running, recovery = engine.running(), engine.recovery()
    if running is not None:
        output.put(f"Running: {running.address} {output.line(running.name)}.")
    elif recovery is not None:
        what = _LIVES if recovery.resume == "follow" else ". `flow recover` shows more."
        output.put(f"Interrupted: {recovery.address} {output.line(recovery.name)}{what}")


@command("next", "flow next", "flow next --json | jq -r .address")
def next_task(as_json: bool) -> None:
    """Show the task that would run next.

    Prints nothing (JSON: null) when nothing is left.
    """
    engine = open_engine(readonly=True)
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
        output.say(f"First, {recovery.address} {output.line(recovery.name)}{what}")
    if task is not None:
        atom = output.dim(engine.atom_of(task) or "manual")
        output.put(f"{task.address}  {status_word(task.status)}  {output.line(task.name)}  {atom}")
    elif recovery is None:
        output.say(nothing_left(tree, "flow step"))


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
        "children": list(recovery.children),
        "output": recovery.output,
    }
