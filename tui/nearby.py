"""Markdown files near a folder that hold task lists: what a first plan could be made of."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_DEEP = 3
_FILES = 400
_BYTES = 400_000
_SKIPPED = {"node_modules", "target", "vendor", "venv", "site-packages", "__pycache__"}
_TASK = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX/!v-]\][ \t]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Nearby:
    """A file, as it is named from the folder, and how many task items it has."""

    name: str
    tasks: int


def markdown_with_tasks(folder: Path) -> list[Nearby]:
    """The Markdown files of a folder and a little below it that have task items, most tasks first.

    Hidden folders and those of other people's packages are left out, and it stops after some hundred files: it is asked
    while a person waits.
    """
    found: list[Nearby] = []
    looked = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name for name in folders if depth < _DEEP and name not in _SKIPPED and not name.startswith(".")
        )
        for name in sorted(files):
            if not name.lower().endswith((".md", ".markdown")):
                continue
            looked += 1
            if looked > _FILES:
                return _ordered(found)
            path = Path(place, name)
            tasks = count_tasks(path)
            if tasks:
                found.append(Nearby(str(path.relative_to(folder)), tasks))
    return _ordered(found)


def count_tasks(path: Path) -> int:
    """How many task items a file has, as a quick look tells; 0 for what cannot be read."""
    try:
        with path.open("rb") as file:
            return len(_TASK.findall(file.read(_BYTES).decode("utf-8", "replace")))
    except OSError:
        return 0


def _ordered(found: list[Nearby]) -> list[Nearby]:
    return sorted(found, key=lambda one: (-one.tasks, one.name))
