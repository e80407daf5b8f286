"""The block structure of CommonMark, followed line by line, as far as it decides what is a task.

At each line the state is what CommonMark's would be: the open list items (the tasks of `open`, then the
containers of `notes` that are open inside the deepest of them) and the kind of block that could take the next
line (`leaf`). What a line means for the plan is decided by the scanner, through the methods at the end.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from typing import NamedTuple

from engine.status import syntax
from engine.status.model import Comment, Plan, Problem, Task
from engine.status.syntax import column_of
from engine.status.wording import comment_spans

#: A longer line is a problem of its own and is not read: a plan is made of lines.
LONGEST_LINE = 1 << 20

# What could take the next line. From PARAGRAPH to DEFINITION it is a paragraph: anybody's, one that a task
# line began, one that may be a link definition. From FENCE on, lines are not read as blocks.
NOTHING, PARAGRAPH, TASK_TEXT, DEFINITION, FENCE, HTML = range(6)
#: A block quote among the containers of `notes`; an item is there as the column that its content begins at.
QUOTE = -1


class Place(NamedTuple):
    """Where a line stands, behind the containers that it continues. Columns count from 0, with tabs spread
    out.
    """

    tasks: int  # how many open tasks go on
    notes: int  # how many containers inside the deepest one go on
    position: int  # of the first character that is not blank
    column: int  # of the same
    start: int  # where the content of the innermost container begins
    origin: int  # where the columns of items count from: 0, or behind the last quote mark
    blank: bool


class OpenFence(NamedTuple):
    mark: str
    line: int
    column: int  # behind the last quote mark
    owner: Task | None  # the task that it is right under
    broken: bool = False  # a line that ends it was found already


class OpenComment(NamedTuple):
    line: int
    position: int
    parts: list[str]
    last: int  # the last line of it that was read


class Blocks(ABC):
    """The block state of one plan; `feed` takes the next line."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.open: list[Task] = []
        self.notes: list[int] = []
        self.width = 0  # of one level; 0 until the first nested task shows it
        # Where the contents of the open tasks begin, once one of them is not where its level says.
        self.offsets: list[int] | None = None
        self.leaf = NOTHING
        self.last = 0  # the last line that was not blank
        self.fresh = False  # the innermost item has nothing in it yet
        self._fence = OpenFence("", 0, 0, None)
        self._fence_indent: str | None = None  # a line of it that begins so is in it for certain
        self._html: tuple[re.Pattern[str] | None, int] = (None, 0)
        self._comment: OpenComment | None = None
        self._paragraph: list[str] = []
        self._paragraph_line = 0

    def feed(self, line: str, number: int) -> None:
        """Takes any line; `number` counts from 1."""
        text = line[:-1] if line.endswith("\n") else line
        if number == 1:
            text = text.removeprefix("\ufeff")
        if len(text) > LONGEST_LINE:
            text = text[:80]
        if self._goes_on(text, number):
            return
        place = self._enter(text)
        whole = place.tasks == len(self.open) and place.notes == len(self.notes)
        if self.leaf >= FENCE:
            if whole or self._fence_goes_on(text, place, number):
                self._hold(text, place, number)
                return
            self.leaf = NOTHING
        if not place.blank:
            self._blocks(text, number, place, whole)
            self.last = number
            return
        if self.fresh and whole:
            self.notes.pop()
        else:
            self.close(place.tasks, place.notes)
        self.leaf, self.fresh = NOTHING, False
        if not text.isspace() and text:
            self.last = number

    def _goes_on(self, text: str, number: int) -> bool:
        """The short way for what most lines that are no tasks are: text that goes on, and code."""
        bare = text.lstrip(" \t")
        if self.leaf == FENCE:
            indent = self._fence_indent
            if indent is None or not text.startswith(indent) or not bare or bare[0] == self._fence.mark[0]:
                return False
        elif (
            not (PARAGRAPH <= self.leaf <= TASK_TEXT)
            or not bare[:1].isalpha()
            or "<!--" in bare
            or self._comment
        ):
            return False
        elif self.leaf == PARAGRAPH:
            self._paragraph.append(bare)
        self.last = number
        return True

    def close(self, tasks: int, notes: int) -> None:
        """Closes what does not go on: tasks beyond the first `tasks`, containers beyond the first `notes`."""
        if tasks < len(self.open):
            notes = 0
            self.close_tasks(tasks)
        del self.notes[notes:]

    def end(self) -> None:
        """Closes everything behind the last line."""
        if self.leaf == FENCE:
            if not self._fence.broken:
                self._never_closed(self._fence.line, "fence")
            self.fence_unclosed(self._fence, self.last)
        elif self.leaf == HTML and self._html[0] is not None:
            self._never_closed(self._html[1], "comment or tag")
        self.close(0, 0)

    def problem(self, line: int, position: int, message: str, hint: str, code: str = "grammar") -> None:
        """Notes a problem at a character position (from 0)."""
        self.plan.problems.append(Problem(self.plan.file, line, position + 1, message, hint, code))

    def _never_closed(self, line: int, what: str) -> None:
        text = self.plan.lines[line - 1]
        self.problem(
            line, len(text) - len(text.lstrip()), f"This {what} is never closed.", "Close it.", "unclosed"
        )

    def _enter(self, text: str) -> Place:
        position = len(text) - len(text.lstrip(" \t"))
        column = column_of(text, position)
        blank = position == len(text)
        tasks = len(self.open)
        if tasks and not blank:
            if self.offsets is not None:
                tasks = bisect_right(self.offsets, column)
            else:
                tasks = min(tasks, (column - 2) // (self.width or 4) + 1) if column >= 2 else 0
        start = 0
        if tasks:
            start = self.offsets[tasks - 1] if self.offsets is not None else (tasks - 1) * self.width + 2
        kept = origin = 0
        if tasks == len(self.open):
            for note in self.notes:
                if note == QUOTE:
                    if blank or column - start > 3 or text[position] != ">":
                        break
                    position, column, origin, blank = _behind_quote(text, position, column)
                    start = origin
                elif blank or column - origin >= note:
                    start = origin + note
                else:
                    break
                kept += 1
        return Place(tasks, kept, position, column, start, origin, blank)

    # Lines inside of a fence or raw HTML.

    def _fence_goes_on(self, text: str, place: Place, number: int) -> bool:
        """What to make of a line that leaves the container of an open fence or of raw HTML.

        CommonMark ends both there. That a fence is ended so is always a problem, and whoever wrote a
        here-document meant it to go on: reading on in that sense spares them problems that are none.
        """
        fence = self._fence
        if self.leaf == HTML:
            if self._html[0] is not None:
                self._never_closed(self._html[1], "comment or tag")
            return False
        if place.blank or QUOTE in self.notes or syntax.TASK_LIKE.match(text) is not None:
            if not fence.broken:
                self._never_closed(fence.line, "fence")
            self.fence_unclosed(fence, self.last)
            return False
        self._outside_fence(place, number)
        return True

    def _outside_fence(self, place: Place, number: int) -> None:
        fence = self._fence
        if not fence.broken:
            self.problem(
                number,
                place.position,
                f"The line is indented less than the fence on line {fence.line} that it is in, and ends it.",
                f"Indent it by {fence.column} spaces or more, or move the text to a file of its own.",
                "fence",
            )
            self._fence = fence._replace(broken=True)

    def _hold(self, text: str, place: Place, number: int) -> None:
        rest = text[place.position :]
        if self.leaf == FENCE:
            fence = self._fence
            if place.blank:
                return
            self.last = number
            mark = fence.mark
            if (
                rest.startswith(mark)
                and place.column - place.start < 4
                and not rest.strip(" \t").strip(mark[0])
            ):
                self.leaf = NOTHING
                self.fence_closed(fence, number)
            elif place.column - place.origin < fence.column and (self.open or self.notes):
                self._outside_fence(place, number)
            return
        end = self._html[0]
        if not place.blank:
            self.last = number
        if end is None:
            if place.blank:
                self.leaf = NOTHING
                return
        elif end.search(rest) is not None:
            self.leaf = NOTHING
        self._comments(rest, number, place.position)

    # Block starts.

    def _blocks(self, text: str, number: int, place: Place, whole: bool) -> None:
        tasks, notes, position, column, start, origin, _ = place
        nested = False  # behind a quote mark or a bullet of this very line
        paragraph = NOTHING < self.leaf < FENCE
        fresh, self.fresh = self.fresh and whole, False
        if text[position] == ">" and notes < len(self.notes) and self.notes[notes] == QUOTE:
            self._disputed(number, position, "a quote mark further in than the quote above")
        while True:
            rest = text[position:]
            first = rest[0]
            if column - start >= 4:
                if not paragraph:
                    self.close(tasks, notes)
                    self.leaf = NOTHING
                    return
                if not whole and not first.isalpha():
                    self._disputed(number, position, "far behind the text that it goes on with")
                break
            if first == ">":
                self.close(tasks, notes)
                self.notes.append(QUOTE)
                position, column, origin, blank = _behind_quote(text, position, column)
                start = origin
                self.leaf = NOTHING
                if blank:
                    return
            elif self._leaf_block(text, number, position, column, origin, paragraph, whole, tasks, notes):
                return
            else:
                bullet = syntax.BULLET.match(rest)
                if bullet is None:
                    break
                after = position + bullet.end()
                content = len(text) - len(text[after:].lstrip(" \t"))
                empty = content == len(text)
                if paragraph and whole and (empty or (bullet[1] is not None and int(bullet[1]) != 1)):
                    break
                self.close(tasks, notes)
                before = column + bullet.end()
                behind = column_of(text, content, after, before)
                start = before + (1 if empty or behind - before > 4 else behind - before)
                self.leaf = NOTHING
                if syntax.BOX.match(text, content) is not None:
                    self.task_line(text, number, position, column, content, nested, start - origin)
                    return
                self.notes.append(start - origin)
                if empty:
                    self.fresh = True
                    return
                position, column = content, behind
            tasks, notes = len(self.open), len(self.notes)
            paragraph, whole, fresh, nested = False, True, False, True
        if paragraph:
            self._continue(number, position, column, rest, whole)
            return
        self.close(tasks, notes)
        if fresh and syntax.BOX.match(rest) is not None:
            self.problem(
                number,
                position,
                "A task on another line than its bullet.",
                "Put both on one line: `- [ ] name`.",
            )
        self.leaf = DEFINITION if syntax.DEFINITION.match(rest) is not None else PARAGRAPH
        self._paragraph, self._paragraph_line = [rest.strip()], number
        self._comments(rest, number, position)

    def _leaf_block(
        self,
        text: str,
        number: int,
        position: int,
        column: int,
        origin: int,
        paragraph: bool,
        whole: bool,
        tasks: int,
        notes: int,
    ) -> bool:
        """Starts or ends a block that holds no others, if that is what the line does."""
        rest = text[position:]
        first = rest[0]
        if first == "#" and (match := syntax.ATX.match(rest)) is not None:
            self.close(tasks, notes)
            self.leaf = NOTHING
            self.heading(number, len(match[1]), _heading_text(rest[match.end() :]))
            self._comments(rest, number, position)
            return True
        if first in "`~" and (match := syntax.FENCE.match(rest)) is not None:
            self.close(tasks, notes)
            self.leaf = FENCE
            owner = self.open[-1] if self.open and not self.notes else None
            self._fence = OpenFence(match[1] or match[3], number, column - origin, owner)
            self._fence_indent = " " * column if QUOTE not in self.notes else None
            self.fence_opened(owner, number)
            return True
        if first == "<":
            for kind, (begin, end) in enumerate(syntax.html_blocks()):
                if begin.match(rest) is None:
                    continue
                if paragraph and kind == syntax.HTML_INLINE_TAG:
                    return False
                self.close(tasks, notes)
                ended = end is not None and end.search(rest) is not None
                self.leaf = NOTHING if ended else HTML
                self._html = (end, number)
                self._comments(rest, number, position)
                return True
        if paragraph and whole and first in "=-" and syntax.SETEXT.match(rest) is not None:
            if self.leaf == TASK_TEXT:
                self._underline(number, position)
            elif self.leaf == DEFINITION:
                self._disputed(number, position, "right under a link definition")
            else:
                self.heading(self._paragraph_line, 1 if first == "=" else 2, " ".join(self._paragraph))
            self.leaf = NOTHING
            return True
        if first in "*-_" and syntax.RULE.match(rest) is not None:
            self.close(tasks, notes)
            self.leaf = NOTHING
            return True
        return False

    def _continue(self, number: int, position: int, column: int, rest: str, whole: bool) -> None:
        """A line that goes on with the paragraph above, with its indentation or (lazily) without."""
        if syntax.TASK_LIKE.match(rest) is not None:
            self.task_in_text(rest, number, position, column)
        elif self.leaf == TASK_TEXT:
            if rest[0] in "=-" and syntax.SETEXT.match(rest) is not None:
                self._underline(number, position)
        elif self.leaf == DEFINITION and (
            syntax.BOX.match(rest) is not None or not (rest[0].isalnum() or rest[0] == "[")
        ):
            self._disputed(number, position, "right under a link definition")
        else:
            self._paragraph.append(rest.strip())
        self._comments(rest, number, position)

    def _underline(self, number: int, position: int) -> None:
        self.problem(
            number,
            position,
            "This underline makes a heading of the task above.",
            "Put a blank line above it, or remove it.",
            "underline",
        )

    def _disputed(self, number: int, position: int, where: str) -> None:
        """A line that CommonMark and its implementations read differently, and what hangs on it with it."""
        self.problem(
            number,
            position,
            f"Readers of Markdown disagree about this line, {where}.",
            "Put a blank line above it.",
            "disputed",
        )

    def _comments(self, rest: str, number: int, position: int) -> None:
        """Keeps the comments that begin or end on a line."""
        pending = self._comment
        self._comment = None
        if pending is not None and (pending.last == number - 1 or self._html[1] == pending.line):
            end = rest.find("-->")
            if end < 0:
                pending.parts.append(rest)
                self._comment = pending._replace(last=number)
                return
            pending.parts.append(rest[: end + 3])
            self.comment(pending.line, pending.position, "\n".join(pending.parts))
            return
        if "<!--" in rest:
            for start, end in comment_spans(rest):
                self.comment(number, position + start, rest[start:end])
            start = rest.rfind("<!--")
            if rest.find("-->", start) < 0:
                self._comment = OpenComment(number, position + start, [rest[start:]], number)

    def comment(self, line: int, position: int, text: str) -> None:
        """Keeps a comment that a reader does not see."""
        self.plan.comments.append(Comment(line, position + 1, text))

    # What a line means for the plan.

    @abstractmethod
    def close_tasks(self, tasks: int) -> None:
        """Closes all open tasks but the first `tasks`."""

    @abstractmethod
    def task_line(
        self, text: str, number: int, position: int, column: int, content: int, nested: bool, inner: int
    ) -> None:
        """A list item that begins with a box; `inner` is where its content begins for `notes`."""

    @abstractmethod
    def task_in_text(self, rest: str, number: int, position: int, column: int) -> None:
        """A line that looks like a task and is text of a paragraph."""

    @abstractmethod
    def heading(self, number: int, level: int, text: str) -> None:
        """A heading, also one inside of a task."""

    @abstractmethod
    def fence_opened(self, owner: Task | None, number: int) -> None:
        """A fence begins right under a task, or under none."""

    @abstractmethod
    def fence_closed(self, fence: OpenFence, number: int) -> None:
        """A line closes a fence."""

    @abstractmethod
    def fence_unclosed(self, fence: OpenFence, last: int) -> None:
        """A fence ends with its container or the file; `last` is its last line."""


def _behind_quote(text: str, position: int, column: int) -> tuple[int, int, int, bool]:
    """Past a quote mark: the position and column of what follows, where its content begins, whether it is
    blank.
    """
    position += 1
    column += 1
    after = position
    start = column
    if position < len(text) and text[position] in " \t":
        start += 1  # one blank belongs to the mark; of a tab, one column
    while position < len(text) and text[position] in " \t":
        position += 1
    column = column_of(text, position, after, column)
    return position, column, start, position == len(text)


def _heading_text(text: str) -> str:
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text
