"""A script that prints a lot: `python tests/benchmarks/bench_output.py [BYTES]`, 1 GiB unless given.

`flow run` with `yes | head -c BYTES` against `sh -c` that writes the same to a file, in turns, the best of three each
(aim: at most 1.5 times as long); and the most memory that the engine and the supervisor have held (aim: 150 MB).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROUNDS = 3
PLAN = "- [ ] [Script] Print\n    ```sh effect=idempotent\n    yes | head -c {}\n    ```\n"


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 30
    ours, alone, most = [], [], 0
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            with Path(folder, "output").open("wb") as file:
                subprocess.run(["sh", "-c", f"yes | head -c {size}"], stdout=file, check=True)
            alone.append(time.perf_counter() - begun)
        with tempfile.TemporaryDirectory() as folder:
            seconds, memory, kept = run(Path(folder), size)
            ours.append(seconds)
            most = max(most, memory)
        times = f"sh -c {alone[-1]:.2f} s, flow run {seconds:.2f} s"
        print(f"round {number + 1}: {times}, {memory / 1e6:.0f} MB of memory, kept {kept / 1e6:.1f} MB")
    print(f"ratio, flow run to sh -c into a file: {min(ours) / min(alone):.2f}")
    print(f"most memory, engine and supervisor together: {most / 1e6:.0f} MB")


def run(root: Path, size: int) -> tuple[float, int, int]:
    """A `flow run` in a new project: its seconds, the peak memory (bytes) of engine and supervisor, and the bytes that
    its output takes on the disk."""
    flow = [sys.executable, "-P", "-m", "tui"]
    environment = {**os.environ, "FLOW_TRUST": "1"}
    subprocess.run([*flow, "init"], cwd=root, env=environment, capture_output=True, check=True)
    (root / ".flow/status.md").write_text(PLAN.format(size))
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*flow, "run"], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    watcher = Watcher(process.pid)
    watcher.start()
    assert process.wait() == 0, "the run failed"
    seconds = time.perf_counter() - begun
    watcher.join()
    kept = sum(path.stat().st_blocks * 512 for path in (root / ".flow/logs/output").iterdir())
    return seconds, watcher.most, kept


class Watcher(threading.Thread):
    """The sum of the peaks (VmHWM) of an engine and its supervisor, looked up until the engine is gone.

    The kernel keeps the peaks, so few looks will do: each goes through all processes, on a core that the run needs.
    """

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid
        self.peaks: dict[int, int] = {}

    @property
    def most(self) -> int:
        return sum(self.peaks.values())

    def run(self) -> None:
        try:
            engine = psutil.Process(self.pid)
            while engine.status() != psutil.STATUS_ZOMBIE:
                for process in (engine, *engine.children()):
                    self.look(process.pid)
                time.sleep(0.2)
        except psutil.NoSuchProcess:
            return

    def look(self, pid: int) -> None:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return
        for line in lines:
            if line.startswith("VmHWM:"):
                self.peaks[pid] = max(self.peaks.get(pid, 0), int(line.split()[1]) * 1024)


if __name__ == "__main__":
    main()
