"""Tasks that are kept in mind: one of the plan, and the one that runs here."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import Plan, Started, Task, Tree, UnknownAddressError
from tui.widgets.rows import carry


@dataclass(slots=True)
class Spot:
    """Where a task is by now, from one reading to the next. `message`: what is said of it."""

    address: str
    name: str
    message: str = ""
    # Where it was last seen: a reading may come between another program's cutting a file and its writing it anew.
    _seen: tuple[Task, Plan] | None = field(default=None, init=False, repr=False)

    def find(self, tree: Tree) -> Task | None:
        """It, unless it is gone, or another task stands there."""
        if self._seen is not None:
            return None
        try:
            task = tree.find(self.address)
        except UnknownAddressError:
            return None
        return task if self.is_at(task.address, task.name) else None

    def is_at(self, address: str, name: str) -> bool:
        return (self.address, self.name) == (address, name)

    def carry(self, old: Tree, new: Tree) -> None:
        here = self.find(old)
        if here is not None:
            self._seen = (here, old.root)
        if self._seen is None:
            return
        task = carry(*self._seen, new.root)
        if task is not None:
            self.address, self.name, self._seen = task.address, task.name, None


@dataclass(slots=True)
class Own:
    """The task that this app's engine runs, since `since` (monotonic), and where it is by now (`spot`).

    `stopping`: it is being ended. `last`: nothing runs behind it.
    """

    event: Started
    since: float
    spot: Spot
    stopping: bool = False
    last: bool = False
