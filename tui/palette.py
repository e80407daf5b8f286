"""The palette: every action and every task by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from engine import Task
from tui.text import one_line

if TYPE_CHECKING:
    from tui.screens.main import MainScreen

_TASKS = 40


class FlowCommands(Provider):
    """What the palette offers on the main screen. Names of tasks are shown as text, never as markup."""

    @property
    def _main(self) -> MainScreen | None:
        from tui.screens.main import MainScreen

        return self.screen if isinstance(self.screen, MainScreen) else None

    async def discover(self) -> Hits:
        main = self._main
        if main is None:
            return
        for action in main.actions.values():
            if action.palette:
                yield DiscoveryHit(
                    f"{action.help}", partial(main.action_do, action.id), help=action.shown_keys
                )

    async def search(self, query: str) -> Hits:
        main = self._main
        if main is None:
            return
        matcher = self.matcher(query)
        for action in main.actions.values():
            score = matcher.match(action.help)
            if action.palette and score > 0:
                yield Hit(
                    score,
                    matcher.highlight(action.help),
                    partial(main.action_do, action.id),
                    help=action.shown_keys,
                )
        found = 0
        for task in main.reading.tree.walk() if main.reading is not None else ():
            if query.casefold() not in task.name.casefold():
                continue
            yield Hit(
                0.5, self._shown(task), partial(main.navigator.go_to, task), text=one_line(task.name, 200)
            )
            found += 1
            if found >= _TASKS:
                return

    @staticmethod
    def _shown(task: Task) -> Text:
        return Text.assemble((f"{task.address}  ", "dim"), one_line(task.name, 200))
