"""Git repositories for tests, and the calls of tasks in them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine.atoms import Call
from tests.integration.atoms.conftest import Bench

COMMIT = 'op = "commit"\npaths = ["a.txt"]\nmessage = "Add a"'


def git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def refuse(root: Path) -> None:
    """No commit is made here from now on."""
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def call(bench: Bench, toml: str, notes: str = "", key: str = "key-1", name: str = "Commit it") -> Call:
    body = "".join(f"    {line}\n" for line in notes.splitlines())
    fence = "".join(f"    {line}\n" for line in toml.splitlines())
    return bench.call(f"- [ ] [Git] {name}\n{body}    ```toml\n{fence}    ```\n", key=key)


def commits(root: Path) -> int:
    return int(git(root, "rev-list", "--all", "--count"))
