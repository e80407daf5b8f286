"""A plan in memory: the tasks of one file, and what belongs to them.

Plain data. `engine.status.scanner` makes it from text, `engine.flows` links several plans into one fractal
tree by setting `Task.subflow` and `Plan.referrer`; the rules walk that tree through `Task.above` and
`Task.inside`.

Values that never change are named tuples here, and wherever every command loads them, and what changes is a plain
class: importing `dataclasses` and making one of them takes a fifth of the time of a command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """The five states of a task, each with the marker that a save writes."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def marker(self) -> str:
        return _MARKERS[self]

    @property
    def is_settled(self) -> bool:
        """Done or skipped: nothing is left to do."""
        return self in _SETTLED


_MARKERS = {
    Status.PENDING: " ",
    Status.ACTIVE: "/",
    Status.DONE: "x",
    Status.SKIPPED: "-",
    Status.FAILED: "!",
}
_SETTLED = (Status.DONE, Status.SKIPPED)


#: The codes of problems that a change of a status or name mends: the rules of siblings and parents.
RULES = frozenset({"duplicate", "focus", "conflict"})


class Problem(NamedTuple):
    """What is wrong in a plan: where (`line` and `column` count from 1), what, and how to mend it."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    code: str = "grammar"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} {self.hint}".rstrip()


class Heading(NamedTuple):
    line: int
    level: int
    text: str


class Comment(NamedTuple):
    """A comment that a reader of the rendered plan does not see."""

    line: int
    column: int
    text: str


class Fence(NamedTuple):
    """A fenced block of a task's body: ```` ```LANG WORD KEY=VALUE ... ````."""

    lang: str
    flags: tuple[str, ...]
    options: dict[str, str]
    text: str
    line: int


class Body(NamedTuple):
    """What is indented under a task and is not a task. `notes` is dedented Markdown without the fences."""

    notes: str = ""
    fences: tuple[Fence, ...] = ()


class Progress(NamedTuple):
    """Counts of leaves, through sub-flows."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    total: int = 0


class Task:
    """One task. `line` counts from 1; `end` is the first line after its body and children (also from 1).

    `counts` is what `engine.status.progress` keeps of its children.
    """

    __slots__ = (
        "children",
        "counts",
        "end",
        "is_flow",
        "line",
        "name",
        "number",
        "parent",
        "plan",
        "problems",
        "ref",
        "status",
        "subflow",
        "tag",
    )

    def __init__(
        self,
        plan: Plan,
        parent: Task | None,
        name: str,
        status: Status,
        line: int,
        number: int,
        *,
        tag: str | None = None,
        ref: str | None = None,
        is_flow: bool = False,
    ) -> None:
        self.plan = plan
        self.parent = parent
        self.name = name
        self.status = status
        self.line = line
        self.number = number
        self.end = 0
        self.tag = tag
        self.ref = ref
        self.is_flow = is_flow
        self.children: Sequence[Task] = ()
        self.problems: tuple[Problem, ...] = ()
        self.subflow: Plan | None = None
        self.counts: Progress | None = None

    def __repr__(self) -> str:
        """Short: what a task knows leads to every other one."""
        return f"<Task {self.address} {self.name!r}>"

    @property
    def id(self) -> str:
        """The virtual id within the file: the position, as in `1.2`."""
        numbers: list[str] = []
        task: Task | None = self
        while task is not None:
            numbers.append(str(task.number))
            task = task.parent
        return ".".join(reversed(numbers))

    @property
    def address(self) -> str:
        """The id, behind the ids of the tasks that refer here: `2/1.3`."""
        ids: list[str] = []
        task: Task | None = self
        while task is not None:
            ids.append(task.id)
            task = task.plan.referrer
        return "/".join(reversed(ids))

    @property
    def above(self) -> Task | None:
        """The parent, or the task that refers to this file."""
        return self.parent if self.parent is not None else self.plan.referrer

    @property
    def siblings(self) -> Sequence[Task]:
        """The tasks beside it, in its file, and itself."""
        return self.parent.children if self.parent is not None else self.plan.tasks

    @property
    def inside(self) -> Sequence[Task]:
        """The children, or the tasks of the sub-flow."""
        return self.subflow.tasks if self.subflow is not None else self.children

    @property
    def is_leaf(self) -> bool:
        return not self.inside


class Plan:
    """One file of tasks, read. `file` is relative to `.flow/`, with forward slashes.

    While `problems` is not empty (grammar or rules), nothing of this file may be changed or run. Problems of
    single tasks (a missing sub-flow) stand on the tasks. `inner` are the headings inside of tasks, each with how
    many are around it. `referring` are the tasks with a reference, in document order. `counts` is what
    `engine.status.progress` keeps of its tasks.
    """

    def __init__(
        self, file: str, lines: list[str] | None = None, *, problems: list[Problem] | None = None
    ) -> None:
        self.file = file
        self.lines = lines if lines is not None else []
        self.headers: dict[str, str] = {}
        self.headings: list[Heading] = []
        self.inner: list[tuple[int, Heading]] = []
        self.tasks: list[Task] = []
        self.problems = problems if problems is not None else []
        self.comments: list[Comment] = []
        self.referring: list[Task] = []
        self.referrer: Task | None = None
        self.counts: Progress | None = None

    def __repr__(self) -> str:
        return f"<Plan {self.file}>"

    @property
    def text(self) -> str:
        """The file as it would be written: LF line endings, everything else to the byte."""
        return "".join(self.lines)

    @property
    def title(self) -> str:
        """What a person calls this file: its `Project` or `Title` header, its first heading, or its name."""
        for key in ("Project", "Title"):
            if self.headers.get(key):
                return self.headers[key]
        return self.headings[0].text if self.headings else self.file

    def walk(self) -> Iterator[Task]:
        """Every task of this file, depth first."""
        stack = list(reversed(self.tasks))
        while stack:
            task = stack.pop()
            yield task
            stack.extend(reversed(task.children))
