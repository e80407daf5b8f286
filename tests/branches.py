"""Random plans, and what two branches make of them, for Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from engine.errors import FlowError
from engine.status import (
    Change,
    Plan,
    Task,
    add,
    apply,
    begin,
    done,
    fail,
    parse,
    remove,
    rename,
    reopen,
    skip,
    walk,
)

Step = tuple[str, int]
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Branches:
    """A plan (how deep each of its tasks wants to be), what led to the common copy, and what each branch did. With
    `parts`, the branches keep to different tops of the tree."""

    depths: tuple[int, ...]
    before: Steps
    ours: Steps
    theirs: Steps
    parts: bool = False


def texts(branches: Branches) -> tuple[str, str, str]:
    """The common copy, ours and theirs."""
    base = _after(_plan(branches.depths), branches.before, "", None)
    return (
        base,
        _after(base, branches.ours, "our new", 0 if branches.parts else None),
        _after(base, branches.theirs, "their new", 1 if branches.parts else None),
    )


def halved(text: str) -> str:
    """The same plan with two spaces a level."""
    lines = text.splitlines(keepends=True)
    return "".join(" " * ((len(line) - len(line.lstrip(" "))) // 2) + line.lstrip(" ") for line in lines)


def _plan(depths: tuple[int, ...]) -> str:
    lines, level = [], -1
    for number, wanted in enumerate(depths):
        level = min(wanted, level + 1)
        lines.append(f"{'    ' * level}- [ ] {_WORDS[number % len(_WORDS)]}\n")
    return "".join(lines)


_WORDS = (
    *("Freeze", "Build", "Lint", "Compile", "Test", "Unit", "Whole", "Sign", "Publish"),
    *("Announce", "Mirror", "Tag", "Upload", "Notify", "Clean", "Review", "Merge", "Ship"),
)


def _after(text: str, steps: Steps, word: str, part: int | None) -> str:
    """The text after these changes; those that the rules forbid are left out."""
    for name, number in steps:
        plan = parse(text)
        tasks = [
            task for top in plan.tasks if part is None or _original(top) % 2 == part for task in walk([top])
        ]
        if tasks:
            try:
                text = _CHANGES[name](plan, tasks[number % len(tasks)], word)
            except FlowError:
                continue
    return text


def _original(task: Task) -> int:
    """The number of a task in the first plan, whatever it was called since."""
    return next((number for number, word in enumerate(_WORDS) if word in task.name.split()), 0)


def _by(rule: Callable[[Task], list[Change]]) -> Callable[[Plan, Task, str], str]:
    def change(plan: Plan, task: Task, word: str) -> str:
        apply(rule(task))
        return plan.text

    return change


def _noted(plan: Plan, task: Task, word: str) -> str:
    line = plan.lines[task.line - 1]
    note = " " * (len(line) - len(line.lstrip()) + 4) + f"- {word} note\n"
    return "".join([*plan.lines[: task.line], note, *plan.lines[task.line :]])


def _add(plan: Plan, task: Task, word: str) -> str:
    return add(plan, f"{task.name} in {word}", to=task).text


def _beside(plan: Plan, task: Task, word: str) -> str:
    return add(plan, f"{task.name} beside {word}", to=task.parent, at=task.number + 1).text


_CHANGES: dict[str, Callable[[Plan, Task, str], str]] = {
    "done": _by(done),
    "skip": _by(skip),
    "fail": _by(fail),
    "begin": _by(begin),
    "reopen": _by(reopen),
    "rename": lambda plan, task, word: rename(plan, task, f"{task.name} as {word}").text,
    "note": _noted,
    "add": _add,
    "beside": _beside,
    "remove": lambda plan, task, word: remove(plan, task).text,
}
_STATES = ("done", "skip", "fail", "begin", "reopen")


def _steps(names: tuple[str, ...], most: int) -> st.SearchStrategy[Steps]:
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 40)), max_size=most).map(tuple)


_DEPTHS = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)
_ANY = tuple(sorted(_CHANGES))

BRANCHES = st.builds(Branches, _DEPTHS, _steps(_STATES, 6), _steps(_ANY, 5), _steps(_ANY, 5))
STATES_ONLY = st.builds(Branches, _DEPTHS, _steps(_STATES, 6), _steps(_STATES, 5), _steps(_STATES, 5))
DISJOINT = st.builds(
    Branches, _DEPTHS, _steps(_STATES, 6), _steps(_ANY, 5), _steps(_ANY, 5), parts=st.just(True)
)
