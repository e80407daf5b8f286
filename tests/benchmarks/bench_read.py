"""Reading a plan, as ratios in one run: `python tests/benchmarks/bench_read.py [TASKS ...]`.

Against markdown-it-py's block parse of the same text (aim: at least 20 times faster), and against one compiled regular
expression over its lines, which builds nothing but the groups of each match (aim: at most 12 times slower). Times are
the best of several, in processor time, taken in turns: a busy machine slows all of them. Memory is what the tasks of
a plan hold, its text not counted.
"""

from __future__ import annotations

import gc
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt

from engine.status import parse

SIZES = (100, 1_000, 10_000, 100_000)
DEPTHS = (1, 10, 100, 1_000)
LINE = re.compile(r"( *)- \[(.)\] (.*)")


def lines_of(tasks: int, bodies: bool) -> Iterator[str]:
    """Three levels; with bodies, a note under every tenth task and a fence under every fiftieth."""
    for number in range(tasks):
        indent = "    " * (number % 3)
        yield f"{indent}- [ ] Task number {number} of the plan\n"
        if bodies and number % 10 == 9:
            yield f"{indent}    What it is about.\n"
        if bodies and number % 50 == 49:
            yield f"{indent}    ```sh\n{indent}    make\n{indent}    ```\n"


def best(*runs: Callable[[], object], times: int) -> list[float]:
    """The shortest processor time of each, in seconds."""
    found = [float("inf")] * len(runs)
    for _ in range(times):
        for index, run in enumerate(runs):
            gc.collect()
            start = time.process_time()
            made = run()
            found[index] = min(found[index], time.process_time() - start)
            del made
    return found


def memory(text: str) -> int:
    """The bytes that a plan holds beyond its lines."""
    gc.collect()
    tracemalloc.start()
    plan = parse(text)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held - sum(sys.getsizeof(line) for line in plan.lines) - sys.getsizeof(plan.lines)


def compare(tasks: int, bodies: bool) -> None:
    text = "".join(lines_of(tasks, bodies))
    lines = text.split("\n")
    reader = MarkdownIt("commonmark")
    reader.core.ruler.disable("inline")
    ours, expression = best(
        lambda: parse(text),
        lambda: [match.groups() for line in lines if (match := LINE.match(line)) is not None],
        times=max(5, 300_000 // tasks),
    )
    (theirs,) = best(lambda: reader.parse(text), times=max(2, 20_000 // tasks))
    what = "tasks with bodies" if bodies else "tasks"
    print(
        f"{tasks:>9,} {what:17}  {ours / tasks * 1e6:6.2f} µs a task  "
        f"{theirs / ours:6.1f} x faster than markdown-it-py  {ours / expression:5.1f} x the expression  "
        f"{memory(text) / tasks:6.0f} bytes a task"
    )


def deep(depth: int, tasks: int = 2_000) -> None:
    text = "".join(f"{'  ' * (number % depth)}- [ ] Task {number}\n" for number in range(tasks))
    (ours,) = best(lambda: parse(text), times=20)
    print(
        f"{depth:>9,} levels {ours / tasks * 1e6:6.2f} µs a task  {ours / len(text) * 1e9:6.1f} ns a character"
    )


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    for tasks in sizes:
        compare(tasks, bodies=False)
        compare(tasks, bodies=True)
    for depth in DEPTHS:
        deep(depth)


if __name__ == "__main__":
    main()
