"""A task that is kept in mind."""

from __future__ import annotations

from dataclasses import dataclass

from engine import Task, Tree, UnknownAddressError
from tui.widgets.rows import carry


@dataclass(slots=True)
class Spot:
    """Where a task is by now, from one reading to the next. `message`: what is said of it."""

    address: str
    name: str
    message: str = ""

    def find(self, tree: Tree) -> Task | None:
        """It, unless another task stands there."""
        try:
            task = tree.find(self.address)
        except UnknownAddressError:
            return None
        return task if task.name == self.name else None

    def carry(self, old: Tree, new: Tree) -> None:
        task = self.find(old)
        task = carry(task, old.root, new.root) if task is not None else None
        if task is not None:
            self.address, self.name = task.address, task.name
