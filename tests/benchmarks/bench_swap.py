"""What safety costs, against a bare durable replace of the same size: a swap (aim: at most 1.6 times), and a whole
commit of a plan (at most 3.5 times).

    python tests/benchmarks/bench_swap.py [FOLDER]

A commit is what `flow done` does to the disk, by the engine's own way: revision, backups of what was there and of
what is written, the swap, and the event in the log. The plan is read and its change computed before the clock starts;
`with reading` is all of it. Medians, taken in turns so that all meet the same disk.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.flows import Tree
from engine.runtime.project import Project
from engine.status import Change, Status, done, reopen
from engine.storage import Snapshot, Store, safe_path

SIZE = 8192
ROUNDS = 300
LIMITS = {"swap": 1.6, "commit": 3.5}


def bare(folder: Path, data: bytes) -> None:
    """write, fsync, rename, fsync: the least that survives a loss of power."""
    fd = os.open(folder / "bare.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)
    (folder / "bare.tmp").rename(folder / "bare.md")
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plan_text() -> str:
    """A plan of exactly SIZE bytes."""
    lines = [f"- [ ] Task number {number} of the plan\n    - A note about it.\n" for number in range(200)]
    text = "".join(lines)
    return text[: text.rindex("- [ ]", 0, SIZE - 100)].ljust(SIZE - 1, " ") + "\n"


def measure(folder: Path) -> dict[str, float]:
    """The median seconds of each."""
    (folder / ".flow").mkdir()
    (folder / ".flow" / "status.md").write_text(plan_text())
    (folder / "source.py").write_bytes(b"x" * SIZE)
    project = Project(folder, "bench")
    source = safe_path(folder, "source.py")
    taken: dict[str, list[float]] = {name: [] for name in ("bare", "swap", "commit", "with reading")}
    for number in range(ROUNDS):
        data = (f"- [ ] {number}\n".encode() * SIZE)[:SIZE]

        def edit(_: Snapshot, data: bytes = data) -> bytes:
            return data

        taken["bare"].append(seconds(partial(bare, folder, data)))
        taken["swap"].append(seconds(partial(project.store.swap, source, edit)))
        started: list[float] = []

        def change(tree: Tree, number: int = number, started: list[float] = started) -> list[Change]:
            task = tree.root.tasks[
                number % len(tree.root.tasks)
            ]  # a new version each time, as backups keep it
            changes = reopen(task) if task.status is Status.DONE else done(task)
            started.append(time.perf_counter())
            return changes

        begun = time.perf_counter()
        project.ledger.commit(change, what="bench")
        ended = time.perf_counter()
        taken["commit"].append(ended - started[0])
        taken["with reading"].append(ended - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> int:
    where = sys.argv[1] if len(sys.argv) > 1 else None
    folder = Path(tempfile.mkdtemp(prefix="flow-bench-", dir=where))
    try:
        medians = measure(folder)
        print(f"{SIZE} bytes, {ROUNDS} rounds, {Store(folder).guarantee()}")
    finally:
        shutil.rmtree(folder)
    too_slow = 0
    for name, value in medians.items():
        ratio = value / medians["bare"]
        limit = LIMITS.get(name)
        too_slow += limit is not None and ratio > limit
        print(f"{name:14} {value * 1000:7.3f} ms  {ratio:5.2f}x" + (f"  (limit {limit}x)" if limit else ""))
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
