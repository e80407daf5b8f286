"""Pieces of evidence that several prompts show."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime

from textual.content import Content
from textual.widgets import Static

from tui import marks
from tui.text import one_line, output_line

GONE = "This task is no longer in the plan. No other task will be marked."


def subject(address: str, name: str, path: tuple[str, ...] = (), *, gone: bool = False) -> Content:
    """Which task this is about, and the flows around it; of one that has left the plan, its name."""
    place = "" if gone else f"{one_line(address, 60)}  "
    parts = [Content.assemble((place, "$muted"), (one_line(name, 300), "bold $foreground"))]
    if path and not gone:
        parts.append(Content.styled(" › ".join(one_line(step, 80) for step in path), "$muted"))
    return Content("\n").join(parts)


def sentence(*words: tuple[str, str]) -> Content:
    return Content.assemble(*((one_line(text), style) for text, style in words))


def when(started_at: str, now: datetime | None = None) -> str:
    """`at 14:03:22, 3 min 5 s ago`, from ISO 8601; with the date when that was not today."""
    try:
        began = datetime.fromisoformat(started_at)
    except ValueError:
        return ""
    if began.tzinfo is None:
        began = began.replace(tzinfo=UTC)
    now = now or datetime.now(UTC)
    local = began.astimezone()
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    return f"at {day}{local:%H:%M:%S}, {marks.took(max(0.0, (now - began).total_seconds()))} ago"


class LastOutput(Static):
    """The last lines of what a task printed, as many as there is room for: `fit` says how much that is."""

    def __init__(self, text: str, count: int = 12) -> None:
        super().__init__(classes="lines")
        ends = text.rstrip("\n").split("\n")[-count:]
        self.printed = Content("\n").join(Content.from_rich_text(output_line(line[:2000])) for line in ends)
        self.update(self.printed)

    def fit(self, width: int, rows: int) -> None:
        """Shows the last `rows` of it, which has `width` cells with what is around the text."""
        wrapped = self.printed.wrap(max(1, width - 2))
        self.update(Content("\n").join(wrapped[-max(1, rows) :]))


def diff_content(diff: str) -> Content:
    """A unified diff without the names of its files: added and removed lines in colour, and with their signs."""
    parts: list[Content] = []
    for number, line in enumerate(diff.splitlines()):
        style = "$foreground"
        if number < 2 and line.startswith(("+++", "---")):
            continue
        if line.startswith("@@"):
            style = "$secondary"
        elif line.startswith("+"):
            style = "$success"
        elif line.startswith("-"):
            style = "$error"
        parts.append(Content.styled(one_line(line.expandtabs(4), 2_000), style))
    return Content("\n").join(parts)


def count_changes(diff: str) -> tuple[int, int]:
    """How many lines a unified diff adds and removes."""
    lines = diff.splitlines()
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    return added, sum(line.startswith("-") and not line.startswith("---") for line in lines)


def diff_of(before: str, after: str, path: str) -> str:
    """The unified diff of two texts, with three lines around each change."""
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm=""))
