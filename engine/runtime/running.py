"""Which task is being executed right now."""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import ConfigurationError
from engine.runtime.claim import is_claimed
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


def running(project: Project) -> Running | None:
    """What is being executed, by whichever engine."""
    try:
        intent = project.intents.read()
    except (TornIntentError, ConfigurationError):
        return None
    if intent is None or intent.engine is None or not is_claimed(project.store):
        return None
    return Running(
        intent.run,
        intent.address,
        intent.name,
        intent.atom,
        intent.attempt,
        intent.started_at,
        intent.engine.pid,
        intent.supervisor is not None,
    )
