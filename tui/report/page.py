"""The report as one HTML page: no scripts, nothing loaded from anywhere, and a policy in it that forbids both.

Every text goes through `_text`: it shows what plans and scripts say, and can be no markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from engine import Problem, Progress, Status
from tui.commands import output
from tui.history import is_taken_back
from tui.marks import GLYPHS, PROBLEM, TAKEN_BACK, share, took
from tui.report.story import Entry, Printed, Session, Story

_DEEPEST = 12
_WIDE = 1000
_OUTCOMES = {
    "done": ("done", "✔"),
    "failed": ("failed", "✖"),
    "vanished": ("failed", "✖"),
    "conflict": ("failed", "⚡"),
    "skipped": ("skipped", "–"),
    "pending": ("pending", "○"),
    "waiting": ("active", "…"),
    "stopped": ("failed", "■"),
    "retried": ("failed", "↻"),
    "nothing": ("skipped", "–"),
    "": ("active", "●"),
}
_WORDS = {"": "open", "pending": "reopened", "waiting": "waits", "retried": "tried again", "nothing": "gone"}


def page(story: Story) -> str:
    """The whole document, UTF-8 text."""
    style = (Path(__file__).parent / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(
        part
        for part in (_head(story), _problems(story), _plan(story), _timeline(story), _foot(story))
        if part
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(story.title)} · {share(story.progress)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return html.escape(output.line(text))


def _head(story: Story) -> str:
    facts = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
        for name, value in story.headers.items()
        if name not in ("Project", "Title")
    )
    progress = story.progress
    percent = 100 * (progress.done + progress.skipped) // progress.total if progress.total else 0
    return f"""<header>
<p class="kind">Flow report</p>
<h1>{_text(story.title)}</h1>
{f"<dl>{facts}</dl>" if facts else ""}
<div class="progress"><p class="share"><b>{percent}<small> %</small></b>
<span>{share(progress)} tasks</span></p>{_bar(progress, "wide")}
<ul class="counts">{_counts(progress)}</ul></div>
{_standing(story)}
</header>"""


def _counts(progress: Progress) -> str:
    still_open = progress.total - progress.done - progress.skipped - progress.failed
    numbers = (
        (Status.DONE, progress.done, "done"),
        (Status.SKIPPED, progress.skipped, "skipped"),
        (Status.FAILED, progress.failed, "failed"),
        (Status.PENDING, still_open, "open"),
    )
    return "".join(
        f'<li class="{status.value}"><i aria-hidden="true">{GLYPHS[status]}</i> {number} {word}</li>'
        for status, number, word in numbers
        if number
    )


def _standing(story: Story) -> str:
    """One line: what goes on, or what comes next."""
    progress = story.progress
    if story.running is not None:
        kind, glyph, say = "active", "●", "Running"
        task = story.running.title
    elif story.recovery is not None:
        kind, glyph, say = "failed", "⚡", "Interrupted"
        task = story.recovery.title
    elif story.next is not None and story.next.status is Status.FAILED:
        kind, glyph, say = "failed", "✖", "Held by a failed task"
        task = f"{story.next.address} {story.next.name}"
    elif story.next is not None:
        kind, glyph, say = "next", "→", "Next"
        task = f"{story.next.address} {story.next.name}"
    elif progress.total and progress.done + progress.skipped == progress.total:
        kind, glyph, say, task = "done", "✔", "All is done", ""
    else:
        return ""
    return (
        f'<p class="standing {kind}"><i aria-hidden="true">{glyph}</i> <b>{say}</b> '
        f"<span>{_text(task)}</span></p>"
    )


def _bar(progress: Progress, kind: str) -> str:
    """A bar of what is done, skipped and failed, of all."""
    parts, start = [], 0.0
    for name, number in (("done", progress.done), ("skipped", progress.skipped), ("failed", progress.failed)):
        width = _WIDE * number / progress.total if progress.total else 0
        if width:
            parts.append(
                f'<rect class="{name}" x="{start:.1f}" width="{width:.1f}" height="10">'
                f"<title>{number} {name}</title></rect>"
            )
        start += width
    return (
        f'<svg class="bar {kind}" viewBox="0 0 {_WIDE} 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{share(progress)}">{"".join(parts)}</svg>'
    )


def _problems(story: Story) -> str:
    if not story.problems:
        return ""
    items = "".join(f"<li>{_problem(problem)}</li>" for problem in story.problems)
    return f'<section class="problems"><h2>{PROBLEM} Problems</h2><ul>{items}</ul></section>'


def _problem(problem: Problem) -> str:
    where = f".flow/{problem.file}:{problem.line}:{problem.column}"
    return f"<code>{_text(where)}</code> {_text(problem.message)} <span>{_text(problem.hint)}</span>"


def _plan(story: Story) -> str:
    if not story.rows:
        return '<section><h2>Plan</h2><p class="empty">There are no tasks yet.</p></section>'
    last: dict[tuple[str, str], Entry] = {}
    for entry in story.entries():
        last[(entry.attempt.file, entry.attempt.known_as)] = entry
    return (
        '<section><h2>Plan</h2><table class="plan"><thead><tr><th>Task</th><th>Status</th><th>Runs as</th>'
        f'<th class="number">Took</th></tr></thead><tbody>\n{"".join(_rows(story, last))}</tbody></table></section>'
    )


def _rows(story: Story, last: dict[tuple[str, str], Entry]) -> Iterator[str]:
    for row in story.rows:
        task, status = row.task, row.task.status
        names = [f"d{min(row.depth, _DEEPEST)}", status.value]
        if task is story.next:
            names.append("next")
        kind, extra = "", ""
        if not task.is_leaf:
            names.append("parent")
            progress = story.tree.progress(task)
            extra = f"{_bar(progress, 'small')}<small>{share(progress)}</small>"
            kind = f"» {task.ref}" if task.ref is not None else ""
        else:
            kind = story.engine.atom_of(task) or "by hand"
            entry = last.get((task.plan.file, task.name))
            if entry is not None and entry.attempt.run and entry.attempt.seconds is not None:
                extra = _text(took(entry.attempt.seconds))
                if entry.attempt.attempt > 1:
                    extra = f"<small>attempt {entry.attempt.attempt}</small> {extra}"
        problem = story.engine.problem_of(task)
        wrong = (
            f'<p class="wrong">{PROBLEM} {_text(f"{problem.message} {problem.hint}")}</p>' if problem else ""
        )
        yield (
            f'<tr class="{" ".join(names)}"><td><span class="address">{row.address}</span>'
            f'<span class="name">{_text(task.name)}</span>{wrong}</td>'
            f'<td><span class="status"><i aria-hidden="true">{GLYPHS[status]}</i> {status.value}</span></td>'
            f'<td class="kind">{_text(kind)}</td><td class="number">{extra}</td></tr>\n'
        )


def _timeline(story: Story) -> str:
    if not story.sessions:
        return '<section><h2>Timeline</h2><p class="empty">Nothing has run yet.</p></section>'
    return f"<section><h2>Timeline</h2>{''.join(_session(session) for session in story.sessions)}</section>"


def _session(session: Session) -> str:
    span = (session.end - session.start).total_seconds()
    same_day = session.start.date() == session.end.date()
    until = f"{session.end:%H:%M:%S}" if same_day else f"{session.end:%a %d %b %H:%M:%S}"
    entries = "".join(_entry(entry, session.start, span) for entry in session.entries)
    return (
        f'<div class="session"><h3><time datetime="{session.start.isoformat()}">{session.start:%a %d %b %Y, %H:%M:%S}'
        f"</time> – {until} <small>UTC · {_text(took(span))}</small></h3>\n<ol>{entries}</ol></div>"
    )


def _entry(entry: Entry, begin: datetime, span: float) -> str:
    attempt = entry.attempt
    kind, glyph = _OUTCOMES.get(attempt.outcome, ("pending", "○"))
    word = was = _WORDS.get(attempt.outcome, attempt.outcome)
    if entry.over:
        kind, glyph, word = "pending", GLYPHS[Status.PENDING], "waited"
    elif is_taken_back(attempt):
        kind, glyph, word = "pending", TAKEN_BACK, "taken back"
    start = _WIDE * (entry.start - begin).total_seconds() / span if span else 0
    took_there = (entry.end - entry.start).total_seconds() if entry.end is not None else 0.0
    width = max(4.0, _WIDE * took_there / span) if span else 4.0
    start = min(start, _WIDE - width)
    shape = (
        f'<rect class="{kind}" x="{start:.1f}" y="2" width="{width:.1f}" height="10"></rect>'
        if attempt.run
        else f'<rect class="{kind} hand" x="{min(start, _WIDE - 3):.1f}" width="3" height="14"></rect>'
    )
    facts = [f"{entry.start:%H:%M:%S}", attempt.by if not attempt.run else ""]
    facts.append(f"was {was}" if is_taken_back(attempt) else "")
    if attempt.run:
        facts.append(took(attempt.seconds) if attempt.seconds is not None else "")
        facts.append(f"attempt {attempt.attempt}" if attempt.attempt > 1 else "")
    line = (
        f'<span class="what"><span class="address">{_text(attempt.address)}</span>'
        f'<span class="name">{_text(attempt.name)}</span></span>'
        f'<span class="status {kind}"><i aria-hidden="true">{glyph}</i> {_text(word)}</span>'
        f'<svg class="lane" viewBox="0 0 {_WIDE} 14" preserveAspectRatio="none" aria-hidden="true">{shape}</svg>'
        f'<span class="facts">{_text(" · ".join(fact for fact in facts if fact))}</span>'
    )
    said = (
        f'<p class="message">{_text(attempt.message)}</p>'
        if attempt.message and attempt.outcome != "done"
        else ""
    )
    if entry.printed is None:
        return f'<li><div class="line">{line}</div>{said}</li>\n'
    opened = " open" if attempt.outcome in ("failed", "vanished") else ""
    shown = _printed(entry.printed)
    return f'<li><details{opened}><summary class="line">{line}</summary>{said}{shown}</details></li>\n'


def _printed(printed: Printed) -> str:
    if not printed.left_out:
        return f'<div class="last"><pre>{html.escape(printed.head)}</pre></div>'
    return (
        f'<pre>{html.escape(printed.head)}</pre><p class="cut">{printed.left_out:,} characters left out</p>'
        f'<div class="last"><pre>{html.escape(printed.tail)}</pre></div>'
    )


def _foot(story: Story) -> str:
    return (
        f'<footer>Made by Flow Manager on <time datetime="{story.made.isoformat()}">'
        f"{story.made:%a %d %b %Y, %H:%M} UTC</time>.</footer>"
    )
