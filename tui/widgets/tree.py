"""The tree of tasks, drawn line by line: only what is on the screen is ever rendered, whatever the size of the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar, Self

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine import Plan, Problem, Progress, Status, Task
from tui import marks
from tui.text import one_line
from tui.themes import on_selection
from tui.widgets.rows import Keep, Row, Rows, carry

Part = tuple[str, str]
"""A piece of a line: its text, and the component class that styles it."""

_DECORATION = ("guide", "bar-empty")
_NAME_LIMIT = 1_000
_ID_LIMIT = 12
_DRAWN = 1_000
"""Rows that are kept as they were drawn: scrolling by one row shows all but one of them again."""


@dataclass(slots=True)
class Facts:
    """What the tree shows of tasks and does not know by itself. All of it is about one reading of the plans.

    `running_since` is monotonic, None if another engine runs it; `outside` are the tasks whose rows another program
    changed, and what they are folded into. `counting`: sub-flows are still being read.
    """

    label: Callable[[Task], str] = field(default=lambda task: "")
    progress: Callable[[Task], Progress] = field(default=lambda task: Progress())
    problems: Callable[[Task], list[Problem]] = field(default=lambda task: [])
    next: Task | None = None
    running: Task | None = None
    running_since: float | None = None
    outside: frozenset[Task] = frozenset()
    counting: bool = False


class FlowTree(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of tasks with a selection. Posts `Selected` when that changes and `Opened` at a click on the selection."""

    DEFAULT_CSS = (Path(__file__).with_suffix(".tcss")).read_text("utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"tree--{name}"
        for name in (
            *(
                "id",
                "guide",
                "fold",
                "heading",
                "problem",
                "match",
                "next",
                "outside",
                "muted",
                "faint",
                "selected",
            ),
            *("selected-idle", *(f"{status}" for status in Status), *(f"name-{status}" for status in Status)),
            *("bar-full", "bar-failed", "bar-empty", "reference"),
        )
    }

    selected: reactive[int] = reactive(0, repaint=False)

    class Selected(Message):
        """Another row is selected. `row` is None in an empty tree."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """The selected row was clicked again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = Rows()
        self.facts = Facts()
        self.needle = ""
        self._id_width = 1
        self._styles: dict[str, Style] = {}
        self._drawn: dict[int, Strip] = {}
        self._drawn_width = 0

    # What is shown

    def show(self, root: Plan, zoom: Task | None, facts: Facts) -> None:
        """Another picture: the rows are built anew and the first one is selected."""
        self.facts = facts
        self.rows.show(root, zoom)
        self._measure()
        self.selected = self._selectable(0, 1)
        self.scroll_to(y=0, animate=False, force=True)
        self._announce()

    def update_tree(self, root: Plan, facts: Facts) -> None:
        """A new reading of the same plans: zoom, selection, folds and scroll stay, as far as their tasks are there.

        Where the selection is gone, the row at its place is selected; if all beside it went, what they were inside of.
        """
        task = self.chosen
        index = self.selected
        zoom = self._carried_zoom(root)
        self.facts = facts
        self.rows.toggled = {new for each in self.rows.toggled if (new := carry(each, root)) is not None}
        self.rows.show(root, zoom)
        at = self.rows.index(_nearest(task, root))
        before = self.selected
        self._measure()
        self.selected = at if at is not None else self._selectable(min(index, max(0, len(self.rows) - 1)), -1)
        if self.selected == before:
            self._announce()

    def _carried_zoom(self, new: Plan) -> Task | None:
        zoom = self.rows.zoom
        while zoom is not None:
            found = carry(zoom, new)
            if found is not None and (found.inside or found.subflow is not None):
                return found
            zoom = zoom.above
        return None

    def set_filter(self, keep: Keep | None) -> None:
        """Leaves out the tasks for which `keep` is false."""
        task = self.chosen
        self.rows.keep = keep
        self.rows.rebuild()
        self._measure()
        at = self.rows.index(task)
        self.selected = at if at is not None else self._selectable(0, 1)
        self.scroll_to_selected()
        self._announce()

    def refresh_facts(self, facts: Facts) -> None:
        """The same rows with other facts: a task began to run, the clock went on."""
        self.facts = facts
        self.refresh()

    def refresh_task(self, task: Task | None) -> None:
        """Draws the row of one task again."""
        index = self.rows.index(task)
        if index is not None:
            self._refresh_row(index)

    def _measure(self) -> None:
        self._id_width = min(_ID_LIMIT, self.rows.id_width)
        self.virtual_size = Size(0, len(self.rows))
        self.refresh()

    # The selection

    @property
    def row(self) -> Row | None:
        return self.rows[self.selected] if 0 <= self.selected < len(self.rows) else None

    @property
    def chosen(self) -> Task | None:
        """The selected task; None in an empty tree or on a problem of a file."""
        row = self.row
        return row.task if row is not None else None

    def select(self, index: int) -> None:
        """Selects a row and brings it into view."""
        self.selected = self._selectable(index, 1 if index >= self.selected else -1)
        self.scroll_to_selected()

    def move(self, by: int) -> None:
        """Moves the selection by so many rows, and on to the next one that can be selected."""
        direction = 1 if by > 0 else -1
        at = self._selectable(self.selected + by, direction)
        if at == self.selected and by < 0:
            self.scroll_to(y=0, animate=False)
        self.selected = at
        self.scroll_to_selected()

    def half(self) -> int:
        """Half a screen of rows."""
        return max(1, self.scrollable_content_region.height // 2)

    def reveal(self, task: Task) -> bool:
        """Selects a task, unfolding what hides it. False: it is not inside the zoom."""
        count = len(self.rows)
        index = self.rows.reveal(task)
        if len(self.rows) != count:
            self._measure()
        if index is None:
            return False
        self.selected = index
        self.scroll_to_selected()
        return True

    def toggle(self) -> bool:
        """Folds or unfolds the selection; on a leaf, folds the row around it."""
        index = self.selected
        if not 0 <= index < len(self.rows):
            return False
        if not self.rows.toggle(index):
            task = self.chosen
            around = self.rows.index(task.above) if task is not None and task.above is not None else None
            if around is None:
                return False
            self.rows.toggle(around)
            self.selected = around
        self._measure()
        self.scroll_to_selected()
        return True

    def fold_all(self) -> None:
        task = self.chosen
        self.rows.fold_all()
        self._measure()
        while task is not None and self.rows.index(task) is None:
            task = task.above
        self.selected = self.rows.index(task) or self._selectable(0, 1)
        self.scroll_to_selected()

    def _selectable(self, index: int, direction: int) -> int:
        rows = self.rows
        for step in (direction, -direction):
            at = max(0, min(index, len(rows) - 1))
            while 0 <= at < len(rows):
                if not rows.is_heading(at):
                    return at
                at += step
        return 0

    def scroll_to_selected(self) -> None:
        height = self.scrollable_content_region.height
        if height <= 0:
            self.call_after_refresh(self._scroll_into_view)
        else:
            self._scroll_into_view()

    def _scroll_into_view(self) -> None:
        top, height = round(self.scroll_offset.y), self.scrollable_content_region.height
        margin = min(2, max(0, (height - 1) // 2))
        target = top
        if self.selected < top + margin:
            target = self.selected - margin
        elif self.selected > top + height - 1 - margin:
            target = self.selected - height + 1 + margin
        if target != top:
            self.scroll_to(y=max(0, target), animate=False, force=True)

    def watch_selected(self, before: int, now: int) -> None:
        self._refresh_row(before)
        self._refresh_row(now)
        self._announce()

    def _announce(self) -> None:
        self.post_message(self.Selected(self.row))

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draws all rows anew. With regions, those rows come back there as they were drawn before."""
        if not regions:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _refresh_row(self, index: int) -> None:
        self._drawn.pop(index, None)
        y = index - self.scroll_offset.y
        if 0 <= y < self.size.height:
            self.refresh(Region(0, int(y), self.size.width, 1))

    # Events

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self.scroll_to_selected()

    def on_click(self, event: events.Click) -> None:
        index = int(event.y + self.scroll_offset.y)
        rows = self.rows
        if not 0 <= index < len(rows) or rows.is_heading(index):
            return
        x = event.x - 1 - self._id_width - 1
        row = rows[index]
        was = self.selected
        self.selected = index
        if row.task is not None and row.task.inside and 0 <= x - self._indent(row) < 2:
            self.toggle()
        elif was == index and event.chain >= 2:
            self.post_message(self.Opened())

    def notify_style_update(self) -> None:
        self._styles.clear()
        self._drawn.clear()
        super().notify_style_update()

    # Drawing

    def render_line(self, y: int) -> Strip:
        index = y + int(self.scroll_offset.y)
        width = self.scrollable_content_region.width
        if width != self._drawn_width or len(self._drawn) > _DRAWN:
            self._drawn.clear()
            self._drawn_width = width
        strip = self._drawn.get(index)
        if strip is None:
            strip = self._drawn[index] = self._draw(index, width)
        return strip

    def _draw(self, index: int, width: int) -> Strip:
        rows = self.rows
        base = self._base_style()
        if index >= len(rows):
            return Strip.blank(width, base)
        left, right = self._parts(rows[index], width)
        style = self._style
        if index == self.selected:
            ground = "selected" if self.has_focus else "selected-idle"
            base += self._style(ground)
            style = partial(self._style_on, ground)
        segments = [Segment(text, base + style(kind)) for text, kind in _fit(left, right, width) if text]
        return Strip(segments, width)

    def _base_style(self) -> Style:
        style = self._styles.get("base")
        if style is None:
            style = self._styles["base"] = self.rich_style
        return style

    def _style(self, kind: str) -> Style:
        if not kind:
            return Style.null()
        style = self._styles.get(kind)
        if style is None:
            style = self.get_component_rich_style(f"tree--{kind}", partial=True)
            self._styles[kind] = style
        return style

    def _style_on(self, ground: str, kind: str) -> Style:
        """A style as it can be read on the row of the selection."""
        if kind in _DECORATION:
            return self._style(kind)
        key = f"{kind} on {ground}"
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = on_selection(self._style(kind), self._style(ground))
        return style

    def _indent(self, row: Row) -> int:
        return min(row.depth * 2, max(4, self.size.width // 3))

    def _parts(self, row: Row, width: int) -> tuple[list[Part], list[Part]]:
        gutter = self._id_width + 2
        if row.task is None:
            pad = " " * (gutter + self._indent(row))
            if row.problem is not None:
                where = f"{row.problem.line}: " if row.problem.line else ""
                return [(f"{pad}{marks.PROBLEM} {where}{one_line(row.text)}", "problem")], []
            return [(f"{pad}{one_line(row.text, _NAME_LIMIT)}", "heading")], []
        task = row.task
        facts = self.facts
        margin = self._margin(task)
        number = f"{_short(row.id, self._id_width):<{self._id_width}}"
        left: list[Part] = [margin, (f"{number} ", "id")]
        if task in facts.outside and margin[0] != marks.OUTSIDE:
            left[1:] = [(number, "id"), (marks.OUTSIDE, "outside")]
        indent = self._indent(row)
        left.append(("│ " * (indent // 2), "guide"))
        left.append((("▾ " if self.rows.is_open(task) else "▸ ") if task.inside else "  ", "fold"))
        left.append((f"{marks.GLYPHS[task.status]} ", str(task.status)))
        problems = self.rows.problems_of(task) or facts.problems(task)
        if problems:
            left.append((f"{marks.PROBLEM} ", "problem"))
        left += self._named(task)
        if problems:
            left.append((f"  {one_line(problems[0].message)}", "problem"))
        if task.ref and width >= 50:
            left.append((f"  {marks.FLOW} {one_line(task.ref, 200)}", "reference"))
        return left, self._right(task, facts, width)

    def _margin(self, task: Task) -> Part:
        if self._stands_for(task, self.facts.running):
            return marks.RUNNING, "active"
        if self._stands_for(task, self.facts.next):
            return marks.NEXT, "next"
        if task in self.facts.outside:
            return marks.OUTSIDE, "outside"
        return " ", ""

    def _stands_for(self, row: Task, task: Task | None) -> bool:
        """Whether a row is that of a task, or the folded one that holds it."""
        if row is task or task is None or not row.inside or self.rows.is_open(row):
            return row is task
        above = task.above
        while above is not None and above is not row:
            above = above.above
        return above is row

    def _named(self, task: Task) -> list[Part]:
        name = one_line(task.name, _NAME_LIMIT)
        kind = f"name-{task.status}"
        at = name.casefold().find(self.needle) if self.needle else -1
        if at < 0:
            return [(name, kind)]
        end = at + len(self.needle)
        return [(name[:at], kind), (name[at:end], "match"), (name[end:], kind)]

    def _right(self, task: Task, facts: Facts, width: int) -> list[Part]:
        if task is facts.running and not task.inside:
            since = facts.running_since
            return [("running" if since is None else marks.clock(monotonic() - since), "active")]
        if facts.counting and (task.inside or task.ref is not None):
            return [("…", "muted")]
        if task.inside:
            progress = facts.progress(task)
            cells = 6 if width >= 64 else 4 if width >= 44 else 0
            full, failed, empty = marks.bar(progress, cells)
            return [
                (marks.FULL * full, "bar-full"),
                (marks.BROKEN * failed, "bar-failed"),
                (marks.EMPTY * empty, "bar-empty"),
                (f" {marks.share(progress):>5}", "muted"),
            ]
        if task.status in (Status.FAILED, Status.SKIPPED):
            return [(str(task.status), str(task.status))]
        if task.status is Status.ACTIVE:
            return [("active", "active")]
        return [(one_line(facts.label(task), 20), "faint" if task.status is Status.DONE else "muted")]


def _nearest(task: Task | None, new: Plan) -> Task | None:
    """A task in another reading, or what it was inside of, if nothing is there any more."""
    found = carry(task, new) if task is not None else None
    while task is not None and found is None:
        task = task.above
        around = carry(task, new) if task is not None else None
        if around is not None and around.inside:
            return None
        found = around
    return found


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-width + 1 :]


def _fit(left: list[Part], right: list[Part], width: int) -> list[Part]:
    """One line of exactly `width` cells: the right part at its right end, the left one cut where they would meet."""
    taken = sum(cell_len(text) for text, _ in right)
    if taken + 12 > width:
        right, taken = [], 0
    space = width - taken - (2 if right else 1)
    parts: list[Part] = []
    for text, kind in left:
        cells = cell_len(text)
        if cells > space:
            if space > 0:
                parts.append((set_cell_size(text, space - 1) + "…", kind))
            space = 0
            break
        parts.append((text, kind))
        space -= cells
    parts.append((" " * (space + 1), ""))
    parts += right
    if right:
        parts.append((" ", ""))
    return parts
