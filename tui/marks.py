"""How a status, a share and a time look. Status is glyph, word and colour, never colour alone."""

from __future__ import annotations

from datetime import UTC, datetime

from engine import Progress, Status

GLYPHS = {
    Status.PENDING: "○",
    Status.ACTIVE: "●",
    Status.DONE: "✔",
    Status.SKIPPED: "–",
    Status.FAILED: "✖",
}
RUNNING = "▶"
NEXT = "›"
FLOW = "»"
PROBLEM = "⚠"
OUTSIDE = "~"
TAKEN_BACK = "↶"
FULL, BROKEN, EMPTY = "▰", "✖", "▱"
"""The cells of a bar: settled, failed, open; told apart without colours, too."""


def bar(progress: Progress, cells: int) -> tuple[int, int, int]:
    """How many of `cells` are settled, failed and open. All are settled when nothing is left, and only then."""
    if not progress.total or cells <= 0:
        return 0, 0, max(0, cells)
    settled = progress.done + progress.skipped
    failed = min(cells, max(1, progress.failed * cells // progress.total)) if progress.failed else 0
    full = settled * cells // progress.total
    if settled and not full:
        full = 1
    if settled < progress.total:
        full = min(full, cells - 1)
    full = min(full, cells - failed)
    return full, failed, cells - full - failed


def share(progress: Progress) -> str:
    """`12/31`: what is settled, of all."""
    return f"{progress.done + progress.skipped}/{progress.total}"


def clock(seconds: float) -> str:
    """A running time: `00:14`, `1:02:03`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes:02}:{secs:02}"


def took(seconds: float) -> str:
    """A finished time: `0.3 s`, `14 s`, `2 min 5 s`, `3 h 2 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes, secs = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {secs} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def seconds_since(began: str) -> float:
    """How long ago a time in ISO 8601 was; 0 where it is none."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(began).astimezone(UTC)).total_seconds())
    except ValueError:
        return 0.0
