"""What the detail side says about the selection, and what stands in place of the tree when there is none."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual.content import Content

from engine import Body, Plan, Problem, Status, Task, body
from tui import marks
from tui.text import lines
from tui.widgets.detail import Page
from tui.widgets.rows import Row

if TYPE_CHECKING:
    from tui.screens.main import MainScreen
    from tui.session import Reading


def page_of(screen: MainScreen) -> Page:
    """The page of the selected row."""
    row = screen.flow_tree.row
    if row is None:
        return Page("")
    if row.task is None:
        return _problem_page(row)
    task = row.task
    plan = task.plan
    own = screen.conductor.own
    facts: list[str] = []
    if not task.inside:
        facts.append(screen.label(task))
    running = task is screen.flow_tree.facts.running
    attempts = screen.session.history.number_of(task)
    if running and own is not None:
        facts += [f"attempt {own.event.attempt}", marks.clock(monotonic() - own.since)]
    elif attempts:
        facts.append(f"attempt {attempts}")
    if task.ref:
        facts.append(f"» {task.ref}")
    reading = screen.reading
    if reading is not None and task is reading.next and not running:
        facts.append("next")
    subflow = task.subflow
    note = screen.engine.note_of(task)
    comments = tuple(comment for comment in plan.comments if task.line <= comment.line < _own_end(task))
    return Page(
        title=f"{task.address}  {task.name}",
        name=task.name,
        status=task.status,
        facts=tuple(facts),
        where=f"{plan.file}:{task.line}",
        note=f"{note.message} {note.hint}".rstrip() if note is not None else "",
        progress=screen.progress(task) if task.inside else None,
        body=_body(task),
        headers=tuple(subflow.headers.items()) if subflow is not None else (),
        problems=tuple(_problems(screen, task)),
        comments=comments,
        history=screen.session.history.of(task),
        hint=_hint(screen, task),
    )


def _own_end(task: Task) -> int:
    return task.children[0].line if task.children else max(task.end, task.line + 1)


def _body(task: Task) -> Body:
    return body(task)


def _problems(screen: MainScreen, task: Task) -> list[Problem]:
    found = list(screen.flow_tree.rows.problems_of(task) or screen.problems(task))
    if task.subflow is not None:
        found += task.subflow.problems[1:]
    return found


def _problem_page(row: Row) -> Page:
    if row.problem is None:
        return Page("")
    return Page("A problem of this file", problems=(row.problem,), hint=_MEND)


_MEND = (
    "Nothing of this file is changed or run until this is mended. It is read again as soon as it is saved."
)


def _hint(screen: MainScreen, task: Task) -> str:
    waiting = screen.conductor.waiting
    if waiting is not None and screen.conductor.waited_for is task and task.status is Status.ACTIVE:
        return _then(waiting.message.replace(": mark it done when it is.", "."), "Press x when it is done.")
    if task.status is Status.FAILED and not task.inside:
        message = screen.session.history.failure_of(task)
        again = "do" if screen.label(task) == "manual" else "run"
        return _then(message, f"Press t to {again} it again, - to skip it, x to mark it done.")
    return ""


def _then(said: str, ours: str) -> str:
    """What an atom said, and after it a sentence of ours: on a line of its own where that has several."""
    said = said.rstrip()
    if not said or "\n" in said:
        return f"{said}\n{ours}".strip()
    return f"{said}{'' if said.endswith(('.', '!', '?', '…')) else '.'} {ours}"


def shown_plan(screen: MainScreen, reading: Reading) -> Plan:
    """The file whose tasks are the picture."""
    zoom = screen.flow_tree.rows.zoom
    return reading.tree.root if zoom is None else zoom.subflow or zoom.plan


def can_add(screen: MainScreen) -> bool:
    """Whether a key may add to the plan on the screen: a file that lost all its text is not written over."""
    reading = screen.reading
    if reading is None or screen.engine.readonly or screen.error is not None:
        return False
    plan = shown_plan(screen, reading)
    snapshot = reading.tree.snapshots.get(plan.file)
    return not plan.problems and (snapshot is None or bool(snapshot.data.strip()))


def empty_hint(screen: MainScreen) -> Content | None:
    """What stands in place of the tree: a project that is gone, a plan without tasks, a filter that leaves nothing."""
    if screen.error is not None:
        error = screen.error
        return Content.assemble(
            (f"{error.title}\n\n", "bold $error"),
            (f"{lines(error.message)}\n", "$foreground"),
            (lines(error.hint), "$muted"),
        )
    if screen.flow_tree.rows:
        return None
    if screen.reading is None:
        return Content.styled("Reading the plan …", "$muted")
    if screen.finder.filter_name:
        return _nothing_left(screen)
    adds = [("a", "bold $primary"), (" adds the first one. Or write", "$muted")] if can_add(screen) else []
    return Content.assemble(
        ("This plan has no tasks yet.\n\n", "bold $foreground"),
        *(adds or [("Write the first one", "$muted")]),
        (" into ", "$muted"),
        (f".flow/{shown_plan(screen, screen.reading).file}", "$foreground"),
        (" and save:\n\n", "$muted"),
        ("- [ ] Say hello", "$foreground"),
        ("\n\nIt is on the screen at once.", "$muted"),
    )


_NOTHING = {
    "open": "Nothing is open{}: all of it is done or skipped.",
    "failed": "Nothing has failed{}.",
    "settled": "Nothing is done or skipped{} yet.",
}


def _nothing_left(screen: MainScreen) -> Content:
    """What the filter leaves is nothing: says so, and which keys show more."""
    here = "" if screen.flow_tree.rows.zoom is None else " in here"
    parts = [(f"{_NOTHING[screen.finder.filter_name].format(here)}\n", "bold $foreground")]
    for action, words in (("cancel", "shows everything"), ("filter", "goes to the next filter")):
        entry = screen.actions.get(action)
        if entry is not None and entry.keys:
            parts += [(f"\n{entry.shown_key:<5}", "bold $primary"), (words, "$muted")]
    return Content.assemble(*parts)
