"""Which task is being executed right now."""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import ConfigurationError
from engine.flows import Tree
from engine.runtime.claim import is_claimed
from engine.runtime.identity import find_again
from engine.runtime.intent import TornIntentError
from engine.runtime.project import Project


class Running(NamedTuple):
    """What an engine, this one or another, executes right now. `pid` is that engine's; times are ISO 8601, UTC."""

    run: str
    address: str
    name: str
    atom: str
    attempt: int
    started_at: str
    pid: int
    supervised: bool


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
    )
