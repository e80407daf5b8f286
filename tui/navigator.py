"""Getting around: moving, folding, zooming in and out. Changes nothing but the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine import Task
from tui.places import Place, Places

if TYPE_CHECKING:
    from tui.screens.main import MainScreen
    from tui.session import WasChanged
    from tui.widgets.tree import FlowTree


class Navigator:
    """Serves one main screen; `do_<id>` are the handlers of the actions in the groups Move and Zoom."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self.places = Places()
        self.following = False
        self.moved = False
        """Whether a person has asked to be somewhere: the first reading then leaves the selection where it is."""
        self.moves = 0
        """How often a person has asked to be somewhere else."""
        self._moves_before = 0
        self._expected: tuple[str, str] | None = None

    @property
    def tree(self) -> FlowTree:
        return self.screen.flow_tree

    def here(self) -> Place:
        return Place(self.tree.rows.zoom, self.tree.chosen, self.tree.scroll_offset.y)

    # Moving

    def _move(self, by: int) -> None:
        self.moved = True
        side = self.screen.focused_side
        if side is not None:
            side.scroll_relative(y=by, animate=False, immediate=True)
        else:
            self.following = False
            self.tree.move(by)

    def do_down(self) -> None:
        self._move(1)

    def do_up(self) -> None:
        self._move(-1)

    def do_half_down(self) -> None:
        self._move(self.tree.half())

    def do_half_up(self) -> None:
        self._move(-self.tree.half())

    def do_top(self) -> None:
        self._move(-1_000_000_000)

    def do_bottom(self) -> None:
        self._move(1_000_000_000)

    def do_scroll_down(self) -> None:
        self._scroll_other(3)

    def do_scroll_up(self) -> None:
        self._scroll_other(-3)

    def _scroll_other(self, by: int) -> None:
        if self.screen.focused_side is not None:
            self.tree.move(1 if by > 0 else -1)
            return
        detail = self.screen.detail
        side = detail.output if detail.output.display and not detail.facts.max_scroll_y else detail.facts
        side.scroll_relative(y=by, animate=False, immediate=True)

    def do_fold(self) -> None:
        self.moved = True
        self.following = False
        self.tree.toggle()
        self.screen.show_state()

    def do_fold_all(self) -> None:
        self.tree.fold_all()
        self.screen.show_state()

    def will_change(self) -> None:
        """A person asks for a change: what it puts somewhere else is selected there, unless they move before that."""
        self._moves_before = self.moves

    def expect(self, change: WasChanged) -> None:
        """A change put a task somewhere else, or back: the next reading selects it there."""
        if change.verb in ("add", "move", "rename", "make_flow") or change.undone in ("removed", "zoomed"):
            self._expected = (change.address, change.name)
        elif change.undone == "renamed":
            self._expected = (change.address, "")

    @property
    def has_stayed(self) -> bool:
        """Whether the person has not moved since they asked for a change."""
        return self.moves == self._moves_before

    def select_expected(self) -> None:
        if not self.has_stayed:
            self._expected = None
        if self._expected is not None:
            address, name = self._expected
            task = self.screen.find(address)
            if task is not None and task.name == (name or task.name):
                self._expected = None
                self.following = False
                self.go_to(task)

    # Zooming

    def go_to(self, task: Task) -> None:
        """Selects a task, zooming out as far as it needs, and without the filter if that hides it."""
        if self._is_hidden(task):
            name = self.screen.finder.filter_name
            self.screen.finder.show_everything()
            self.screen.say(f"Everything is shown again: {task.name} is not {name}.", "$warning")
        if not self.tree.reveal(task):
            zoom = self.tree.rows.zoom
            while zoom is not None and not _is_inside(task, zoom):
                zoom = zoom.above
            self.zoom(zoom, task)
            self.tree.reveal(task)
        self.screen.show_state()

    def zoom(self, zoom: Task | None, select: Task | None = None, scroll: float | None = None) -> None:
        """Makes what is inside `zoom` the picture (None: the whole plan)."""
        if self.screen.reading is not None:
            self.places.leave(self.here())
            self._show(zoom, select, scroll)

    def _show(self, zoom: Task | None, select: Task | None, scroll: float | None) -> None:
        reading = self.screen.reading
        if reading is None:
            return
        tree = self.tree
        tree.show(reading.tree.root, zoom, self.screen.facts())
        if scroll is not None:
            tree.scroll_to(y=scroll, animate=False, force=True)
        if select is not None:
            if not tree.reveal(select):
                self.select_near(select)
        elif reading.next is not None:
            self.select_near(reading.next)
        self.screen.show_state()

    def select_near(self, task: Task) -> None:
        """Selects the row of a task, or of what it is folded into."""
        near: Task | None = task
        while near is not None:
            index = self.tree.rows.index(near)
            if index is not None:
                self.tree.select(index)
                return
            near = near.above

    def do_zoom_in(self) -> None:
        task = self.tree.chosen
        if self.screen.editor.moving is not None:
            self.screen.editor.put_down()
            return
        if task is None or self.screen.focused_side is not None:
            return
        if task.inside or task.subflow is not None:
            self.zoom(task)
        elif task.ref is not None:
            self.screen.say("There is nothing to see inside: its sub-flow cannot be read.", "$warning")
        elif self.screen.engine.readonly or task.status.is_settled or task.tag is not None:
            self.screen.say("This task has nothing inside to zoom into.", "$muted")
        else:
            self.screen.editor.do_make_flow()

    def do_zoom_out(self) -> None:
        zoom = self.tree.rows.zoom
        if zoom is None:
            self.screen.say("This is the whole plan.", "$muted")
            return
        place = self.places.around(zoom)
        self.zoom(place.zoom if place else zoom.plan.referrer, zoom, place.scroll if place else None)

    def zoom_out_to(self, level: int) -> None:
        """Makes a flow around this one the picture; `level` counts from 0, the whole plan."""
        path: list[Task | None] = []
        above = self.tree.rows.zoom
        while above is not None:
            path.insert(0, above)
            above = above.above
        path.insert(0, None)
        self.zoom(path[level], path[level + 1])

    def do_back(self) -> None:
        self._history(self.places.back)

    def do_forward(self) -> None:
        self._history(self.places.forward)

    def _history(self, go: Callable[[Place], Place | None]) -> None:
        place = go(self.here())
        if place is None:
            self.screen.say("There is no other place to go to.", "$muted")
        else:
            self.put_back(place)

    def do_cursor(self) -> None:
        reading = self.screen.reading
        if reading is None:
            self.screen.conductor.refuse_unread()
        elif reading.next is not None:
            self.following = False
            self.go_to(reading.next)
        else:
            self.screen.say("No task would run next.", "$muted")

    def put_back(self, place: Place) -> None:
        """Goes to a place without remembering this one."""
        self._show(place.zoom, place.selected, place.scroll)

    def do_follow(self) -> None:
        output = self.screen.detail.output
        if output.display and not output.follows:
            output.follow()
            self.screen.say("Following the output.", "$muted")
            return
        self.following = not self.following
        runs = self.tree.facts.running is not None
        follows = "Following the running task." if runs else "Following what runs next."
        self.screen.say(follows if self.following else "Not following any more.", "$muted")
        self.follow()

    def follow(self) -> None:
        """Selects the running task, unless a person has moved since the work was started."""
        running = self.tree.facts.running
        if running is None or self.tree.chosen is running or self._is_hidden(running):
            return
        if self.following:
            self.go_to(running)

    def _is_hidden(self, task: Task) -> bool:
        """Whether the filter leaves a task out."""
        keep = self.tree.rows.keep
        return keep is not None and not keep(task)


def _is_inside(task: Task, zoom: Task) -> bool:
    above = task.above
    while above is not None:
        if above is zoom:
            return True
        above = above.above
    return False
