"""What changed since an interrupted task began, for the person who decides about it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING


def git(root: Path, *arguments: str) -> None:
    person = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *person, *arguments], cwd=root, check=True)


async def test_the_evidence_names_commits_and_files_since_the_start(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    (root / "old.txt").write_text("old\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "before")
    os.utime(root / "old.txt", (1, 1))
    vanish(root)
    (root / "new.txt").write_text("new\n")
    git(root, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert any(line.startswith("commit") and "meanwhile" in line for line in recovery.changes)
    assert "?? new.txt" in recovery.changes
    assert not any("old.txt" in line or "before" in line for line in recovery.changes)


@pytest.mark.parametrize(
    ("changed", "is_evidence"),
    [
        (lambda began: began - 0.5, False),
        (lambda began: began - 0.01, True),
        (lambda began: began // 1, True),
    ],
    ids=["by the task before", "a tick before", "in whole seconds"],
)
async def test_the_evidence_is_no_work_of_the_task_before(
    make_project: MakeProject,
    vanish: Callable[..., None],
    changed: Callable[[float], float],
    is_evidence: bool,
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    git(root, "init", "-q")
    (root / "file").touch()
    vanish(root)
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    at = changed(datetime.fromisoformat(recovery.started_at).timestamp())
    os.utime(root / "file", (at, at))
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert ("?? file" in recovery.changes) is is_evidence
