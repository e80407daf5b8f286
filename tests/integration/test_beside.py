"""Nothing of a task runs beside its successor, and nothing of it is forgotten when that cannot begin."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from engine import (
    BusyError,
    Engine,
    Event,
    Finished,
    NeedsPersonError,
    PlanError,
    SecurityError,
    Status,
    StepOutcome,
    StorageError,
    Warned,
)
from engine.atoms.local import LocalRunner
from engine.errors import FlowError
from engine.loom import Loom
from engine.storage.locks import is_held
from tests.conftest import MakeProject
from tests.integration.conftest import (
    DRIVER,
    HANGING,
    StartEngine,
    WaitFor,
    finish,
    is_running,
    kill,
    process_of,
)

COUNTED = "- [ ] [Script] Deploy\n    ```sh {options}\n    echo west $FLOW_ATTEMPT $FLOW_KEY >> runs\n{script}    ```\n"


async def until(condition: Callable[[], object]) -> None:
    """Waits until it holds, and lets an engine of this process go on meanwhile."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def runs(root: Path) -> list[str]:
    return [line.rsplit(" ", 1)[0] for line in (root / "runs").read_text().splitlines()]


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


FLOOD = "    while [ ! -e go ]; do head -c 60000 /dev/zero | tr '\\0' a | fold -w 79; sleep 0.02; done\n"


@pytest.mark.parametrize("script", ["", FLOOD], ids=["quiet", "flood"])
@pytest.mark.parametrize("way", ["removed", "moved away", "second name"])
async def test_a_second_engine_keeps_out_where_the_lock_of_the_first_lost_its_name(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, way: str, script: str
) -> None:
    after = COUNTED.format(options="", script="")
    hanging = HANGING.format(options="").replace("- [ ] After\n", after)
    root = make_project(
        {"status.md": hanging.replace("    while", f"{script}    while") if script else hanging}
    )
    process = start_engine(root, "run")
    wait_for((root / "started-1").exists)
    lock = root / ".flow/run.lock"
    if way == "second name":
        lock.with_name("second").hardlink_to(lock)
    lock.rename(lock.with_name("elsewhere")) if way == "moved away" else lock.unlink()
    wait_for(lock.exists)
    second = Engine.open(root)
    for work in (second.step(), second.run(), second.recover("retry")):
        with pytest.raises(BusyError, match=f"process {process.pid}"):
            await finish(work)
    (root / "go").touch()
    process.communicate()
    assert (root / "runs").read_text().startswith("run\nwest 1 ")
    assert second.recovery() is None


HOLDER = """\
import fcntl, os, sys, time
with open(f"{sys.argv[1]}.new", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    os.replace(file.name, sys.argv[1])
    print("held", flush=True)
    time.sleep(1000)
"""


def test_an_engine_whose_lock_is_anothers_by_now_begins_nothing(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="") + COUNTED.format(options="", script="")})
    process = start_engine(root, "run")
    wait_for((root / "started-1").exists)
    command = [sys.executable, "-c", HOLDER, str(root / ".flow/run.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        process.communicate()
        holder.kill()
    assert process.returncode != 0
    (root / "go").touch()
    start_engine(root).communicate()
    assert (root / "runs").read_text() == "run\n"
    assert Engine.open(root).tree().find("1").status is Status.DONE


PROBE = """\
    ```sh verify
    echo probe >> runs; touch probing
    while [ ! -e end ]; do sleep 0.02; done
    echo probed >> runs; exit 1
    ```
"""


async def test_a_probe_of_an_engine_that_died_is_waited_for(
    vanish: Callable[..., None], make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="").replace("- [ ] After\n", PROBE)})
    vanish(root)
    process = start_engine(root)
    wait_for((root / "probing").exists)
    kill(process)
    (root / "go").touch()
    retry = asyncio.ensure_future(finish(Engine.open(root).recover("retry")))
    await until(lambda: is_held(root / ".flow/run.lock"))
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert (root / "runs").read_text() == "run\nprobe\n"
    (root / "end").touch()
    assert (await retry).status is Status.DONE
    assert (root / "runs").read_text() == "run\nprobe\nprobed\nrun\n"


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root has work of other users",
)
@pytest.mark.parametrize("choice", ["retry", "skip"])
def test_work_that_cannot_be_ended_is_not_run_beside(
    make_project: MakeProject, wait_for: WaitFor, choice: str
) -> None:
    """As after `sudo -u`: whoever may not end it says so."""
    script = "    exec setpriv --reuid 1 --clear-groups sleep 1000\n"
    root = make_project({"status.md": COUNTED.format(options="", script=script)})
    hasty = "import engine.atoms.local as local; local._PATIENCE = 0.1\n"
    weak = ["setpriv", "--bounding-set", "-kill", sys.executable, "-c", hasty + DRIVER]

    def others() -> list[psutil.Process]:
        recovery = Engine.open(root).recovery()
        found = map(process_of, recovery.children if recovery is not None else ())
        return [process for process in found if process is not None and process.uids().real == 1]

    with subprocess.Popen([*weak, "step"], cwd=root, stdout=subprocess.DEVNULL) as first:
        wait_for((root / "runs").exists)
        first.kill()
    wait_for(others)
    (work,) = others()
    done = subprocess.run([*weak, "recover", choice], cwd=root, capture_output=True, text=True, check=False)
    assert is_running(work.pid)
    work.kill()
    assert "could not be ended" in (done.stderr if choice == "retry" else done.stdout)
    assert runs(root) == ["west 1"]
    assert (Engine.open(root).recovery() is None) is (choice == "skip")


async def test_a_retry_ends_the_work_of_a_machine_that_has_another_name_by_now(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    monkeypatch.setattr("engine.runtime.intent.host_name", lambda: "renamed")
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.host) == ("follow", "")
    assert recovery.children
    retry = asyncio.ensure_future(finish(engine.recover("retry")))
    await until((root / "started-2").exists)
    assert not any(map(is_running, recovery.children))
    (root / "go").touch()
    assert (await retry).status is Status.DONE


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


@pytest.mark.parametrize("choice", ["retry", "always", "skip"])
async def test_what_cannot_be_settled_now_ends_no_work(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, choice: str
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    plan = root / ".flow/status.md"
    text = plan.read_text()
    plan.write_text(text + "- [?] Broken\n")
    engine = Engine.open(root)
    with pytest.raises(PlanError):
        await finish(engine.recover(choice))
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.children
    plan.write_text(text)
    (root / "go").touch()
    assert (await finish(engine.step())).status is Status.DONE
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize("phase", ["released", "stopping"])
async def test_work_that_lives_is_not_left_because_its_task_was_marked(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, phase: str
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    record = root / ".flow/intent.lock"
    record.write_text(json.dumps({**json.loads(record.read_text()), "phase": phase}))
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("[/]", "[x]"))
    engine = Engine.open(root)
    if phase == "stopping":
        with pytest.raises(NeedsPersonError):
            await finish(engine.step())
        assert engine.recovery() is not None
    (root / "go").touch()
    wait_for(lambda: (known := engine.recovery()) is not None and not known.children)
    assert (await finish(engine.step())).status is Status.DONE
    assert engine.recovery() is None


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


async def test_a_stop_while_the_probe_is_asked_begins_nothing(
    vanish: Callable[..., None], make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    text = HANGING.format(options="effect=idempotent").replace("- [ ] After\n", PROBE)
    root = make_project({"status.md": text})
    vanish(root)
    process = start_engine(root, "run")
    wait_for((root / "probing").exists)
    assert Engine.open(root).stop_other() is not None
    process.communicate()
    assert (root / "runs").read_text() == "run\nprobe\n"
    assert Engine.open(root).recovery() is not None


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


async def test_who_lets_go_while_the_probe_is_asked_does_not_wait_for_it(
    vanish: Callable[..., None], make_project: MakeProject
) -> None:
    text = HANGING.format(options="effect=idempotent").replace("- [ ] After\n", PROBE)
    root = make_project({"status.md": text})
    vanish(root)
    step = asyncio.ensure_future(finish(Engine.open(root).step()))
    await until((root / "probing").exists)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert (recovery.attempt, (root / "runs").read_text()) == (1, "run\nprobe\n")
    (root / "end").touch()


@pytest.fixture
def helper(vanished: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What a clean-up of the interrupted run would be, of an engine that has died."""
    run = json.loads((vanished / ".flow/intent.lock").read_text())["run"]
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, "FLOW_RUN": f"{run}-cleanup"}) as process:
        yield process
        process.kill()


async def test_a_person_who_does_not_want_to_wait_leaves_all_as_it_was(
    vanished: Path, helper: subprocess.Popen[bytes]
) -> None:
    engine = Engine.open(vanished)
    before = engine.recovery()
    last: Event | None = None
    async for last in engine.recover("retry"):
        if isinstance(last, Warned):
            engine.stop()
    assert isinstance(last, Finished)
    assert last.outcome is StepOutcome.INTERRUPTED
    assert helper.poll() is None
    assert engine.recovery() == before
    assert (vanished / "runs").read_text() == "run\n"


@pytest.mark.parametrize("name", ["json/__init__.py", "json.py"])
async def test_what_python_would_import_beside_a_script_keeps_it_from_running(
    make_project: MakeProject, name: str
) -> None:
    root = make_project(
        {
            "status.md": "- [ ] [Script] Read\n    ```python\n    import json\n    ```\n",
            f"logs/output/{name}": "open('hidden', 'w')\n",
        }
    )
    engine = Engine.open(root)
    if "/" in name:
        assert engine.recovery() is None
        with pytest.raises(SecurityError, match="does not belong into"):
            await finish(engine.step())
        shutil.rmtree(root / ".flow/logs/output/json")
    assert (await finish(engine.step())).status is Status.DONE
    assert not (root / "hidden").exists()


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
