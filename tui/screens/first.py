"""First use: there is no plan here yet. What this program is, and the ways to begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from tui import marks
from tui.nearby import Nearby
from tui.screens.evidence import sentence
from tui.screens.modal import Modal
from tui.screens.prompt import Choice, Prompt
from tui.text import one_line
from tui.widgets.field import Field

_ROWS = 8


class FirstPrompt(Prompt):
    """Answers with make, top, import, demo, or nothing to quit."""

    TITLE_WORD = "Flow Manager"
    LEVEL = "calm"

    def __init__(self, folder: Path, top: Path | None, nearby: Sequence[Nearby]) -> None:
        super().__init__()
        self.folder = folder
        self.top = top
        self.nearby = nearby

    def evidence(self) -> Iterable[Widget]:
        yield Static(
            sentence(
                ("There is no plan here yet. ", "bold $foreground"),
                (
                    "Flow Manager runs plans that live in your repository as Markdown: releases, migrations, "
                    "runbooks, anything with steps in order, some by script and some by hand.",
                    "$muted",
                ),
            )
        )
        yield Static(_sample(), classes="lines")

    def choices(self) -> Iterable[Choice]:
        files = f"{self.nearby[0].name} has {_tasks(self.nearby[0].tasks)}" if self.nearby else ""
        if len(self.nearby) > 1:
            files += f", {len(self.nearby) - 1} more nearby"
        yield Choice(
            "m", "make a plan", f"in {_short(self.folder)}, with two steps to try", "make", safe=True
        )
        if self.top is not None:
            yield Choice(
                "t", "make it at the top", f"of this repository: {_short(self.top)}", "top", safe=True
            )
        yield Choice("i", "import", files or "a Markdown file with a task list", "import", safe=True)
        yield Choice("d", "demo", "a small release to try, in a temporary folder", "demo", safe=True)
        yield Choice("q", "quit", "nothing was written", None, safe=True)


def _sample() -> Content:
    rows = (
        ("✔", "done", "Freeze the branch", "done"),
        ("●", "active", "Run the tests", "sh pytest -q"),
        ("○", "pending", "Approve the release", "waits for you"),
        ("○", "pending", "Publish", "» publish.md"),
    )
    return Content("\n").join(
        Content.assemble((f"{glyph} ", f"$status-{status}"), (f"{name:<24}", "$foreground"), (what, "$muted"))
        for glyph, status, name, what in rows
    )


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count != 1)}"


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}".rstrip("/.") or "~"
    except ValueError:
        return str(path)


class ImportPrompt(Modal[str | None]):
    """A path, typed or picked. Answers with it, as it was given; `complain` says why it could not be taken."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")
    TITLE_WORD = "Import"
    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True),
        Binding("down,tab", "pick(1)", show=False, priority=True),
        Binding("up,shift+tab", "pick(-1)", show=False, priority=True),
    ]

    def __init__(self, nearby: Sequence[Nearby], text: str = "", problem: str = "") -> None:
        super().__init__()
        self.nearby = list(nearby)
        self.text = text
        self.problem = problem
        self._picked = -1
        self._first = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self.TITLE_WORD
            box.border_subtitle = "↑ ↓ · enter makes the plan · esc"
            yield Static(
                sentence(("A plan is made of its task lists. The file itself stays as it is.", "$muted"))
            )
            yield Field(self.text, compact=True, placeholder="path of a Markdown file")
            yield Static(id="problem")
            yield Static(id="files")

    def on_mount(self) -> None:
        self._picked = 0 if self._shown and not self.text else -1
        self._draw()
        problem = self.query_one("#problem", Static)
        problem.display = bool(self.problem)
        problem.update(sentence((f"{marks.PROBLEM} {self.problem}", "$error")))

    @property
    def _shown(self) -> list[Nearby]:
        typed = self.query_one(Input).value.strip().casefold()
        return [one for one in self.nearby if typed in one.name.casefold()]

    def _draw(self) -> None:
        shown = self._shown
        self._picked = min(self._picked, len(shown) - 1)
        self._first = max(0, min(self._first, self._picked), self._picked - _ROWS + 1)
        lines = [
            Content.assemble(
                (" › " if number == self._picked else "   ", "bold $primary"),
                (one_line(one.name, 60), "bold $foreground" if number == self._picked else "$foreground"),
                (f"  {_tasks(one.tasks)}", "$muted"),
            )
            for number, one in enumerate(shown)
        ][self._first : self._first + _ROWS]
        more = len(shown) - self._first - len(lines)
        if more > 0:
            lines.append(Content.styled(f"   and {more} more", "$faint"))
        if not self.nearby:
            lines = [Content.styled("   No Markdown file nearby has task items.", "$faint")]
        self.query_one("#files", Static).update(Content("\n").join(lines))

    def action_pick(self, by: int) -> None:
        if self._shown:
            self._picked = max(0, min(len(self._shown) - 1, self._picked + by))
            self._draw()

    def on_click(self, event: events.Click) -> None:
        files = self.query_one("#files", Static)
        if event.widget is files and 0 <= event.y < len(self._shown) - self._first:
            self._picked = self._first + event.y
            self._draw()
            if event.chain > 1:
                self.dismiss(self._shown[self._picked].name)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._picked = 0 if self._shown and event.value.strip() not in ("", self.text) else self._picked
        self.query_one("#problem", Static).display = bool(self.problem) and event.value == self.text
        self._draw()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        typed = event.value.strip()
        shown = self._shown
        if typed and (Path(typed).expanduser().is_file() or self._picked < 0 or not shown):
            self.dismiss(typed)
        elif shown and self._picked >= 0:
            self.dismiss(shown[self._picked].name)
