"""Reading a plan, as ratios in one run: `python tests/benchmarks/bench_read.py [TASKS ...]`.

Against markdown-it-py's block parse of the same text (aim: at least 20 times faster), and against one compiled regular
expression over its lines, which builds nothing but the groups of each match (aim: at most 12 times slower). Then how
the time grows: for ten times the tasks, and for ten times the depth (ten to twelve times as long, for as much more
text). Times are the best of several, in processor time, taken in turns: a busy machine slows all of them. Memory is
what the tasks of a plan hold, its text not counted.
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
DEPTHS = (10, 100, 1_000)
KINDS = ("tasks", "tasks with bodies", "scripts")
LINE = re.compile(r"( *)- \[(.)\] (.*)")


def lines_of(tasks: int, kind: str) -> Iterator[str]:
    """Three levels; with bodies, a note under every tenth task and a fence under every fiftieth; of scripts, each with
    a tag and a fence.
    """
    for number in range(tasks):
        indent = "    " * (number % 3 if kind != "scripts" else 0)
        yield f"{indent}- [ ] {'[Script] ' if kind == 'scripts' else ''}Task number {number} of the plan\n"
        if kind == "tasks with bodies" and number % 10 == 9:
            yield f"{indent}    What it is about.\n"
        if kind == "scripts" or (kind == "tasks with bodies" and number % 50 == 49):
            yield f"{indent}    ```sh\n{indent}    make\n{indent}    ```\n"


def best(*runs: Callable[[], object], times: int, loops: int = 1) -> list[float]:
    """The shortest processor time of each, in seconds; what is short runs several times in a row for one reading."""
    found = [float("inf")] * len(runs)
    for _ in range(times):
        for index, run in enumerate(runs):
            gc.collect()
            start = time.process_time()
            for _ in range(loops):
                made = run()
            found[index] = min(found[index], (time.process_time() - start) / loops)
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


def compare(tasks: int, kind: str) -> None:
    text = "".join(lines_of(tasks, kind))
    lines = text.split("\n")
    reader = MarkdownIt("commonmark")
    reader.core.ruler.disable("inline")
    ours, expression, theirs = best(
        lambda: parse(text),
        lambda: [match.groups() for line in lines if (match := LINE.match(line)) is not None],
        lambda: reader.parse(text),
        times=max(3, min(12, 120_000 // tasks)),
        loops=max(1, 5_000 // tasks),
    )
    print(
        f"{tasks:>9,} {kind:17}  {ours / tasks * 1e6:6.2f} µs a task  "
        f"{theirs / ours:6.1f} x faster than markdown-it-py  "
        f"{ours / expression:5.1f} x the expression  {memory(text) / tasks:6.0f} bytes a task"
    )


def grow(what: str, make: Callable[[int], str], sizes: tuple[int, ...]) -> None:
    """Prints how many times as long ten times as much takes, and how many times the text it is."""
    texts = [make(size) for size in sizes]
    loops = [max(1, 500_000 // len(text)) for text in texts]
    times = [float("inf")] * len(texts)
    for _ in range(7):
        for index, text in enumerate(texts):
            (one,) = best(lambda text=text: parse(text), times=1, loops=loops[index])  # type: ignore[misc]
            times[index] = min(times[index], one)
    for index in range(1, len(sizes)):
        print(
            f"{sizes[index - 1]:>9,} to {sizes[index]:,} {what}: {times[index] / times[index - 1]:5.1f} x as long, for "
            f"{len(texts[index]) / len(texts[index - 1]):5.1f} x the text ({times[index]:.4f} s)"
        )


def chain(depth: int) -> str:
    """One task a level: of ten times the levels, each is indented ten times as far."""
    return "".join(f"{'  ' * level}- [ ] Task {level}\n" for level in range(depth))


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    for tasks in sizes:
        for kind in KINDS:
            compare(tasks, kind)
    grow("tasks", lambda tasks: "".join(lines_of(tasks, "tasks with bodies")), SIZES)
    grow("levels", chain, DEPTHS)


if __name__ == "__main__":
    main()
