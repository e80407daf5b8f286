"""From an entry of the registry to the atom that stands for it, without running any code of a project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ConfigurationError
from engine.storage import read_if_exists

if TYPE_CHECKING:
    import ast

    from engine.atoms.base import Atom

BUILT_IN = {
    "Manual": "engine.atoms.manual:Manual",
    "Script": "engine.atoms.script:Script",
    "Git": "engine.atoms.git:Git",
    "Loom": "engine.atoms.loom:LoomAtom",
    "Flow": "engine.atoms.flow:Flow",
}
"""The atoms that come with the program, by name, as `flow init` writes them into a registry."""

_TARGET = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<kind>[A-Za-z_]\w*)", re.ASCII)


def atom_for(target: str, flow: Path) -> Atom:
    """The atom for an entry `module:Class` of the registry below the folder `flow`.

    Manual, Flow and Loom run inside the engine; everything else is `Supervised`. Raises ConfigurationError
    when there can be no such atom, as far as that shows without importing it (see `inspect_target`).
    """
    # A plan is read without any of them, and some need much.
    from engine.atoms.flow import Flow
    from engine.atoms.hosted import Hosted
    from engine.atoms.loom import LoomAtom
    from engine.atoms.manual import Manual
    from engine.atoms.script import Script

    inside: dict[str, type[Atom]] = {
        BUILT_IN["Manual"]: Manual,
        BUILT_IN["Script"]: Script,
        BUILT_IN["Loom"]: LoomAtom,
        BUILT_IN["Flow"]: Flow,
    }
    if target in inside:
        return inside[target]()
    inspect_target(target, flow)
    return Hosted(target)


def inspect_target(target: str, flow: Path) -> None:
    """Look at an entry of the registry. Raises ConfigurationError unless it is a built-in atom, or a module
    below `flow`/atoms that is Python and binds the name of the class. Nothing of it is imported.
    """
    if target in BUILT_IN.values():
        return
    match = _TARGET.fullmatch(target)
    if match is None:
        raise _broken(target, "it is not of the form module:Class")
    relative = Path(*match["module"].split("."))
    for place in (relative.with_suffix(".py"), relative / "__init__.py"):
        snapshot = read_if_exists(flow / "atoms" / place)
        if snapshot is not None:
            _look_into(target, snapshot.data, f".flow/atoms/{place.as_posix()}", match["kind"])
            return
    raise _broken(target, f"there is no .flow/atoms/{relative.as_posix()}.py")


def _look_into(target: str, source: bytes, name: str, kind: str) -> None:
    import ast  # only for atoms of the project's own

    try:
        module = ast.parse(source, filename=name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise _broken(target, f"{name}{line}: {reason}") from error
    if kind not in _bound(module):
        raise _broken(target, f"{name} has no class {kind}")


def _bound(module: ast.Module) -> set[str]:
    """The names that the statements of a module may bind, at its top or inside its blocks."""
    import ast

    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _broken(target: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The atom {target!r} is broken: {reason}.",
        hint="Mend it, or its entry in .flow/flow.registry.json.",
        target=target,
    )
