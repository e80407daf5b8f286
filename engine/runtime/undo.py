"""Taking back the last change of the plan, from the event log: what it changed, and only as long as it still stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.errors import BusyError, SecurityError, StateError, StorageError, UnknownAddressError, UsageError
from engine.flows import Tree
from engine.runtime import attempts, findings, hands
from engine.runtime.carrying import Carrying, tasks_at
from engine.runtime.claim import is_claimed
from engine.runtime.identity import Level, find_again, from_json, path_of, resolve
from engine.runtime.ledger import Rewrite
from engine.runtime.project import Project
from engine.status import Change, Status, Task, parse

_ENDS = (Status.DONE, Status.SKIPPED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back: the name and address of its task, its reason (`done`, `started`, ...) and the files.

    `status` is what the task is again, None where the tree was changed; `has_run` whether the result was one of a run,
    which has done what it did.
    """

    name: str
    address: str
    because: str
    files: tuple[str, ...]
    status: Status | None = None
    has_run: bool = False


@dataclass(frozen=True, slots=True)
class _Was:
    path: tuple[Level, ...]
    before: Status
    after: Status


def undo(project: Project) -> Undone:
    """Take back the last change that was not taken back yet.

    The author's other edits stay. Raises UsageError when there is nothing to take back, StateError where somebody
    changed the same tasks later or an interrupted task would be lost, BusyError while an engine is at work.
    """
    if is_claimed(project.store):
        raise BusyError(
            "An engine is at work; its changes cannot be taken back.", hint="Wait, or `flow stop`."
        )
    record, ended = _last(project)
    if record["what"] == "rewritten":
        return _undo_rewrite(project, record)
    number, because = record["seq"], str(record["because"])
    changes = [_was(change) for change in record["changes"]]
    found: list[tuple[Task, _Was]] = []
    # What was asked for is the deepest; the rest followed from it.
    leaf = max((was.path for was in changes), key=lambda path: sum(len(level.names) for level in path))

    ran = _task_of_run(record, ended, [was.path for was in changes], leaf)

    def make(tree: Tree) -> Sequence[Change]:
        found[:] = [(_standing(tree, was), was) for was in reversed(changes)]
        taken_back = [Change(task, was.before) for task, was in found]
        hands.refuse_open(project, taken_back)
        return taken_back

    def first() -> None:
        for task, was in found:
            if because in ("reset", "reopen", "begin"):
                attempts.ask_again(project.plans, task, was_begun=because == "begin")
            # What was only marked by hand has run nothing that could run twice.
            if was.path == ran and was.after in _ENDS and was.before not in _ENDS:
                key, known = attempts.find(project.plans, task)
                known = {name: known[name] for name in known if name != "suspected"}
                known = {**_attempt(ended), **known, "undone": True, "tag": task.tag or ""}
                attempts.keep(project.plans, path_of(task), known, task=task, was=key)

    # It is known before the task is open: so it never runs unasked, whenever this is killed.
    committed = project.ledger.commit(make, what="undo", undoes=number, first=first)
    task = next(task for task, was in found if was.path == leaf)
    is_result = any(was.path == leaf and was.after in _ENDS for was in changes)
    has_run = is_result and ("run" in record or (ended is not None and "run" in ended))
    return Undone(task.name, task.address, because, committed.files, task.status, has_run)


def _task_of_run(
    record: Mapping[str, Any],
    ended: Mapping[str, Any] | None,
    paths: Sequence[tuple[Level, ...]],
    leaf: tuple[Level, ...],
) -> tuple[Level, ...] | None:
    """The path of the task whose run a change came from; None when a person made it. `record` says so where it names
    the run, as an engine writes it; else `ended`, the record behind it, which may be lost, or of somebody else, or of
    what came next: then it was rather a run."""
    named = [path for path in paths if ended is not None and _bare(path) == str(ended.get("name"))]
    is_by_hand = ended is not None and "run" not in ended and ended.get("what") == record["because"]
    if is_by_hand and "run" not in record and named:
        return None
    return max(named, key=lambda path: sum(len(level.names) for level in path)) if named else leaf


def _attempt(ended: dict[str, Any] | None) -> dict[str, Any]:
    """What the next attempt has to know of the one that this record is of; a log may hold anything."""
    number, key = attempts.number(ended or {}, "attempt"), (ended or {}).get("key")
    return {"attempt": number, "key": key} if number and isinstance(key, str) else {}


def _bare(path: tuple[Level, ...]) -> str:
    """The name at the end of a path, without its tag."""
    name = path[-1].names[-1]
    return name.partition("] ")[2] if name.startswith("[") and "] " in name else name


def _undo_rewrite(project: Project, record: dict[str, Any]) -> Undone:
    """Put back the texts from before a change of the tree, from the backups; a file that it made goes there."""
    address, name = str(record["address"]), str(record["name"])
    moved = Carrying()

    def make(tree: Tree) -> Rewrite:
        texts: dict[str, str] = {}
        for file, (before, after) in reversed(record["versions"].items()):
            now = project.plans.read(file)
            if now is None or now.revision != after:
                raise StateError(
                    f".flow/{file} was changed again since; taking back would undo that, too.",
                    hint="Change it by hand.",
                )
            if before is None:
                continue
            version = project.plans.backups.find(file, before)
            if version is None:
                raise UsageError(f"The backups of .flow/{file} do not reach back so far.", hint="Use git.")
            texts[file] = version.text
        _refuse_losing(project, tree, texts)
        _bring_back(tree, texts, record, moved)
        return Rewrite(
            texts,
            {"because": "undo", "address": address, "name": name, "undoes": record["seq"]},
            lambda: moved.after(project, tree),
            lambda: moved.before(project, tree),
        )

    with project.store.lock():
        committed = project.ledger.rewrite(make)
        if record["because"] == "removed":
            attempts.come_back(project.plans, committed.tree.walk())
        for file, (before, after) in record["versions"].items():
            if before is None and file not in committed.tree.plans:
                with suppress(SecurityError, StorageError):  # then it stays, unreferred
                    project.plans.take_away(file, after)
    return Undone(name, address, str(record["because"]), committed.files)


def _bring_back(tree: Tree, texts: Mapping[str, str], record: Mapping[str, Any], moved: Carrying) -> None:
    """Say which tasks go back to where they were: at these very versions of the files the places of the record hold."""
    if "moved" not in record:
        return
    old, new = record["moved"]
    if new[0] not in tree.plans or old[0] not in texts:
        return
    plan = parse(texts[old[0]], old[0])
    plan.referrer = tree.plans[old[0]].referrer if old[0] in tree.plans else None
    with suppress(ValueError, UnknownAddressError):  # a log may say anything: then nothing goes along
        moved.pair(tasks_at(tree.plans[new[0]], new), tasks_at(plan, old))


def _refuse_losing(project: Project, tree: Tree, texts: Mapping[str, str]) -> None:
    """Refuse texts in which the interrupted task is not where its intent says: it would count as gone, and run anew."""
    intent = findings.open_intent(project) if project.has_intent else None
    task = find_again(tree.root, intent.path, intent.body) if intent is not None else None
    if intent is None or task is None:
        return
    for number, level in enumerate(intent.path):
        plan = parse(texts[level.file], level.file) if level.file in texts else tree.plans[level.file]
        found, further = resolve(plan, [level]), intent.path[number + 1 :]
        if found is None or (further and found.ref != further[0].file):
            hands.refuse_interrupted(project, task)


def _last(project: Project) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The last record of a change that no later one takes back, and the record right after it, if it is there and not
    that of another run: it says what the change came from, and of the result of a run names the run."""
    taken_back: set[int] = set()
    after: dict[str, Any] = {}
    for short in project.log.latest():
        record = project.log.whole(short)
        if record.get("what") in ("changed", "rewritten") and _is_sound(record):
            if "undoes" in record:
                taken_back.add(record["undoes"])
            elif record["seq"] not in taken_back:
                is_its = after.get("seq") == record["seq"] + 1 and after.get("run") == record.get(
                    "run", after.get("run")
                )
                return record, after if is_its else None
        after = record
    raise UsageError("There is no change to take back.", hint="`flow log` shows what happened.")


def _is_sound(record: dict[str, Any]) -> bool:
    """Whether it is such as an engine writes: a log may have come with a clone, and its details may be lost."""
    if "undoes" in record:
        return isinstance(record["undoes"], int)
    try:
        if record["what"] == "changed":
            changes = [_was(change) for change in record["changes"]]
            return "because" in record and bool(changes) and all(was.path for was in changes)
        versions = record["versions"]
        # A file that goes was made by us, and such are called so; one that is put back was a plan, or has no versions.
        found = [
            (file, before, after)
            for file, (before, after) in versions.items()
            if before is not None or file.lower().endswith(".md")
        ]
        places = [[file, id] for file, id in record.get("moved", [])]
        are_places = len(places) == 2 * ("moved" in record) and all(
            isinstance(text, str) for place in places for text in place
        )
        return (
            {"because", "address", "name"} <= record.keys() and len(found) == len(versions) > 0 and are_places
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _was(change: Any) -> _Was:
    return _Was(from_json(change["path"]), Status(change["from"]), Status(change["to"]))


def _standing(tree: Tree, was: _Was) -> Task:
    task = resolve(tree.root, was.path)
    if task is None or task.status is not was.after:
        name = was.path[-1].names[-1] if was.path else ""
        raise StateError(
            f"{name} was changed again since; taking back would undo that, too.",
            hint="Change it by hand: `flow done`, `flow skip`, `flow reopen`.",
        )
    return task
