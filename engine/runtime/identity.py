"""Which task is meant when the plan may have changed meanwhile: the path of names from the root down to it.

Under several headings siblings may have one name (DESIGN section 2, Rules): which of them is meant, the heading tells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from engine.status import Heading, Plan, Status, Task

SEPARATOR = "\x1f"
"""Stands between the names of a key, and those of its headings."""


class Level(NamedTuple):
    """One file on the way down, and the names within it; a name includes the tag.

    `sections`: the headings that each of them stands under, outermost first, as one text; empty where none stands under
    any. `shared`: a sibling had one of the names, so that the name alone does not tell whether it is the task that was
    meant. `twins`: the keys of what else stood in the file by the last of the names, or with its tag and its text, so
    that neither tells one of those from it. These two make no other level of it.
    """

    file: str
    names: tuple[str, ...]
    sections: tuple[str, ...] = ()
    shared: bool = False
    twins: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Level) and self[:3] == other[:3]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:3])

    @property
    def headed(self) -> tuple[str, ...]:
        """`sections`, one for each of the names."""
        return self.sections or ("",) * len(self.names)

    def below(self, names: Sequence[str], sections: Sequence[str], shared: bool) -> Level:
        """The level with further names."""
        return _level(self.file, (*self.names, *names), (*self.headed, *sections), self.shared or shared)


def _level(file: str, names: tuple[str, ...], sections: tuple[str, ...], shared: bool) -> Level:
    return Level(file, names, sections if any(sections) else (), shared)


def name_of(task: Task) -> str:
    """The name of a task with its tag."""
    return f"[{task.tag}] {task.name}" if task.tag else task.name


def path_of(task: Task) -> tuple[Level, ...]:
    """The path of names of a task, the root file first."""
    return next(paths_of([task]))


def path_at_work(task: Task, path: Sequence[Level] | None = None) -> tuple[Level, ...]:
    """The path (`path` where it is about to be another one) of a leaf that is at work: it knows the twins of that."""
    *above, last = path if path is not None else path_of(task)
    return (*above, last._replace(twins=_twins(task)))


def _twins(task: Task) -> tuple[str, ...]:
    """The keys, within its file, of other leaves that have the name of a task, or its tag and its text."""
    plan, text = task.plan, body_text(task)
    # Most tasks have none, and to look through the text of the plan is much quicker than through its tasks.
    if text.strip() and plan.text.count(text) == 1 and plan.text.count(task.name) == 1:
        return ()
    alike = [
        one
        for one in plan.walk()
        if one.tag == task.tag and one.is_leaf and (one.name == task.name or body_text(one) == text)
    ]
    own, *keys = (key_of(path[-1:]) for path in paths_of([task, *alike]))
    return tuple(sorted({*keys} - {own}))


def files_to(task: Task) -> list[str]:
    """The files on the way down to a task, the root file first."""
    files = [task.plan.file]
    above = task.plan.referrer
    while above is not None:
        files.append(above.plan.file)
        above = above.plan.referrer
    return files[::-1]


def paths_of(tasks: Iterable[Task]) -> Iterator[tuple[Level, ...]]:
    """The path of each of these tasks, of one reading."""
    around = _Around()
    for task in tasks:
        levels: list[Level] = []
        here: Task | None = task
        while here is not None:
            names, sections, shared = [], [], False
            up: Task | None = here
            while up is not None:
                names.append(name_of(up))
                sections.append(around.section(up))
                shared = shared or around.is_shared(up)
                up = up.parent
            levels.append(_level(here.plan.file, tuple(reversed(names)), tuple(reversed(sections)), shared))
            here = here.plan.referrer
        yield tuple(reversed(levels))


class _Around:
    """The headings and the siblings of tasks of one reading."""

    def __init__(self) -> None:
        self._headings: dict[Task | Plan, tuple[list[int], list[str]]] = {}
        self._names: dict[Task | Plan, Counter[str]] = {}
        self._asked: set[Task | Plan] = set()

    def section(self, task: Task) -> str:
        """The headings that a task stands under; of several with the same texts, which of them it is."""
        plan, parent = task.plan, task.parent
        if not (plan.headings if parent is None else plan.inner):
            return ""
        holder = parent or plan
        if holder not in self._headings:
            found = plan.headings if parent is None else _headings_in(parent)
            self._headings[holder] = [heading.line for heading in found], _sections(found)
        lines, sections = self._headings[holder]
        last = bisect_left(lines, task.line) - 1
        return sections[last] if last >= 0 else ""

    def is_shared(self, task: Task) -> bool:
        """Whether a sibling has the same name."""
        if not (task.plan.headings if task.parent is None else task.plan.inner):
            return False  # names differ, as nothing comes between them
        holder = task.parent or task.plan
        siblings = holder.children if isinstance(holder, Task) else holder.tasks
        if holder not in self._asked:  # to look for one name is quicker than to count all
            self._asked.add(holder)
            return sum(one.name == task.name and one.tag == task.tag for one in siblings) > 1
        if holder not in self._names:
            self._names[holder] = Counter(map(name_of, siblings))
        return self._names[holder][name_of(task)] > 1


def headings_of(task: Task) -> str:
    """The headings that a task stands under, as one text: what tells it from a sibling of its name."""
    return _Around().section(task)


def _headings_in(task: Task) -> list[Heading]:
    """The headings between the children of a task."""
    depth = 1
    above = task.parent
    while above is not None:
        depth, above = depth + 1, above.parent
    inner = task.plan.inner
    first = bisect_left(inner, task.line, key=lambda each: each[1].line)
    last = bisect_left(inner, task.end, key=lambda each: each[1].line)
    return [heading for tasks, heading in inner[first:last] if tasks == depth]


def _sections(headings: Sequence[Heading]) -> list[str]:
    """For each heading the texts down to it, the outermost first; behind the first of them its number."""
    found: list[str] = []
    seen: Counter[str] = Counter()
    above: list[Heading] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        texts = "\n".join(f"#{each.text}" for each in above)  # no text has a line feed
        seen[texts] += 1
        found.append(texts if seen[texts] == 1 else f"{texts}\n{seen[texts]}")
    return found


def _texts(section: str) -> str:
    """The texts of a section, without its number."""
    return "\n".join(line for line in section.split("\n") if line.startswith("#"))


def as_json(path: Sequence[Level]) -> list[dict[str, Any]]:
    """The path for a record."""
    return [
        {"file": level.file, "names": list(level.names)}
        | ({"sections": list(level.sections)} if level.sections else {})
        | ({"shared": True} if level.shared else {})
        | ({"twins": list(level.twins)} if level.twins else {})
        for level in path
    ]


def from_json(levels: Any) -> tuple[Level, ...]:
    """The path from a record. Raises KeyError, TypeError or ValueError when it is none."""
    path = []
    for level in levels:
        file, names, sections = level["file"], tuple(level["names"]), tuple(level.get("sections", ()))
        if not names or (sections and len(sections) != len(names)):
            raise ValueError(f"{sections} are not the sections of {names}.")
        twins = tuple(level.get("twins", ()))
        if not all(isinstance(text, str) for text in (file, *names, *sections, *twins)):
            raise ValueError(f"{names} are no names.")
        path.append(Level(file, names, sections, level.get("shared") is True, twins))
    return tuple(path)


def key_of(path: Sequence[Level]) -> str:
    """The path as one string, for a record that is kept by task."""
    names = "/".join(f"{level.file}#{SEPARATOR.join(level.names)}" for level in path)
    sections = SEPARATOR.join(section for level in path for section in level.headed)
    return f"{names}\n{sections}" if sections.strip(SEPARATOR) else names


def names_of(key: str) -> str:
    """A key without the headings."""
    return key.partition("\n")[0]  # no name has a line feed


def namesakes(task: Task) -> list[Task]:
    """All tasks that have the names of this one on the way down to them, itself among them."""
    found: list[Task] = []
    plans = [root_of(task)]
    for level in path_of(task):
        candidates: list[Sequence[Task]] = [plan.tasks for plan in plans if plan.file == level.file]
        for name in level.names:
            found = [one for tasks in candidates for one in tasks if name_of(one) == name]
            candidates = [one.children for one in found]
        plans = [one.subflow for one in found if one.subflow is not None]
    return found


def resolve(root: Plan, path: Sequence[Level], *, body: str | None = None) -> Task | None:
    """The task at this path of names, or None: of several with one name the one under the same headings, or the only
    one if there was no other of its name then: somebody changed the heading.

    `body` is the text below a task that is at work: it was begun, so that of several an active one is rather meant.
    """
    plan: Plan | None = root
    task: Task | None = None
    around = _Around()
    for level in path:
        if plan is None or plan.file != level.file:
            return None
        candidates: Sequence[Task] = plan.tasks
        for number, (name, section) in enumerate(zip(level.names, level.headed, strict=True), 1):
            named = [candidate for candidate in candidates if name_of(candidate) == name]
            exact = [one for one in named if around.section(one) == section]
            if body is None:
                task = _standing(named, exact, level, around, section)
            elif level is path[-1] and number == len(level.names):
                task = _begun(named, exact, path, around, body)
            else:
                task = _around_it(named, exact, level)
            if task is None:
                return None
            candidates = task.children
        plan = task.subflow if task is not None else None
    return task


def _standing(
    named: Sequence[Task], exact: Sequence[Task], level: Level, around: _Around, section: str
) -> Task | None:
    if level.shared:
        return exact[0] if exact else None
    alike = [one for one in named if _texts(around.section(one)) == _texts(section)]
    if exact and len(alike) == 1:
        return exact[0]
    return named[0] if len(named) == 1 else None


def _around_it(named: Sequence[Task], exact: Sequence[Task], level: Level) -> Task | None:
    """Of the tasks of one name the one around what was begun."""
    active = [one for one in named if one.status is Status.ACTIVE]
    for one in exact:
        if one in active or (level.shared and one.status is not Status.PENDING):
            return one
    if active or exact:
        return (active or exact)[0]
    return named[0] if len(named) == 1 and not level.shared else None


def _begun(
    named: Sequence[Task], exact: Sequence[Task], path: Sequence[Level], around: _Around, body: str
) -> Task | None:
    """Of the tasks of the last name of a path the one that was begun."""
    level, texts = path[-1], _texts(path[-1].headed[-1])
    active = [one for one in named if one.status is Status.ACTIVE]
    marked = [one for one in exact if one.status is not Status.PENDING]
    for one in marked:
        if one in active or level.shared:
            return one
    for one in (*active, *exact):
        # Sections with one text have other numbers when one is put above them: none of those tells a twin.
        is_twin = _texts(around.section(one)) != texts and _is_twin(one, path)
        if body_text(one) == body and not is_twin:
            return one
    if level.shared:
        return None
    if active and not marked:  # a pending one with another text is a newcomer beside it
        return active[0] if len(active) == 1 else None
    if exact:
        return exact[0]
    is_only = len(named) == 1 and (named[0].status is not Status.PENDING or body_text(named[0]) == body)
    return named[0] if is_only else None


def _is_twin(task: Task, path: Sequence[Level]) -> bool:
    """Whether a task is where another one was that had the name or the text of the one at this path."""
    if not path or not path[-1].twins or task.plan.file != path[-1].file:
        return False
    return key_of(next(paths_of([task]))[-1:]) in path[-1].twins


def find_again(root: Plan, path: Sequence[Level], body: str) -> Task | None:
    """The task that an intent means (DESIGN section 5): the one at its path of names, else the only active leaf if
    its name or its body (`body`: the text it had) still matches, else None. Never another one."""
    task = resolve(root, path, body=body)
    if task is not None and task.status is not Status.PENDING:
        return task
    leaves = [leaf for leaf in active_leaves(root) if not leaf.inside]
    if len(leaves) != 1 or _is_twin(leaves[0], path):
        return task
    leaf = leaves[0]
    is_same = without_indentation(body_text(leaf)) == without_indentation(body)
    if task is not None:  # it was begun: a newcomer of its name is not it where it stands under another
        if is_same and body.strip():
            return leaf
        is_alike = task.tag is not None and leaf.tag == task.tag and leaf.plan is task.plan
        return None if is_alike else task  # nothing tells which of them it is
    is_named = bool(path) and name_of(leaf) == path[-1].names[-1] and (is_same or not path[-1].shared)
    return leaf if is_named or (is_same and body.strip()) else None


def without_indentation(body: str) -> str:
    """The text of a task without its indentation, which changes with the place."""
    return "\n".join(line.strip() for line in body.splitlines())


def is_meant(task: Task, path: Sequence[Level], body: str) -> bool:
    """Whether this is the task that an intent means, in the reading that the task is of."""
    return find_again(root_of(task), path, body) is task


def root_of(task: Task) -> Plan:
    """The root plan of the tree that a task is in."""
    plan = task.plan
    while plan.referrer is not None:
        plan = plan.referrer.plan
    return plan


def active_leaves(root: Plan) -> list[Task]:
    """Active tasks inside which nothing is active, in document order, through sub-flows."""
    found: list[Task] = []
    stack = list(reversed(root.tasks))
    while stack:
        task = stack.pop()
        if task.status is not Status.ACTIVE:
            continue
        inside = [one for one in task.inside if one.status is Status.ACTIVE]
        if not inside:
            found.append(task)
        stack.extend(reversed(inside))
    return found


def body_text(task: Task) -> str:
    """The lines below a task that belong to it, as they are."""
    end = task.children[0].line - 1 if task.children else task.end - 1
    return "".join(task.plan.lines[task.line : end])
