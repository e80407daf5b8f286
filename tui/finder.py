"""Finding: a search through the names of all tasks or through the output of one, and a filter by status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import Plan, Status, Task
from tui.places import Place, carried
from tui.widgets.rows import Keep, carry

if TYPE_CHECKING:
    from tui.screens.main import MainScreen
    from tui.session import Reading

_FILTERS: tuple[tuple[str, frozenset[Status]], ...] = (
    ("", frozenset(Status)),
    ("open", frozenset({Status.PENDING, Status.ACTIVE, Status.FAILED})),
    ("failed", frozenset({Status.FAILED})),
    ("settled", frozenset({Status.DONE, Status.SKIPPED})),
)


class Finder:
    """Serves one main screen; `do_<id>` are the handlers of the actions in the group Find.

    `typing`: the line of the search has the keys. `in_output`: it searches the output, because that side had the
    focus.
    """

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self.needle = ""
        self.typing = False
        self.in_output = False
        self.matches = 0
        self._shown: tuple[Task | None, int] = None, 0
        self._filter = 0
        self._typed_at = 0
        self._before: tuple[Place, set[Task], int] | None = None
        self._order: tuple[Reading, list[Task], list[str]] | None = None

    @property
    def filter_name(self) -> str:
        """What the filter leaves: empty for everything."""
        return _FILTERS[self._filter][0]

    @property
    def found(self) -> str:
        """How many tasks match, and which of them is selected, as `2/5`."""
        task, number = self._shown
        is_there = task is not None and task is self.screen.flow_tree.chosen
        return f"{number}/{self.matches}" if is_there else str(self.matches)

    # Searching

    def do_search(self) -> None:
        """Opens the line of the search, for the side that has the focus."""
        output = self.screen.detail.output
        self.in_output = self.screen.focused_side is not None and output.display
        self.typing = True
        if self.in_output:
            self.screen.search.open(output.needle, "a part of a line of the output")
        else:
            tree = self.screen.flow_tree
            self._before = (self.screen.navigator.here(), set(tree.rows.toggled), self._filter)
            self.screen.search.open(self.needle, "a part of a task's name")
        self.screen.show_state()

    def search(self, text: str) -> None:
        """Shows the first match as the person types."""
        if self.in_output:
            self.screen.detail.output.search(text)
            return
        tree = self.screen.flow_tree
        self.needle, tree.needle = text, text.casefold()
        self.matches = 0
        if self.needle:
            self._find(1, here_too=True)
        self._typed_at = tree.selected
        self.screen.search.count(self.found if self.matches else "", unread=self.screen.reading is None)
        tree.refresh()

    @property
    def has_stayed(self) -> bool:
        """Whether the person has not moved since they typed what is searched for, and went wherever that was found."""
        return self.screen.flow_tree.selected == self._typed_at

    def end_search(self, keep: bool) -> None:
        """Enter keeps what was found; escape puts everything back."""
        self.typing = False
        self.screen.search.close()
        if self.in_output:
            output = self.screen.detail.output
            if not keep:
                self.end_output_search()
            self.screen.set_focus(output)
        else:
            self.screen.set_focus(self.screen.flow_tree)
            before, self._before = self._before, None
            if not keep and before is not None:
                self.forget()
                place, self.screen.flow_tree.rows.toggled, self._filter = before
                self.screen.flow_tree.rows.keep = self.keep()
                self.screen.navigator.put_back(place)
        self.screen.show_state()

    def carry(self, new: Plan) -> None:
        """There is a new reading: escape goes back to the same place in it, and the matches are those of now."""
        if self._before is not None:
            place, toggled, which = self._before
            tasks = (carry(task, new) for task in toggled)
            there = carried(place, new) or Place(None, None, place.scroll)
            self._before = (there, {task for task in tasks if task is not None}, which)
        if self.needle:
            order, found = self._matching()
            task = carry(self._shown[0], new) if self._shown[0] is not None else None
            shown = next((number for number, at in enumerate(found, 1) if order[at] is task), 0)
            self._shown = (task if shown else None), shown
            self.screen.search.count(self.found if found else "")

    def forget(self) -> None:
        """Ends the search for a task: nothing is marked any more."""
        self.needle = self.screen.flow_tree.needle = ""
        self.screen.flow_tree.refresh()

    def end_output_search(self) -> None:
        """Ends the search in the output, which goes on at its end."""
        output = self.screen.detail.output
        output.search("")
        output.follow()

    def show_found(self) -> None:
        """Counts what the output has of what is typed."""
        if self.typing and self.in_output:
            found = self.screen.detail.output.found[1]
            self.screen.search.count(str(found) if found else "")

    def cancel(self) -> bool:
        """Ends the latest search or the filter, one at a time. False: there is none."""
        if self.screen.focused_side is not None and self.screen.detail.output.needle:
            self.end_output_search()
        elif self.needle:
            self.forget()
        elif self._filter:
            self.show_everything()
        else:
            return False
        return True

    def do_find_next(self) -> None:
        self._again(1)

    def do_find_previous(self) -> None:
        self._again(-1)

    def _again(self, direction: int) -> None:
        output = self.screen.detail.output
        if self.screen.focused_side is not None and output.needle:
            output.find(direction)
        elif self.needle:
            self._find(direction)
        else:
            search = self.screen.actions["search"].shown_key
            self.screen.say(f"Nothing is searched now: {search} searches.", "$muted")

    def _find(self, direction: int, *, here_too: bool = False) -> None:
        order, found = self._matching()
        if not found:
            self._shown = None, 0
            if self.screen.reading is None:
                self.screen.conductor.refuse_unread()
            elif not here_too:
                self.screen.say(f"No task has {self.needle!r} in its name.", "$muted")
            return
        current = self.screen.flow_tree.chosen
        at = order.index(current) if current is not None and current in order else -1
        if direction > 0:
            near = next((n for n in found if n > at or (here_too and n == at)), found[0])
        else:
            near = next((n for n in reversed(found) if n < at), found[-1])
        self._shown = order[near], found.index(near) + 1
        self.screen.navigator.following = False
        self.screen.navigator.go_to(order[near])

    def _matching(self) -> tuple[list[Task], list[int]]:
        """All tasks, and the places among them of those that match, which are counted."""
        order, names = self.names()
        needle = self.needle.casefold()
        found = [number for number, name in enumerate(names) if needle in name]
        self.matches = len(found)
        return order, found

    def names(self) -> tuple[list[Task], list[str]]:
        """All tasks in the order of the tree, and their names without regard to case; made once a reading."""
        reading = self.screen.reading
        if reading is None:
            return [], []
        if self._order is None or self._order[0] is not reading:
            order = list(reading.tree.walk())
            self._order = reading, order, [task.name.casefold() for task in order]
        return self._order[1:]

    # Filtering

    def do_filter(self) -> None:
        self._set_filter((self._filter + 1) % len(_FILTERS))
        name = self.filter_name
        self.screen.say(f"Only {name} tasks are shown." if name else "Everything is shown.", "$muted")

    def show_everything(self) -> None:
        """Takes the filter away."""
        self._set_filter(0)

    def _set_filter(self, which: int) -> None:
        self._filter = which
        self.screen.flow_tree.set_filter(self.keep())
        self.screen.show_state()

    def keep(self) -> Keep | None:
        """Whether a task or something inside it passes the filter; None without a filter."""
        reading = self.screen.reading
        if not self._filter or reading is None:
            return None
        wanted = _FILTERS[self._filter][1]
        kept: set[Task] = set()
        for task in reading.tree.walk():
            if task.is_leaf and task.status in wanted:
                above: Task | None = task
                while above is not None and above not in kept:
                    kept.add(above)
                    above = above.above
        return kept.__contains__
