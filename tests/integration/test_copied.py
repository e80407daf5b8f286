"""A project that is copied while a task runs in it: what lives is the original's, and the copy lets it be."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from engine import Engine, Resume, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, finish, kill


@pytest.fixture
def original(make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor) -> Path:
    """A project whose engine was killed, and whose script goes on."""
    root = make_project({"status.md": HANGING.format(options="")})
    root = root.rename(os.fsdecode(b"%s odd \xff" % os.fsencode(root)))
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    return root


@pytest.mark.parametrize("choice", ["skip", "done", "fail", "retry", "resume"])
async def test_nothing_is_ended_or_followed_from_a_copy(original: Path, choice: str) -> None:
    copy = shutil.copytree(original, original.with_name("copy"), symlinks=True)
    (copy / "go").touch()
    engine = Engine.open(copy)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.children == ()
    assert recovery.resume is Resume.ASK
    if choice == "resume":
        assert engine.stop_other() is None
    else:
        await finish(engine.recover(choice))
    left = Engine.open(original).recovery()
    assert left is not None
    assert left.children
    (original / "go").touch()
    assert (await finish(Engine.open(original).step())).outcome is StepOutcome.DONE
    assert (original / "runs").read_text() == "run\n"
    assert (copy / "runs").read_text() == "run\n" * (2 if choice == "retry" else 1)


async def test_what_lives_goes_along_with_a_project_that_is_moved(original: Path) -> None:
    moved = original.rename(original.with_name("moved"))
    recovery = Engine.open(moved).recovery()
    assert recovery is not None
    assert recovery.children
    assert (await finish(Engine.open(moved).recover("skip"))).outcome is StepOutcome.DONE
    assert Engine.open(moved).recovery() is None


async def test_another_project_at_the_former_place_is_not_the_original(original: Path) -> None:
    moved = original.rename(original.with_name("moved"))
    shutil.copytree(moved, original, symlinks=True)
    recovery = Engine.open(moved).recovery()
    assert recovery is not None
    assert recovery.children
    await finish(Engine.open(moved).recover("skip"))


@pytest.mark.parametrize("root", ["/", "\0", "relative", "file:///%00", "file:///nowhere/%", "/etc/passwd"])
async def test_where_a_record_says_it_was_begun_may_be_anything(original: Path, root: str) -> None:
    record = original / ".flow/intent.lock"
    record.write_text(json.dumps({**json.loads(record.read_text()), "root": root, "folder": "1:1"}))
    recovery = Engine.open(original).recovery()
    assert recovery is not None
    assert recovery.children
    await finish(Engine.open(original).recover("skip"))
