"""Reads a plan: one pass over its lines makes the tasks, and finds every problem of grammar and rules.

A well-formed task line where one may stand takes a short way through `Scanner.run`; any other line goes
through `Blocks.feed`, which calls back with what it found.
"""

from __future__ import annotations

import gc

from engine.status import syntax
from engine.status.blocks import FENCE, NOTHING, PARAGRAPH, TASK_TEXT, Blocks, OpenFence
from engine.status.headers import read_headers
from engine.status.model import Heading, Plan, Problem, Status, Task
from engine.status.source import decode, refuse_text, split_lines
from engine.status.syntax import STATUSES
from engine.status.wording import read_wording, reference_problem, tag_and_name

#: How a plain task begins, and what it means.
_HEADS = {f"- [{mark}] ": status for mark, status in STATUSES.items()}
#: From this column on, the indentation of the line above is compared as a whole: stripping goes blank by blank.
_DEEP = 64
#: A line of a fence that begins with one of these is no code for certain.
_NO_CODE = "`\t\n"
_FIX = "`flow fix` mends this."
_MARKS = "A task begins with `- [ ]`, `- [/]`, `- [x]`, `- [-]` or `- [!]`."


def parse(data: bytes | str, file: str = "status.md") -> Plan:
    """Reads a plan from its bytes (UTF-8) or text; never raises for what it reads: problems are in
    `Plan.problems`.

    `file` is the name for messages, relative to `.flow/`. CRLF becomes LF in `Plan.lines`; nothing else
    changes.
    """
    plan = Plan(file)
    text = decode(data, plan) if isinstance(data, bytes) else data
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    plan.lines = split_lines(text)
    refuse_text(text, plan)
    collects = gc.isenabled()
    gc.disable()  # all of what a scan makes lives on: the collector need not go through it meanwhile
    try:
        Scanner(plan).run()
    finally:
        if collects:
            gc.enable()
    plan.problems.sort(key=lambda problem: (problem.line, problem.column))
    return plan


class Scanner(Blocks):
    """One pass over the lines of a plan; `run` fills the plan, `fences` and `unclosed` (with their last lines)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.fences: list[tuple[OpenFence, int]] = []
        self.unclosed: list[tuple[OpenFence, int]] = []
        self._names: list[dict[str, int]] = []  # by level: the names of its siblings, with their lines
        self._active: dict[Task | None, Task] = {}  # by parent: its active child
        self._code: dict[Task, int] = {}  # tasks with a tag, and the line of their first fence
        self._front = 0

    def run(self) -> None:
        """Reads all lines."""
        plan = self.plan
        plan.headers, self._front = read_headers(plan.lines)
        front = self._front
        opened, names = self.open, self._names
        statuses = _HEADS.get
        pending, active, done = Status.PENDING, Status.ACTIVE, Status.DONE
        # The column of the task that the line above is of, if that came this short way. What it changed in `last` and
        # `leaf` is written there before anything else looks.
        current = level = -1
        # Where the content of the task begins whose fence is open, if that came this short way.
        fence = -1
        width = 0
        indent = fence_indent = mark = ""
        parent: Task | None = None
        siblings = plan.tasks
        seen: dict[str, int] = {}
        above = pending
        for number, line in enumerate(plan.lines, 1):
            if fence >= 0:
                bare = line.lstrip(" ")
                if bare[:1] not in _NO_CODE and line.startswith(fence_indent):
                    self.last = number
                    continue
                if bare == "\n":
                    continue
                if bare.rstrip(" \t\n") == mark and 0 <= len(line) - len(bare) - fence < 4:
                    self.last, self.leaf, fence = number, NOTHING, -1
                    self.fence_closed(self._fence, number)
                    continue
                fence = -1
            # A plain task: its indentation, `- [`, a mark, `] `, and a name in which nothing but a tag has a meaning.
            if current >= _DEEP and line.startswith(indent):
                bare = line[current:].lstrip(" ")
            else:
                bare = line.lstrip(" ")
            column = -1
            status = statuses(bare[:6])
            if status is not None:
                name = key = bare[6:].strip()
                tag = ""
                if "[" in name or "@" in name or "<" in name:
                    tag, name = tag_and_name(name)
                    key = f"[{tag}] {name}"
                    if tag:
                        column = len(line) - len(bare)
                elif name:
                    column = len(line) - len(bare)
            elif current >= 0:
                if bare[:1].isalpha() and "<!--" not in bare:
                    continue  # text that goes on with the task's
                if bare == "\n":
                    self.last, self.leaf, current = number - 1, NOTHING, -1
                    continue
                if bare.startswith("```"):
                    begin = len(line) - len(bare)
                    info = bare.lstrip("`")
                    if 2 <= begin - current < 6 and "`" not in info:
                        mark, fence_indent = bare[: len(bare) - len(info)], " " * begin
                        self._fence, self._fence_indent = (
                            OpenFence(mark, number, begin, opened[-1]),
                            fence_indent,
                        )
                        self.fence_opened(opened[-1], number)
                        self.last, self.leaf, fence, current = number, FENCE, current + 2, -1
                        continue
            elif bare == "\n" and number > front and self.leaf < FENCE and not self.notes:
                self.leaf = NOTHING
                continue
            if column == current >= 0:
                opened.pop().end = number
            else:
                if current < 0:
                    level = self._reach(column) if column >= 0 and number > front else -1
                elif column > current:
                    if not width and level == 0 and column in (2, 4):
                        self.width = width = column
                    if width and column == current + width:
                        level += 1
                        names.append({})
                    else:
                        level = -1
                elif column >= 0 and column % width == 0:
                    while column < current:
                        current -= width
                        level -= 1
                        opened.pop().end = number
                    opened.pop().end = number
                    del names[level + 1 :]
                else:
                    level = -1
                if level < 0:
                    if current >= 0:
                        self.last, self.leaf, current = number - 1, TASK_TEXT, -1
                    self.feed(line, number)
                    width = self.width
                    if number == front:
                        self._end_front_matter(number)
                    continue
                current = column
                if current >= _DEEP:
                    indent = " " * current
                parent = opened[-1] if level else None
                siblings = self._siblings(parent)
                above = parent.status if parent is not None else pending
                seen = names[level]
            assert status is not None
            task = Task(plan, parent, name, status, number, len(siblings) + 1)
            if tag:
                task.tag = tag
            siblings.append(task)
            opened.append(task)
            if key in seen:
                self._duplicate(key, number, column, seen[key])
            else:
                seen[key] = number
            if status is active or above is done:
                self._judge(task, column)
        if current >= 0:
            self.last = len(plan.lines)
        self.end()
        self._finish()

    def _siblings(self, parent: Task | None) -> list[Task]:
        """The list that the next task inside of `parent` goes to."""
        if parent is None:
            return self.plan.tasks
        if not isinstance(parent.children, list):
            parent.children = []
        return parent.children

    def _reach(self, column: int) -> int:
        """The level of a plain task at this column, when it may stand here, with what ends there closed; else
        -1.
        """
        notes = self.notes
        if self.leaf >= FENCE or self.offsets is not None or (notes and 0 <= notes[0] <= column):
            return -1
        level = odd = 0
        if column:
            if not self.width:
                return -1
            level, odd = divmod(column, self.width)
        if odd or level > len(self.open):
            return -1
        if notes:
            notes.clear()
            self.fresh = False
        self._comment = None
        if level < len(self.open):
            self.close_tasks(level)
        if level == len(self._names):
            self._names.append({})
        return level

    def close_tasks(self, tasks: int) -> None:
        end = self.last + 1
        opened = self.open
        while len(opened) > tasks:
            opened.pop().end = end
        del self._names[tasks + 1 :]
        if self.offsets is not None:
            del self.offsets[tasks:]

    # The rules of siblings and parents (DESIGN section 2), checked as each task is met.

    def _duplicate(self, name: str, number: int, position: int, first: int) -> None:
        self.problem(
            number,
            position + 6,
            f"A duplicate name: {short(name)} is on line {first} already, under the same heading.",
            "Give one of them another name.",
            "duplicate",
        )

    def _judge(self, task: Task, position: int) -> None:
        parent, status = task.parent, task.status
        mark = position + 3
        if status is Status.ACTIVE:
            other = self._active.setdefault(parent, task)
            if other is not task:
                self.problem(
                    task.line,
                    mark,
                    f"An ambiguous focus: {short(other.name)} on line {other.line} is active too.",
                    "At most one of the tasks of one parent can be active.",
                    "focus",
                )
        if parent is None:
            return
        if parent.status is Status.DONE and not status.is_settled:
            self.problem(
                task.line,
                mark,
                f"A logic conflict: the task is {status}, and its parent on line {parent.line} is done.",
                "Finish or skip the task, or reopen its parent.",
                "conflict",
            )
        elif status is Status.ACTIVE and parent.status is not Status.ACTIVE:
            self.problem(
                task.line,
                mark,
                f"A logic conflict: the task is active, its parent on line {parent.line} is {parent.status}.",
                "Make the parent active (`[/]`) too.",
                "conflict",
            )

    def _finish(self) -> None:
        for task, line in self._code.items():
            if task.children:
                self._too_much(
                    task, f"children and the code of [{task.tag}] on line {line}", "the code to a child"
                )
            if task.ref is not None:
                self._too_much(
                    task,
                    f"a reference and the code of [{task.tag}] on line {line}",
                    "the code to a task of its own",
                )
        for task in self.plan.referring:
            if task.children:
                self._too_much(
                    task, f"children and the reference {task.ref!r}", f"the children to {task.ref}"
                )

    def _too_much(self, task: Task, what: str, where: str) -> None:
        line = self.plan.lines[task.line - 1]
        hint = f"A task has one of them: move {where}."
        self.problem(task.line, line.index("[") - 2, f"The task has {what}.", hint, "mixed")

    # What the block structure found.

    def task_line(
        self, text: str, number: int, position: int, column: int, content: int, nested: bool, inner: int
    ) -> None:
        level = len(self.open)
        box = syntax.BOX.match(text, content)
        assert box is not None
        if number <= self._front:
            self.problem(
                number, position, "A task in the front matter.", "Move it below the closing `---`.", "front"
            )
        elif nested:
            self.problem(
                number,
                position,
                "A task that does not begin its line.",
                f"Put it on a line of its own. {_FIX}",
            )
        elif self.notes:
            where = "quote" if self.notes[-1] < 0 else "note"
            self.problem(
                number,
                position,
                f"An invalid indentation: at {column} spaces this task is a part of the {where} above.",
                f"{self._levels()} {_FIX}",
                "indentation",
            )
        else:
            self._check_indentation(text, number, position, column, content, level)
        if text[position] != "-":
            bullet = text[position:content].strip()
            self.problem(
                number, position, f"An unknown marker: a task under {bullet!r}.", f"{_MARKS} {_FIX}", "marker"
            )
        if box[1] not in STATUSES:
            self.problem(number, content, f"An unknown marker: [{box[1]}].", f"{_MARKS} {_FIX}", "marker")
        elif text[box.end() : box.end() + 1] == "\t":
            self.problem(
                number,
                box.end(),
                "An invalid indentation: a tab behind the marker.",
                f"Put a space there. {_FIX}",
                "indentation",
            )
        opened = not nested and not self.notes
        task = self._add(
            text, number, column, content, box[1], box.end(), self.open[-1] if self.open else None, level
        )
        if opened:
            if self.offsets is None and inner != level * self.width + 2:
                self.offsets = [above * self.width + 2 for above in range(level)]
            if self.offsets is not None:
                self.offsets.append(inner)
            self.open.append(task)
            self.leaf = TASK_TEXT
        else:
            self.notes.append(inner)
            self.leaf = PARAGRAPH
            task.end = number + 1

    def task_in_text(self, rest: str, number: int, position: int, column: int) -> None:
        bullet = rest.split(None, 1)[0]
        if bullet == "-":
            self.problem(
                number,
                position,
                f"An invalid indentation: at {column} spaces this task is text of the paragraph above.",
                f"{self._levels()} {_FIX}",
                "indentation",
            )
        else:
            self.problem(
                number, position, f"An unknown marker: a task under {bullet!r}.", f"{_MARKS} {_FIX}", "marker"
            )
        level = min(len(self.open), column // (self.width or 4))
        box = syntax.BOX.search(rest)
        assert box is not None
        text = " " * position + rest
        parent = self.open[level - 1] if level else None
        task = self._add(
            text, number, column, position + box.start(), box[1], position + box.end(), parent, level
        )
        task.end = number + 1

    def heading(self, number: int, level: int, text: str) -> None:
        if number <= self._front or self.notes:
            return
        del self._names[len(self.open) :]
        if self.open:
            self.plan.inner.append((len(self.open), Heading(number, level, text)))
        else:
            self.plan.headings.append(Heading(number, level, text))

    def fence_opened(self, owner: Task | None, number: int) -> None:
        if owner is not None and owner.tag is not None:
            self._code.setdefault(owner, number)

    def fence_closed(self, fence: OpenFence, number: int) -> None:
        self.fences.append((fence, number))

    def fence_unclosed(self, fence: OpenFence, last: int) -> None:
        self.unclosed.append((fence, last))

    def _end_front_matter(self, number: int) -> None:
        if self.leaf >= FENCE or self.open or self.notes:
            self.problem(
                number,
                0,
                "For a reader of Markdown, the front matter does not end here.",
                "Make it plain `Key: Value` lines.",
                "front",
            )
            self.close(0, 0)
            self.leaf = NOTHING

    def _check_indentation(
        self, text: str, number: int, position: int, column: int, content: int, level: int
    ) -> None:
        gap = text[position + 1 : content]
        message = ""
        where = 0
        if "\t" in text[:position]:
            message = "An invalid indentation: a tab."
            where = text.index("\t")
        elif not self.width and level == 1 and column in (2, 4):
            self.width = column
        elif column != level * self.width:
            deeper = self.width and column % self.width == 0
            message = f"An invalid indentation: {column} {'space' if column == 1 else 'spaces'}" + (
                ", and no task above is one level up." if deeper else "."
            )
        if message:
            self.problem(number, where, message, f"{self._levels()} {_FIX}", "indentation")
        if gap != " " and text[position] == "-":
            what = "a tab" if "\t" in gap else f"{len(gap)} spaces"
            self.problem(
                number,
                position + 1,
                f"An invalid indentation: {what} behind the dash.",
                f"Put one space there. {_FIX}",
                "indentation",
            )

    def _levels(self) -> str:
        if self.width:
            return f"A level of this file is {self.width} spaces."
        return "Indent a nested task by 4 spaces."

    def _add(
        self,
        text: str,
        number: int,
        column: int,
        content: int,
        mark: str,
        after: int,
        parent: Task | None,
        level: int,
    ) -> Task:
        """Makes the task of a line whose box is at `content` and ends before `after`."""
        wording = read_wording(text[after:])
        siblings = self._siblings(parent)
        status = STATUSES.get(mark, Status.PENDING)
        task = Task(
            self.plan,
            parent,
            wording.name,
            status,
            number,
            len(siblings) + 1,
            tag=wording.tag,
            ref=wording.ref,
            is_flow=wording.is_flow,
        )
        siblings.append(task)
        for start, comment in wording.comments:
            self.comment(number, after + start, comment)
        key = wording.name if wording.tag is None else f"[{wording.tag}] {wording.name}"
        while len(self._names) <= level:
            self._names.append({})
        seen = self._names[level]
        if not wording.name:
            self.problem(number, content, "The task has no name.", "Write one behind the marker.", "name")
        elif key in seen:
            self._duplicate(key, number, content - 2, seen[key])
        else:
            seen[key] = number
        self._judge(task, content - 2)
        if wording.ref is not None:
            self.plan.referring.append(task)
            reason = reference_problem(wording.ref)
            if reason is not None:
                at = text.rfind(wording.ref) + 1
                hint = (
                    "A reference is a path below `.flow/` with forward slashes, as in `@ sub_flows/build.md`."
                )
                task.problems = (Problem(self.plan.file, number, max(at, 1), reason, hint, "reference"),)
        return task


def short(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:59]}…")
