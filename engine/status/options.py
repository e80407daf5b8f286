"""Setting an option of a fenced block: the smallest edit of its first line, and nothing else may mean anything new."""

from __future__ import annotations

import re

from engine.errors import PlanError, StaleIdError
from engine.status.body import body
from engine.status.cursor import find_in
from engine.status.layout import rows
from engine.status.model import Fence, Plan, Task
from engine.status.scanner import parse


def with_option(task: Task, fence: Fence, name: str, value: str) -> Plan:
    """The plan of `task` with `name=value` among the options of `fence`, which is one of its body.

    `name` and `value` are words without white space or quotes. Returns the plan with the new text; PlanError when the
    line cannot be changed so, StaleIdError when the fence is of another reading.
    """
    plan, before = task.plan, body(task)
    if plan.problems:
        problem = plan.problems[0]
        raise PlanError(
            f"{problem.file}:{problem.line}: {problem.message}",
            hint="Nothing of the file is changed until it is mended.",
        )
    if fence not in before.fences:
        raise StaleIdError(f"The block is from another reading of {plan.file}.", hint="Look it up again.")
    lines = list(plan.lines)
    line = lines[fence.line - 1]
    option = re.compile(rf"(?<=[ \t]){re.escape(name)}=[^\s\"']*(?=\s|\Z)")
    if name in fence.options:
        line = option.sub(f"{name}={value}", line)
    else:
        text = line.rstrip()
        line = f"{text} {name}={value}{line[len(text) :]}"
    lines[fence.line - 1] = line
    new = parse("".join(lines), plan.file)
    new.referrer = plan.referrer
    if not new.problems and rows(new.tasks) == rows(plan.tasks):
        after = body(find_in(new, task.id))
        wanted = [
            (one.lang, one.flags, {**one.options, name: value} if one == fence else one.options, one.text)
            for one in before.fences
        ]
        if after.notes == before.notes and wanted == [
            (one.lang, one.flags, one.options, one.text) for one in after.fences
        ]:
            return new
    raise PlanError(
        f"{plan.file}:{fence.line}: `{name}={value}` cannot be written here without changing what the text means.",
        hint="Edit the line by hand.",
        file=plan.file,
        line=fence.line,
    )
