"""Plans as they are in git's index: what a commit would take in, whatever the working tree looks like."""

from __future__ import annotations

import posixpath
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from engine import ConfigurationError, Engine, Problem, scaffold
from tui.hook.git import git, require_repository

PLANS = ":(top,glob)**/.flow/**/*.md"
"""The files that are plans, or may be, as git is asked for them."""
_OWN_FOLDERS = ("artifacts/", "backups/", "logs/", "swap/")


class Checked(NamedTuple):
    """How many files of plans the next commit changes, and their problems, those of tasks that refer to them included.

    The files of the problems are named from the top of the repository, which is where git runs its hooks.
    """

    files: int
    problems: list[Problem]


def check_index() -> Checked:
    """Look at the plans in git's index. ConfigurationError where there is no repository."""
    require_repository()
    listed = git("diff", "--cached", "--name-only", "-z", "--no-renames", "--", PLANS)
    changed: defaultdict[str, set[str]] = defaultdict(set)
    for name in _names(listed):
        prefix, _, file = f"/{name}".rpartition("/.flow/")
        if not file.startswith(_OWN_FOLDERS):
            changed[prefix.removeprefix("/")].add(file)
    problems = [problem for prefix, files in sorted(changed.items()) for problem in _project(prefix, files)]
    return Checked(sum(map(len, changed.values())), problems)


def _project(prefix: str, changed: set[str]) -> list[Problem]:
    """The problems of one project of the repository."""
    flow = posixpath.join(prefix, ".flow") if prefix else ".flow"
    with tempfile.TemporaryDirectory(prefix="flow-index-") as folder:
        root = Path(folder).resolve()
        (root / ".flow").mkdir()
        scaffold(_staged(flow), root / ".flow")
        engine = Engine.open(root, readonly=True)
        found = [problem for problem in engine.check() if problem.file in changed]
        for task in engine.tree().walk():
            if task.ref is not None and posixpath.normpath(task.ref) in changed:
                found += [problem for problem in task.problems if problem not in found]
    return [problem._replace(file=f"{flow}/{problem.file}") for problem in found]


def _staged(flow: str) -> dict[str, bytes]:
    """The regular files below a `.flow/` in the index, by their names relative to it."""
    blobs: dict[str, str] = {}
    for entry in _names(git("--literal-pathspecs", "ls-files", "--stage", "--full-name", "-z", "--", flow)):
        mode, blob, stage = entry.partition("\t")[0].split(" ")
        file = entry.partition("\t")[2].removeprefix(f"{flow}/")
        if mode.startswith("100") and stage == "0" and not file.startswith(_OWN_FOLDERS):
            blobs[file] = blob
    data = git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs.values()).encode())
    files: dict[str, bytes] = {}
    start = 0
    for file in blobs:
        end = data.index(b"\n", start)
        said = data[start:end].split(b" ")
        if len(said) != 3:  # `NAME missing`: a clone that left it out, or a damaged one
            raise ConfigurationError(
                f"git has no content for {flow}/{file}.", hint="Fetch it, then commit again."
            )
        size = int(said[2])
        files[file] = data[end + 1 : end + 1 + size]
        start = end + size + 2
    return files


def _names(listed: bytes) -> list[str]:
    return [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
