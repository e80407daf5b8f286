"""Tasks that are kept in mind: one of the plan, and the one that runs here."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import Started, Task, Tree, UnknownAddressError
from tui.widgets.rows import carry


@dataclass(slots=True)
class Spot:
    """Where a task is by now, from one reading to the next. `message`: what is said of it.

    It is known by the task itself, as it was last read, and only before the first look by address and name: readings
    share the plans that did not change, and so the addresses in an older one are no longer what they were.
    """

    address: str
    name: str
    message: str = ""
    _task: Task | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, task: Task) -> Spot:
        spot = cls(task.address, task.name)
        spot._task = task
        return spot

    def find(self, tree: Tree) -> Task | None:
        """It, in the reading that it was carried to last; None if it is gone, or another task stands there."""
        if self._task is None:
            self._task = self._look_up(tree)
        task = self._task
        return task if task is not None and tree.plans.get(task.plan.file) is task.plan else None

    def is_at(self, address: str, name: str) -> bool:
        return (self.address, self.name) == (address, name)

    def carry(self, new: Tree) -> None:
        """There is a new reading. What is gone from it may be back in the next one: another program cuts a file before
        it writes it anew."""
        if self._task is None:
            self._task = self._look_up(new)
            return
        task = carry(self._task, new.root)
        if task is not None:
            self.address, self.name, self._task = task.address, task.name, task

    def _look_up(self, tree: Tree) -> Task | None:
        try:
            task = tree.find(self.address)
        except UnknownAddressError:
            return None
        return task if self.is_at(task.address, task.name) else None


@dataclass(slots=True)
class Own:
    """The task that this app's engine runs, since `since` (monotonic), and where it is by now (`spot`).

    `stopping`: it is being ended. `last`: nothing runs behind it. `gone`: it is no longer in the plan.
    """

    event: Started
    since: float
    spot: Spot
    stopping: bool = False
    last: bool = False
    gone: bool = False
