"""Changing the tree of tasks: add, rename, delete, move, make a sub-flow, edit by hand."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine import ChangedOutsideError, FlowError, Restructured, StateError, Task, Tree, UsageError, body
from tui import behind
from tui.screens.ask import ConfirmPrompt, TaskPrompt
from tui.spot import Spot
from tui.terminal import stepped_aside
from tui.text import one_line

if TYPE_CHECKING:
    from tui.conductor import Conductor
    from tui.screens.main import MainScreen
    from tui.session import Reading

_GOTO = ("code", "code-insiders", "codium", "cursor")
_COLON = ("hx", "helix", "zed", "subl")

_SHORT = 40
"""Characters of an address, or of a name, that is quoted in a sentence."""
_GONE = "is not in the plan any more"


class Editor:
    """Serves one main screen; `do_<id>` are the handlers of the actions in the group Edit.

    `moving` is the task that was taken up; `asked_about` the one that the last prompt of this editor names.
    """

    def __init__(self, screen: MainScreen, conductor: Conductor) -> None:
        self.screen = screen
        self.conductor = conductor
        self.moving: Spot | None = None
        self.asked_about: Spot | None = None
        self._ask_again: Callable[[str], None] | None = None
        self._put_down: Spot | None = None

    @property
    def _selected(self) -> Task | None:
        return self.screen.flow_tree.chosen

    def do_add(self) -> None:
        """Asks for a name and adds it after the selection."""
        task = self._selected
        if task is None:
            self._ask_for_the_first()
            return

        def add(after: Task, name: str) -> Restructured:
            to = after.above.address if after.above is not None else None
            return self.screen.engine.add(name, to=to, at=after.number + 1, beside=after)

        self._ask("add", task, lambda after: f"A new task after {_quoted(after)}:", add)

    def do_add_inside(self) -> None:
        """Asks for a name and adds it inside the selection, as the last one."""
        task = self._selected
        if task is not None and task.tag is not None and body(task).fences:
            self.screen.say("It runs code, and so has no tasks inside: add one after it.", "$warning")
        elif task is not None:
            self._ask("add", task, lambda around: f"A new task inside {_quoted(around)}:", self._add_inside)

    def _ask_for_the_first(self) -> None:
        zoom = self.screen.flow_tree.rows.zoom
        if zoom is not None:
            self._ask("add", zoom, lambda around: "The first task here:", self._add_inside)
        elif self._may_change():
            self._ask_for_name("add", lambda: "The first task here:", self.screen.engine.add)

    def _add_inside(self, around: Task, name: str) -> Restructured:
        return self.screen.engine.add(name, to=around.address, beside=around)

    def do_rename(self) -> None:
        """Asks for another name."""
        task = self._selected

        def rename(old: Task, name: str) -> Restructured:
            return self.screen.engine.rename(old.address, name, expect=old)

        if task is not None:
            self._ask("rename", task, lambda old: f"Another name for {_quoted(old)}:", rename, task.name)

    def _ask(
        self,
        verb: str,
        task: Task,
        about: Callable[[Task], str],
        change: Callable[[Task, str], Restructured],
        old: str = "",
    ) -> None:
        """Asks for a name by which `task` is to be changed, or what is around it: wherever it is by then."""
        if not self._may_change():
            return
        spot = self.asked_about = Spot.of(task)

        def words() -> str:
            found = self._found(spot)
            return about(found) if found is not None else f"{one_line(spot.name, _SHORT)} {_GONE}:"

        def changed(name: str) -> Restructured:
            found = self._found(spot)
            if found is None:
                raise StateError(f"{one_line(spot.name, _SHORT)} {_GONE}.")
            return change(found, name)

        self._ask_for_name(verb, words, changed, old)

    def _found(self, spot: Spot) -> Task | None:
        reading = self.conductor.reading
        return spot.find(reading.tree) if reading is not None else None

    def _ask_for_name(
        self,
        verb: str,
        about: Callable[[], str],
        change: Callable[[str], Restructured],
        old: str = "",
        typed: str = "",
        refused: str = "",
    ) -> None:
        """Asks for a name; one that is refused is asked for again, with the reason and what was typed."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._restructure(verb, lambda: change(text))
                self._ask_again = lambda reason: self._ask_for_name(verb, about, change, old, text, reason)

        prompt = TaskPrompt(about(), old, typed=typed, refused=refused)

        def look(reading: Reading) -> str:
            prompt.renew(about())
            return ""

        self.conductor.prompts.ask(prompt, answered, look)

    def asks_again(self, error: FlowError) -> bool:
        """Asks once more for the name that was refused, if it was a name, and nothing else is asked."""
        again, self._ask_again = self._ask_again, None
        if again is None or isinstance(error, ChangedOutsideError) or self.conductor.prompts.is_asking:
            return False
        again(error.message)
        return True

    def do_delete(self) -> None:
        """Asks, and removes the selection with all that is in it."""
        undo = self.screen.actions.get("undo")
        back = [f"{undo.shown_key} brings it back."] if undo is not None and undo.keys else []

        def said(task: Task) -> list[str]:
            inside = _count(task)
            words = [f"With it go the {inside} tasks inside."] if inside > 1 else []
            words += ["With it goes the task inside."] if inside == 1 else []
            words += [f"The file {task.ref} stays."] if task.ref else []
            return words + self._goes_on(task) + back

        def remove(task: Task) -> Restructured:
            return self.screen.engine.remove(task.address, expect=task)

        self._confirm("delete", said, ("delete", "remove it from the plan"), "keep", remove)

    def _goes_on(self, task: Task) -> list[str]:
        """What is said of work that does not end when this task leaves the plan."""
        reading, at_work = self.screen.reading, self.conductor.at_work
        recovery = reading.recovery if reading is not None else None
        if recovery is not None and recovery.children and not recovery.gone:
            at_work = self.screen.find(recovery.address)
        if at_work is task:
            return ["It is running: its work goes on."]
        above = at_work
        while above is not None and above is not task:
            above = above.above
        name = one_line(at_work.name, _SHORT) if at_work is not None else ""
        return [f"{name} is running in it: that goes on."] if above is not None else []

    def do_make_flow(self) -> None:
        """Offers to make a sub-flow of the selection."""

        def said(task: Task) -> list[str]:
            inside = _count(task)
            moves = f" The {inside} tasks inside move there." if inside > 1 else ""
            moves = " The task inside moves there." if inside == 1 else moves
            made = "One can be made: a file of its own in .flow/sub_flows/."
            return [f"This task has no sub-flow. {made}{moves}"]

        def make(task: Task) -> Restructured:
            return self.screen.engine.zoom(task.address, expect=task)

        self._confirm("make_flow", said, ("make one", "and link it here"), "leave it", make)

    def _confirm(
        self,
        verb: str,
        said: Callable[[Task], list[str]],
        yes: tuple[str, str],
        no: str,
        change: Callable[[Task], Restructured],
    ) -> None:
        """Asks whether to change the selection; the question goes along with it, and goes away with it."""
        task = self._selected
        if task is None or not self._may_change():
            return
        spot = self.asked_about = Spot.of(task)
        prompt = ConfirmPrompt(task.address, task.name, said(task), yes, no)

        def answered(answer: str | None) -> None:
            found = self._found(spot)
            if answer is not None and found is not None:
                self._restructure(verb, lambda: change(found))

        def look(reading: Reading) -> str:
            found = spot.find(reading.tree)
            if found is None:
                return f"Changed elsewhere: {one_line(spot.name, _SHORT)} {_GONE}"
            prompt.tell(found.address, found.name, said(found))
            return ""

        self.conductor.prompts.ask(prompt, answered, look)

    # Moving

    def do_move(self) -> None:
        """Takes the selection up; the next enter puts it down where the selection is then."""
        task = self._selected
        if task is None or not self._may_change():
            return
        self.moving = Spot.of(task)
        self.screen.show_state()

    def carry(self, new: Tree) -> None:
        """There is a new reading: what is asked about, and what is moved, may be somewhere else, or gone."""
        for spot in (self.asked_about, self.moving):
            if spot is not None:
                spot.carry(new)
        if self.moving is not None and self.moving.find(new) is None:
            self.screen.say(f"Not moved: {one_line(self.moving.name, _SHORT)} {_GONE}.", "$warning")
            self.moving = None

    def holds_one(self) -> bool:
        """Whether a task was taken up, and is to be put down before anything else is changed: says so."""
        if self.moving is not None:
            name = one_line(self.moving.name, _SHORT)
            self.screen.say(f"Put down what is being moved, or leave it, first: {name}", "$warning")
        return self.moving is not None

    def put_down(self) -> None:
        """Moves the task that was taken up to the place of the selection."""
        moving, self.moving = self.moving, None
        target = self._selected
        task = self._found(moving) if moving is not None else None
        if task is None or target is None or target is task:
            self.screen.show_state()
            return
        around: Task | None = target
        while around is not None:
            if around is task:
                self.screen.say("A task cannot be moved into itself.", "$warning")
                self._select_again(moving)
                return
            around = around.above
        to = target.above.address if target.above is not None else None
        address, at, move = task.address, target.number, self.screen.engine.move
        self._restructure("move", lambda: move(address, to=to, at=at, expect=task, beside=target))
        self._put_down = moving

    def stays(self) -> None:
        """The move was refused: the task is selected where it is, unless the person has moved on since."""
        if self.screen.navigator.has_stayed:
            self._select_again(self._put_down)

    def _select_again(self, spot: Spot | None) -> None:
        """A task that could not be moved is selected where it is."""
        task = self._found(spot) if spot is not None else None
        if task is not None:
            self.screen.navigator.go_to(task)
        self.screen.show_state()

    @property
    def where(self) -> str:
        """Where the task that was taken up would be put down: below, if it comes from above it, else above."""
        target = self._selected
        task = self._found(self.moving) if self.moving is not None else None
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


def _quoted(task: Task) -> str:
    """A task as a question names it, in no more than a line or two."""
    return f"{one_line(task.address, _SHORT)} {one_line(task.name, _SHORT)}"


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
