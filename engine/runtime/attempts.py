"""What is remembered of the attempts at each task, in `status.meta`: `key`, `attempt`, `interruptions`, and whether one
that had done its work was `undone`.

It is kept by the path of names and headings. A task whose heading somebody changed is found again by its names alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.runtime.identity import Level, key_of, names_of, namesakes, path_of, paths_of
from engine.status import Task
from engine.storage import Plans

Record = dict[str, Any]


def find(plans: Plans, task: Task) -> tuple[str, Record]:
    """The key under which the attempts at a task are kept, and what is; empty when there is nothing.

    Where it cannot be told which of several tasks it is kept of, only what leaves the decision to a person: rather is
    one asked than anything run twice.
    """
    key = key_of(path_of(task))
    records = plans.records()
    if key in records:
        return key, records[key]
    others = [other for other in records if names_of(other) == names_of(key)]
    there = [key_of(path) for path in paths_of(namesakes(task))] if others else []
    lost = {other: records[other] for other in others if other not in there}
    if len(lost) == 1 and sum(one not in records for one in there) == 1:
        (other, record), *_ = lost.items()
        if not record.get("shared"):
            return other, record
    careful = {
        "undone": any(record.get("undone") for record in lost.values()),
        "interruptions": max((int(record.get("interruptions", 0)) for record in lost.values()), default=0),
    }
    return key, {name: value for name, value in careful.items() if value}


def known(plans: Plans, tasks: Iterable[Task]) -> Iterator[tuple[Task, tuple[Level, ...], str, Record]]:
    """Those of many tasks that something is remembered of, with their paths, and what `find` finds."""
    names = {names_of(key) for key in plans.records()}
    every = list(tasks) if names else []
    for task, path in zip(every, paths_of(every), strict=True):
        if names_of(key_of(path)) in names:
            key, record = find(plans, task)
            if record:
                yield task, path, key, record


def keep(plans: Plans, path: Sequence[Level], record: Mapping[str, Any], *, was: str = "") -> None:
    """Remembers this of the task at a path, and no longer under the key `was`."""
    shared = {"shared": True} if any(level.shared for level in path) else {}
    key = key_of(path)
    plans.put_record(key, {**{name: record[name] for name in record if name != "shared"}, **shared})
    if was and was != key:
        plans.drop_record(was)


def take(plans: Plans, task: Task) -> Record:
    """What is remembered of the attempts at a task that is about to run, from now on under its path of now."""
    key, record = find(plans, task)
    path = path_of(task)
    if record and key != key_of(path):
        keep(plans, path, record, was=key)
    return record
