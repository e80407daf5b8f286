"""What must be true after a crash and the next start: old or new, never a mixture, and nothing lies about."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from engine.loom import Append, FileEdit, Loom
from engine.storage import Plans, Snapshot, Store
from engine.storage.backups import VERSIONS

from .actions import FOREIGN, NEW_PLAN, NEW_TEXT, OLD_PLAN, OLD_TEXT

_WAITING = re.compile(r"\.part$|^[0-9a-f]+\.[0-9a-f]{32}\.|^\.flow-swap\.")


def make_project(root: Path) -> Path:
    """A project with one written plan, as many versions of it as there may be, and one source file."""
    (root / ".flow").mkdir(parents=True)
    plans = Plans(Store(root))
    plans.backups.keep("status.md", *(Snapshot.of(b"- [ ] zero %d\n" % number) for number in range(VERSIONS)))
    plans.write("status.md", None, b"- [ ] zero\n")
    plans.write("status.md", plans.read("status.md"), OLD_PLAN)
    plans.store.settle()
    (root / "source.txt").write_bytes(OLD_TEXT)
    return root


def where(error: BaseException) -> str:
    """A failure in one line: the statement that failed, and what it says."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].line or frames[-1].name}: {str(error).splitlines()[:2]}"


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and _WAITING.search(path.name)]


def check(root: Path, said: tuple[str, ...] = (), *, foreign: bool = False, goes_on: bool = True) -> None:
    """Settles, as every start does, and checks."""
    store = Store(root)
    plans = Plans(store)
    store.settle()
    assert leftovers(root) == []
    plan = plans.read("status.md")
    assert plan is not None and plan.data in (OLD_PLAN, NEW_PLAN), plan
    assert not plans.outside("status.md", plan)
    # The oldest goes when the next one is begun; the others, and with them what stands in place, are whole.
    versions = [
        plans.backups.find("status.md", revision) for revision, _ in plans.backups.versions("status.md")
    ]
    assert len([version for version in versions if version is not None]) >= VERSIONS - 1
    if "plan" in said:
        assert plan.data == NEW_PLAN
    source = (root / "source.txt").read_bytes()
    copies = store.conflict_copies()
    if foreign:
        assert any(FOREIGN in data for data in (source, *(copy.read_bytes() for copy in copies)))
        if "source" in said:
            assert source.startswith(NEW_TEXT)
    else:
        assert source in (OLD_TEXT, NEW_TEXT), source
        assert copies == []
        if "source" in said:
            assert source == NEW_TEXT
    if not goes_on:
        return
    # And the next run works.
    plans.write("status.md", plan, NEW_PLAN)
    Loom(store).write([FileEdit("source.txt", Append("next"))])
    assert (root / "source.txt").read_bytes() == source + b"next\n"
    store.settle()
    assert leftovers(root) == []
