"""Three versions of one sequence become one. Its elements are lines (texts) and tasks (numbers, the same for the same
task in all versions); what is in a task is no concern of this module.

Lines merge as text does: where both sides changed the same place differently, that place is a conflict. Tasks are told
apart by who they are, so that tasks which both sides added, removed or moved beside each other do not conflict.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Key = str | int


@dataclass(frozen=True, slots=True)
class Clash:
    """A place that the sides changed differently: what each of them has there."""

    ours: tuple[Key, ...]
    theirs: tuple[Key, ...]


def merge_keys(base: Sequence[Key], ours: Sequence[Key], theirs: Sequence[Key]) -> list[Key | Clash]:
    """The merged sequence. Every task that both sides have, or that one of them added, is in it, once or in a clash."""
    merged: list[Key | Clash] = []
    in_ours, in_theirs = _matches(base, ours), _matches(base, theirs)
    here = mine = other = 0
    for index in [*(index for index in range(len(base)) if index in in_ours and index in in_theirs), None]:
        end, my_end, other_end = (
            (index, in_ours[index], in_theirs[index])
            if index is not None
            else (len(base), len(ours), len(theirs))
        )
        merged += _region(base[here:end], ours[mine:my_end], theirs[other:other_end])
        if index is not None:
            merged.append(base[index])
            here, mine, other = end + 1, my_end + 1, other_end + 1
    return _each_task_once(merged)


def _matches(base: Sequence[Key], side: Sequence[Key]) -> dict[int, int]:
    """Which elements of the base are which of the side, in order on both."""
    start = 0
    while start < min(len(base), len(side)) and base[start] == side[start]:
        start += 1
    end = 0
    while end < min(len(base), len(side)) - start and base[-1 - end] == side[-1 - end]:
        end += 1
    found = {index: index for index in range(start)}
    here = there = start
    anchors = _anchors(base, side, start, end)
    for index, other in [*anchors, (len(base) - end, len(side) - end)]:
        if here < index and there < other:
            between = SequenceMatcher(None, base[here:index], side[there:other])
            for block in between.get_matching_blocks():
                for step in range(block.size):
                    found[here + block.a + step] = there + block.b + step
        found[index] = other
        here, there = index + 1, other + 1
    for step in range(1, end + 1):
        found[len(base) - step] = len(side) - step
    if not end:
        found.pop(len(base), None)
    return found


def _anchors(base: Sequence[Key], side: Sequence[Key], start: int, end: int) -> list[tuple[int, int]]:
    """What is there once in each, and in the same order: the longest such row, found as patience sorting finds it.

    Between two of these there is little left to compare, however long the whole is.
    """
    mine, other = _once(base, start, end), _once(side, start, end)
    pairs = [(index, other[key]) for key, index in mine.items() if key in other]
    tops: list[int] = []
    piles: list[int] = []
    below: list[int] = []
    for number, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        below.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        piles[pile : pile + 1] = [number]
    row: list[tuple[int, int]] = []
    number = piles[-1] if piles else -1
    while number >= 0:
        row.append(pairs[number])
        number = below[number]
    return row[::-1]


def _once(keys: Sequence[Key], start: int, end: int) -> dict[Key, int]:
    """Where the keys stand that are there only once, in order."""
    places: dict[Key, int] = {}
    twice: set[Key] = set()
    for index in range(start, len(keys) - end):
        if keys[index] in places:
            twice.add(keys[index])
        places[keys[index]] = index
    return {key: index for key, index in places.items() if key not in twice}


def _region(base: Sequence[Key], ours: Sequence[Key], theirs: Sequence[Key]) -> Sequence[Key | Clash]:
    """What becomes of a place between two elements that all versions have."""
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    if any(isinstance(key, int) for key in (*base, *ours, *theirs)):
        if _text(theirs) in (_text(base), _text(ours)):
            return _with_tasks_of(theirs, ours, base)
        if _text(ours) == _text(base):
            return _with_tasks_of(ours, theirs, base)
    return _clash(ours, theirs)


def _text(keys: Sequence[Key]) -> list[str]:
    return [key for key in keys if isinstance(key, str) and key.strip()]


def _clash(ours: Sequence[Key], theirs: Sequence[Key]) -> list[Key | Clash]:
    """The sides, without what they have in common at both ends."""
    start, end = 0, 0
    shorter = min(len(ours), len(theirs))
    while start < shorter and ours[start] == theirs[start]:
        start += 1
    while end < shorter - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    inner = Clash(tuple(ours[start : len(ours) - end]), tuple(theirs[start : len(theirs) - end]))
    return [*ours[:start], inner, *ours[len(ours) - end :]]


def _with_tasks_of(other: Sequence[Key], main: Sequence[Key], base: Sequence[Key]) -> list[Key]:
    """The place as `main` has it, with the tasks that `other` added, and without those that it removed or moved."""
    known, others = set(base), set(other)
    merged = [key for key in main if isinstance(key, str) or key not in known or key in others]
    present = set(merged)
    for index, key in enumerate(other):
        if isinstance(key, str) or key in known or key in present:
            continue
        blanks = index
        while blanks and isinstance(line := other[blanks - 1], str) and not line.strip():
            blanks -= 1
        before = next((each for each in reversed(other[:blanks]) if each in present and _weighs(each)), None)
        place = _place(before, others, merged)
        merged[place:place] = other[blanks : index + 1]
        present.update(other[blanks : index + 1])
    return merged


def _place(before: Key | None, other: Collection[Key], merged: list[Key]) -> int:
    """Where in `merged` stands what stands behind `before` in `other`: behind what `merged` alone has added there."""
    place = merged.index(before) + 1 if before is not None else 0
    ahead = place
    while ahead < len(merged):
        key = merged[ahead]
        if isinstance(key, int):
            if key in other:
                break
            place = ahead + 1
        elif key.strip():
            break
        ahead += 1
    return place


def _weighs(key: Key) -> bool:
    return isinstance(key, int) or bool(key.strip())


def _each_task_once(merged: list[Key | Clash]) -> list[Key | Clash]:
    """A task that both sides moved stands where it comes first."""
    seen: set[int] = set()
    once: list[Key | Clash] = []
    for key in merged:
        if isinstance(key, int):
            if key in seen:
                continue
            seen.add(key)
        elif isinstance(key, Clash):
            key = Clash(_unseen(key.ours, seen), _unseen(key.theirs, seen))
            seen.update(each for each in (*key.ours, *key.theirs) if isinstance(each, int))
        once.append(key)
    return once


def _unseen(keys: Sequence[Key], seen: set[int]) -> tuple[Key, ...]:
    return tuple(key for key in keys if isinstance(key, str) or key not in seen)
