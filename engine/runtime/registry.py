"""The registry: which atoms exist. Read as data; nothing of an atom is imported here.

`.flow/flow.registry.json` maps an atom's name to `module:Class` (DESIGN section 3). Modules are the built-in ones
(`engine.atoms.*`) or files below `.flow/atoms/`; an atom without an entry does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from engine.atoms import BUILT_IN, inspect_target
from engine.errors import ConfigurationError
from engine.status import Problem, Task, body
from engine.storage import read_if_exists

_LIKE = 0.6
"""How much of two names is the same where one may be meant for the other: a letter or two of five differ."""

_KINDS = {target: name for name, target in BUILT_IN.items()}


class Entry(NamedTuple):
    """One atom: its name, its `module:Class`, and why it is broken, if it is."""

    name: str
    target: str
    broken: str = ""

    @property
    def kind(self) -> str:
        """Which atom of the program it is, by the name in `BUILT_IN`; empty for the project's own."""
        return _KINDS.get(self.target, "")

    @property
    def is_persons(self) -> bool:
        """Whether a person does what it is for: nothing of it runs."""
        return self.kind in ("Manual", "Flow")


class Registry(NamedTuple):
    entries: Mapping[str, Entry] = MappingProxyType({})

    def near(self, tag: str) -> str | None:
        """The entry that differs from `tag` only in case or spaces, if there is one."""
        wanted = tag.casefold().replace(" ", "")
        return next((name for name in self.entries if name.casefold() == wanted and name != tag), None)

    def like(self, tag: str) -> str | None:
        """The entry that `tag` may be a slip of the pen for, if there is one."""
        import difflib  # only where something looks wrong

        names = {name.casefold(): name for name in self.entries}
        found = difflib.get_close_matches(tag.casefold(), names, 1, _LIKE)
        return names[found[0]] if found else None


def note_on(task: Task, registry: Registry) -> Problem | None:
    """What to say of an open leaf whose tag is no entry: that a person does it, and what may have been meant.

    It is no problem, since a tag may be a label; one that differs in case only is, and `flow check` says so (T2.24).
    """
    tag = task.tag
    if not tag or not task.is_leaf or task.status.is_settled or dispatch(task, registry) is not None:
        return None
    near = registry.near(tag) or registry.like(tag)
    code = ", and its code is not run" if body(task).fences else ""
    hint = f"Did you mean [{near}]?" if near is not None else ""
    message = f"No atom is called {tag!r}: a person does this task{code}."
    return Problem(task.plan.file, task.line, 1, message, hint, "tag")


def load_registry(flow: Path) -> Registry:
    """Read the registry below the folder `flow`. Missing or empty: no atoms.

    Raises ConfigurationError when it is not a JSON object of strings (T1.34).
    """
    snapshot = read_if_exists(flow / "flow.registry.json")
    if snapshot is None or not snapshot.data.strip():
        return Registry()
    try:
        data = json.loads(snapshot.data)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigurationError(
            f".flow/flow.registry.json is not JSON: {reason}.",
            hint="Mend it, or delete it and run `flow init`.",
        ) from error
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise ConfigurationError(
            ".flow/flow.registry.json is not an object of names and targets.",
            hint='Write it like this: {"Script": "engine.atoms.script:Script"}.',
        )
    return Registry({name: _entry(flow, name, target) for name, target in data.items()})


def _entry(flow: Path, name: str, target: str) -> Entry:
    try:
        inspect_target(target, flow)
    except ConfigurationError as error:
        return Entry(name, target, broken=error.message)
    return Entry(name, target)


def dispatch(task: Task, registry: Registry) -> Entry | None:
    """What runs this leaf, in the order of DESIGN section 5: its sub-flow, its atom, or a person (None)."""
    if task.is_flow or task.subflow is not None or (task.ref or "").endswith(".md"):
        return Entry("Flow", BUILT_IN["Flow"])
    return registry.entries.get(task.tag) if task.tag else None
