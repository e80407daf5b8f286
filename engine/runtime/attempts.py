"""What is remembered of the attempts at each task, in `status.meta`: `key`, `attempt`, `interruptions`, and whether one
that had done its work was `undone`.

It is kept by the path of names and headings. A task whose heading somebody changed is found again by its names alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.runtime.identity import Level, body_text, key_of, names_of, namesakes, path_of, paths_of
from engine.status import Task
from engine.storage import Plans, revision_of

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
    there, lost = _lost(task, key, records)
    if len(lost) == 1 and sum(one not in records for one in there) == 1:
        (other, record), *_ = lost.items()
        if not record.get("shared") and record.get("body", _digest(task)) == _digest(task):
            return other, record
    careful = {
        "undone": any(record.get("undone") for record in lost.values()),
        "interruptions": max((number(record, "interruptions") for record in lost.values()), default=0),
    }
    return key, {name: value for name, value in careful.items() if value}


def _lost(task: Task, key: str, records: Mapping[str, Record]) -> tuple[list[str], dict[str, Record]]:
    """The keys of all tasks with the names of this one, and the records of those names that no task has: a heading was
    changed, or the task is gone."""
    others = [other for other in records if names_of(other) == names_of(key)]
    there = [key_of(path) for path in paths_of(namesakes(task))] if others else []
    return there, {
        other: records[other] for other in others if other not in there and not records[other].get("gone")
    }


def number(record: Mapping[str, Any], name: str) -> int:
    """A count in a record, which may hold anything."""
    value = record.get(name)
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def _digest(task: Task) -> str:
    return revision_of(body_text(task).encode("utf-8", "surrogatepass"))


def known(plans: Plans, tasks: Iterable[Task]) -> Iterator[tuple[Task, tuple[Level, ...], str, Record]]:
    """Those of many tasks that something is remembered of, with their paths, and what `find` finds."""
    names = {names_of(key) for key in plans.records()}
    every = list(tasks) if names else []
    for task, path in zip(every, paths_of(every), strict=True):
        if names_of(key_of(path)) in names:
            key, record = find(plans, task)
            if record:
                yield task, path, key, record


def keep(
    plans: Plans, path: Sequence[Level], record: Mapping[str, Any], *, task: Task | None = None, was: str = ""
) -> None:
    """Remembers this of the task at a path, which is `task` if that is at hand, and no longer under the key `was`."""
    body = {"body": _digest(task)} if task is not None else {}
    copy(plans, {tuple(path): {**record, **body}})
    if was and was != key_of(path):
        plans.drop_record(was)


def copy(plans: Plans, known: Mapping[tuple[Level, ...], Record]) -> None:
    """Remembers this of the tasks at these paths."""
    plans.put_records(
        {
            key_of(path): {name: record[name] for name in record if name != "shared"}
            | ({"shared": True} if any(level.shared for level in path) else {})
            for path, record in known.items()
        }
    )


def take(plans: Plans, task: Task) -> Record:
    """What is remembered of the attempts at a task that is about to run, from now on under its path of now."""
    key, record = find(plans, task)
    path = path_of(task)
    if record and key != key_of(path):
        keep(plans, path, record, task=task, was=key)
    return record


def leave(plans: Plans, tasks: Iterable[Task]) -> None:
    """These tasks are taken out of the plan: what is remembered of them is nobody else's."""
    for _, path, key, record in list(known(plans, tasks)):
        if key in plans.records():
            keep(plans, path, {**record, "gone": True}, was=key)


def forget(plans: Plans, tasks: Iterable[Task]) -> None:
    """Forgets the attempts at these tasks, and at those of the same names that are gone."""
    records = plans.records()
    keys: set[str] = set()
    for task, path, key, _ in known(plans, tasks):
        keys |= {key, *_lost(task, key_of(path), records)[1]}
    plans.drop_record(*keys)
