"""Which task is being executed right now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.errors import ConfigurationError, FlowError
from engine.flows import Tree
from engine.runtime.claim import is_claimed
from engine.runtime.conclusion import refuse_unreadable
from engine.runtime.identity import Level, find_again
from engine.runtime.intent import TornIntentError
from engine.runtime.project import Project


class Running(NamedTuple):
    """What an engine, this one or another, executes right now. `pid` is that engine's; times are ISO 8601, UTC; `gone`:
    the task is no longer in the plan, and `address` is where it was begun."""

    run: str
    address: str
    name: str
    atom: str
    attempt: int
    started_at: str
    pid: int
    supervised: bool
    gone: bool = False

    @property
    def title(self) -> str:
        """It in words: `2/1 Build`, or `Build (no longer in the plan)`."""
        return titled(self.address, self.name, gone=self.gone)

    def is_same_task(self, other: Running) -> bool:
        """Whether it is that attempt, whatever its task is called by now, or another one at the same task."""
        return self.run == other.run or (self.address, self.name) == (other.address, other.name)

    @property
    def interruption(self) -> str:
        """That of a Recovery, while nobody but the engine that is gone has begun anything: somebody just settles it."""
        return f"{self.run} {self.pid}"


def titled(address: str, name: str, *, gone: bool) -> str:
    """How a task is called; one that has left the plan by its name alone, for its address may be another one's."""
    return f"{name} (no longer in the plan)" if gone else f"{address} {name}"


def has_left(project: Project, tree: Tree, path: Sequence[Level]) -> bool:
    """Whether a task that is not found at this path is surely not in the plan: all plans on the way can be read."""
    try:
        refuse_unreadable(project, tree, path)
    except FlowError:
        return False
    return True


def running(project: Project, tree: Tree | None = None) -> Running | None:
    """What is being executed, by whichever engine; with the address and the name that its task has in `tree`, or else
    where it was begun."""
    try:
        intent = project.intents.read()
    except (TornIntentError, ConfigurationError):
        return None
    if intent is None or intent.engine is None or not is_claimed(project.store):
        return None
    task = find_again(tree.root, intent.path, intent.body) if tree is not None else None
    return Running(
        intent.run,
        task.address if task is not None else intent.address,
        task.name if task is not None else intent.name,
        intent.atom,
        intent.attempt,
        intent.started_at,
        intent.engine.pid,
        intent.supervisor is not None,
        gone=tree is not None and task is None and has_left(project, tree, intent.path),
    )
