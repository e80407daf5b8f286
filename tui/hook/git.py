"""Calls git. Only commands that are about git come here: opening a plan runs no git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine import ConfigurationError


def git(*arguments: str, at: Path | None = None, stdin: bytes = b"", fails: bool = False) -> bytes:
    """What git prints. ConfigurationError with what it says when it fails; with `fails` that is no answer instead."""
    # A clone may hold, as plain files, another repository whose configuration names programs; a copy may be one.
    quiet = ["-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"]
    where = [*quiet, *(["-C", str(at)] if at is not None else [])]
    try:
        done = subprocess.run(["git", *where, *arguments], input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("There is no `git` here.", hint="Install it first.") from error
    if done.returncode == 0:
        return done.stdout
    if fails:
        return b""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise ConfigurationError(
        f"`git {arguments[0]}` failed: {said[0] if said else f'exit code {done.returncode}'}.",
        hint="Is this a git repository?",
    )


def require_repository(at: Path | None = None) -> None:
    """ConfigurationError where git has no working tree."""
    if line("rev-parse", "--is-inside-work-tree", at=at, fails=True) == "true":
        return
    where = f"{at} is" if at is not None else "This folder is"
    raise ConfigurationError(
        f"{where} in no git repository with a working tree.",
        hint="`git init` makes one of it; in a bare repository there are no plans to check.",
    )


def line(*arguments: str, at: Path | None = None, fails: bool = False) -> str:
    """The same, as one line of text; file names come back as they are on the disk."""
    return git(*arguments, at=at, fails=fails).decode("utf-8", "surrogateescape").rstrip("\n")
