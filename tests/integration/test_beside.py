"""Nothing of a task runs beside its successor, and no engine beside another."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine import (
    BusyError,
    Engine,
    Event,
    Finished,
    FlowError,
    SecurityError,
    Status,
    StepOutcome,
    Warned,
)
from engine.storage.locks import is_held
from tests.conftest import MakeProject
from tests.integration.conftest import (
    DRIVER,
    HANGING,
    StartEngine,
    TakeLock,
    WaitFor,
    finish,
    is_running,
    kill,
    note,
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
    reader = threading.Thread(
        target=process.communicate
    )  # else it stands still once nobody takes what it prints
    reader.start()
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
    reader.join()
    assert (root / "runs").read_text().startswith("run\nwest 1 ")
    assert second.recovery() is None


def test_an_engine_whose_lock_is_anothers_by_now_begins_nothing(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, take_lock: TakeLock
) -> None:
    root = make_project({"status.md": HANGING.format(options="") + COUNTED.format(options="", script="")})
    process = start_engine(root, "run")
    wait_for((root / "started-1").exists)
    holder = take_lock(root)
    process.communicate()
    holder.kill()
    holder.wait()
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


def test_an_engine_whose_lock_is_anothers_by_now_takes_no_probe_for_an_answer(
    vanish: Callable[..., None],
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: WaitFor,
    take_lock: TakeLock,
) -> None:
    root = make_project({"status.md": HANGING.format(options="").replace("- [ ] After\n", PROBE)})
    vanish(root)
    record = root / ".flow/intent.lock"
    before = record.read_bytes()
    process = start_engine(root)
    wait_for((root / "probing").exists)
    take_lock(root)
    process.communicate()
    (root / "end").touch()
    assert process.returncode != 0
    assert record.read_bytes() == before


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


@pytest.mark.parametrize(
    ("choice", "damage"),
    [
        *((choice, ("- [ ] After", "- [?] After")) for choice in ("retry", "always", "skip")),
        ("retry", ("    ```sh", "    - [ ] Within\n    ```sh")),
        ("retry", ("    ```sh", "    ```sh cwd=nowhere")),
        ("always", ("    ```sh", "    ```sh cwd=nowhere")),
        ("retry", ("- [/] [Script] Migrate", "- [ ] Other")),
    ],
)
async def test_what_cannot_be_settled_now_ends_no_work(
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: WaitFor,
    choice: str,
    damage: tuple[str, str],
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    plan = root / ".flow/status.md"
    text = plan.read_text()
    plan.write_text(text.replace(*damage))
    engine = Engine.open(root)
    with pytest.raises(FlowError):
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
    note(root, phase=phase)
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("[/]", "[x]"))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    if phase == "released":
        (root / "go").touch()
    assert (await finish(engine.step())).status is Status.DONE
    assert engine.recovery() is None
    assert not any(map(is_running, recovery.children))


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


@pytest.mark.parametrize("way", ["done", "skip", "fail", "removed"])
async def test_nothing_goes_on_beside_a_clean_up(
    vanished: Path, helper: subprocess.Popen[bytes], way: str
) -> None:
    if way == "removed":
        (vanished / ".flow/status.md").write_text("- [ ] After\n")
    is_told = False
    async for event in Engine.open(vanished).recover("resume" if way == "removed" else way):
        if isinstance(event, Warned) and "waited for" in event.message:
            is_told = (vanished / ".flow/intent.lock").exists()
            helper.kill()
            helper.wait()
    assert is_told
    assert Engine.open(vanished).recovery() is None


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
