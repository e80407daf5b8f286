"""Changing the tree of tasks: add, rename, delete, move, make a sub-flow, edit by hand."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine import ChangedOutsideError, FlowError, Restructured, Task, UsageError
from tui import behind
from tui.screens.ask import ConfirmPrompt, TaskPrompt
from tui.spot import Spot
from tui.terminal import stepped_aside

if TYPE_CHECKING:
    from tui.conductor import Conductor
    from tui.screens.main import MainScreen

_GOTO = ("code", "code-insiders", "codium", "cursor")
_COLON = ("hx", "helix", "zed", "subl")


class Editor:
    """Serves one main screen; `do_<id>` are the handlers of the actions in the group Edit."""

    def __init__(self, screen: MainScreen, conductor: Conductor) -> None:
        self.screen = screen
        self.conductor = conductor
        self.moving: Spot | None = None
        self._ask_again: Callable[[str], None] | None = None
        self._put_down: Spot | None = None

    @property
    def _selected(self) -> Task | None:
        return self.screen.flow_tree.chosen

    def do_add(self) -> None:
        """Asks for a name and adds it after the selection."""
        task = self._selected
        if task is None:
            self._ask_to_add("The first task here:", self.screen.flow_tree.rows.zoom, None)
        else:
            self._ask_to_add(f"A new task after {task.address} {task.name}:", task.above, task.number + 1)

    def do_add_inside(self) -> None:
        """Asks for a name and adds it inside the selection, as the last one."""
        task = self._selected
        if task is not None:
            self._ask_to_add(f"A new task inside {task.address} {task.name}:", task, None)

    def _ask_to_add(self, about: str, to: Task | None, at: int | None) -> None:
        if not self._may_change():
            return
        address = to.address if to is not None else None
        self._ask("add", about, lambda text: self.screen.engine.add(text, to=address, at=at))

    def do_rename(self) -> None:
        """Asks for another name."""
        task = self._selected
        if task is None or not self._may_change():
            return
        address, name = task.address, task.name
        about = f"Another name for {address}:"
        self._ask("rename", about, lambda text: self.screen.engine.rename(address, text, expect=name), name)

    def _ask(
        self,
        verb: str,
        about: str,
        change: Callable[[str], Restructured],
        old: str = "",
        typed: str = "",
        refused: str = "",
    ) -> None:
        """Asks for a name; one that is refused is asked for again, with the reason and what was typed."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._restructure(verb, lambda: change(text))
                self._ask_again = lambda reason: self._ask(verb, about, change, old, text, reason)

        self.conductor.prompts.ask(TaskPrompt(about, old, typed=typed, refused=refused), answered)

    def asks_again(self, error: FlowError) -> bool:
        """Asks once more for the name that was refused, if it was a name, and nothing else is asked."""
        again, self._ask_again = self._ask_again, None
        if again is None or isinstance(error, ChangedOutsideError) or self.conductor.prompts.is_asking:
            return False
        again(error.message)
        return True

    def do_delete(self) -> None:
        """Asks, and removes the selection with all that is in it."""
        task = self._selected
        if task is None or not self._may_change():
            return
        address, name = task.address, task.name
        inside = _count(task)
        said = [f"With it go the {inside} tasks inside."] if inside > 1 else []
        said += ["With it goes the task inside."] if inside == 1 else []
        said += [f"The file {task.ref} stays."] if task.ref else []
        undo = self.screen.actions.get("undo")
        said += [f"{undo.shown_key} brings it back."] if undo is not None and undo.keys else []

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._restructure("delete", lambda: self.screen.engine.remove(address, expect=name))

        prompt = ConfirmPrompt(address, name, said, ("delete", "remove it from the plan"), "keep")
        self.conductor.prompts.ask(prompt, answered)

    def do_make_flow(self) -> None:
        """Offers to make a sub-flow of the selection."""
        task = self._selected
        if task is None or not self._may_change():
            return
        address, name = task.address, task.name

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._restructure("make_flow", lambda: self.screen.engine.zoom(address, expect=name))

        inside = _count(task)
        moves = f" The {inside} tasks inside move there." if inside > 1 else " The task inside moves there."
        said = ["This task has no sub-flow. One can be made: a file of its own in .flow/sub_flows/."]
        said[0] += moves if inside else ""
        self.conductor.prompts.ask(
            ConfirmPrompt(address, name, said, ("make one", "and link it here"), "leave it"), answered
        )

    # Moving

    def do_move(self) -> None:
        """Takes the selection up; the next enter puts it down where the selection is then."""
        task = self._selected
        if task is None or not self._may_change():
            return
        self.moving = Spot(task.address, task.name)
        self.screen.show_state()

    def holds_one(self) -> bool:
        """Whether a task was taken up, and is to be put down before anything else is changed: says so."""
        if self.moving is not None:
            self.screen.say(
                f"{self.moving.name} is being moved: put it down, or leave it, first.", "$warning"
            )
        return self.moving is not None

    def put_down(self) -> None:
        """Moves the task that was taken up to the place of the selection."""
        moving, self.moving = self.moving, None
        target = self._selected
        if moving is None or target is None or target.address == moving.address:
            self.screen.show_state()
            return
        address, name = moving.address, moving.name
        around: Task | None = target
        while around is not None:
            if around.address == address:
                self.screen.say("A task cannot be moved into itself.", "$warning")
                self._select_again(moving)
                return
            around = around.above
        to = target.above.address if target.above is not None else None
        at = target.number
        self._restructure("move", lambda: self.screen.engine.move(address, to=to, at=at, expect=name))
        self._put_down = moving

    def stays(self) -> None:
        """The move was refused: the task is selected where it is, unless the person has moved on since."""
        if self.screen.navigator.has_stayed:
            self._select_again(self._put_down)

    def _select_again(self, spot: Spot | None) -> None:
        """A task that could not be moved is selected where it is."""
        task = spot.find(self.conductor.reading.tree) if spot is not None and self.conductor.reading else None
        if task is not None:
            self.screen.navigator.go_to(task)
        self.screen.show_state()

    @property
    def where(self) -> str:
        """Where the task that was taken up would be put down: below, if it comes from above it, else above."""
        target = self._selected
        reading = self.conductor.reading
        task = self.moving.find(reading.tree) if self.moving is not None and reading is not None else None
        if task is None or target is None or target is task:
            return "here"
        return "below" if target.above is task.above and task.number < target.number else "above"

    def cancel(self) -> None:
        """Leaves the task that was taken up where it is."""
        moving, self.moving = self.moving, None
        self._select_again(moving)

    # The editor of the person

    def do_edit(self) -> None:
        """Opens the file of the selection in `$VISUAL` or `$EDITOR`, at its line, or at its first problem."""
        if not self._may_change():
            return
        task = self._selected
        zoom = self.screen.flow_tree.rows.zoom
        plan = task.plan if task is not None else zoom.subflow if zoom is not None else None
        file, line = plan.file if plan is not None else "status.md", task.line if task is not None else 1
        row = self.screen.flow_tree.row
        problem = row.problem if row is not None else None
        if problem is None and plan is not None and plan.problems:
            problem = min(plan.problems, key=lambda one: one.line)
        if problem is not None:
            file, line = problem.file, problem.line
        try:
            command = editor_command(self.screen.engine.root / ".flow" / file, line)
        except UsageError as error:
            self.screen.complain(error)
        else:
            behind.start(self.screen.app, self._edit, command)

    async def _edit(self, command: list[str]) -> None:
        with stepped_aside(self.screen.app) as possible:
            if not possible:
                self.screen.say("An editor cannot be opened from here.", "$warning")
                return
            try:
                await asyncio.to_thread(subprocess.run, command, check=False)
            except OSError as error:
                self.screen.say(f"{command[0]}: {error.strerror}. Set EDITOR to yours.", "$error")
        self.screen.session.read()

    def _may_change(self) -> bool:
        return self.screen.error is None and not self.conductor.refuse_readonly()

    def _restructure(self, verb: str, change: Callable[[], Restructured]) -> None:
        self._ask_again = self._put_down = None
        self.screen.navigator.will_change()
        self.screen.session.restructure(verb, change)


def _count(task: Task) -> int:
    count = 0
    inside = list(task.children)
    while inside:
        count += 1
        inside.extend(inside.pop().children)
    return count


def editor_command(path: Path, line: int) -> list[str]:
    """The command that opens `path` at `line` in the person's editor (`$VISUAL`, `$EDITOR`, else vi).

    Raises UsageError for a variable that holds no command.
    """
    source = next((name for name in ("VISUAL", "EDITOR") if os.environ.get(name)), "")
    text = os.environ[source] if source else "vi"
    try:
        words = shlex.split(text)
        name = Path(words[0]).name
    except (ValueError, IndexError) as error:
        raise UsageError(
            f"{source} is {text!r}, which is no command.", hint="Set EDITOR to your editor: EDITOR=vim"
        ) from error
    if name in _COLON:
        return [*words, f"{path}:{line}"]
    if name in _GOTO:
        return [*words, "--wait", "--goto", f"{path}:{line}"]
    return [*words, f"+{line}", str(path)]
