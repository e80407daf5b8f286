"""What changed in the project since a task began: for the person who decides about an interrupted one."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.lazy import Late
from engine.storage import read_if_exists

if TYPE_CHECKING:
    import shutil
    import subprocess
else:  # only an interrupted task needs git
    shutil, subprocess = Late("shutil"), Late("subprocess")

_LIMIT = 20
_SECONDS = 5.0
_TICK = 0.02  # seconds
# A repository's configuration can run programs; none of it is wanted for a look.
_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.pager=cat", "-c", "log.showSignature=false", "-c", "safe.bareRepository=explicit"),
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def head_of(root: Path) -> str:
    """The commit that HEAD points at, read from the files of the repository without running git; empty if none."""
    git = root / ".git"
    head = _text(git / "HEAD")
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    found = _text(git / name)
    if found:
        return found
    for line in _text(git / "packed-refs").splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return ""


def changes_since(root: Path, started_at: str, commit: str) -> tuple[str, ...]:
    """Commits made and files changed since then (ISO 8601), each a line; empty outside of a repository.

    Runs git, so only for a project whose code is approved.
    """
    if shutil.which("git") is None or not (root / ".git").exists():
        return ()
    known = _COMMIT.fullmatch(commit) is not None  # anything else may be an option
    lines = [f"commit {line}" for line in _git(root, "log", "--oneline", f"{commit}..HEAD")] if known else []
    since = datetime.fromisoformat(started_at).timestamp()
    for line in _git(root, "status", "--porcelain", "--untracked-files=all", "--", ".", ":!.flow"):
        if _is_since(root / line[3:].strip('"'), since):
            lines.append(f"{line[:2].strip()} {line[3:]}")
    return tuple(lines[:_LIMIT]) + ((f"and {len(lines) - _LIMIT} more",) if len(lines) > _LIMIT else ())


def _is_since(path: Path, since: float) -> bool:
    """Whether a file was changed since then. The clock of a file system is behind by up to a tick, and some know whole
    seconds only."""
    try:
        changed = path.lstat().st_mtime
    except OSError:
        return True  # deleted: nobody can tell when
    return changed >= (int(since) if changed.is_integer() else since - _TICK)


def _git(root: Path, *arguments: str) -> list[str]:
    command = ["git", *_QUIET, *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []


def _text(path: Path) -> str:
    snapshot = read_if_exists(path) if not path.is_dir() else None
    return snapshot.data.decode("utf-8", "replace").strip() if snapshot is not None else ""
