"""What the engine knows about plan files: their last versions, and whether another program changed them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import FlowError, PlanError, SecurityError, StorageError, UnsupportedFileError
from engine.storage.backups import Backups
from engine.storage.disk import Snapshot, revision_of
from engine.storage.guarantee import Guarantee
from engine.storage.meta import MetaFile
from engine.storage.paths import SafePath, safe_path
from engine.storage.store import Store, read_if_exists
from engine.storage.swap import changed

_TOO_LONG_TO_COMPARE = 1 << 20
_NO_TEXT = revision_of(b"")


class Restored(NamedTuple):
    """A version that was put back: its file in `backups/`, and the diff from what it displaced."""

    version: Path
    diff: str


class Plans:
    """The plan files of one project. `file` is always relative to `.flow/`, with forward slashes.

    SecurityError for a file that may not be touched, StorageError for whatever the disk refuses.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.backups = Backups(store)
        self._meta = MetaFile(store)

    def path(self, file: str) -> SafePath:
        return safe_path(self.store.flow, file)

    def read(self, file: str) -> Snapshot | None:
        """The plan as it is now, or None when there is no such file; NoProjectError when all of `.flow/` is gone."""
        snapshot = read_if_exists(self.path(file))
        if snapshot is None:
            self.store.require()
        return snapshot

    def refuse_damaged(self, file: str, now: Snapshot) -> None:
        """Raise PlanError for a plan that holds NUL bytes, or nothing, and not by us: an engine takes the last task
        out when it is asked to."""
        known = None if now.data else self.known(file)
        if b"\0" in now.data or (not now.data and (known is None or known.revision != now.revision)):
            state = "damaged (it holds NUL bytes)" if now.data else "empty"
            raise PlanError(
                f"{file} is {state} and is not overwritten.",
                hint="`flow restore` puts back its last version.",
                file=file,
            )

    def write(self, file: str, base: Snapshot | None, data: bytes) -> Guarantee | None:
        """Puts `data` in place of `base` (None: the file is new). What equals the base already is not
        written.

        First `status.meta` learns the new revision, then both versions are in `backups/`, then the file is
        swapped. Raises ContentChangedError when the file is no longer the base: read it again and retry.
        PlanError for a file that is empty or holds NUL bytes: what was in it may still be on its way.
        """
        path = self.path(file)
        if base is not None and base.data == data:
            return None
        if base is not None:
            self.refuse_damaged(file, base)
        new = Snapshot.of(data)
        with self.store.lock():
            known = self._meta.learn(file, new.revision, self._there)
            kept: set[str] = set()
            try:
                kept = self.backups.keep(file, base, new)
                guarantee = self._swap(path, base, data)
            except (FlowError, OSError):
                self._unlearn(file, new.revision, known, is_kept=new.revision in kept)
                raise
            with suppress(StorageError):  # the plan is written, and unsettled is true as well
                self._meta.settle()
        return guarantee

    def _swap(self, path: SafePath, base: Snapshot | None, data: bytes) -> Guarantee | None:
        if base is None:
            self.store.create(path, data)
            return None

        def edit(now: Snapshot) -> bytes:
            if now.revision != base.revision:
                raise changed(path.relative, base.data, now.data, data)
            return data

        try:
            return self.store.swap(path, edit).guarantee
        except StorageError as error:
            if error.fields.get("errno") == "ENOENT":
                raise changed(path.relative, base.data, None, data) from error
            raise

    def _there(self, file: str) -> str | None:
        """The revision that a plan has now; None also for what can be no plan."""
        with suppress(SecurityError, StorageError, UnsupportedFileError):
            now = self.read(file)
            return None if now is None else now.revision
        return None

    def _unlearn(self, file: str, revision: str, known: str | None, *, is_kept: bool) -> None:
        """After a failure: the revision is known if the plan has it nevertheless, else the old one is, and the new
        one's backup goes if it was made for this write.
        """
        try:
            now = self.read(file)
            is_there = now is not None and now.revision == revision
            change = {"plans": {file: revision if is_there else known}, "previous": {}, "settled": True}
            self._meta.change(change)
            if is_kept and not is_there:
                self.backups.drop(file, revision)
        except StorageError:
            return  # unsettled, it knows both revisions, which is right as well; the first error is told

    # Changes from outside

    def is_untouched(self) -> bool:
        """Whether the engine has never written, and nobody accepted, a plan of this project."""
        return not self._meta.read().plans

    def outside(self, file: str, snapshot: Snapshot) -> bool:
        """Whether this content is neither what the engine wrote last nor what a person accepted."""
        return not self._meta.read().knows(file, snapshot.revision)

    def all_outside(self, snapshots: Mapping[str, Snapshot]) -> list[str]:
        """Those of many files for which `outside` is true, with one look at `status.meta`."""
        meta = self._meta.read()
        return [file for file, snapshot in snapshots.items() if not meta.knows(file, snapshot.revision)]

    def had_text(self, file: str) -> bool:
        """Whether a plan of this file with anything in it was written or accepted last."""
        return self._meta.read().plans.get(file, _NO_TEXT) != _NO_TEXT

    def known(self, file: str) -> Snapshot | None:
        """The version that was written or accepted last, from its backup; of a write that was left open, the old one if
        there is none of the new one yet."""
        meta = self._meta.read()
        for revisions in (meta.plans, {} if meta.settled else meta.previous):
            if file in revisions and (found := self.backups.find(file, revisions[file])) is not None:
                return found
        return None

    def adopt(self, file: str, snapshot: Snapshot) -> str:
        """Accepts this content as known, with a backup. Returns the diff from the last known version."""
        with self.store.lock():
            before = self.known(file)
            self.backups.keep(file, snapshot)
            self._meta.change({"plans": {file: snapshot.revision}})
        return diff(file, before, snapshot)

    def adopt_all(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Accepts many contents as known, with a backup of each: all of them, or when it fails none."""
        with self.store.lock():
            for file, snapshot in snapshots.items():
                self.backups.keep(file, snapshot)
            revisions = {file: snapshot.revision for file, snapshot in snapshots.items()}
            self._meta.change({"plans": revisions})

    def accept(self, file: str, shown: str | None = None) -> str:
        """Accepts what is on the disk now. Returns the diff; StorageError when there is no such file.

        ContentChangedError when it has not the revision `shown`.
        """
        snapshot = self.read(file)
        self._refuse_unseen(file, snapshot, shown)
        if snapshot is None:
            raise StorageError(
                f"There is no {file} to accept.", hint="`flow restore` puts it back.", path=file
            )
        return self.adopt(file, snapshot)

    def restore(self, file: str, shown: str | None = None) -> Restored:
        """Puts back the version that was written or accepted last; what that displaces is backed up first.

        StorageError when there is no such version. What is there already is left as it is, with an empty
        diff. ContentChangedError when what is there has not the revision `shown` (empty: there is no file).
        """
        path = self.path(file)
        with self.store.lock():
            last = self.known(file)
            if last is None:
                raise StorageError(
                    f"There is no backup of {file} to put back.",
                    hint="`flow accept` takes it as it is.",
                    path=file,
                )
            version = next(
                place for revision, place in self.backups.versions(file) if revision == last.revision
            )
            now = self.read(file)
            self._refuse_unseen(file, now, shown)
            if now is None:
                self.store.create(path, last.data)
            elif now.revision != last.revision:
                self.backups.keep(file, now)
                self._swap(path, now, last.data)
                self.backups.keep(file, last)
        return Restored(version, diff(file, now, last))

    def known_at(self, file: str) -> str:
        """When the version that `known` finds was written or accepted, in ISO 8601; empty if there is none."""
        last = self.known(file)
        return self.backups.kept_at(file, last.revision) if last is not None else ""

    def _refuse_unseen(self, file: str, now: Snapshot | None, shown: str | None) -> None:
        revision = now.revision if now is not None else ""
        if shown is not None and revision != shown:
            raise changed(file, None, now.data if now is not None else None, None)

    def take_away(self, file: str, revision: str) -> bool:
        """Moves a plan among its backups, if it still has this revision; returns whether it did."""
        path = self.store.flow.joinpath(*file.split("/"))
        with self.store.lock():
            if self._there(file) != revision:
                return False
            aside = self.backups.next_place(file, revision)
            self.store.rename(path, aside)
            moved = self.store.read(aside)
            if moved is None or revision_of(moved) != revision:
                self.store.rename(aside, path)  # written just before it was moved: that is not ours
                return False
        return True

    # What the runtime remembers of single tasks

    def records(self) -> dict[str, dict[str, Any]]:
        """All records by key."""
        return self._meta.read().tasks

    def record(self, key: str) -> dict[str, Any] | None:
        """The record that was put under this key."""
        return self._meta.read().tasks.get(key)

    def put_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Durably keeps a record (JSON) under a key, in place of an earlier one."""
        self.put_records({key: record})

    def put_records(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Durably keeps records (JSON) under their keys, in place of earlier ones; all or none."""
        if records:
            self._meta.change({"tasks": {key: dict(record) for key, record in records.items()}})

    def drop_record(self, *keys: str) -> None:
        """Durably forgets records; those that are not there are fine."""
        known = self.records()
        if any(key in known for key in keys):  # nearly always there are none
            self._meta.change({"tasks": dict.fromkeys(keys)})


def diff(file: str, before: Snapshot | None, after: Snapshot) -> str:
    """A unified diff of two versions as text; for very long ones, a sentence instead."""
    import difflib  # rarely needed

    old = before.data if before is not None else b""
    if revision_of(old) == after.revision:
        return ""
    if len(old) + len(after.data) > _TOO_LONG_TO_COMPARE:
        return f"{file}: {len(old)} bytes became {len(after.data)} bytes.\n"
    lines = difflib.unified_diff(
        old.decode("utf-8", "replace").splitlines(keepends=True),
        after.text.splitlines(keepends=True),
        f"a/{file}",
        f"b/{file}",
    )
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )
