"""The base of all prompts: a title, evidence, and choices with explicit letters.

The safe choice has the focus. Enter takes a choice only if it is safe, so it never destroys; escape changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.actions import key_name
from tui.screens.evidence import LastOutput
from tui.screens.modal import Modal
from tui.text import one_line


@dataclass(frozen=True, slots=True)
class Choice:
    """One way out of a prompt: its key (as Textual names it), one or two words, and what it will do.

    `value` is what the prompt answers with, None for the way that changes nothing. Only `safe` choices take enter.
    """

    key: str
    label: str
    explains: str
    value: str | None
    safe: bool = False
    enabled: bool = True


TALL = 20
_AROUND, _AROUND_SHORT = 5, 2
"""Lines of a prompt beside its evidence and its choices: border, padding and margin, where there is room for them."""
_LEAST = 4
"""Lines of output below the edge, where there is none for what is said above it."""

_MORE = "ctrl+d: more"

LATER = Choice("escape", "not now", "nothing changes", None, safe=True)


def be_deaf(app: App[Any]) -> None:
    """Lets keys count for nothing for a moment: what they were meant for has just changed."""
    from tui.app import FlowApp

    if isinstance(app, FlowApp):
        app.presses.be_deaf()


class ChoiceLine(Static, can_focus=True):
    """A choice on the screen."""

    class Taken(Message):
        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, choice: Choice, width: int) -> None:
        super().__init__()
        self._width = width
        self.choice = choice
        self.renew(choice)

    @property
    def cells(self) -> int:
        """How wide it would like to be."""
        return 8 + self._width + cell_len(one_line(self.choice.explains, 300))

    def renew(self, choice: Choice) -> None:
        """What this choice does by now."""
        self.choice = choice
        self.can_focus = choice.enabled
        self.set_class(not choice.enabled, "-off")
        self._draw(focused=self.has_focus)

    def _draw(self, *, focused: bool) -> None:
        """On the background of the focus all words have the colour that is made for it."""
        choice = self.choice
        key, label, explains = "bold $primary", "bold $foreground", "$muted"
        if not choice.enabled:
            key = label = explains = "$faint"
        elif focused:
            key, label, explains = "bold $selected-text", "bold $selected-text", "$selected-text"
        self.update(
            Content.assemble(
                (f" {key_name(choice.key):>3}  ", key),
                (f"{choice.label:<{self._width}}  ", label),
                (one_line(choice.explains, 300), explains),
            )
        )

    def on_focus(self) -> None:
        self._draw(focused=True)

    def on_blur(self) -> None:
        self._draw(focused=False)

    def on_click(self) -> None:
        if self.choice.enabled:
            self.post_message(self.Taken(self.choice))


class Prompt(Modal[str | None]):
    """A question. Subclasses give `TITLE_WORD`, `choices` and `evidence`; the answer is the value of a choice."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    TITLE_WORD = "Question"
    LEVEL = "warning"
    ends_with_work = False
    """Whether it asks about the work that runs, and so about nothing once that has ended."""
    ended = ""
    """What is said then, if nothing else says it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "nearby(-1)", show=False),
        Binding("down,tab", "nearby(1)", show=False),
        Binding("enter", "take", show=False),
        Binding("escape,ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+d,pagedown", "scroll(1)", show=False),
        Binding("ctrl+u,pageup", "scroll(-1)", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        self._room = 0
        """Cells that a choice has."""

    def choices(self) -> Iterable[Choice]:
        raise NotImplementedError

    def evidence(self) -> Iterable[Widget]:
        """What a person needs to see in order to decide."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        ways = list(self.choices())
        width = max(len(choice.label) for choice in ways)
        with Vertical(id="box", classes=f"-{self.LEVEL}"):
            with VerticalScroll(id="evidence", can_focus=False):
                yield from self.evidence()
            with Vertical(id="choices"):
                for choice in ways:
                    yield ChoiceLine(choice, width)
            yield Static(id="explained")

    @property
    def is_drawn(self) -> bool:
        """Whether its parts are there: in an app that is just leaving, they never come."""
        return bool(self.query("#box"))

    def on_mount(self) -> None:
        if not self.is_drawn:
            return
        self.query_one("#box").border_title = self.TITLE_WORD
        self.watch(self.query_one("#evidence"), "scroll_y", self._say_more, init=False)
        self._fit(self.app.size)
        lines = [line for line in self.query(ChoiceLine) if line.choice.enabled]
        safe = [line for line in lines if line.choice.safe]
        (safe or lines)[0].focus()

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def on_descendant_focus(self) -> None:
        self._explain()

    def _explain(self) -> None:
        """Says in full what the choice in focus will do, or else the first one, whose own line has no room for that."""
        line = self.focused
        if isinstance(line, ChoiceLine):
            cut = [one for one in self.query(ChoiceLine) if one.cells > self._room]
            words = ""
            if line in cut:
                words = line.choice.explains
            elif able := [one.choice for one in cut if one.choice.enabled]:
                words = f"{key_name(able[0].key)}: {able[0].explains}"
            self.query_one("#explained", Static).update(one_line(words, 300))

    def _fit(self, size: Size) -> None:
        """Leaves room for the choices, whatever the length of the evidence."""
        lines = self.query(ChoiceLine)
        if not lines:
            return  # its parts are not there yet, or are being taken away
        self._room = min(size.width, 86) - (4 if size.height >= TALL else 2)
        cut = max(line.cells for line in lines) > self._room
        self.query_one("#explained").display = cut
        around = _AROUND if size.height >= TALL else _AROUND_SHORT
        room = size.height - len(lines) - around - (2 if cut else 0)
        evidence = self.query_one("#evidence")
        evidence.styles.max_height = max(1, room)
        self._fit_output(evidence, self._room - 2, room)
        self._explain()
        self.call_after_refresh(self._say_more)

    def _fit_output(self, evidence: Widget, width: int, room: int) -> None:
        """Cuts output at its beginning, so that its end is on the screen, below all that is said above it."""
        for last in evidence.query_children(LastOutput):
            used = sum(
                one.content.get_height({}, width)
                for one in evidence.query_children(Static).exclude(".lines")
                if isinstance(one.content, Content)
            )
            last.fit(width, room - used - 1 if room - used > 1 else _LEAST)

    def _say_more(self) -> None:
        """Says so where the evidence goes on below what is on the screen."""
        if not self.query("#box #evidence"):
            return  # the prompt was answered before this was drawn
        box = self.query_one("#box")
        if (box.border_subtitle or _MORE) == _MORE:
            evidence = self.query_one("#evidence")
            box.border_subtitle = _MORE if evidence.scroll_offset.y < evidence.max_scroll_y else ""

    def renew(self, evidence: Iterable[Widget]) -> None:
        """Shows what is known by now, and what the choices do by now; scroll and focus stay."""
        if not self.query(ChoiceLine):
            return
        place = self.query_one("#evidence")
        shown = list(place.children)
        fresh = list(evidence)
        if [type(one) for one in shown] == [type(one) for one in fresh]:
            for old, new in zip(shown, fresh, strict=True):
                if isinstance(old, LastOutput) and isinstance(new, LastOutput):
                    old.printed = new.printed
                elif isinstance(old, Static) and isinstance(new, Static):
                    old.update(new.content)
        else:
            place.remove_children()
            place.mount_all(fresh)
            self.call_after_refresh(self._fit, self.app.size)
        for line, choice in zip(self.query(ChoiceLine), self.choices(), strict=True):
            line.renew(choice)
        if isinstance(self.focused, ChoiceLine) and not self.focused.choice.enabled:
            self.focus_next(ChoiceLine)
        self._fit(self.app.size)

    def on_key(self, event: events.Key) -> None:
        for line in self.query(ChoiceLine):
            if event.key == line.choice.key and line.choice.enabled:
                event.stop()
                event.prevent_default()
                self.dismiss(line.choice.value)
                return

    @on(ChoiceLine.Taken)
    def _clicked(self, event: ChoiceLine.Taken) -> None:
        self.dismiss(event.choice.value)

    def close_by_itself(self, words: str = "") -> None:
        """Closes without an answer, since what it asks about is settled; `words` say so, if nothing else does.

        A key that was meant for this prompt comes too late, and means something else to what is below.
        """
        if not self.is_current:
            return
        be_deaf(self.app)
        if words:
            self.app.notify(one_line(words, 300), severity="warning", timeout=10, markup=False)
        self.dismiss(None)

    def action_take(self) -> None:
        line = self.focused
        if isinstance(line, ChoiceLine):
            if line.choice.safe:
                self.dismiss(line.choice.value)
            else:
                box = self.query_one("#box")
                box.border_subtitle = f"press {key_name(line.choice.key)} to {line.choice.label}"

    def action_nearby(self, by: int) -> None:
        if by > 0:
            self.focus_next(ChoiceLine)
        else:
            self.focus_previous(ChoiceLine)

    def action_scroll(self, by: int) -> None:
        evidence = self.query_one("#evidence")
        evidence.scroll_relative(y=by * max(1, evidence.size.height // 2), animate=False, immediate=True)

    def action_leave(self) -> None:
        self.dismiss(None)
