"""Every problem of a project, for `flow check`."""

from __future__ import annotations

from engine.atoms import LoomAtom, Supervised, atom_for, configuration
from engine.errors import FlowError
from engine.flows import Tree
from engine.runtime.project import Project
from engine.runtime.registry import Registry, dispatch, load_registry
from engine.status import Problem, Task

_REGISTRY = "flow.registry.json"


def check(project: Project) -> list[Problem]:
    """Problems of all files and tasks that can be reached, of the registry, and of atoms' configurations."""
    tree = project.ledger.read()
    found = list(tree.problems())
    try:
        registry = load_registry(project.flow)
    except FlowError as error:
        return [*found, Problem(_REGISTRY, 1, 1, error.message, error.hint, error.code)]
    for entry in registry.entries.values():
        if entry.broken:
            found.append(
                Problem(
                    _REGISTRY, 1, 1, f"The atom {entry.name!r} is broken: {entry.broken}.", "", "registry"
                )
            )
    for task in tree.walk():
        found.extend(_of_task(project, tree, registry, task))
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.column))


def _of_task(project: Project, tree: Tree, registry: Registry, task: Task) -> list[Problem]:
    if not task.is_leaf:
        return []
    near = registry.near(task.tag) if task.tag else None
    if task.tag and near is not None and task.tag not in registry.entries:
        hint = f"Write [{near}] if you mean that atom; as it stands the task is manual."
        return [Problem(task.plan.file, task.line, 1, f"No atom is called {task.tag!r}.", hint, "tag")]
    entry = dispatch(task, registry)
    if entry is None or entry.broken or task.status.is_settled or task.problems:
        return []
    try:
        atom = atom_for(entry.target, project.flow)
        if isinstance(atom, LoomAtom):
            atom.edits(project.call(task))
        elif isinstance(atom, Supervised):
            atom.check(configuration(task))
    except FlowError as error:
        line = int(error.fields.get("line") or task.line)
        message = error.message.removeprefix(f"{task.plan.file}:{line}: ")
        return [Problem(task.plan.file, line, 1, message, error.hint, error.code)]
    return []
