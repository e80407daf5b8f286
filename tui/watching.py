"""Notices when files of the project are changed, by this engine, by another one or by an editor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

_LOOK = 0.5
"""Seconds between two looks whether the folder is still the one that is watched."""

_QUIET = ("backups", "swap", "artifacts", "__pycache__")
_MATTERS = (".md", ".toml", ".json", ".lock")
_KNOWN = "status.meta"
"""The record of what the engine wrote or a person accepted."""


class _Plans(DefaultFilter):
    """Lets through what the screen shows: plans, settings, the registry, and the records of what is running and of
    what is accepted."""

    def __init__(self, flow: Path) -> None:
        super().__init__()
        self._flow = flow

    def __call__(self, change: Change, path: str) -> bool:
        try:
            inside = Path(path).relative_to(self._flow)
        except ValueError:
            return Path(path) == self._flow
        if inside.parts and (inside.parts[0] in _QUIET or inside.parts[0] == "logs"):
            return False
        if inside.as_posix() == _KNOWN:
            return True
        return inside.name != "lock" and (not inside.suffix or inside.suffix in _MATTERS)


class Watch:
    """Calls `changed` soon after something under `.flow/` has changed; goes on when the folder comes and goes.

    It calls `recorded` instead when that is the record of what is accepted, and nothing else: whatever an engine does
    is written into it, too, and mostly changes nothing that is shown.
    """

    def __init__(self, root: Path, changed: Callable[[], None], recorded: Callable[[], None]) -> None:
        self.flow = root / ".flow"
        self.changed = changed
        self.recorded = recorded

    async def run(self) -> None:
        """Watches until it is cancelled."""
        known = self._identity()
        while True:
            identity = self._identity()
            if identity != known:
                self.changed()
            if identity is not None:
                with suppress(FileNotFoundError):  # it went away between the look and the watch
                    await self._watch(identity)
                identity = None  # it went away: should it be there again, the very same one, that is a change
                self.changed()
            known = identity
            await asyncio.sleep(_LOOK)

    async def _watch(self, identity: tuple[int, int]) -> None:
        """Watches one folder, until another one, or none, stands in its place: moving it away says nothing."""
        async for changes in awatch(
            self.flow,
            watch_filter=_Plans(self.flow),
            debounce=150,
            step=30,
            rust_timeout=int(_LOOK * 1_000),
            yield_on_timeout=True,
        ):
            if self._identity() != identity:
                return
            if all(Path(path) == self.flow / _KNOWN for _, path in changes):
                if changes:
                    self.recorded()
            else:
                self.changed()

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.flow.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
