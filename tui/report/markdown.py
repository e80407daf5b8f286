"""The report as GitHub-flavoured Markdown, for a pull request.

Whatever comes from plans and scripts stands in code spans and code blocks whose fences are longer than any in it: there
it can be neither markup nor HTML, and mentions, issue numbers and addresses in it are not linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine import Status
from tui.commands import output
from tui.history import is_taken_back
from tui.marks import EMPTY, FULL, GLYPHS, bar, share, took
from tui.report.story import Entry, Story

_MOST_ROWS, _MOST_OUTPUTS, _MOST_OUTPUT, _MOST_NAME = 300, 5, 3_000, 200
"""A comment of a hosting site holds 65,536 characters."""


def markdown(story: Story) -> str:
    """The whole document."""
    return "\n".join(_lines(story)) + "\n"


def _lines(story: Story) -> Iterator[str]:
    settled, failed, still_open = bar(story.progress, 20)
    yield f"## {_code(story.title)}"
    yield ""
    yield f"`{FULL * (settled + failed)}{EMPTY * still_open}` **{share(story.progress)}** {_standing(story)}".rstrip()
    yield ""
    for row in story.rows[:_MOST_ROWS]:
        task = row.task
        parts = [f"{GLYPHS[task.status]} {task.status.value}", row.address, _code(task.name)]
        if not task.is_leaf:
            parts.append(share(story.tree.progress(task)))
        if task is story.next and story.running is None and task.status is not Status.FAILED:
            parts.append("**← next**")
        yield f"{'  ' * min(row.depth, 10)}- {' '.join(parts)}"
    if len(story.rows) > _MOST_ROWS:
        yield f"- and {len(story.rows) - _MOST_ROWS} more"
    if story.problems:
        yield ""
        yield "### Problems"
        yield ""
        for problem in story.problems[:50]:
            yield f"- {_code(f'.flow/{problem}')}"
    yield from _runs(story)


def _standing(story: Story) -> str:
    if story.running is not None:
        return f"· running {_code(story.running.name)}"
    if story.recovery is not None:
        return f"· interrupted: {_code(story.recovery.name)}"
    if story.next is not None and story.next.status is Status.FAILED:
        return f"· held by {_code(story.next.name)}, which failed"
    return ""


def _runs(story: Story) -> Iterator[str]:
    runs = [entry for entry in story.entries() if entry.attempt.run]
    if not runs:
        return
    seconds = sum(entry.attempt.seconds or 0.0 for entry in runs)
    yield ""
    yield "<details>"
    yield f"<summary>{len(runs)} {'run' if len(runs) == 1 else 'runs'}, {took(seconds)}</summary>"
    yield ""
    for entry in runs[-_MOST_ROWS:]:
        attempt = entry.attempt
        outcome = "waited" if entry.over else attempt.outcome or "open"
        outcome += ", taken back" if is_taken_back(attempt) else ""
        facts = [f"{entry.start:%Y-%m-%d %H:%M:%S}", outcome, _code(attempt.name)]
        facts += [took(attempt.seconds)] if attempt.seconds is not None else []
        facts += [f"attempt {attempt.attempt}"] if attempt.attempt > 1 else []
        yield f"- {' · '.join(facts)}"
    yield ""
    yield "</details>"
    failed = [
        entry
        for entry in runs
        if entry.attempt.outcome in ("failed", "vanished") and not entry.attempt.taken_back
    ]
    for entry in failed[-_MOST_OUTPUTS:]:
        yield from _failure(entry)


def _failure(entry: Entry) -> Iterator[str]:
    attempt = entry.attempt
    yield ""
    yield f"**Failed:** {_code(attempt.name)}, attempt {attempt.attempt}"
    if attempt.message:
        yield ""
        yield _code(attempt.message, 1000)
    if entry.printed is not None:
        text = (entry.printed.head + entry.printed.tail).strip("\n")
        if len(text) > _MOST_OUTPUT:
            text = f"[…]\n{text[-_MOST_OUTPUT:].partition(chr(10))[2] or text[-_MOST_OUTPUT:]}"
        fence = "`" * max(3, _longest(text) + 1)
        yield ""
        yield f"{fence}text"
        yield text
        yield fence


def _code(text: str, most: int = _MOST_NAME) -> str:
    """A code span that shows this text, on one line."""
    text = output.line(text if len(text) <= most else f"{text[: most - 1]}…").strip()
    if not text:
        return "` `"
    fence = "`" * (_longest(text) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{gap}{text}{gap}{fence}"


def _longest(text: str) -> int:
    """The longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
