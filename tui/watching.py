"""Notices when files of the project are changed, by this engine, by another one or by an editor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

_QUIET = ("backups", "swap", "artifacts", "__pycache__")
_MATTERS = (".md", ".toml", ".json", ".lock")


class _Plans(DefaultFilter):
    """Lets through what the screen shows: plans, settings, the registry, and the record of what is running."""

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
        return inside.name != "lock" and (not inside.suffix or inside.suffix in _MATTERS)


class Watch:
    """Calls `changed` soon after something under `.flow/` has changed; goes on when the folder comes and goes."""

    def __init__(self, root: Path, changed: Callable[[], None]) -> None:
        self.flow = root / ".flow"
        self.changed = changed

    async def run(self) -> None:
        """Watches until it is cancelled."""
        while True:
            if self.flow.is_dir():
                async for _ in awatch(
                    self.flow, watch_filter=_Plans(self.flow), debounce=150, step=30, rust_timeout=1_000
                ):
                    self.changed()
                    if not self.flow.is_dir():
                        break
            await asyncio.sleep(0.5)
            self.changed()
