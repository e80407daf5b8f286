"""Whose code may run. Opening a plan runs nothing; code that its person has not approved is asked about first.

Answers are kept outside the project, in the user's state folder, by the project's path and the code's content
(DESIGN section 5, Trust), so that a copied or cloned project brings no answers with it. What holds for all code of a
project is for the one that has the mark given to it then: another one may stand at its path one day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.atoms import BUILT_IN
from engine.errors import ConfigurationError, TrustError
from engine.runtime.code import Code, in_plan, of_atoms, of_entry
from engine.runtime.registry import Entry, dispatch, load_registry
from engine.status import Task
from engine.storage import read_if_exists, replace_file, scaffold
from engine.storage.locks import hold

_APP = "flow-manager"
_MARK = "mark"
"""The file in `.flow/` with the random mark of the project that is trusted. Git ignores it, so that no clone has it."""
_NO_CODE = (BUILT_IN["Manual"], BUILT_IN["Flow"])


class Trust:
    """What is approved for one project. `root` is its resolved folder."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._flow = root / ".flow"

    @property
    def _file(self) -> Path:
        import platformdirs

        return platformdirs.user_state_path(_APP) / "trust.json"

    def missing(self, tasks: Iterable[Task]) -> list[Code]:
        """The code of these tasks that nobody has approved, each piece once."""
        if os.environ.get("FLOW_TRUST") == "1":
            return []
        asks = _asks_everywhere()
        mine = self._mine()
        if mine.get("own") and not asks:
            return []
        return self._new(tasks, mine, scripts=asks or not mine.get("trusted"))

    def refuse(self, task: Task) -> None:
        """Raise TrustError when this task would run code that nobody has approved."""
        missing = self.missing([task])
        if missing:
            raise TrustError(
                f"{task.address} {task.name} would run code that nobody has approved: {missing[0].where}.",
                hint="Read it, then `flow trust` lets this project's code run.",
                address=task.address,
                code_at=[code.where for code in missing],
            )

    def covers(self, task: Task) -> bool:
        """Whether a person let this project run code, that of this task at least."""
        if self.missing([task]):
            return False
        if os.environ.get("FLOW_TRUST") == "1" or any(self._code([task])):
            return True
        mine = self._mine()
        return bool(mine.get("own") or mine.get("trusted")) and not _asks_everywhere()

    def may_import(self, entry: Entry) -> bool:
        """Whether this atom may run as the files of the project's atoms are now; those of the program always may."""
        if entry.target in BUILT_IN.values() or os.environ.get("FLOW_TRUST") == "1":
            return True
        mine = self._mine()
        if mine.get("own") and not _asks_everywhere():
            return True
        digests = {code.digest for code in (of_entry(entry), *of_atoms(self._flow))}
        return digests <= set(mine.get("approved", ()))

    def approve(self, codes: Iterable[Code], *, scripts: bool = False) -> None:
        """These pieces may run from now on, as long as they stay what they are; with `scripts` all that plans of this
        project hold may, whatever it becomes.
        """
        self._change([code.digest for code in codes], **({"trusted": True} if scripts else {}))

    def trust(self, tasks: Iterable[Task]) -> list[Code]:
        """Scripts of this project's plans may run from now on, and its atoms as they are now. The code of these tasks
        that was not approved before.
        """
        codes = self._new(tasks, self._mine(), scripts=True)
        self.approve(codes, scripts=True)
        return codes

    def own(self) -> None:
        """This project was made here, by its person."""
        self._change([], own=True)

    def _new(self, tasks: Iterable[Task], mine: dict[str, Any], *, scripts: bool) -> list[Code]:
        """The code of these tasks that is not among the answers `mine`, each piece once; without `scripts` not what
        stands in plans."""
        approved = set(mine.get("approved", ()))
        found = {
            code.digest: code
            for code, is_plan in self._code(tasks)
            if code.digest not in approved and (scripts or not is_plan)
        }
        return list(found.values())

    def _code(self, tasks: Iterable[Task]) -> Iterator[tuple[Code, bool]]:
        """Every piece of code of these tasks, and whether it stands in a plan."""
        registry = load_registry(self._flow)
        seen_atoms = False
        for task in tasks:
            entry = dispatch(task, registry) if task.is_leaf else None
            if entry is None or entry.target in _NO_CODE:
                continue
            yield from ((code, True) for code in in_plan(self._flow, task, entry))
            if entry.target not in BUILT_IN.values():
                yield of_entry(entry), False
                if not seen_atoms:
                    yield from ((code, False) for code in of_atoms(self._flow))
                    seen_atoms = True

    def _mine(self) -> dict[str, Any]:
        """The answers for this project; of what holds for all of its code only what was said of this very one."""
        mine: dict[str, Any] = self._read().get(self._root, {})
        mark = read_if_exists(self._flow / _MARK)
        if mark is not None and mine.get("mark") == mark.data.decode("ascii", "replace"):
            return mine
        return {"approved": mine.get("approved", ())}

    def _read(self) -> dict[str, Any]:
        snapshot = read_if_exists(self._file)
        if snapshot is None:
            return {}
        try:
            projects = json.loads(snapshot.data)["projects"]
        except (ValueError, KeyError, TypeError):
            projects = None
        if not isinstance(projects, dict):
            raise ConfigurationError(
                f"{self._file} cannot be read.", hint="Delete it; every project then asks anew."
            )
        return projects

    def _change(self, approved: Iterable[str], **flags: bool) -> None:
        scaffold({}, self._file.parent)
        with hold(self._file.with_suffix(".lock")):
            projects = self._read()
            mine = projects[self._root] = self._mine()
            mine |= flags
            if flags and "mark" not in mine:
                mine["mark"] = os.urandom(16).hex()
                replace_file(self._flow / _MARK, mine["mark"].encode())
            mine["approved"] = sorted({*mine.get("approved", ()), *approved})
            text = json.dumps({"version": 1, "projects": projects}, indent=1)
            replace_file(self._file, text.encode())


def _asks_everywhere() -> bool:
    """Whether the user's settings say `trust = "ask"`."""
    import platformdirs

    path = platformdirs.user_config_path(_APP) / "config.toml"
    snapshot = read_if_exists(path)
    if snapshot is None:
        return False
    import tomllib  # many have no settings

    try:
        return tomllib.loads(snapshot.data.decode("utf-8-sig")).get("trust") == "ask"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="Mend the line that it names."
        ) from error
