"""Makes the demonstration project: a git repository, a Python package, and the plan of its release."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine import UsageError, init_project

_TEMPLATE = Path(__file__).parent / "template"
_PERSON = {"user.name": "Demo Person", "user.email": "demo@example.org"}
# A person's own hooks, signing keys and line endings have no business in a demonstration.
_SETTINGS = {
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.autocrlf": "false",
    "core.hooksPath": os.devnull,
}


def make_project(folder: Path | None) -> Path:
    """Make the project in `folder`, which must be empty or not there; None: a new temporary folder.

    Returns its absolute path. Raises UsageError for a folder that holds something, or where git is missing;
    OSError when the disk refuses.
    """
    git = shutil.which("git")
    if git is None:
        raise UsageError(
            "The demonstration makes a git repository, and git was not found.", hint="Install git."
        )
    root = _empty(folder)
    init_project(root, dict(_files()))
    _make_repository(git, root)
    return root


def _empty(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="flow-demo-")).resolve()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file.", hint="Name a folder that is empty or does not exist yet.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", hint="Name a folder that is empty or does not exist yet.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _files() -> Iterator[tuple[str, bytes]]:
    """Name and content of every file. `dot-` is a dot, which would hide the file from our own tools."""
    for path in sorted(_TEMPLATE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            parts = path.relative_to(_TEMPLATE).parts
            yield "/".join(part.replace("dot-", ".", 1) for part in parts), path.read_bytes()


def _make_repository(git: str, root: Path) -> None:
    # Without the caller's GIT_DIR and the like (we may be inside a hook), this is a repository of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    commands = [
        ["-c", "init.defaultBranch=main", "init", "--quiet", "--template="],
        *(["config", name, value] for name, value in (_PERSON | _SETTINGS).items()),
        ["add", "--all"],
        ["commit", "--quiet", "--message", "greet 1.0.0"],
        ["tag", "v1.0.0"],
    ]
    for command in commands:
        done = subprocess.run(
            [git, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UsageError(f"`git {command[0]}` failed in {root}.", hint=done.stderr.strip())
