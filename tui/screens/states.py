"""The words of the status line and the keys of the footer, for whatever is going on."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from engine import Status
from tui import marks
from tui.screens.pages import can_add
from tui.widgets.lines import Hint

if TYPE_CHECKING:
    from tui.screens.main import MainScreen

_GONE = " (no longer in the plan)"


def state_of(screen: MainScreen) -> tuple[str, str, str, str]:
    """What the engine is doing: words, the style to say it in, the name of a task, and words behind that."""
    reading = screen.reading
    conductor = screen.conductor
    own = conductor.own
    if screen.error is not None and own is None:
        return f"✖ {screen.error.title}: ", "$error", screen.error.message, ""
    if reading is None:
        return "Reading the sub-flows …" if screen.flow_tree.rows else "", "$muted", "", ""
    if screen.editor.moving is not None:
        # The keys are in the footer as well: where room is short, they are cut and not the name.
        return f"↕ moving {screen.editor.moving.name}: enter puts it here, esc leaves it", "$accent", "", ""
    if own is not None:
        what = "stopping" if own.stopping else "following" if own.event.follows else "running"
        clock = marks.clock(monotonic() - own.since)
        last = " · then stops" if own.last and not own.stopping else ""
        last = " · then quits" if conductor.quits_after else last
        where, left = ("", _GONE) if own.gone else (f"{own.spot.address} ", "")
        return f"● {what} {where}", "$status-active", own.spot.name, f"{left} · {clock}{last}"
    if conductor.session.busy:
        return "● at work", "$status-active", "", ""
    if reading.running is not None:
        other = reading.running
        where, left = ("", _GONE) if other.gone else (f"{other.address} ", "")
        return f"● viewer: another engine ({other.pid}) runs {where}", "$secondary", other.name, left
    if reading.recovery is not None:
        known = reading.recovery
        where, left = ("", _GONE) if known.gone else (f"{known.address} ", "")
        return f"! interrupted: {where}", "$warning", known.name, left
    following = reading.next
    if following is not None and following.status is Status.FAILED:
        return f"✖ {following.address} ", "$status-failed", following.name, " failed and holds the plan"
    if reading.unaccepted:
        return f"~ {reading.unaccepted[0]}", "$accent", "", " was changed outside and is not accepted"
    waited_for = conductor.waited_for
    if waited_for is not None and waited_for.status is Status.ACTIVE:
        return f"● waiting for you: {waited_for.address} ", "$status-active", waited_for.name, ""
    if following is None:
        if reading.problems:
            return "⚠ nothing can run until the problems are mended", "$error", "", ""
        if reading.complete:
            first = reading.complete[0]
            return f"› {first.address} ", "$muted", first.name, " is complete: only its mark is left"
        return "✔ everything is done" if reading.progress.total else "", "$status-done", "", ""
    if reading.has_run:
        return f"↶ {following.address} ", "$warning", following.name, " has run already"
    if following.status is Status.ACTIVE and screen.label(following) == "manual":
        return f"● active: {following.address} ", "$status-active", following.name, ""
    return f"› next {following.address} ", "$muted", following.name, ""


def note_of(screen: MainScreen) -> tuple[str, str]:
    """What stands at the right of the status line while nothing passes."""
    reading = screen.reading
    if reading is None or screen.error is not None:
        return "", ""
    if screen.finder.needle and not screen.finder.typing:
        return f"/{screen.finder.needle}  {screen.finder.found} found", "$primary"
    if screen.finder.filter_name:
        return f"only {screen.finder.filter_name} tasks", "$accent"
    problems = reading.problems
    if problems:
        return f"⚠ {problems} problem{'s' if problems > 1 else ''}", "$error"
    if screen.changed:
        count = len(screen.changed)
        return f"~ {count} row{'s' if count > 1 else ''} changed outside", "$accent"
    if screen.engine.readonly:
        return "read-only", "$accent"
    if screen.navigator.following and screen.conductor.own is not None:
        return "following · F", "$faint"
    return "", ""


def footer(screen: MainScreen) -> list[Hint]:
    """The keys that matter now, the most important first; help comes last and always."""
    hints: list[Hint] = []

    def offer(action: str, text: str = "") -> None:
        entry = screen.actions.get(action)
        if entry is not None and entry.keys:
            hints.append(Hint(entry.shown_key, text or entry.label, action))

    reading = screen.reading
    task = screen.flow_tree.chosen
    writes = not screen.engine.readonly
    if screen.finder.typing:
        where = "what was found" if screen.finder.in_output else "the selection"
        return [
            Hint("enter", f"keep {where}", ""),
            Hint("esc", "put everything back", "cancel"),
        ]
    if reading is None or screen.error is not None:
        if screen.session.busy:
            offer("stop")
        offer("reread")
        offer("quit")
        offer("help")
        return hints
    if screen.editor.moving is not None:
        offer("zoom_in", f"put {screen.editor.where}")
        offer("cancel", "leave it")
        offer("down", "down")
        offer("up", "up")
        offer("help")
        return hints
    if screen.focused_side is not None:
        _details(screen, offer)
        return _keep(hints, "cancel") if screen.has_class("-narrow") else hints
    if screen.finder.needle:
        if screen.finder.matches:
            offer("find_next")
            offer("find_previous")
        offer("cancel", "end the search")
    elif screen.finder.filter_name:
        offer("filter", "next filter")
        offer("cancel", "show everything")
    if writes:
        _work(screen, offer)
        _selection(screen, offer)
    if task is not None and task.inside:
        offer("zoom_in")
    if screen.flow_tree.rows.zoom is not None:
        offer("zoom_out")
    if screen.has_class("-narrow"):
        offer("switch", "tree" if screen.has_class("-details") else "details")
    if task is not None and task.inside:
        offer("fold")
    if can_add(screen):
        offer("add", "add a task" if task is None else "")
    row = screen.flow_tree.row
    if writes and (task.plan.problems if task is not None else row is not None and row.problem):
        offer("edit", "mend it")
    offer("search")
    offer("quit")
    offer("help")
    return _keep(hints, "cancel" if screen.finder.needle else "switch")


def _keep(hints: list[Hint], action: str) -> list[Hint]:
    """Where only one side is on the screen, the key to the other one never falls out."""
    return [replace(hint, stays=True) if hint.action == action else hint for hint in hints]


def _details(screen: MainScreen, offer: _Offer) -> None:
    """The keys while the detail side has the focus."""
    output = screen.detail.output
    searches = output.display and bool(output.needle)
    if searches:
        offer("find_next")
        offer("find_previous")
        offer("cancel", "end the search")
    elif output.display and output.below and not output.follows:
        offer("follow")
    if not screen.engine.readonly:
        _work(screen, offer)
        _selection(screen, offer)
    if not searches:
        offer("cancel", "tree")
    offer("switch", "next side")
    offer("down", "scroll")
    if output.display:
        offer("search", "search the output")
    offer("help")


def _work(screen: MainScreen, offer: _Offer) -> None:
    reading = screen.reading
    if reading is None:
        return
    if screen.session.busy:
        offer("stop")
        return
    if reading.running is not None:
        return
    if reading.recovery is not None:
        offer("step", f"settle {reading.recovery.title}")
        return
    task = reading.next
    if task is None:
        if reading.complete and not reading.problems:
            offer("step", "mark what is complete")
        return
    if task.status is Status.FAILED:
        offer("step", f"retry or skip {task.address} {task.name}")
        return
    if reading.unaccepted:
        offer("step", f"settle {reading.unaccepted[0]}")
        return
    if screen.conductor.waited_for is task:
        if screen.flow_tree.chosen is not task:
            offer("cursor", f"select {task.address} {task.name}")
        return
    if reading.has_run:
        if screen.flow_tree.chosen is task:
            offer("retry", "run it again")
        else:
            offer("cursor", f"select {task.address} {task.name}")
        return
    offer("step", f"step {task.address} {task.name}")
    offer("run")


def _selection(screen: MainScreen, offer: _Offer) -> None:
    task = screen.flow_tree.chosen
    if task is None or task is screen.flow_tree.facts.running or task.plan.problems:
        return
    if task.status in (Status.PENDING, Status.ACTIVE):
        if not task.inside:
            offer("done")
        return
    if task.status is Status.FAILED:
        offer("retry")
    offer("reopen")


class _Offer(Protocol):
    """The type of `offer` above: an action, and words for it other than its own."""

    def __call__(self, action: str, text: str = "") -> None: ...
