"""What is known of an interrupted task, and of the attempts at it, outlives whatever keeps it from running again."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from engine import (
    Engine,
    NeedsPersonError,
    PlanError,
    Status,
    StepOutcome,
    StorageError,
)
from engine.atoms.local import LocalRunner
from engine.errors import FlowError
from engine.loom import Loom
from tests.conftest import MakeProject
from tests.integration.conftest import (
    StartEngine,
    WaitFor,
    finish,
)
from tests.integration.test_beside import COUNTED, runs


async def test_a_rename_while_it_runs_is_known_to_its_next_try(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    script = "    [ $FLOW_ATTEMPT = 2 ] || { while [ ! -e go ]; do sleep 0.02; done; exit 1; }\n"
    root = make_project(
        {"status.md": COUNTED.format(options="retries=1 backoff=10ms", script=script) + "- [ ] Last\n"}
    )
    process = start_engine(root, "run")
    wait_for((root / "runs").exists)
    engine = Engine.open(root)
    engine.rename("1", "[Script] Deploy west")
    engine.add("[Script] Deploy")
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("Deploy west\n", "Deploy west\n    A note.\n"))
    (root / "go").touch()
    process.communicate()
    assert runs(root) == ["west 1", "west 2"]
    assert plan.read_text().startswith("- [x] [Script] Deploy west\n")
    assert plan.read_text().endswith("- [ ] [Script] Deploy\n")


@pytest.mark.parametrize("refusal", ["active sibling", "held open", "second name"])
async def test_a_retry_that_cannot_begin_leaves_what_was_interrupted(
    vanished: Path, refusal: str, tmp_path: Path
) -> None:
    plan = vanished / ".flow/status.md"
    engine = Engine.open(vanished)
    with pytest.raises(NeedsPersonError):
        await finish(engine.step())
    before = engine.recovery()
    text = plan.read_text().replace("[/]", "[ ]")
    plan.write_text(text.replace("- [ ] After", "- [/] After") if refusal == "active sibling" else text)
    if refusal == "second name":
        (tmp_path / "second").hardlink_to(plan)
    with plan.open("a") if refusal == "held open" else nullcontext(), pytest.raises(FlowError):
        await finish(engine.recover("retry"))
    (tmp_path / "second").unlink(missing_ok=True)
    plan.write_text(text)
    assert before is not None
    again = engine.recovery()
    assert again is not None
    assert (again.attempt, again.interruptions) == (before.attempt, before.interruptions) == (1, 1)
    with pytest.raises(NeedsPersonError):
        await finish(engine.step())
    assert (vanished / "runs").read_text() == "run\n"
    (vanished / "go").touch()
    assert (await finish(engine.recover("retry"))).status is Status.DONE
    assert (vanished / "runs").read_text() == "run\nrun\n"


async def test_a_crash_between_two_tries_gives_no_more_of_them(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(
        {"status.md": COUNTED.format(options="retries=2 backoff=10ms", script="    exit 1\n")}
    )
    start, starts = LocalRunner.start, iter(range(100))

    def fails(self: LocalRunner, run: str, *, tty: bool = False) -> object:
        if next(starts) == 1:
            raise StorageError("There are too many processes.")
        return start(self, run, tty=tty)

    monkeypatch.setattr(LocalRunner, "start", fails)
    engine = Engine.open(root)
    with pytest.raises(StorageError):
        await finish(engine.step())
    assert (await finish(engine.step())).outcome is StepOutcome.FAILED
    assert runs(root) == ["west 1", "west 2", "west 3"]


async def test_an_edit_that_the_disk_refuses_is_no_interruption(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = '    ```toml\n    op = "append"\n    path = "CHANGES"\n    text = "- Out."\n    ```\n'
    root = make_project({"status.md": f"- [ ] [Loom] Announce\n{block}"})
    (root / "CHANGES").write_text("# Changes\n")
    engine = Engine.open(root)
    with monkeypatch.context() as full:

        def refuse(*_: object, **__: object) -> None:
            raise StorageError("Cannot write 'CHANGES': No space left on device.")

        full.setattr(Loom, "write", refuse)
        for _ in range(4):
            with pytest.raises(StorageError):
                await finish(engine.step())
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.interruptions, recovery.resume) == (0, "run")
    assert (await finish(engine.step())).status is Status.DONE
    assert (root / "CHANGES").read_text() == "# Changes\n- Out.\n"


async def test_what_was_marked_by_hand_and_taken_back_is_remembered(make_project: MakeProject) -> None:
    options = "effect=idempotent"
    root = make_project({"status.md": COUNTED.format(options=options, script="    kill -9 $PPID $$\n")})
    engine = Engine.open(root)
    for _ in range(3):
        last = await finish(engine.step())
    assert last.outcome is StepOutcome.FAILED
    engine.change("done", "1")
    engine.undo()
    with pytest.raises(FlowError, match="vanished 3 times"):
        await finish(engine.retry("1"))
    engine.change("reopen", "1")
    await finish(engine.step())
    assert runs(root) == ["west 1", "west 2", "west 3", "west 4"]
    assert len(set((root / "runs").read_text().split()[2::3])) == 1


async def test_a_new_task_of_its_name_inherits_nothing(make_project: MakeProject) -> None:
    options = "effect=idempotent"
    root = make_project({"status.md": COUNTED.format(options=options, script="    kill -9 $PPID $$\n")})
    engine = Engine.open(root)
    for _ in range(3):
        await finish(engine.step())
    engine.change("done", "1")
    plan = root / ".flow/status.md"
    plan.write_text("- [x] Other\n")
    engine.tree()
    plan.write_text(COUNTED.format(options="", script=""))
    assert (await finish(engine.step())).status is Status.DONE
    assert runs(root) == ["west 1", "west 2", "west 3", "west 1"]
    assert len(set((root / "runs").read_text().split()[2::3])) == 2


@pytest.mark.parametrize("tag", ["", "[Scrip] "])
async def test_what_was_interrupted_and_became_a_persons_is_not_forgotten(vanished: Path, tag: str) -> None:
    plan = vanished / ".flow/status.md"
    engine = Engine.open(vanished)
    with pytest.raises(NeedsPersonError):
        await finish(engine.step())
    text = plan.read_text()
    plan.write_text(text.replace("[Script] ", tag))
    assert (await finish(engine.recover("retry"))).outcome is StepOutcome.WAITING
    assert engine.recovery() is None
    plan.write_text(text)
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    (vanished / "go").touch()
    assert (await finish(engine.retry("1"))).status is Status.DONE
    assert sorted(path.name for path in vanished.glob("started-*")) == ["started-1", "started-2"]


async def test_so_it_is_where_the_retry_came_no_further_than_its_claim(
    vanished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.open(vanished)
    with monkeypatch.context() as crowded, pytest.raises(StorageError):

        def refuse(*_: object, **__: object) -> None:
            raise StorageError("There are too many processes.")

        crowded.setattr(LocalRunner, "start", refuse)
        await finish(engine.recover("retry"))
    plan = vanished / ".flow/status.md"
    text = plan.read_text()
    plan.write_text(text.replace("[Script] ", ""))
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING
    plan.write_text(text)
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    assert (vanished / "runs").read_text() == "run\n"


async def test_a_plan_that_is_not_valid_runs_nothing_again(vanished: Path) -> None:
    plan = vanished / ".flow/status.md"
    text = plan.read_text()
    plan.write_text(text + "- [?] Broken\n")
    engine = Engine.open(vanished)
    with pytest.raises(PlanError):
        await finish(engine.recover("retry"))
    plan.write_text(text)
    recovery = engine.recovery()
    assert recovery is not None
    assert (vanished / "runs").read_text() == "run\n"


@pytest.mark.parametrize("claimed", [False, True])
async def test_what_somebody_marked_in_the_file_after_it_was_interrupted_stands(
    vanished: Path, monkeypatch: pytest.MonkeyPatch, claimed: bool
) -> None:
    engine = Engine.open(vanished)
    if claimed:
        with monkeypatch.context() as crowded, pytest.raises(StorageError):

            def refuse(*_: object, **__: object) -> None:
                raise StorageError("There are too many processes.")

            crowded.setattr(LocalRunner, "start", refuse)
            await finish(engine.recover("retry"))
    plan = vanished / ".flow/status.md"
    plan.write_text(plan.read_text().replace("[/]", "[x]"))
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume == "commit"
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert engine.recovery() is None
    assert (vanished / "runs").read_text() == "run\n"


SLOW_TO_IMPORT = """\
import os
import pathlib
import time

from engine import Atom, AtomResult

if pathlib.Path("runs").exists():
    pathlib.Path("importing").touch()
    while not pathlib.Path("imported").exists():
        time.sleep(0.02)


class Mine(Atom):
    def run(self, call):
        with open("runs", "a") as file:
            print(call.name, call.attempt, call.key, file=file)
        if call.attempt == 1:
            os.kill(os.getppid(), 9)
            os.kill(os.getpid(), 9)
        return AtomResult.success()
"""


def test_a_rename_in_the_moment_of_a_retry_is_known_when_that_is_refused(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": "- [ ] [Mine] One\n- [ ] Two\n"})
    registry = root / ".flow/flow.registry.json"
    registry.write_text(json.dumps({**json.loads(registry.read_text()), "Mine": "mine:Mine"}))
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/mine.py").write_text(SLOW_TO_IMPORT)
    start_engine(root).communicate()
    process = start_engine(root, "recover", "retry")
    wait_for((root / "importing").exists)
    engine = Engine.open(root)
    engine.rename("1", "[Mine] Deploy")
    engine.add("[Mine] One", at=2)
    plan = root / ".flow/status.md"
    text = plan.read_text()
    plan.write_text(text.replace("[/]", "[ ]").replace("[ ] Two", "[/] Two"))
    (root / "imported").touch()
    process.communicate()
    assert process.returncode != 0
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.name, recovery.gone) == ("1", "Deploy", False)
    plan.write_text(text)
    start_engine(root, "recover", "retry").communicate()
    assert [line.rsplit(" ", 1)[0] for line in (root / "runs").read_text().splitlines()] == [
        "One 1",
        "Deploy 2",
    ]
    assert plan.read_text() == "- [x] [Mine] Deploy\n- [ ] [Mine] One\n- [ ] Two\n"


async def test_a_folder_that_is_taken_away_in_the_moment_of_a_write_is_made_again(tmp_path: Path) -> None:
    from engine.storage import Store
    from engine.storage.folder import Folder

    (tmp_path / ".flow").mkdir()
    store = Store(tmp_path)
    replace, gone = Folder.replace, iter([True])

    def take_away(self: Folder, name: str, target: Folder, new: str) -> None:
        if next(gone, False):
            shutil.rmtree(tmp_path / ".flow/swap")
        replace(self, name, target, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "replace", take_away)
        store.replace(tmp_path / ".flow/intent.lock", b"known")
    assert (tmp_path / ".flow/intent.lock").read_bytes() == b"known"
