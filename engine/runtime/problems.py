"""The error for problems of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import NameMismatchError, PlanError
from engine.status import Problem, Task


def problem_error(problems: Sequence[Problem], consequence: str) -> PlanError:
    """The error that names the first of these problems, and what follows from them; all are among its fields."""
    return PlanError(
        f".flow/{problems[0]}",
        hint=f"{consequence} `flow check` lists all problems ({len(problems)}).",
        problems=[problem._asdict() for problem in problems],
    )


Expected = str | Task | None
"""Which task is meant where an address may have come to stand for another: the name of it, or the task as an earlier
reading has it, which tells it from one of the same name under another heading."""


def refuse_other(address: str, name: str, expect: str | None) -> None:
    """Raise NameMismatchError when a task was expected by name and another one stands there; None expects nothing."""
    if expect is not None and name != expect:
        raise NameMismatchError(
            f"{address} is {name!r}, not {expect!r}.",
            hint="The plan has changed; `flow status` shows it as it is now.",
            address=address,
            name=name,
            expected=expect,
        )
