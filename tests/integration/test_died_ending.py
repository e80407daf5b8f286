"""An engine that died while it ended work, or while it wrote what a person had decided."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, NeedsPersonError, Status, StepOutcome, StorageError
from engine.runtime.intent import Intent, IntentFile, Phase
from tests.conftest import MakeProject
from tests.integration.conftest import (
    DRIVER,
    HANGING,
    StartEngine,
    WaitFor,
    finish,
    is_running,
    kill,
    note,
)

PROBE = "    ```sh verify\n    true\n    ```\n- [ ] After\n"
DIES_BEFORE_IT_LETS_GO = """\
import os
from engine.runtime.intent import IntentFile
IntentFile.clear = lambda self: os.kill(os.getpid(), 9)
"""


@pytest.fixture
def dying(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> Callable[[str], tuple[Path, tuple[int, ...]]]:
    """A project whose engine died when it had begun to end its work, and that work, which lives."""

    def make(text: str) -> tuple[Path, tuple[int, ...]]:
        root = make_project({"status.md": text})
        process = start_engine(root)
        wait_for((root / "started-1").exists)
        kill(process)
        note(root, phase="stopping")
        recovery = Engine.open(root).recovery()
        assert recovery is not None
        assert recovery.children
        return root, recovery.children

    return make


Dying = Callable[[str], tuple[Path, tuple[int, ...]]]


async def test_its_work_is_ended_before_it_runs_again(dying: Dying, wait_for: WaitFor) -> None:
    root, work = dying(HANGING.format(options="effect=idempotent"))
    step = asyncio.ensure_future(finish(Engine.open(root).step()))
    await asyncio.to_thread(wait_for, (root / "started-2").exists)
    assert not any(map(is_running, work))
    (root / "go").touch()
    assert (await step).status is Status.DONE


async def test_its_work_is_ended_before_anybody_asks_whether_it_is_done(dying: Dying) -> None:
    root, work = dying(HANGING.format(options="").replace("- [ ] After\n", PROBE))
    assert (await finish(Engine.open(root).step())).status is Status.DONE
    assert not any(map(is_running, work))


@pytest.mark.parametrize("is_gone", [False, True])
async def test_its_work_is_ended_where_only_a_person_can_go_on(dying: Dying, *, is_gone: bool) -> None:
    root, work = dying(HANGING.format(options=""))
    if is_gone:
        (root / ".flow/status.md").write_text("- [ ] After\n")
        assert (await finish(Engine.open(root).step())).outcome is StepOutcome.NOTHING
    else:
        with pytest.raises(NeedsPersonError):
            await finish(Engine.open(root).step())
    assert not any(map(is_running, work))
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize("options", ["retries=2", "effect=idempotent"])
@pytest.mark.parametrize("lives", [True, False])
@pytest.mark.parametrize(
    ("choice", "status"), [("done", Status.DONE), ("skip", Status.SKIPPED), ("fail", Status.FAILED)]
)
def test_what_a_person_decided_stands(
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: WaitFor,
    vanish: Callable[..., None],
    options: str,
    choice: str,
    status: Status,
    *,
    lives: bool,
) -> None:
    root = make_project({"status.md": HANGING.format(options=options)})
    if lives:
        process = start_engine(root)
        wait_for((root / "started-1").exists)
        kill(process)
    else:
        vanish(root)
    command = [sys.executable, "-c", DIES_BEFORE_IT_LETS_GO + DRIVER, "recover", choice]
    assert subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=False).returncode == -9
    engine = Engine.open(root)
    assert engine.tree().find("1").status is status
    asyncio.run(finish(engine.step()))
    assert engine.tree().find("1").status is status
    assert (root / "runs").read_text() == "run\n"
    assert engine.recovery() is None


async def test_work_is_ended_though_the_wish_for_that_cannot_be_written(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, wait_for: WaitFor
) -> None:
    """As on a disk that this very work has filled."""
    root = make_project(
        {"status.md": "- [ ] [Script] Fill\n    ```sh\n    echo $$ >> pid; sleep 1000\n    ```\n"}
    )
    write = IntentFile.write

    def refuse(self: IntentFile, intent: Intent, **changes: object) -> Intent:
        if intent.phase is Phase.STOPPING:
            raise StorageError("No space left on device.")
        return write(self, intent, **changes)

    monkeypatch.setattr(IntentFile, "write", refuse)
    engine = Engine.open(root)
    step = asyncio.ensure_future(finish(engine.step()))
    await asyncio.to_thread(wait_for, lambda: (root / "pid").exists() and (root / "pid").read_text())
    engine.stop()
    with pytest.raises(StorageError, match="No space"):
        await step
    assert not is_running(int((root / "pid").read_text()))
