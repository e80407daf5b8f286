"""The last twenty versions of each plan: copies of what was there and of what was written.

`backups/<plan>/<UTC time>-<revision>.md`, where <plan> is the plan's path in `.flow/`. A copy whose bytes are
not of its revision was torn by a crash, and counts as none.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.storage.disk import Snapshot, revision_of
from engine.storage.store import Store

BACKUPS = "backups"
VERSIONS = 20
_STAMP = "%Y%m%dT%H%M%S.%f"


class Backups:
    """The versions of the plans of one project. `file` is a checked path relative to `.flow/`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def folder(self, file: str) -> Path:
        return self._store.flow.joinpath(BACKUPS, *file.split("/"))

    def keep(self, file: str, *snapshots: Snapshot | None) -> set[str]:
        """Keeps these versions, each unless it is among the last two already, and returns the revisions of those that
        were kept. Behind the last twenty waits the one before them, whose room the next one takes: should that one be
        dropped, there are still twenty.

        Their bytes are durable at once, a name with the next name in this file system that is: should a loss of
        power come first, the version is still in its place, and the next write keeps it.
        """
        names = self._names(file)
        folder = self.folder(file)
        kept: set[str] = set()
        for snapshot in snapshots:
            if snapshot is None or snapshot.revision in map(self._revision, names[-2:]):
                continue
            name = f"{_stamp(names[-1] if names else '')}-{snapshot.revision}.md"
            spent = names.pop(0) if len(names) > VERSIONS else None
            self._store.replace(folder / name, snapshot.data, durable_name=False, spent=spent)
            names.append(name)
            kept.add(snapshot.revision)
        for name in names[: -VERSIONS - 1]:
            self._store.remove(folder / name, durable=False)
        return kept

    def drop(self, file: str, revision: str) -> None:
        """Forgets the latest version, if it has this revision: it was kept for a write that failed."""
        for name in self._names(file)[-1:]:
            if self._revision(name) == revision:
                self._store.remove(self.folder(file) / name, durable=False)

    def next_place(self, file: str, revision: str) -> Path:
        """Where a version that is moved here goes: the latest of all."""
        names = self._names(file)
        return self.folder(file) / f"{_stamp(names[-1] if names else '')}-{revision}.md"

    def find(self, file: str, revision: str) -> Snapshot | None:
        """The version with this revision, whole."""
        for of, path in self.versions(file):
            if of == revision:
                data = self._store.read(path)
                if data is not None and revision_of(data) == revision:
                    return Snapshot.of(data)
        return None

    def versions(self, file: str) -> list[tuple[str, Path]]:
        """Revision and path of the last twenty versions, the latest first."""
        names = self._names(file)[-VERSIONS:]
        return [(self._revision(name), self.folder(file) / name) for name in reversed(names)]

    def kept_at(self, file: str, revision: str) -> str:
        """When the latest version with this revision was kept, in ISO 8601, UTC; empty if there is none."""
        for name in reversed(self._names(file)):
            if self._revision(name) == revision:
                with suppress(ValueError):
                    return datetime.fromisoformat(name.partition("-")[0]).replace(tzinfo=UTC).isoformat()
        return ""

    def _names(self, file: str) -> list[str]:
        return [name for name in self._store.names(self.folder(file)) if len(self._revision(name)) == 64]

    @staticmethod
    def _revision(name: str) -> str:
        return name.removesuffix(".md").rpartition("-")[2]


def _stamp(last: str) -> str:
    """The time as it stands in names, always later than in the last name, even when the clock was put back."""
    now = datetime.now(UTC)
    with suppress(ValueError):
        before = datetime.fromisoformat(last.partition("-")[0]).replace(tzinfo=UTC)
        now = max(now, before + timedelta(microseconds=1))
    return now.strftime(_STAMP)
