"""Every problem of a project, for `flow check`; what nothing reaches; what an unattended run would stop at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.atoms import Call, LoomAtom, Supervised, atom_for, configuration
from engine.errors import FlowError, SecurityError
from engine.flows import Tree
from engine.runtime.identity import files_to
from engine.runtime.project import Project
from engine.runtime.registry import Entry, Registry, dispatch, load_registry, note_on
from engine.runtime.settings import settings_problem
from engine.status import Problem, Status, Task, body, parse, walk
from engine.status.wording import OWN_FOLDERS
from engine.storage import read_if_exists

if TYPE_CHECKING:
    from engine.runtime.findings import Recovery

_REGISTRY = "flow.registry.json"
_NO_PLANS = OWN_FOLDERS | {"atoms"}


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A Markdown file below `.flow/` with tasks that no reference reaches: they never run."""

    file: str
    tasks: int


def check(project: Project) -> list[Problem]:
    """Problems of all files and tasks that can be reached, of settings and registry, and of atoms' configurations."""
    tree = project.ledger.read()
    found = list(tree.problems())
    if (wrong := settings_problem(project.flow)) is not None:
        found.append(wrong)
    try:
        registry = load_registry(project.flow)
    except FlowError as error:
        return [*found, Problem(_REGISTRY, 1, 1, error.message, error.hint, error.code)]
    for entry in registry.entries.values():
        if entry.broken:
            found.append(Problem(_REGISTRY, 1, 1, f"[{entry.name}]: {entry.broken}", "", "registry"))
    for task in tree.walk():
        found.extend(_of_task(project, registry, task))
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.column))


def notes(project: Project) -> list[Problem]:
    """Tasks that a person does although their tag looks like an atom's, or although they have code."""
    tree = project.ledger.read()
    try:
        registry = load_registry(project.flow)
    except FlowError:
        return []  # a problem, and listed as such
    found = []
    for task in tree.walk():
        note = note_on(task, registry)
        if note is not None and not registry.near(task.tag or "") and (note.hint or body(task).fences):
            found.append(note)
    return found


def unreachable(project: Project) -> list[Unreachable]:
    """The plans that are no part of the tree; that may be meant, so it is no problem."""
    known = project.ledger.read().plans
    found = []
    for file in _markdown_files(project.flow):
        if file not in known:
            tasks = _count_tasks(project.flow / file, file)
            if tasks:
                found.append(Unreachable(file, tasks))
    return found


def stops(project: Project, interrupted: Recovery | None) -> list[Problem]:
    """What an unattended run would stop at and wait for a person: an interrupted task, those that a person does or has
    to look into, code that nobody has approved, and in a strict project plans that were changed outside.
    """
    found = []
    if interrupted is not None and interrupted.resume == "ask":
        what = f"{interrupted.address} {interrupted.name} was interrupted."
        hint = "`flow recover` shows how to settle it."
        found.append(Problem(interrupted.file, 1, 1, what, hint, "interrupted"))
    tree = project.ledger.read()
    found += [_outside(file) for file in project.ledger.unaccepted(tree)]
    try:
        registry = load_registry(project.flow)
    except FlowError:
        return found  # a problem, and listed as such
    ahead = [task for task in tree.walk() if not task.status.is_settled and not task.problems]
    for task in ahead:
        if task.is_leaf and (problem := _stop_of(task, dispatch(task, registry))) is not None:
            found.append(problem)
    try:
        unapproved = project.trust.missing(ahead)
    except SecurityError as error:  # code that nobody can approve
        problem = Problem("flow.registry.json", 1, 1, error.message, error.hint, "trust")
        return [*found, problem]
    for code in unapproved:
        file, _, line = code.where.removeprefix(".flow/").partition(":")
        number = int(line) if line.isdecimal() else 1
        found.append(
            Problem(file, number, 1, "Nobody has approved this code.", "`flow trust` does.", "trust")
        )
    return found


def ahead(tree: Tree) -> list[Task]:
    """The leaves that are not settled, in document order; in place of those inside of a plan with problems the task
    that refers to it."""
    found = []
    stack = [iter(tree.root.tasks)]
    while stack:
        for task in stack[-1]:
            is_closed = task.problems or (task.subflow is not None and task.subflow.problems)
            if task.inside and not is_closed:
                stack.append(iter(task.inside))
                break
            if not task.status.is_settled:
                found.append(task)
        else:
            stack.pop()
    return found


def upcoming(tree: Tree, last: Task | None) -> list[Task]:
    """The leaves that a run would go through, in order, up to the end of `last` if there is one."""
    first = tree.cursor()
    if first is None or first.status is Status.FAILED:
        return []
    tasks = [first, *(task for task in ahead(tree) if task is not first)]
    if last is None:
        return tasks
    inside = set(walk([last]))
    ends = [number for number, task in enumerate(tasks) if task in inside]
    return tasks[: ends[-1] + 1] if ends else []


def obstacles(project: Project, tree: Tree, tasks: Sequence[Task]) -> list[Problem | None]:
    """What a run would stop at when it comes to each of these tasks (or pass over until all else is done); None where
    it goes on by itself."""
    outside = set(project.ledger.unaccepted(tree))
    try:
        registry = load_registry(project.flow)
    except FlowError as error:
        return [Problem(_REGISTRY, 1, 1, error.message, error.hint, error.code) for _ in tasks]
    try:
        asks = bool(project.trust.missing(task for task in tasks if not task.problems))
    except SecurityError:
        asks = True
    return [_obstacle(project, registry, task, outside, asks=asks) for task in tasks]


def _obstacle(
    project: Project, registry: Registry, task: Task, outside: set[str], *, asks: bool
) -> Problem | None:
    if task.problems:
        return task.problems[0]
    if task.subflow is not None and task.subflow.problems:
        return task.subflow.problems[0]
    entry = dispatch(task, registry)
    if entry is not None and entry.broken:
        return Problem(
            task.plan.file, task.line, 1, entry.broken, "Mend its entry or its module.", "registry"
        )
    if outside:
        changed = [file for file in files_to(task) if file in outside]
        if changed:
            return _outside(changed[0])
    if entry is None or entry.is_persons:
        return _stop_of(task, None)
    try:
        if asks and project.trust.missing([task]):
            what, hint = "Nobody has approved its code.", "`flow trust` does."
            return Problem(task.plan.file, task.line, 1, what, hint, "trust")
    except SecurityError as error:  # code that nobody can approve
        return Problem(task.plan.file, task.line, 1, error.message, error.hint, error.code)
    return problem_of_block(project, registry, task)


def _outside(file: str) -> Problem:
    what = "This plan was changed by another program, and nobody has accepted that."
    hint = "`flow accept` takes the change in, `flow restore` puts back the last version."
    return Problem(file, 1, 1, what, hint, "changed_outside")


def _stop_of(task: Task, entry: Entry | None) -> Problem | None:
    if task.status is Status.FAILED:
        text, hint = "has failed, and nothing after it runs", f"Mend it, then `flow retry {task.address}`."
        return Problem(task.plan.file, task.line, 1, f"{task.name!r} {text}.", hint, "failed")
    if entry is None or entry.kind == "Manual":
        return Problem(task.plan.file, task.line, 1, f"{task.name!r} is done by a person.", "", "manual")
    return None


def _markdown_files(flow: Path) -> Iterator[str]:
    """All of them below `.flow/`, relative to it, but for what the engine keeps in folders of its own."""
    for folder, folders, files in os.walk(flow):
        top = Path(folder) == flow
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not (top and name in _NO_PLANS)
        )
        for name in sorted(files):
            if name.lower().endswith(".md") and not name.startswith("."):
                yield (Path(folder) / name).relative_to(flow).as_posix()


def _count_tasks(path: Path, file: str) -> int:
    try:
        snapshot = read_if_exists(path)
    except FlowError:
        return 0  # a pipe, or what may not be read: nothing that a reference could have meant
    return sum(1 for _ in parse(snapshot.data, file).walk()) if snapshot is not None else 0


def _of_task(project: Project, registry: Registry, task: Task) -> list[Problem]:
    if not task.is_leaf:
        return []
    near = registry.near(task.tag) if task.tag else None
    if task.tag and near is not None and task.tag not in registry.entries:
        hint = f"Write [{near}] if you mean that atom; as it stands the task is manual."
        return [Problem(task.plan.file, task.line, 1, f"No atom is called {task.tag!r}.", hint, "tag")]
    problem = problem_of_block(project, registry, task)
    return [problem] if problem is not None else []


def problem_of_block(project: Project, registry: Registry, task: Task) -> Problem | None:
    """Why the atom of this open leaf cannot run what stands under it. Nothing of the project is imported or run."""
    entry = dispatch(task, registry)
    if entry is None or entry.broken or task.status.is_settled or task.problems:
        return None
    try:
        atom = atom_for(entry.target, project.flow)
        call = Call(task.name, task.address, project.root, configuration(task))
        if isinstance(atom, LoomAtom):
            for edit in atom.edits(call):
                project.loom.locate(edit.path)
        elif isinstance(atom, Supervised):
            atom.check_call(call)
    except FlowError as error:
        line = int(error.fields.get("line") or task.line)
        message = error.message.removeprefix(f"{task.plan.file}:{line}: ")
        return Problem(task.plan.file, line, 1, message, error.hint, error.code)
    return None
