"""What code a task would run, piece by piece, as a person is shown it and as it is recognised later.

A piece is recognised by its bytes, and by where they stand: text may look alike where bytes differ, and the bytes are
what runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SecurityError
from engine.runtime.registry import Entry
from engine.status import Task, body
from engine.storage import read_if_exists, safe_path


@dataclass(frozen=True, slots=True)
class Code:
    """One piece of code that a task would run: `where` it stands, its `text` (untrusted), and its `digest`."""

    where: str
    text: str
    digest: str

    @classmethod
    def of(cls, file: str, data: bytes, *, line: int | None = None, text: str | None = None) -> Code:
        """The piece `data` of `file`. `text` is what a person reads of it, `data` itself unless given."""
        digest = hashlib.sha256(os.fsencode(file) + b"\0" + data).hexdigest()
        shown = text if text is not None else data.decode("utf-8", "backslashreplace")
        return cls(f"{file}:{line}" if line is not None else file, shown, digest)


def in_plan(flow: Path, task: Task, entry: Entry) -> Iterator[Code]:
    """The fences of a task below the folder `flow` that `entry` would run, and the file of settings it refers to."""
    for fence in body(task).fences:
        options = dict(sorted(fence.options.items()))
        info = " ".join([fence.lang, *fence.flags, *(f"{name}={value}" for name, value in options.items())])
        # As JSON: on one line, `env.A="1 env.B=2"` reads like two options.
        data = json.dumps([entry.target, fence.lang, [*fence.flags], options, fence.text]).encode()
        yield Code.of(f".flow/{task.plan.file}", data, line=fence.line, text=f"{info}\n{fence.text}")
    if task.ref and not task.ref.endswith(".md"):
        try:
            snapshot = read_if_exists(safe_path(flow, task.ref))
        except SecurityError as error:  # as it will say when it is to be read
            yield Code.of(f".flow/{task.ref}", error.message.encode())
        else:
            if snapshot is not None:
                yield Code.of(f".flow/{task.ref}", snapshot.data)


def of_entry(entry: Entry) -> Code:
    """The line of the registry that makes an atom of the project's own exist."""
    return Code.of(".flow/flow.registry.json", f"{entry.name}: {entry.target}".encode())


def of_atoms(flow: Path) -> Iterator[Code]:
    """All files of the project's atoms, since any of them may be imported: each once, under its real name. A link is a
    piece of its own, and what it leads to belongs to them.

    SecurityError for a link that leads out of the project: what is there is none of its code, and may be anything.
    """
    root = Path(os.path.realpath(flow.parent))
    seen: set[Path] = set()
    pending = [flow / "atoms"]
    while pending:
        path = pending.pop()
        real = Path(os.path.realpath(path))
        where = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        if not real.is_relative_to(root):
            raise SecurityError(
                f"{where} is a symbolic link that leads out of the project.",
                hint="Put what it leads to in its place: a person can approve only what belongs to the project.",
                path=where,
            )
        if path.is_symlink():
            target = real.relative_to(root).as_posix()
            yield Code.of(where, b"\0link\0" + os.fsencode(target), text=f"-> {target}")
        if real in seen:
            continue
        seen.add(real)
        if real.is_dir():
            pending += sorted(real.iterdir(), reverse=True)
        elif real.is_file() and (snapshot := read_if_exists(real)) is not None:
            yield Code.of(real.relative_to(root).as_posix(), snapshot.data)
