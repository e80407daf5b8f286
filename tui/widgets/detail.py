"""The other side: everything about the selection, and what it prints while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from markdown_it import MarkdownIt
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.highlight import highlight
from textual.widgets import Markdown, Static

from engine import Attempt, Body, Comment, Fence, Problem, Progress, Status
from tui import marks
from tui.history import began, is_taken_back, looks
from tui.text import lines, one_line
from tui.widgets.output import OutputView

_WIDE_BAR = 20


@dataclass(frozen=True, slots=True)
class Page:
    """What the detail side says about one task. Texts are as they stand in the plan; they are made safe here.

    `name` is that of the task, which stands in the `title`; `facts` are short sentences for the first line, after the
    status. `note`: what may be a mistake, said quietly. `headers` are those of its sub-flow.
    """

    title: str
    name: str = ""
    status: Status | None = None
    facts: tuple[str, ...] = ()
    where: str = ""
    note: str = ""
    progress: Progress | None = None
    body: Body = field(default_factory=Body)
    headers: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    comments: tuple[Comment, ...] = ()
    history: tuple[Attempt, ...] = ()
    hint: str = ""


def _parser() -> MarkdownIt:
    """Notes are data: HTML in them is text, and nothing is fetched or guessed to be a link."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Detail(Vertical):
    """Facts about the selection above, its output below."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text("utf-8")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._page: Page | None = None
        self._filled: dict[str, Content | None] = {}
        self._only_title = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="facts"):
            yield Static(id="name")
            yield Static(id="summary")
            yield Static(id="problems")
            yield Markdown(id="notes", parser_factory=_parser, open_links=False)
            yield Static(id="configuration")
            yield Static(id="more")
        yield OutputView(id="output")

    def on_mount(self) -> None:
        self.output.display = False

    @property
    def output(self) -> OutputView:
        return self.query_one("#output", OutputView)

    @property
    def facts(self) -> VerticalScroll:
        return self.query_one("#facts", VerticalScroll)

    @property
    def page(self) -> Page | None:
        return self._page

    def show(self, page: Page) -> None:
        """Another page, or news of the same one, which keeps its scroll."""
        before, self._page = self._page, page
        if page == before:
            return
        if before is None or before.title != page.title:
            self._entitle(Content(one_line(page.title, 300)))
            self._show_name()
        self._fill("summary", _summary(page))
        self._fill("problems", _problems(page))
        if before is None or before.body.fences != page.body.fences:
            self._fill("configuration", _configuration(page.body.fences))
        self._fill("more", _more(page))
        notes = self.query_one("#notes", Markdown)
        if before is None or before.body.notes != page.body.notes:
            notes.display = bool(page.body.notes.strip())
            # Waited for here: nobody would hear of an end that the app's own came before.
            notes.update(lines(page.body.notes)).call_next(self)
        if before is None or before.title != page.title:
            self.facts.scroll_home(animate=False)

    def on_resize(self) -> None:
        self._show_name()

    def _show_name(self) -> None:
        """The whole name, where the title has no room for it."""
        page = self._page
        hidden = page is not None and cell_len(one_line(page.title)) > self.size.width - 2
        name = page.name if page is not None and hidden else ""
        self._fill("name", Content.styled(one_line(name), "bold") if name else None)

    def _entitle(self, title: Content) -> None:
        """Puts a title into the border, and has no more than that line drawn again."""
        self._only_title = True
        self.border_title = title
        self._only_title = False

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if self._only_title:
            regions = (Region(-1, -1, self.outer_size.width, 1),)  # counted from inside the border
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _fill(self, id: str, content: Content | None) -> None:
        """Puts content into a part, if it is another one: each update lays the screen out anew."""
        if id in self._filled and _is_same(self._filled[id], content):
            return
        before, self._filled[id] = self._filled.get(id), content
        part = self.query_one(f"#{id}", Static)
        part.display = content is not None
        if content is not None:
            part.update(content, layout=not _fits_as(before, content, part.content_size.width))


def _is_same(one: Content | None, other: Content | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.plain == other.plain and one.spans == other.spans


def _fits_as(before: Content | None, content: Content, width: int) -> bool:
    """Whether content takes the place that other content had: as many lines, none of which wraps."""
    if before is None:
        return False
    old, new = before.plain.split("\n"), content.plain.split("\n")
    return len(old) == len(new) and all(cell_len(line) <= width for line in (*old, *new))


def _summary(page: Page) -> Content:
    parts: list[Content] = []
    first: list[tuple[str, str]] = []
    if page.status is not None:
        glyph = marks.GLYPHS[page.status]
        first.append((f"{glyph} {page.status}", f"bold $status-{page.status}"))
    for fact in page.facts:
        if first:
            first.append((" · ", "$faint"))
        first.append((one_line(fact, 300), "$muted"))
    if first:
        parts.append(Content.assemble(*first))
    if page.progress is not None and page.progress.total:
        parts.append(_progress(page.progress))
    if page.where:
        parts.append(Content.styled(one_line(page.where, 300), "$faint"))
    if page.note:
        parts.append(Content.styled(one_line(page.note, 500), "$muted"))
    if page.headers:
        parts.append(Content(""))
        width = min(16, max(len(key) for key, _ in page.headers))
        for key, value in page.headers:
            parts.append(
                Content.assemble((f"{one_line(key, width):<{width}}  ", "$muted"), (one_line(value, 300), ""))
            )
    if page.hint:
        hint = Content(lines(page.hint))
        parts += [Content(""), hint] if parts else [hint]
    return Content("\n").join(parts)


def _progress(progress: Progress) -> Content:
    full, failed, empty = marks.bar(progress, _WIDE_BAR)
    words = [marks.share(progress)]
    words += [f"{progress.skipped} skipped"] if progress.skipped else []
    words += [f"{progress.failed} failed"] if progress.failed else []
    return Content.assemble(
        (marks.FULL * full, "$status-done"),
        (marks.BROKEN * failed, "$status-failed"),
        (marks.EMPTY * empty, "$faint"),
        (f"  {' · '.join(words)}", "$muted"),
    )


def _problems(page: Page) -> Content | None:
    parts: list[Content] = []
    for problem in page.problems:
        parts.append(
            Content.assemble(
                (f"{marks.PROBLEM} {one_line(problem.message)}", "$error"),
                (f"\n  {one_line(problem.hint)}" if problem.hint else "", "$foreground"),
                (f"\n  {one_line(problem.file)}:{problem.line}:{problem.column}", "$faint"),
            )
        )
    return Content("\n").join(parts) if parts else None


def _configuration(fences: tuple[Fence, ...]) -> Content | None:
    parts: list[Content] = []
    for fence in fences:
        options = [*fence.flags, *(f"{key}={value}" for key, value in fence.options.items())]
        title = [(one_line(fence.lang or "text", 40), "bold $secondary")]
        title += [(f"  {one_line(option, 80)}", "$muted") for option in options]
        parts.append(Content.assemble(*title))
        parts.append(highlight(lines(fence.text.rstrip("\n")), language=fence.lang or "text"))
        parts.append(Content(""))
    return Content("\n").join(parts[:-1]) if parts else None


def _more(page: Page) -> Content | None:
    parts: list[Content] = []
    if page.history:
        parts.append(Content.styled("what happened", "bold $muted"))
        parts += [_happened(attempt) for attempt in page.history]
    if page.comments:
        parts += [Content("")] if parts else []
        parts.append(
            Content.styled("hidden comments: readers of the rendered plan do not see them", "bold $warning")
        )
        parts += [
            Content.assemble((f"{comment.line:>4}  ", "$faint"), (one_line(comment.text, 500), "$muted"))
            for comment in page.comments
        ]
    return Content("\n").join(parts) if parts else None


def _happened(attempt: Attempt) -> Content:
    """`✖ 14:03:22  attempt 2 failed after 2.3 s: Exit status 3.`"""
    glyph, status, word = looks(attempt)
    start = began(attempt)
    today = datetime.now().astimezone().date()
    clock = (
        "" if start is None else f"{start:%H:%M:%S}" if start.date() == today else f"{start:%Y-%m-%d %H:%M}"
    )
    first = f"attempt {attempt.attempt} " if attempt.attempt else ""
    took = f" after {marks.took(attempt.seconds)}" if attempt.seconds is not None else ""
    waited = attempt.outcome in ("waiting", "waited")
    who = f" by {one_line(attempt.by, 60)}" if not attempt.run and attempt.by and not waited else ""
    back = " · taken back" if is_taken_back(attempt) else ""
    said = f": {one_line(attempt.message, 300)}" if attempt.message and not back else ""
    return Content.assemble(
        (f"{glyph} ", f"bold $status-{status}"),
        (f"{clock}  ", "$muted"),
        (f"{first}{word}{took}{who}", "$muted" if back else "$foreground"),
        (back, "$foreground"),
        (said, "$muted"),
    )
