"""Which blocks their atoms cannot run: found beside the screen, since a look at one costs more than to draw its row."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine import Problem, Task
from tui import behind

if TYPE_CHECKING:
    from tui.screens.main import MainScreen


class Blocks:
    """Serves one main screen, for the tasks that it draws alone, once a reading."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self._known: dict[Task, Problem | None] = {}
        self._before: dict[tuple[str, str], Problem | None] = {}
        """What was known at the last reading, by address and name: it stands until a fresh look."""
        self._wanted: dict[Task, None] = {}
        self._looking = False

    def forget(self) -> None:
        """There is a new reading."""
        if self._known:
            self._before = {(task.address, task.name): problem for task, problem in self._known.items()}
        self._known.clear()
        self._wanted.clear()

    def problem_of(self, task: Task) -> Problem | None:
        """What is known of a task's block; the first question leads to a look, which draws the row again."""
        if task in self._known:
            return self._known[task]
        self._wanted[task] = None
        if not self._looking:
            self._looking = True
            behind.start(self.screen.app, self._look)
        return self._before.get((task.address, task.name))

    async def _look(self) -> None:
        try:
            while self._wanted:
                tasks, self._wanted, reading = list(self._wanted), {}, self.screen.reading
                found = await asyncio.to_thread(self._problems, tasks)
                if reading is not self.screen.reading:
                    continue  # those that are drawn by now ask again
                shown = [self._before.pop((task.address, task.name), None) for task in tasks]
                self._known.update(zip(tasks, found, strict=True))
                if shown != found and self.screen.is_mounted:
                    self.screen.flow_tree.refresh()
                    self.screen.show_page()
        finally:
            self._looking = False

    def _problems(self, tasks: list[Task]) -> list[Problem | None]:
        return [self.screen.engine.block_problem_of(task) for task in tasks]
