"""What safety costs: a swap, and a whole plan write, against a bare durable replace of the same size.

python tests/benchmarks/bench_swap.py [FOLDER]
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.storage import Plans, Snapshot, Store, safe_path

SIZE = 8192
ROUNDS = 300
LIMITS = {"swap": 1.6, "plan write": 3.5}


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


def measure(folder: Path) -> dict[str, float]:
    """The median seconds of each, taken in turns so that they meet the same disk."""
    (folder / ".flow").mkdir()
    (folder / ".flow" / "status.md").write_bytes(b"- [ ] a\n")
    (folder / "source.py").write_bytes(b"x" * SIZE)
    store = Store(folder)
    plans = Plans(store)
    source = safe_path(folder, "source.py")
    taken: dict[str, list[float]] = {"bare": [], "swap": [], "plan write": []}
    for number in range(ROUNDS):
        data = (f"- [ ] {number}\n".encode() * SIZE)[:SIZE]

        def edit(_: Snapshot, data: bytes = data) -> bytes:
            return data

        base = plans.read("status.md")
        taken["bare"].append(seconds(lambda data=data: bare(folder, data)))  # type: ignore[misc]
        taken["swap"].append(seconds(lambda edit=edit: store.swap(source, edit)))  # type: ignore[misc]
        taken["plan write"].append(
            seconds(lambda base=base, data=data: plans.write("status.md", base, data))  # type: ignore[misc]
        )
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
        print(f"{name:12} {value * 1000:7.3f} ms  {ratio:5.2f}x" + (f"  (limit {limit}x)" if limit else ""))
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
