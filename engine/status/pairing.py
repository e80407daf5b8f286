"""Which task of one copy of a plan is which of another: by its name, else by what shows that it was renamed.

A pair that is none would give the state of one task to another, so likeness of names alone is not enough.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from engine.status.layout import own_lines
from engine.status.model import Task

_ALIKE = 0.75
_NEAR = 100
"""How many tasks that are gone from one place a new one there is compared with: with all, a plan that was written anew
would take minutes."""


def pair(base: Sequence[Task], side: Sequence[Task]) -> dict[Task, Task]:
    """The tasks of `side` (siblings), each with the task of `base` that it was."""
    pairs: dict[Task, Task] = {}
    for key in (_in_section, _tag_and_name, _only_name):
        _by_key(base, side, key, pairs)
    _renamed(base, side, pairs)
    return pairs


def renamed_apart(
    base: Sequence[Task],
    ours: Sequence[Task],
    theirs: Sequence[Task],
    mine: Mapping[Task, Task],
    other: Mapping[Task, Task],
) -> Iterator[tuple[Task, Task, Task]]:
    """The tasks that are gone from both sides and have, on each, another new task in their place: the task of `base`
    with that of ours and that of theirs. `mine` and `other` are the pairs that are known.

    What both sides added under one name takes the place of a task, too, and is no such pair.
    """
    kept = {*mine.values(), *other.values()}
    gone = [task for task in base if task not in kept]
    if not gone:
        return
    new_ours = {key: task for key, task in section_names(ours) if task not in mine}
    new_theirs = {key: task for key, task in section_names(theirs) if task not in other}
    same = new_ours.keys() & new_theirs.keys()
    agreed, apart = (
        (
            _places(base, ours, mine, {task for key, task in new_ours.items() if (key in same) is wanted}),
            _places(
                base, theirs, other, {task for key, task in new_theirs.items() if (key in same) is wanted}
            ),
        )
        for wanted in (True, False)
    )
    for old in gone:
        if _take(old, *agreed) is None and (both := _take(old, *apart)) is not None:
            yield old, *both


def replaced(base: Sequence[Task], side: Sequence[Task], pairs: Mapping[Task, Task]) -> dict[Task, set[Task]]:
    """The tasks that `side` has alone, each with those of `base` that are gone and in whose place it may stand."""
    found: dict[Task, set[Task]] = {task: set() for task in side if task not in pairs}
    gone: defaultdict[int, set[Task]] = defaultdict(set)
    places = _places(base, side, pairs, found)
    for old, runs in places.items():
        for run in runs:
            gone[id(run)].add(old)
    # Tasks beside each other share a set: in a plan where all are new, a set for each would be quadratic.
    for run in {id(run): run for runs in places.values() for run in runs}.values():
        found.update((task, gone[id(run)]) for task in run)
    return found


def _places(
    base: Sequence[Task], side: Sequence[Task], pairs: Mapping[Task, Task], new: Collection[Task]
) -> dict[Task, tuple[deque[Task], deque[Task]]]:
    """For each task that `side` lacks, those of `new` behind the task that is before it in `base`, and those before
    the one that is behind it.
    """
    run: deque[Task] = deque()
    behind: dict[Task | None, deque[Task]] = {None: run}
    ahead: dict[Task | None, deque[Task]] = {}
    for task in side:
        if task in pairs:
            ahead[pairs[task]] = run
            run = behind[pairs[task]] = deque()
        elif task in new:
            run.append(task)
    ahead[None] = run
    found: dict[Task, tuple[deque[Task], deque[Task]]] = {}
    before: Task | None = None
    lacking: list[Task] = []
    for old in [*base, None]:
        if old is not None and old not in ahead:
            lacking.append(old)
            continue
        found.update((task, (behind[before], ahead[old])) for task in lacking)
        before, lacking = old, []
    return found


def _take(old: Task, *places: dict[Task, tuple[deque[Task], deque[Task]]]) -> tuple[Task, Task] | None:
    """The first task of each side that is in the place of `old` and was not taken yet; None where a side has none."""
    ours, theirs = (next((run for run in place[old] if run), None) for place in places)
    return (ours.popleft(), theirs.popleft()) if ours and theirs else None


def section_names(tasks: Sequence[Task]) -> Iterator[tuple[Hashable, Task]]:
    """Siblings with what tells them apart: heading, tag and name, and for a second one of these its number."""
    seen: defaultdict[Hashable, int] = defaultdict(int)
    for task in tasks:
        key = _in_section(task)
        seen[key] += 1
        yield (key, seen[key]), task


def _in_section(task: Task) -> Hashable:
    heading = (
        next((each.text for each in reversed(task.plan.headings) if each.line < task.line), None)
        if task.parent is None
        else None
    )
    return heading, task.tag, task.name


def _tag_and_name(task: Task) -> Hashable:
    return task.tag, task.name


def _only_name(task: Task) -> Hashable:
    return task.name


def _by_key(
    base: Sequence[Task], side: Sequence[Task], key: Callable[[Task], Hashable], pairs: dict[Task, Task]
) -> None:
    """Pairs what is left and has a key that nothing else on its side has."""
    taken = set(pairs.values())
    ours, theirs = _unique(side, key, pairs), _unique(base, key, taken)
    for name, task in ours.items():
        if name in theirs:
            pairs[task] = theirs[name]


def _unique(
    tasks: Sequence[Task], key: Callable[[Task], Hashable], but: set[Task] | dict[Task, Task]
) -> dict[Hashable, Task]:
    found: dict[Hashable, Task] = {}
    twice: set[Hashable] = set()
    for task in tasks:
        if task in but:
            continue
        name = key(task)
        if name in found:
            twice.add(name)
        found[name] = task
    return {name: task for name, task in found.items() if name not in twice}


def _renamed(base: Sequence[Task], side: Sequence[Task], pairs: dict[Task, Task]) -> None:
    """Pairs what is left behind the same task, if it is the same task with another name."""
    taken = set(pairs.values())
    left: defaultdict[Task | None, list[_Looks]] = defaultdict(list)
    before: Task | None = None
    for task in base:
        if task in taken:
            before = task
        else:
            left[before].append(_Looks.of(task))
    before = None
    for task in side:
        if task in pairs:
            before = pairs[task]
            continue
        new, gone = _Looks.of(task), left[before]
        index = next((index for index, old in enumerate(gone[:_NEAR]) if _is_renamed(old, new)), None)
        if index is not None:
            pairs[task] = gone.pop(index).task


class _Looks(NamedTuple):
    """What shows that a task is one of another name."""

    task: Task
    inside: frozenset[str]
    body: tuple[str, ...]
    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, task: Task) -> _Looks:
        lines = task.plan.lines
        body = (lines[number - 1] for number in own_lines(task)[1:])
        return cls(
            task,
            frozenset(child.name for child in task.children),
            tuple(line for line in body if line.strip()),
            tuple(re.findall(r"\w+", task.name.casefold())),
            tuple(re.findall(r"\d+", task.name)),
        )


def _is_renamed(old: _Looks, new: _Looks) -> bool:
    if old.task.ref is not None or new.task.ref is not None:
        return old.task.ref == new.task.ref
    if old.inside or new.inside:
        return not old.inside.isdisjoint(new.inside)
    return (bool(old.body) and old.body == new.body) or _is_alike(old, new)


def _is_alike(old: _Looks, new: _Looks) -> bool:
    """Whether a name gained or lost words, or has a word spelled otherwise; another number is another name."""
    if not old.words or not new.words or old.numbers != new.numbers:
        return False
    first, second = set(old.words), set(new.words)
    if first <= second or second <= first:
        return True
    return len(old.words) == len(new.words) and all(
        SequenceMatcher(None, one, other).ratio() >= _ALIKE
        for one, other in zip(old.words, new.words, strict=True)
    )
