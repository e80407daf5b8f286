"""The main screen: the tree on the left, the selection on the right, and the lines around them.

It shows the latest reading. Keys arrive as `action_do(id)`, made from the registry of actions; the navigator, the
conductor and the screen itself define a `do_<id>` for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingsMap
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine import Attempt, Engine, FlowError, Problem, Progress, Started, Task, UnknownAddressError
from tui import actions, palette
from tui.actions import Action, Group
from tui.blocks import Blocks
from tui.conductor import Conductor
from tui.editor import Editor
from tui.finder import Finder
from tui.navigator import Navigator
from tui.outside import with_what_is_around
from tui.printing import Printing
from tui.screens.pages import empty_hint, page_of, shown_plan
from tui.screens.picker import Entry, Picker
from tui.screens.states import footer, note_of, state_of
from tui.session import EngineSaid, HistoryRead, Reading, RootRead, Session, WasChanged, WasRead, WorkEnded
from tui.text import lines, one_line
from tui.wardrobe import choose_theme
from tui.widgets.detail import Detail
from tui.widgets.lines import ActionBar, Breadcrumb, StatusLine
from tui.widgets.output import OutputView
from tui.widgets.search import Search
from tui.widgets.tree import Facts, FlowTree

_WIDE = 100
"""Columns of a screen that has both sides beside each other."""

_SETTLE = 0.06
"""Seconds that a selection stands before all that tells of it is drawn: a held key draws nothing that it passes."""


class MainScreen(Screen[None]):
    """One project."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    AUTO_FOCUS = "FlowTree"

    def __init__(
        self, engine: Engine, available: Sequence[Action] = actions.ACTIONS, troubles: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._troubles = troubles
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]
        self.actions = {action.id: action for action in available if not (action.writes and engine.readonly)}
        self._bindings = BindingsMap(actions.bindings(available))
        self.engine = engine
        self.session = Session(self.app, engine, self)
        self.conductor = Conductor(self, self.session)
        self.navigator = Navigator(self)
        self.finder = Finder(self)
        self.blocks = Blocks(self)
        self.editor = Editor(self, self.conductor)
        self.reading: Reading | None = None
        self.error: FlowError | None = None
        self._progress: dict[Task, Progress] = {}
        self._labels: dict[Task, str] = {}
        self._page_timer: Timer | None = None
        self._unmoved = 0
        self._file = ""
        self.changed: frozenset[Task] = frozenset()
        self._outside: frozenset[Task] = frozenset()

    def compose(self) -> ComposeResult:
        # As its breakpoints will, and already for the first picture.
        self.set_class(self.app.size.width < _WIDE, "-narrow")
        yield Breadcrumb(id="crumbs")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield FlowTree(id="tree")
                yield Static(id="empty")
            yield Detail(id="detail")
        yield Search(id="search")
        yield StatusLine(id="status")
        yield ActionBar(id="keys")

    def on_mount(self) -> None:
        self.query_one("#left").border_title = "Flow"
        self.printing = Printing(self.engine, self.detail.output)
        self.set_interval(1.0, self._tick)
        self.session.read()
        self.show_state()

    # The parts

    @property
    def flow_tree(self) -> FlowTree:
        return self.query_one("#tree", FlowTree)

    @property
    def detail(self) -> Detail:
        return self.query_one("#detail", Detail)

    @property
    def search(self) -> Search:
        return self.query_one("#search", Search)

    @property
    def focused_side(self) -> Widget | None:
        """The part of the detail side that has the focus; None while the tree has it."""
        focused = self.focused
        return focused if focused is not None and self.detail in focused.ancestors_with_self else None

    def set_focus(
        self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False
    ) -> None:
        """Gives a part the keys. Who leaves the line of the search for another part keeps what was found."""
        if widget is not None and self.finder.typing and self.search not in widget.ancestors:
            self.finder.end_search(keep=True)
        super().set_focus(widget, scroll_visible, from_app_focus)

    # News

    @on(RootRead)
    def _root_read(self, message: RootRead) -> None:
        if self.reading is None:
            self.flow_tree.show(message.plan, None, self.facts())
            self._unmoved = self.flow_tree.selected
            self.show_state()
        self.call_after_refresh(self.session.painted.set)

    @on(WasRead)
    def _was_read(self, message: WasRead) -> None:
        self.error = message.error
        reading = message.reading
        if reading is not None:
            old, self.reading = self.reading, reading
            self._progress.clear()
            self._labels.clear()
            self.blocks.forget()
            self._mark(reading.changed)
            root = reading.tree.root
            if old is not None:
                self.conductor.look_at_offer(old, reading)
            self.conductor.carry(reading.tree)
            self.navigator.places.carry(root)
            self.finder.carry(root)
            self.flow_tree.rows.keep = self.finder.keep()
            moved = self.navigator.moved or self.flow_tree.selected != self._unmoved
            stayed = self.finder.has_stayed
            self.flow_tree.update_tree(root, self.facts())
            if old is None and self.finder.needle and stayed:  # typed before there was anything to find
                self.finder.search(self.finder.needle)
            elif old is None and not moved and not self.finder.needle and reading.next is not None:
                self.navigator.select_near(reading.next)
            self.navigator.follow()
            self._follow_to_person()
            self.navigator.select_expected()
            self.conductor.prompts.look(reading)
            if reading.recovery is not None:
                self.conductor.prompts.ask_recovery(reading.recovery, once=True)
        self.show_state()
        self.show_page()

    def _follow_to_person(self) -> None:
        """Selects the task that a run waits for, unless the person has moved since."""
        waiting = self.conductor.waiting
        if waiting is not None and self.navigator.following:
            task = self.conductor.waited_for
            self.navigator.following = False
            if task is not None:
                self.navigator.go_to(task)

    @on(EngineSaid)
    def _engine_said(self, message: EngineSaid) -> None:
        self.conductor.heard(message.event)

    @on(WorkEnded)
    def _work_ended(self, message: WorkEnded) -> None:
        self.conductor.ended(message.error)

    @on(WasChanged)
    def _was_changed(self, message: WasChanged) -> None:
        if message.error is not None:
            self.conductor.not_changed(message.verb, message.error, message.again)
        else:
            self.conductor.changed(message)

    @on(HistoryRead)
    def _history_read(self) -> None:
        self.show_page()

    def started(self, event: Started) -> None:
        """A task of this app began to run."""
        self.printing.show(event.run)
        self.show_state()
        self.navigator.follow()
        self.show_page()

    def _tick(self) -> None:
        if self.conductor.own is not None:
            self.flow_tree.refresh_task(self.flow_tree.facts.running)
            self.show_state()
            self.show_page()
        elif self.reading is not None and self.reading.running is not None:
            self.session.read()
            self.conductor.watch_other()

    # Showing

    def facts(self) -> Facts:
        """What the tree shows besides the plan itself."""
        reading = self.reading
        if reading is None:
            return Facts(label=self.label, counting=True)
        own = self.conductor.own
        return Facts(
            label=self.label,
            progress=self.progress,
            problems=self.problems,
            next=reading.next,
            running=self.conductor.at_work,
            running_since=own.since if own else None,
            outside=self._outside,
        )

    def label(self, task: Task) -> str:
        """What runs a leaf: the name of its atom, or manual."""
        if task not in self._labels:
            is_manual = self.engine.kind_of(task) == "Manual"
            self._labels[task] = "manual" if is_manual else self.engine.atom_of(task) or ""
        return self._labels[task]

    def problems(self, task: Task) -> list[Problem]:
        """What keeps a leaf from running, besides what its plan says: a broken atom, or a block that it cannot run."""
        if not task.tag or not task.is_leaf:
            return []
        problem = self.engine.problem_of(task) or self.blocks.problem_of(task)
        return [problem] if problem is not None else []

    def progress(self, task: Task) -> Progress:
        """The progress inside a task, counted once a reading."""
        found = self._progress.get(task)
        if found is None and self.reading is not None:
            found = self._progress[task] = self.reading.tree.progress(task)
        return found or Progress()

    def find(self, address: str) -> Task | None:
        """The task at an address of the current reading."""
        if self.reading is None:
            return None
        try:
            return self.reading.tree.find(address)
        except UnknownAddressError:
            return None

    def path_to(self, address: str) -> tuple[str, ...]:
        """The names from the whole plan down to what is around a task."""
        task = self.find(address)
        names: list[str] = []
        above = task.above if task is not None else None
        while above is not None:
            names.append(above.name)
            above = above.above
        title = self.reading.tree.root.title if self.reading is not None else ""
        return (title, *reversed(names))

    def show_state(self) -> None:
        """Draws the lines around the tree again: where we are, what is going on, what can be pressed."""
        if not self.is_mounted:
            return
        reading = self.reading
        if reading is not None:
            facts = self.facts()
            if facts != self.flow_tree.facts:
                self.flow_tree.refresh_facts(facts)
            zoom = self.flow_tree.rows.zoom
            names = [reading.tree.root.title]
            names += [*self.path_to(zoom.address)[1:], zoom.name] if zoom is not None else []
            self.query_one("#crumbs", Breadcrumb).show(names, reading.progress)
            self._name_file(one_line(shown_plan(self, reading).file, 60))
        elif self.flow_tree.rows:
            self.query_one("#crumbs", Breadcrumb).show([self.flow_tree.rows.root.title], None)
        hint = empty_hint(self)
        empty = self.query_one("#empty", Static)
        empty.display = hint is not None
        self.flow_tree.display = hint is None
        if hint is not None:
            empty.update(hint)
        status = self.query_one("#status", StatusLine)
        status.state(*state_of(self))
        status.note(*note_of(self))
        self.query_one("#keys", ActionBar).show(footer(self))

    def _name_file(self, file: str) -> None:
        """Says under the tree which file is the picture: all around the tree is drawn anew for another one."""
        if file != self._file:
            self._file = file
            self.query_one("#left").border_subtitle = Content(file)

    def show_page(self) -> None:
        """Draws the detail side for the selection, and the output that belongs to it."""
        if self._page_timer is not None:
            self._page_timer.stop()
            self._page_timer = None
        if not self.is_mounted:
            return
        detail = self.detail
        detail.show(page_of(self))
        task = self.flow_tree.chosen
        run = self.conductor.run_of(task) if task is not None else ""
        output = detail.output
        if output.run != run:
            self.printing.show(run)
        output.display = bool(run) and not output.is_empty

    def say(self, text: str, style: str) -> None:
        """Says what just happened, for a while, in the status line."""
        self.query_one("#status", StatusLine).flash(text, style)

    def forget_news(self) -> None:
        """What was said of late is news no more."""
        self.query_one("#status", StatusLine).end_flash()

    def complain(self, error: FlowError, title: str = "") -> None:
        """Shows an error in words that say how to mend it, under another title than its own if one is given."""
        keys = self.actions if self.session.busy else {k: v for k, v in self.actions.items() if k != "stop"}
        text = lines(f"{error.message}\n{actions.in_keys(error.hint, keys)}".rstrip("\n"))
        self.app.notify(text, title=title or error.title, severity="error", timeout=10, markup=False)

    def forget_complaints(self) -> None:
        """Takes the errors from the corner: something went on since."""
        for message in list(self.app._notifications):
            if message.severity == "error":
                self.app._unnotify(message)

    # Events of the parts

    def on_screen_suspend(self) -> None:
        """Something stands in front: what lies in the corner would hide it."""
        self.forget_complaints()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_state)

    def _mark(self, changed: frozenset[Task]) -> None:
        """Marks the rows that another program changed, until they are visited: selected once."""
        self.changed = changed
        self._outside = with_what_is_around(changed)

    @on(FlowTree.Selected)
    def _selected(self) -> None:
        task = self.flow_tree.chosen
        if task is not None and task in self.changed:
            self.session.outside.visit(task)
            self._mark(self.changed - {task})
            self.show_state()
        if self._page_timer is not None:
            self._page_timer.stop()
        self._page_timer = self.set_timer(_SETTLE, self._rest)

    def _rest(self) -> None:
        """The selection stands: what can be done with it, and its page."""
        self.query_one("#keys", ActionBar).show(footer(self))
        self.show_page()

    @on(FlowTree.Opened)
    def _opened(self) -> None:
        self.navigator.do_zoom_in()

    @on(Breadcrumb.Pressed)
    def _crumb_pressed(self, message: Breadcrumb.Pressed) -> None:
        self.navigator.zoom_out_to(message.level)

    def call_person(self, text: str) -> None:
        """Calls a person who is not looking at the terminal."""
        from tui.app import FlowApp

        if isinstance(self.app, FlowApp):
            self.app.attention.call(text)

    @on(ActionBar.Pressed)
    def _pressed(self, message: ActionBar.Pressed) -> None:
        if self.finder.typing:
            self.finder.end_search(keep=not message.action)
        elif message.action:
            self.action_do(message.action)

    @on(Search.Changed)
    def _search_changed(self, message: Search.Changed) -> None:
        self.finder.search(message.text)

    @on(Search.Closed)
    def _search_closed(self, message: Search.Closed) -> None:
        if not message.keep:
            self.forget_news()
        self.finder.end_search(message.keep)

    @on(OutputView.Found)
    def _found_in_output(self) -> None:
        self.finder.show_found()

    # Actions

    def action_do(self, id: str) -> None:
        """Does the action of this id."""
        if id not in self.actions:
            self.conductor.refuse_readonly()
            return
        writes = self.actions[id].writes and id != "stop"
        if writes and (self.editor.holds_one() or self.conductor.refuse_unread()):
            return
        if self.actions[id].group in (Group.MOVE, Group.ZOOM, Group.FIND):
            self.navigator.moves += 1
        if self.actions[id].group not in (Group.MOVE, Group.FIND):
            self.conductor.prompts.expect()
        self.handler(id)()

    def handler(self, id: str) -> Callable[[], None]:
        """Who does an action."""
        for part in (self.navigator, self.finder, self.conductor, self.editor, self):
            handler: Callable[[], None] | None = getattr(part, f"do_{id}", None)
            if handler is not None:
                return handler
        raise LookupError(id)

    def do_switch(self) -> None:
        """Tree, facts, output, and round again; on a narrow screen the sides take turns."""
        detail = self.detail
        order = [self.flow_tree, detail.facts, *([detail.output] if detail.output.display else [])]
        at = next((number for number, one in enumerate(order) if one.has_focus), 0)
        target = order[(at + 1) % len(order)]
        self.set_class(target is not self.flow_tree, "-details")
        self.set_focus(target)
        self.show_state()

    def do_copy_address(self) -> None:
        task = self.flow_tree.chosen
        if task is not None:
            self.app.copy_to_clipboard(task.address)
            self.say(f"Copied: {task.address}", "$muted")

    def do_copy_name(self) -> None:
        task = self.flow_tree.chosen
        if task is not None:
            self.app.copy_to_clipboard(task.name)
            self.say(f"Copied: {task.name}", "$muted")

    def do_theme(self) -> None:
        choose_theme(self)

    def do_reread(self) -> None:
        self.session.read()
        self.say("Reading the plans again.", "$muted")

    def do_timeline(self) -> None:
        """Shows what ran when, and goes to the task that is chosen there."""
        from tui.screens.timeline import TimelineScreen

        def chosen(attempt: Attempt | None) -> None:
            task = self.find(attempt.address) if attempt is not None else None
            if task is not None and attempt is not None and task.name == attempt.known_as:
                self.navigator.following = False
                self.navigator.go_to(task)
            elif attempt is not None:
                self.say(f"{attempt.name} is not at {attempt.address} any more.", "$muted")

        self.app.push_screen(TimelineScreen(self.session.history), chosen)

    def do_help(self) -> None:
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(list(self.actions.values()), footer(self), self._troubles))

    def do_palette(self) -> None:
        def chosen(entry: Entry | None) -> None:
            if entry is not None:
                entry.take()

        find = partial(palette.entries, self)
        self.app.push_screen(Picker("Palette", "an action or the name of a task", find), chosen)

    def do_cancel(self) -> None:
        """Escape: undoes one thing that is in the way, the latest first; changes nothing else."""
        self.app.clear_notifications()
        self.forget_news()
        if self.finder.typing:
            self.finder.end_search(keep=False)
        elif self.editor.moving is not None:
            self.editor.cancel()
        elif not self.finder.cancel():
            self.remove_class("-details")
            self.set_focus(self.flow_tree)
        self.show_state()
