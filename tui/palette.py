"""The palette: every action and every task by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from engine import Task
from tui import marks
from tui.actions import Group
from tui.screens.picker import Entry
from tui.widgets.rows import carry

if TYPE_CHECKING:
    from tui.screens.main import MainScreen

_LAST = (Group.MOVE, Group.ZOOM)
"""What the keys do better stands below what people look for in a list."""

_TASKS = 200
"""Tasks that are offered at once: who has more of them types on."""


_RUNS = frozenset({"step", "run", "run_to", "stop"})


def _is_idle(main: MainScreen) -> bool:
    """Whether nothing runs and nothing is left to run: what does that would only be in the way."""
    reading = main.reading
    if reading is None or main.session.busy:
        return False
    return reading.next is None and reading.recovery is None and not reading.complete


def _go_to(main: MainScreen, task: Task) -> None:
    """Selects a task of the plans as they were shown; they may have been read again since."""
    found = carry(task, main.flow_tree.rows.root)
    if found is None:
        main.say(f"{task.name} is not in the plan any more.", "$warning")
        return
    main.navigator.moves += 1
    main.navigator.following = False
    main.navigator.go_to(found)


def entries(main: MainScreen, query: str) -> Sequence[Entry]:
    """The actions and the tasks that have all words of `query` in them; without a query, the actions."""
    words = query.casefold().split()
    hidden = _RUNS if _is_idle(main) else frozenset()
    found = [
        Entry(
            action.help,
            hint=action.shown_keys,
            glyph="·",
            style="$muted",
            take=partial(main.action_do, action.id),
        )
        for action in sorted(main.actions.values(), key=lambda action: action.group in _LAST)
        if action.palette
        and action.id not in hidden
        and all(word in f"{action.label} {action.help}".casefold() for word in words)
    ]
    if not words:
        return found
    tasks, names = main.finder.names()
    first, *others = words
    at = [number for number, name in enumerate(names) if first in name]
    for word in others:
        at = [number for number in at if word in names[number]]
    # Those that begin so come first; sorting a hundred thousand would take longer than finding them.
    begin = islice((number for number in at if names[number].startswith(first)), _TASKS)
    inside = islice((number for number in at if not names[number].startswith(first)), _TASKS)
    at = [*begin, *inside][:_TASKS]
    found += [
        Entry(
            task.name,
            hint=task.address,
            glyph=marks.GLYPHS[task.status],
            style=f"bold $status-{task.status}",
            take=partial(_go_to, main, task),
        )
        for task in (tasks[number] for number in at)
    ]
    return found
