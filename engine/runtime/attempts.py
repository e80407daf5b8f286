"""What is remembered of the attempts at each task, in `status.meta`: `key`, `attempt`, `interruptions`, whether one
that had run was `undone`; whether a person opened such a task again, so that it is `forgiven`, or marked it done or
skipped, so that it is `settled`; of what was lost from the plan while it was at work, `begun`: the tag that it had; of
what was taken back, `tag`: the same.

It is kept by the path of names and headings. A task whose heading somebody changed is found again by its names alone.
One that was renamed or moved by another program is told by its text only, which another task may have as well: what was
known stays where it was kept, and whatever is decided is kept of the task that it was decided about. Under another name
that is a suspicion, which lends no `key` and no `attempt`; once decided, `others` says whose the record is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.runtime.identity import (
    SEPARATOR,
    Level,
    body_text,
    key_of,
    name_of,
    names_of,
    namesakes,
    path_of,
    paths_of,
    root_of,
    without_indentation,
)
from engine.status import Status, Task, walk
from engine.storage import Plans, revision_of

Record = dict[str, Any]

_SUSPECTED: Record = {"undone": True, "suspected": True}


def find(plans: Plans, task: Task) -> tuple[str, Record]:
    """The key under which the attempts at a task are kept, and what is; empty when there is nothing. The key is empty,
    too, where only the text of the task, or its mark, tells of them: they may be those of another one.

    Where it cannot be told which of several tasks it is kept of, only what leaves the decision to a person: rather is
    one asked than anything run twice. `suspected`: nothing is kept of this one for certain, and it is asked about.
    """
    return _Memory(plans.records()).find(task, path_of(task))


class _Memory:
    """All records of one moment, and what many tasks of one name have in common."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self.records = records
        self._named: dict[str, list[str]] = {}
        for key in records:
            self._named.setdefault(names_of(key), []).append(key)
        self._lost: dict[str, tuple[int, dict[str, Record]]] = {}
        self._asking = {key: record for key, record in records.items() if record.get("undone")}
        self._asking_bodies = {str(record.get("body")) for record in self._asking.values()}
        self._there: set[str] | None = None
        self._texts: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._bodies: Counter[str] = Counter()
        self._held: set[str] = set()
        self._marks: Counter[tuple[str, str]] = Counter()

    def find(self, task: Task, path: Sequence[Level]) -> tuple[str, Record]:
        key, digest = key_of(path), _digest(task)
        own = self.own(task, key)
        if own is not None and (own.get("undone") or self.records[key].get("body", digest) == digest):
            return key, own
        waiting, lost = self.lost(task, key)
        if own is None and len(lost) == 1 and waiting == 1:
            (other, record), *_ = lost.items()
            if not record.get("shared") and record.get("body", digest) == digest:
                return other, record
        renamed = [other for other in self.renamed(task) if other not in lost]
        named = [other for other in renamed if _is_named(other, task)]
        if own is None and not lost and len(named) == len(renamed) == 1 and self.is_nowhere(named[0], task):
            return "", self.records[named[0]]
        careful = [_of_now(one, task) for one in (*lost.values(), *(self.records[other] for other in named))]
        undone = [record for record in careful if record.get("undone")]
        if own is not None:  # with another text than it had: another one may have got its name
            return key, {**own, **_SUSPECTED} if undone or renamed else own
        interruptions = max((number(record, "interruptions") for record in careful), default=0)
        found: Record = {"interruptions": interruptions} if interruptions else {}
        if not all(record.get("suspected") for record in undone):
            begun = [record["begun"] for record in careful if "begun" in record]
            return key, {**found, "undone": True} | ({"begun": begun[0]} if begun else {})
        if undone or renamed or (not careful and self._is_rewritten(task)):
            return "", {**found, **_SUSPECTED}
        return key, found

    def own(self, task: Task, key: str) -> Record | None:
        """What is kept under the key of this task, if that is not of one before it."""
        record = self.records.get(key)
        return None if record is None or _is_anothers(record, task) else _of_now(record, task)

    def lost(self, task: Task, key: str) -> tuple[int, dict[str, Record]]:
        """How many tasks with the names of this one have no record, and the records of those names that no task has: a
        heading was changed, or the task is gone."""
        names = names_of(key)
        if names not in self._lost:
            others = self._named.get(names, [])
            there = {key_of(path) for path in paths_of(namesakes(task))} if others else set()
            lost = {
                other: self.records[other]
                for other in others
                if other not in there and not self.records[other].get("gone")
            }
            self._lost[names] = sum(one not in self.records for one in there), lost
        waiting, lost = self._lost[names]
        return waiting, {other: record for other, record in lost.items() if self._may_be(record, task)}

    def renamed(self, task: Task) -> list[str]:
        """The keys of what may be kept of this task under a name or at a place that it had."""
        return [other for other, record in self._asking.items() if self._is_renamed(other, record, task)]

    def _is_renamed(self, other: str, record: Record, task: Task) -> bool:
        """Whether the text of a task says that this may be its record: no other task has that text, or none of its
        name, or it was begun. What was taken out of the plan is not taken for a task of another name, nor is what its
        own task still has, or what a person has decided this one apart from."""
        digest = _digest(task)
        if record.get("body") != digest:
            return False
        is_named = _is_named(other, task)
        if record.get("gone") and not is_named:
            return False
        is_begun = task.status is Status.ACTIVE and record.get("begun", task.tag or "") == (task.tag or "")
        has_text = bool(body_text(task).strip()) or (is_named and task.tag is not None)
        if not has_text and not (is_begun and _tag_of(record) is not None):
            return False
        self._look_around(task)
        # What was lost while it was at work, or is active again, may have another name, and a newcomer its own.
        is_newcomers = "begun" in record or ("tag" in record and other in self._waiting)
        is_there = self._texts.get(other) == digest and not (is_begun and is_newcomers)
        if is_there or key_of(path_of(task)) in _others(record):
            return False
        is_only = self._bodies[digest] == 1 or (is_named and self._marks[name_of(task), digest] == 1)
        return is_begun or is_only

    def _is_rewritten(self, task: Task) -> bool:
        """Whether this may be a task that was begun, with another name and another text: it is at work by the plan, and
        nothing but tasks that wait has the name or the text any more: what is at work does not wait, and they may be
        newcomers."""
        if task.status is not Status.ACTIVE or not task.is_leaf:
            return False
        self._look_around(task)
        return any(
            not record.get("gone")
            and _tag_of(record) == (task.tag or "")
            and (
                ("begun" in record and other in self._waiting)
                or (self.is_nowhere(other, task) and str(record.get("body")) not in self._held)
            )
            for other, record in self._asking.items()
        )

    def is_nowhere(self, other: str, task: Task) -> bool:
        """Whether no task has the names of this record."""
        self._look_around(task)
        return self._there is not None and names_of(other) not in self._there

    def _may_be(self, record: Record, task: Task) -> bool:
        """Whether a record of these names, that no task has by its headings, may be that of this one: not if what was
        begun is pending with another text, nor if the text that it is of is that of one other task."""
        digest, body = _digest(task), record.get("body")
        if body == digest or body is None:
            return True
        if "begun" in record and task.status is not Status.ACTIVE:
            return False
        self._look_around(task)
        return self._bodies[str(body)] != 1

    def _look_around(self, task: Task) -> None:
        if self._there is None:
            every = list(walk(root_of(task).tasks))
            self._texts = {
                key_of(path): _digest(one) for one, path in zip(every, paths_of(every), strict=True)
            }
            self._there = {names_of(key) for key in self._texts}
            pending = [one for one in every if one.status is Status.PENDING]
            self._waiting = {key_of(path) for path in paths_of(pending)}
            leaves = [(one, _digest(one)) for one in every if one.is_leaf]
            self._bodies = Counter(digest for _, digest in leaves)
            self._held = {digest for one, digest in leaves if one.status is not Status.PENDING}
            self._marks = Counter((name_of(one), digest) for one, digest in leaves)

    def may_know(self, task: Task, path: Sequence[Level]) -> bool:
        """Whether `find` may find anything; this is quicker."""
        return names_of(key_of(path)) in self._named or (
            bool(self._asking) and (task.status is Status.ACTIVE or _digest(task) in self._asking_bodies)
        )


def _is_named(key: str, task: Task) -> bool:
    """Whether what is kept under a key is of a task with the name of this one, wherever that stood."""
    return names_of(key).endswith((f"#{name_of(task)}", f"{SEPARATOR}{name_of(task)}"))


def _tag_of(record: Record) -> Any:
    """The tag that a task had when it was last begun; None where nobody has written that down."""
    return record.get("begun", record.get("tag"))


def _others(record: Record) -> list[str]:
    """The keys of tasks that a record is not of, as a person has decided; it may hold anything."""
    others = record.get("others")
    return [other for other in others if isinstance(other, str)] if isinstance(others, list) else []


def _is_anothers(record: Record, task: Task) -> bool:
    """Whether a record is that of a task that was taken out of the plan, and this is a new one of its name."""
    return bool(record.get("gone")) and record.get("body", _digest(task)) != _digest(task)


def _of_now(record: Record, task: Task) -> Record:
    """The record of a task, without the attempts at another one of its name that somebody settled by hand."""
    if not record.get("settled") or task.status is not Status.PENDING or record.get("body") == _digest(task):
        return record
    return {name: record[name] for name in ("undone", "suspected", "forgiven") if name in record}


def number(record: Mapping[str, Any], name: str) -> int:
    """A count in a record, which may hold anything."""
    value = record.get(name)
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def _digest(task: Task) -> str:
    return _digest_of(body_text(task))


def _digest_of(body: str) -> str:
    return revision_of(without_indentation(body).encode("utf-8", "surrogatepass"))


def known(plans: Plans, tasks: Iterable[Task]) -> Iterator[tuple[Task, tuple[Level, ...], str, Record]]:
    """Those of many tasks that something is remembered of, with their paths, and what `find` finds."""
    memory = _Memory(plans.records())
    every = list(tasks) if memory.records else []
    for task, path in zip(every, paths_of(every), strict=True):
        if memory.may_know(task, path):
            key, record = memory.find(task, path)
            if record:
                yield task, path, key, record


def keep(
    plans: Plans, path: Sequence[Level], record: Mapping[str, Any], *, task: Task | None = None, was: str = ""
) -> None:
    """Remembers this of the task at a path, which is `task` if that is at hand, and no longer under the key `was`."""
    body = {"body": _digest(task)} if task is not None else {}
    key = key_of(path)
    copy(plans, {tuple(path): {**record, **body}})
    if was and was != key:
        plans.drop_record(was)
    if task is None:
        return
    memory = _Memory(plans.records())
    for other in memory.renamed(task):
        # It has a record of its own by now, and nothing is told by its text any more when that has done its service.
        plans.put_record(other, {**memory.records[other], "others": [*_others(memory.records[other]), key]})


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
    if record and key != key_of(path) and (key or not record.get("suspected")):
        keep(plans, path, record, task=task, was=key)
    return record


def leave(plans: Plans, tasks: Iterable[Task]) -> None:
    """These tasks are taken out of the plan: what is remembered of them is nobody else's."""
    for _, path, key, record in list(known(plans, tasks)):
        if key in plans.records():
            keep(plans, path, {**record, "gone": True}, was=key)


def come_back(plans: Plans, tasks: Iterable[Task]) -> None:
    """Tasks that were taken out of the plan may be in it again."""
    for _, path, key, record in list(known(plans, tasks)):
        if record.get("gone"):
            keep(plans, path, {name: value for name, value in record.items() if name != "gone"}, was=key)


def asked(plans: Plans, task: Task) -> None:
    """A person is asked whether this task may run again: that is known of it as it stands now, so that it is still
    asked when it is changed once more."""
    key, record = find(plans, task)
    if record.get("suspected"):
        record = {**record, "tag": task.tag or ""}
    keep(plans, path_of(task), record, task=task, was=key)


def ask_again(plans: Plans, task: Task, *, was_begun: bool = False) -> None:
    """That a person opened a task again, or began one that was suspected, was taken back."""
    key, record = find(plans, task)
    if record.get("forgiven") and (record.get("suspected") or not was_begun):
        rest = {name: value for name, value in record.items() if name != "forgiven"}
        keep(plans, path_of(task), {**rest, "undone": True}, task=task, was=key)


def forget_all(plans: Plans, tasks: Iterable[Task]) -> None:
    """Forgets the attempts at all tasks: at these, which are all that there are, and at those that are gone."""
    forgotten = forget(plans, tasks)
    # Every key of a task has a `#`.
    plans.drop_record(*(key for key in plans.records() if "#" in key and key not in forgotten))


def settle(plans: Plans, tasks: Iterable[Task]) -> None:
    """A person marked these tasks done or skipped: should that be taken back, their attempts count on."""
    for task, path, key, record in list(known(plans, tasks)):
        keep(plans, path, {**record, "settled": True}, task=task, was=key)


def begin(plans: Plans, task: Task) -> None:
    """A person begins this task, or has it run: it is none that has run before, under another name."""
    key, record = find(plans, task)
    if record.get("undone") and record.get("suspected"):
        rest = {name: value for name, value in record.items() if name != "undone"}
        keep(plans, path_of(task), {**rest, "forgiven": True}, task=task, was=key)


def lose(plans: Plans, path: Sequence[Level], body: str, record: Mapping[str, Any]) -> None:
    """The task at a path has run, and nothing in the plan says how it ended: it is not there, or has become something
    else. Should it come back, with this path or this `body`, it does not run again unasked."""
    copy(plans, {tuple(path): {**record, "undone": True, "body": _digest_of(body)}})


def forget(plans: Plans, tasks: Iterable[Task]) -> set[str]:
    """Forgets the attempts at these tasks, which a person wants to run again, but what it takes to ask again should
    that be taken back; what may be another's stays, and counts for them no more. Returns their keys."""
    own: set[str] = set()
    over: list[str] = []
    records = plans.records()
    for task, path, key, record in list(known(plans, tasks)):
        own.add(key_of(path))
        has_run = bool(record.get("undone") or record.get("forgiven"))
        if has_run or key not in records:
            kept: Record = {name: record[name] for name in ("suspected", "tag") if name in record}
            keep(plans, path, {**kept, "forgiven": has_run}, task=task, was=key)
        else:
            over.append(key)
    plans.drop_record(*over)
    return own
