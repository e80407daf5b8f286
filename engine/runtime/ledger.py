"""Every change of a plan's state: read afresh under the lock, changed by the rules, written file by file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from engine import status as rules
from engine.errors import (
    BusyError,
    ChangedOutsideError,
    ConfigurationError,
    ContentChangedError,
    FlowError,
    StorageError,
)
from engine.flows import ROOT, Loader, Tree
from engine.runtime.identity import as_json, paths_of
from engine.runtime.log import Log
from engine.runtime.problems import problem_error
from engine.runtime.settings import load_settings
from engine.status import Change, Plan, Problem, Status, Task, apply, parse, settle
from engine.storage import Plans, Snapshot, Store, revision_of

_TRIES = 50
_OPEN = "rewrite"
"""The key of the record of a change of several files that was begun. That of a task has a `#` in it."""
Found = TypeVar("Found")


class Committed(NamedTuple):
    """The tree after a commit and the files that were written, in that order."""

    tree: Tree
    files: tuple[str, ...]


class Rewrite(NamedTuple):
    """New texts of plan files, in writing order; a `note` for the log; what to do `then`, and what `first`, in the
    same commit."""

    texts: Mapping[str, str]
    note: Mapping[str, Any]
    then: Callable[[], None] | None = None
    first: Callable[[], None] | None = None


class Ledger:
    """Reads and commits the plans of one project. Threads may share it.

    Reading and writing keep loaders apart: a tree that was handed out never changes under its reader's eyes.
    """

    def __init__(self, store: Store, plans: Plans, log: Log) -> None:
        self._store = store
        self._plans = plans
        self._log = log
        self._reading = threading.Lock()
        self._reader = Loader(plans)
        self._writer = Loader(plans)

    def read(self) -> Tree:
        """All plans as they are on disk now."""
        with self._reading:
            return self._reader.load()

    def root(self) -> Plan | None:
        """The root plan alone, which the next `read` takes over; see `Loader.root`."""
        with self._reading:
            return self._reader.root()

    def look(self, find: Callable[[Tree], Found]) -> Found:
        """What `find` makes of the tree as the next commit will meet it, unless somebody writes in between.

        For whoever commits at once: the plans are not read a second time for that. The tree is not to be kept.
        """
        with self._store.lock():
            return find(self._writer.load())

    def commit(
        self,
        make: Callable[[Tree], Sequence[Change]],
        *,
        what: str = "",
        run: str = "",
        undoes: int | None = None,
        first: Callable[[], None] | None = None,
    ) -> Committed:
        """Apply what `make` computes from a fresh reading, durably.

        `make` may run several times: a plan that another program changed in between is read again. `what` names the
        change in the log, `run` the run whose result it is; `undoes` is the number of the record that it takes back: no
        rule made that, so the result is held against the rules before it is written. `first` is called right before the
        plans are written. Raises what `make` raises, PlanError, ChangedOutsideError (strict projects), StorageError.
        """
        extra: dict[str, Any] = ({"run": run} if run else {}) | ({} if undoes is None else {"undoes": undoes})
        for _ in range(_TRIES):
            with self._store.lock():
                self._settle_rewrite()
                try:
                    return self._commit(make, what, extra, first)
                except ContentChangedError:
                    continue
                except BaseException:
                    self._writer = Loader(self._plans)
                    raise
        raise BusyError("The plan keeps changing under this commit.", hint="Stop the program that writes it.")

    def reconcile(self) -> Committed:
        """Complete what a crash between two files left open: a task whose sub-flow is complete."""
        return self.commit(lambda tree: settle(tree.root), what="reconciled")

    def refuse_outside(self, files: Iterable[str], tree: Tree | None = None) -> None:
        """In a strict project, raise ChangedOutsideError when one of these files was changed outside."""
        if not load_settings(self._store.flow).strict:
            return
        tree = tree or self.read()
        wanted = set(files)
        changed = [file for file in self.changed_outside(tree) if file in wanted]
        if changed:
            did = "changed" if self._plans.known(changed[0]) is not None else "made"
            raise ChangedOutsideError(
                f".flow/{changed[0]} was {did} by another program.",
                hint="`flow accept` takes the change in, `flow restore` puts back the last version.",
                files=changed,
            )

    def unaccepted(self, tree: Tree) -> list[str]:
        """The plans of a strict project that were changed outside: nothing of them runs until a person decides."""
        try:
            strict = load_settings(self._store.flow).strict
        except ConfigurationError:
            return []  # whatever needs the settings says what is wrong with them
        return sorted(self.changed_outside(tree)) if strict else []

    def changed_outside(self, tree: Tree) -> list[str]:
        """The plans that are not as the engine last wrote or a person accepted them.

        In a project that the engine has never written to, there is nothing to compare with, so none is.
        """
        changed = self._plans.all_outside(tree.snapshots)
        return [] if changed and self._plans.is_untouched() else changed

    def gone(self, tree: Tree) -> list[str]:
        """The plans that belong to the tree and are not there, but were."""
        wanted = [] if ROOT in tree.snapshots else [ROOT]
        for task in tree.walk():
            if task.ref is not None and task.subflow is None and task.problems:
                with suppress(FlowError):
                    wanted.append("/".join(self._plans.path(task.ref).parts))
        return [file for file in wanted if self._plans.had_text(file) and self._there(file) is None]

    def accept(self, shown: Mapping[str, str] | None = None) -> list[str]:
        """Take in the plans that were changed outside; of those `shown`, the revision that was. Returns their names.

        Raises ContentChangedError when one of them is another by now.
        """
        outside = self.changed_outside(self.read())
        changed = [file for file in outside if shown is None or file in shown]
        for file in changed:
            self._plans.accept(file, shown[file] if shown is not None else None)
            self._log.write("accepted", file=file)
        return changed

    def restore(self, shown: Mapping[str, str] | None = None) -> list[str]:
        """Put back the last version of the plans that were changed outside, or are gone; like `accept`, and the
        revision of a plan that is gone is empty."""
        tree = self.read()
        outside = [*self.changed_outside(tree), *self.gone(tree)]
        changed = [file for file in outside if shown is None or file in shown]
        for file in changed:
            self._plans.restore(file, shown[file] if shown is not None else None)
            self._log.write("restored", file=file)
        return changed

    def _commit(
        self,
        make: Callable[[Tree], Sequence[Change]],
        what: str,
        extra: Mapping[str, Any],
        first: Callable[[], None] | None,
    ) -> Committed:
        tree = self._writer.load()
        changes = make(tree)
        if not changes:
            return Committed(tree, ())
        touched = list(dict.fromkeys(change.task.plan.file for change in changes))
        self._refuse([problem for file in touched for problem in tree.plans[file].problems])
        self.refuse_outside(touched, tree)
        self._meet(tree, {file: tree.snapshots[file] for file in touched})
        record = [
            {
                "path": as_json(path),
                "from": change.task.status.value,
                "to": change.status.value,
            }
            for change, path in zip(changes, paths_of(change.task for change in changes), strict=True)
        ]
        written = apply(changes)
        if "undoes" in extra:
            self._refuse([problem for plan in written for problem in parse(plan.text, plan.file).problems])
        if first is not None:
            first()
        self._write_all(tree, written)
        self._log.write("changed", because=what, changes=record, **extra)
        return Committed(tree, tuple(touched))

    def rewrite(self, make: Callable[[Tree], Rewrite]) -> Committed:
        """Write whole new texts of plans, durably, in the order in which `make` gives them.

        `make` may run several times, like that of `commit`; its `note` is logged, so that `undo` can take it back.
        """
        for _ in range(_TRIES):
            with self._store.lock():
                self._settle_rewrite()
                self._writer = Loader(self._plans)
                tree = self._writer.load()
                rewrite = make(tree)
                try:
                    return self._rewrite(tree, rewrite)
                except ContentChangedError:
                    continue
        raise BusyError("The plan keeps changing under this commit.", hint="Stop the program that writes it.")

    def create(self, file: str, text: str, what: str, **note: Any) -> None:
        """Write a new plan file, durably; `what` and `note` go into the log.

        Raises ContentChangedError when there is such a file.
        """
        with self._store.lock():
            self._meet(self.read(), {})
            self._plans.write(file, None, text.encode())
            self._log.write(what, file=file, **note)

    def _rewrite(self, tree: Tree, rewrite: Rewrite) -> Committed:
        before = {file: tree.snapshots.get(file) or self._plans.read(file) for file in rewrite.texts}
        self.refuse_outside(rewrite.texts, tree)
        self._meet(tree, {file: snapshot for file, snapshot in before.items() if snapshot is not None})
        versions = {
            file: [
                snapshot.revision if snapshot is not None else None,
                revision_of(rewrite.texts[file].encode()),
            ]
            for file, snapshot in before.items()
        }
        if rewrite.first is not None:
            rewrite.first()
        is_one = len(versions) < 2
        if not is_one:
            self._plans.put_record(_OPEN, {"note": dict(rewrite.note), "versions": versions})
        try:
            for file, text in rewrite.texts.items():
                self._plans.write(file, before[file], text.encode())
        except FlowError:
            self._settle_rewrite()
            raise
        if rewrite.then is not None:
            rewrite.then()
        if versions:
            self._log.write("rewritten", **rewrite.note, versions=versions)
        if not is_one:
            self._plans.drop_record(_OPEN)
        return Committed(self._writer.load(), tuple(rewrite.texts))

    def _settle_rewrite(self) -> None:
        """Bring a change of several files that did not come to its end to one of the two: all of it, or nothing.

        It has happened when every file was written; else those that were are put back, as far as nobody has changed
        them since: a task on its way from one file to another would be in both.
        """
        record = self._plans.record(_OPEN)
        if record is None:
            return
        if not _is_sound(record):  # no engine wrote that: it may have come with a clone
            self._plans.drop_record(_OPEN)
            return
        versions: dict[str, list[str | None]] = record["versions"]
        if not self._is_logged(versions):
            there = {file: self._there(file) for file in versions}
            if all(self._was_written(file, there[file], *versions[file]) for file in versions):
                self._log.write("rewritten", **record["note"], versions=versions)
            else:
                try:
                    for file, (before, after) in reversed(versions.items()):
                        self._put_back(file, there[file], before, after)
                except StorageError:
                    return  # a full disk: the next change tries it again
        self._plans.drop_record(_OPEN)

    def _there(self, file: str) -> Snapshot | None:
        with suppress(FlowError):  # whatever it is, it is not what was written
            return self._plans.read(file)
        return None

    def _is_logged(self, versions: Mapping[str, Any]) -> bool:
        last = next((record for record in self._log.latest() if record.get("what") == "rewritten"), {})
        return last.get("versions") == versions

    def _was_written(self, file: str, there: Snapshot | None, before: str | None, after: str | None) -> bool:
        revision = there.revision if there is not None else None
        if revision in (before, after):
            return revision == after
        known = self._plans.known(file)  # another program has changed it since, or before it could be written
        return known is not None and known.revision == after

    def _put_back(self, file: str, there: Snapshot | None, before: str | None, after: str | None) -> None:
        if there is None or there.revision != after or before == after:
            return
        with suppress(ContentChangedError):
            old = self._plans.backups.find(file, before) if before is not None else None
            if old is not None:
                self._plans.write(file, there, old.data)
            elif before is None:
                self._plans.take_away(file, there.revision)

    def _refuse(self, problems: Sequence[Problem]) -> None:
        if problems:
            raise problem_error(problems, "Nothing was written.")

    def _write_all(self, tree: Tree, plans: Sequence[Plan]) -> None:
        """Write these plans of the tree. When one cannot be, those before it are put back: the next try meets what was
        there before, and the log has either all of the change or nothing."""
        written: list[Plan] = []
        try:
            for plan in plans:
                self._write(tree, plan)
                written.append(plan)
        except FlowError:
            for plan in reversed(written):
                with suppress(
                    FlowError
                ):  # the first error is told; what is left half done, `reconcile` completes
                    self._plans.write(
                        plan.file, Snapshot.of(plan.text.encode()), tree.snapshots[plan.file].data
                    )
            self._writer.forget(plan.file for plan in plans)
            raise

    def _write(self, tree: Tree, plan: Plan) -> None:
        data = plan.text.encode()
        self._plans.write(plan.file, tree.snapshots[plan.file], data)
        self._writer.wrote(plan, revision_of(data))

    def _meet(self, tree: Tree, touched: Mapping[str, Snapshot]) -> None:
        """Take in those of the touched plans that were changed outside. At the first change ever, that is every plan as
        it is: from now on there is something to compare with."""
        changed = self._plans.all_outside(touched)
        if (changed or not touched) and self._plans.is_untouched():
            self._plans.adopt_all(tree.snapshots)
            return
        for file in changed:
            snapshot = touched[file]
            self._plans.refuse_damaged(file, snapshot)
            is_new = self._plans.known(file) is None
            self._log.write("adopted", file=file, new=is_new, diff=self._plans.adopt(file, snapshot))


def _is_sound(record: Mapping[str, Any]) -> bool:
    """Whether this says of a change of several files what `Ledger.rewrite` writes before it."""
    note, versions = record.get("note"), record.get("versions")
    return (
        isinstance(note, dict)
        and not note.keys() & {"what", "versions"}
        and isinstance(versions, dict)
        and all(isinstance(one, list) and len(one) == 2 for one in versions.values())
        and all(isinstance(one, str | None) for pair in versions.values() for one in pair)
    )


def change_to(task: Task, status: Status) -> list[Change]:
    """The changes that bring a task to this status; only what is left open around it when it is there already."""
    if task.status is status:
        if task.plan.problems:
            raise problem_error(task.plan.problems, "Nothing of this file is changed until it is mended.")
        root = task
        while root.above is not None:
            root = root.above
        return rules.settle(root.plan)
    verbs = {
        Status.DONE: rules.done,
        Status.SKIPPED: rules.skip,
        Status.FAILED: rules.fail,
        Status.ACTIVE: rules.begin,
        Status.PENDING: rules.reopen,
    }
    return verbs[status](task)
