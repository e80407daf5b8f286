"""What a step costs beside its script: `python tests/benchmarks/bench_step.py [STEPS]`.

A step is measured against what no engine could do without: `sh -c true`, and the bare syncs of a step. They take turns,
so that whatever else the machine does meets all of them. Then a plan of
STEPS tasks (1,000 unless given) is run to its end: its last hundred steps against its first hundred.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

os.environ["FLOW_TRUST"] = "1"

from engine import Engine, Event, Finished, StepOutcome, init_project

# By strace: four records in place, two plans with their backups, two lines of the log, what is known of the plans
# twice, the intent gone, and three by the supervisor.
SYNCS = 22
TASK = "- [ ] [Script] Task {}\n    ```sh\n    true\n    ```\n"
ROUNDS = 60


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        run_all(Path(folder), steps)


def compare(folder: Path) -> None:
    engine = Engine.open(project(folder / "project", ROUNDS + 1))
    whole, bare, shell = [], [], []
    with asyncio.Runner() as runner:
        runner.run(last(engine.step()))  # imports
        for _ in range(ROUNDS):
            shell.append(duration(run_shell))
            bare.append(duration(run_shell) + duration(lambda: sync(folder / "bare")))
            whole.append(duration(lambda: runner.run(last(engine.step()))))
    step, floor, alone = (statistics.median(times) * 1000 for times in (whole, bare, shell))
    print(f"sh -c true:                    {alone:7.1f} ms")
    print(f"sh -c true and {SYNCS} bare syncs:  {floor:7.1f} ms")
    print(f"a step:                        {step:7.1f} ms")
    print(f"ratio, a step to its floor:    {step / floor:7.2f}")
    print(f"ratio, a step to sh -c true:   {step / alone:7.2f}")


def run_all(folder: Path, steps: int) -> None:
    took = asyncio.run(durations(Engine.open(project(folder / "project", steps))))
    assert len(took) == steps
    part = min(100, steps // 2)
    first, late = statistics.median(took[:part]), statistics.median(took[-part:])
    print(f"{steps} steps of a plan of {steps} tasks: {sum(took):.1f} s")
    print(f"ratio, last {part} to first {part} steps: {late / first:5.2f}")


def project(root: Path, tasks: int) -> Path:
    root.mkdir(exist_ok=True)
    init_project(root)
    (root / ".flow/status.md").write_text("".join(TASK.format(number) for number in range(tasks)))
    return root


async def durations(engine: Engine) -> list[float]:
    """The seconds of each step of a run."""
    found = []
    begun = time.perf_counter()
    async for event in engine.run():
        if isinstance(event, Finished):
            assert event.outcome is StepOutcome.DONE
            found.append(time.perf_counter() - begun)
            begun = time.perf_counter()
    return found


async def last(events: AsyncIterator[Event]) -> None:
    async for event in events:
        if isinstance(event, Finished):
            assert event.outcome is StepOutcome.DONE


def duration(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run_shell() -> None:
    subprocess.run(["sh", "-c", "true"], check=True)


def sync(place: Path) -> None:
    """As many syncs as a step has: half of them of a small new file, half of its folder."""
    place.mkdir(exist_ok=True)
    for number in range(SYNCS // 2):
        with (place / str(number % 4)).open("wb") as file:
            file.write(b"x" * 600)
            file.flush()
            os.fsync(file.fileno())
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


if __name__ == "__main__":
    main()
