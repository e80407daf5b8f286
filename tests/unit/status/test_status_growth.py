"""Plans of any size: time grows with the text, and nothing recurses."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from engine.status import (
    apply,
    body,
    cursor,
    done,
    find_in,
    fix,
    parse,
    progress,
    settle,
    skip,
    validate_state,
    walk,
)
from engine.status.merging import merge_plans


def cost(make: Callable[[int], object], run: Callable[[object], object], small: int, factor: int) -> float:
    """How many times longer a factor times as much takes, in processor time."""
    one, many = make(small), make(small * factor)
    times = [float("inf"), float("inf")]
    for _ in range(3):
        for index, given in enumerate((one, many)):
            start = time.process_time()
            run(given)
            times[index] = min(times[index], time.process_time() - start)
    return times[1] / times[0]


def wide(count: int) -> str:
    return "".join(
        f"{'    ' * (number % 3)}- [ ] Task number {number} of the plan\n" for number in range(count)
    )


HARD: dict[str, Callable[[int], str]] = {
    "tasks": wide,
    "one long line of boxes": lambda count: "- [ ] " + "[x] " * count,
    "one long line of comments": lambda count: "- [ ] " + "<!-- " * count,
    "comments that end": lambda count: "- [ ] " + "<!-- --> " * count,
    "quotes and code": lambda count: "- [ ] " + '` " `` <!--' * count + "-->",
    "runs of ticks": lambda count: (
        "- [ ] <!-- " + " ".join("`" * (number % 99 + 1) for number in range(count)) + " -->"
    ),
    "at signs": lambda count: "- [ ] a" + " @" * count,
    "spaces": lambda count: "Key" + " " * count + "x\n- [ ] a" + " " * count + "b\n",
    "tags": lambda count: "<a" + " b" * count + "\n",
    "attributes": lambda count: "<a" + " b=" * count + "\n",
    "one paragraph": lambda count: "word\n" * count + "===\n",
    "fence": lambda count: "- [ ] a\n    ```\n" + "    x\n" * count + "    ```\n",
    "broken fence": lambda count: "- [ ] a\n    ```\n" + "x\n" * count + "    ```\n",
    "notes": lambda count: "- [ ] a\n" + "    - note\n" * count,
    "blank lines": lambda count: "- [ ] a\n" + "\n" * count + "- [ ] b\n",
    "front matter that never ends": lambda count: "---\na: b\n" + "c: d\n" * count,
    "underscores": lambda count: "_ " * count + "x\n",
    "link brackets": lambda count: "- [ ] " + "[a](" * count + "\n[" + "\\" * count,
    "problems": lambda count: "".join(f" - [?] {number}\n" for number in range(count)),
}


@pytest.mark.parametrize("kind", list(HARD))
def test_reading_takes_time_in_proportion(kind: str) -> None:
    assert cost(HARD[kind], lambda text: parse(str(text)), 400, 10) < 25, (
        "ten times the text, ten times the time"
    )


def test_reading_a_hundred_levels_more_takes_a_hundred_levels_more() -> None:
    def deep(depth: int) -> str:
        return "".join("  " * level + f"- [ ] {level}\n" for level in range(depth)) * (1000 // depth)

    assert cost(deep, lambda text: parse(str(text)), 100, 10) < 25


def flat(count: int, name: str) -> bytes:
    return "".join(f"- [ ] {name} {number}\n" for number in range(count)).encode()


APART: dict[str, Callable[[int], tuple[bytes, bytes, bytes]]] = {
    "written anew on both sides": lambda count: (
        flat(count, "old"),
        flat(count, "ours"),
        flat(count, "theirs"),
    ),
    "written anew on one side": lambda count: (
        flat(count, "old"),
        flat(count, "ours"),
        flat(count, "old") + b"- [x] z\n",
    ),
    "new on both sides": lambda count: (b"# P\n", flat(count, "ours"), flat(count, "theirs")),
    "removed, and done": lambda count: (
        flat(count, "old"),
        b"",
        flat(count, "old").replace(b"[ ]", b"[x]"),
    ),
}


@pytest.mark.parametrize("kind", list(APART))
def test_merging_takes_time_in_proportion(kind: str) -> None:
    assert cost(lambda count: APART[kind](count), lambda three: merge_plans(*three), 200, 10) < 25  # type: ignore[misc]


def test_t1_04_a_thousand_levels_and_everything_that_walks_them() -> None:
    depth = 1000
    plan = parse("".join(f"{'    ' * level}- [/] {level}\n" for level in range(depth)))
    last = list(walk(plan.tasks))[-1]
    assert find_in(plan, last.id) is last
    assert cursor(plan.tasks) is last
    assert progress(plan.tasks[0]).total == 1
    validate_state(plan)
    assert body(last).notes == ""
    assert len(skip(plan.tasks[0])) == depth
    apply(done(last))
    assert all(task.status == "done" for task in plan.walk())
    assert settle(plan) == []
    assert fix(plan.text).text == plan.text


def test_a_hundred_thousand_tasks() -> None:
    plan = parse(wide(99_999))
    assert not plan.problems
    assert progress(plan).total == 33_333
    first = cursor(plan.tasks)
    assert first is not None
    assert first.id == "1.1.1"
