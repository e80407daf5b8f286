"""Interrupted work: counted, found again by identity, ended for good, never run twice unasked."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from engine import (
    BusyError,
    Engine,
    NeedsPersonError,
    Output,
    PlanError,
    Resume,
    Started,
    StateError,
    Status,
    StepOutcome,
)
from tests.conftest import MakeProject
from tests.integration.conftest import (
    HANGING,
    StartEngine,
    WaitFor,
    collect,
    finish,
    is_running,
    kill,
    process_of,
)


async def test_t3_22_the_third_vanishing_in_a_row_opens_the_circuit_breaker(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    engine = Engine.open(root)
    vanish(root)
    for number in (1, 2):
        recovery = engine.recovery()
        assert recovery is not None
        assert (recovery.interruptions, recovery.attempt, recovery.resume) == (number, number, Resume.ASK)
        vanish(root, "recover", "retry")

    finished = await finish(engine.recover("retry"))

    assert finished.outcome is StepOutcome.FAILED
    assert "3 times in a row" in finished.message
    assert (root / ".flow/status.md").read_text().startswith("- [!] [Script] Migrate")
    assert (root / "runs").read_text() == "run\n" * 3
    with pytest.raises(StateError, match="reopen"):
        await finish(engine.retry("Migrate"))
    engine.change("reopen", "Migrate")
    (root / "go").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_a_once_task_does_not_run_again_unasked(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    with pytest.raises(NeedsPersonError, match="Migrate"):
        await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n"


async def test_an_idempotent_task_runs_again_by_itself(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    vanish(root)
    (root / "go").touch()
    events = await collect(Engine.open(root).step())
    assert [event.attempt for event in events if isinstance(event, Started)] == [2]
    assert (root / ".flow/status.md").read_text().startswith("- [x]")


@pytest.mark.parametrize(("verdict", "runs"), [("true", 1), ("false", 1), ("nonsense-command", 1)])
async def test_t3_28_a_probe_decides_and_its_failure_counts_as_not_complete(
    make_project: MakeProject, vanish: Callable[..., None], verdict: str, runs: int
) -> None:
    plan = HANGING.format(options="").replace(
        "- [ ] After", f"    ```sh verify\n    {verdict}\n    ```\n- [ ] After"
    )
    root = make_project({"status.md": plan})
    vanish(root)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume is Resume.CHECK
    if verdict == "true":
        assert (await finish(engine.step())).outcome is StepOutcome.DONE
    else:
        with pytest.raises(NeedsPersonError):
            await finish(engine.step())
    assert (root / "runs").read_text() == "run\n" * runs


async def test_t3_22b_killed_before_the_script_was_started(make_project: MakeProject) -> None:
    """The intent stands, nothing ran: no question, it runs as if new."""
    root = make_project({"status.md": HANGING.format(options="")})
    (root / "go").touch()
    first = Engine.open(root)
    events = first.step()
    async for event in events:
        if isinstance(event, Started):
            break  # the supervisor is started by what comes next
    await events.aclose()  # type: ignore[attr-defined]
    assert (root / ".flow/intent.lock").exists()
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert recovery.resume is Resume.RUN
    again = await collect(Engine.open(root).step())
    assert [event.attempt for event in again if isinstance(event, Started)] == [1]
    assert (root / "runs").read_text() == "run\n"


CONFUSIONS: dict[str, dict[str, object]] = {
    "reused pid": {"engine": {"pid": 1, "started": 0.0}},
    "another boot": {"boot": "another"},
    "another host": {"host": "elsewhere"},
    "a day old": {"started_at": "2001-01-01T00:00:00.000+00:00"},
}


@pytest.mark.parametrize("confusion", CONFUSIONS)
async def test_t3_23_an_old_or_foreign_intent_is_offered(
    make_project: MakeProject, vanish: Callable[..., None], confusion: str
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    lock = root / ".flow/intent.lock"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), **CONFUSIONS[confusion]}))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.name, recovery.attempt, recovery.interruptions) == ("Migrate", 1, 1)
    await finish(engine.recover("skip"))
    assert (root / ".flow/status.md").read_text().startswith("- [-]")


async def test_t3_23_work_of_another_machine_may_live_on_there(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    """An idempotent task runs again by itself only where it is to be seen that nothing of it is left."""
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    vanish(root)
    lock = root / ".flow/intent.lock"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "host": "elsewhere"}))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.host) == (Resume.ASK, "elsewhere")
    with pytest.raises(NeedsPersonError, match="begun on elsewhere"):
        await finish(engine.step())
    assert (root / "runs").read_text() == "run\n"
    (root / "go").touch()
    assert (await finish(engine.recover("retry"))).outcome is StepOutcome.DONE


async def test_t3_23_work_outside_of_our_container_may_live_on_there(
    make_project: MakeProject, vanish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    vanish(root)
    lock = root / ".flow/intent.lock"
    engine = Engine.open(root)
    monkeypatch.setattr("engine.runtime.intent.namespace", lambda: "pid:[1]")
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume is Resume.ASK
    assert recovery.host == f"{socket.gethostname()}, outside of this container"
    with pytest.raises(NeedsPersonError, match="outside of this container"):
        await finish(engine.step())
    assert (root / "runs").read_text() == "run\n"
    # Outside of all containers, where the processes of each are seen:
    monkeypatch.setattr("engine.runtime.intent.namespace", lambda: "")
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "namespace": "pid:[1]"}))
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.host) == (Resume.RUN, "")


def test_t3_23_nothing_runs_in_a_container_beside_work_that_lives_outside(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no container can be made here")
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    step = [*inside, sys.executable, "-m", "tui", "step"]
    refused = subprocess.run(step, cwd=root, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3
    assert "outside of this container" in refused.stderr
    (root / "go").touch()
    assert asyncio.run(finish(Engine.open(root).step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_t3_23_the_work_behind_a_torn_intent_is_followed(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    kill(process)
    (root / ".flow/intent.lock").write_bytes(b'{"version": 1, "run": "2026')
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume is Resume.FOLLOW
    (root / "go").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_t3_23_a_retry_ends_the_work_behind_a_torn_intent(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    kill(process)
    (root / ".flow/intent.lock").write_bytes(b"")
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    # A `sleep` that is just begun shows no environment yet, and ends by itself.
    lasting = [pid for pid in recovery.children if (one := process_of(pid)) and one.name() != "sleep"]
    assert lasting
    events = engine.recover("retry")
    async for event in events:
        if isinstance(event, Started):
            assert not any(is_running(pid) for pid in lasting)
            (root / "go").touch()
    assert (root / "runs").read_text() == "run\nrun\n"


async def test_work_whose_output_was_deleted_does_not_count_as_never_begun(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    shutil.rmtree(root / ".flow/logs")
    with pytest.raises(NeedsPersonError):
        await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n"


async def test_what_somebody_marked_in_the_file_while_it_ran_stands(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text().replace("[/]", "[-]"))
    (root / "go").touch()
    assert b"that stands" in process.communicate(timeout=60)[0]
    assert "- [-] [Script] Migrate" in plan.read_text()
    engine = Engine.open(root)
    assert engine.recovery() is None
    assert engine.change("reopen", "Migrate").status is Status.PENDING


def moved(text: str) -> str:
    return text.replace("- [ ] After\n", "").replace("- [/]", "- [ ] First\n- [/]", 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (moved, "- [x] [Script] Migrate"),
        (lambda text: text.replace("Migrate", "Move it all"), "- [x] [Script] Move it all"),
        (lambda text: "- [/] Quite another\n- [ ] After\n", "- [/] Quite another"),
        (lambda text: "- [ ] After\n", "- [ ] After"),
    ],
    ids=["moved", "renamed", "replaced", "deleted"],
)
async def test_t3_27_the_task_is_found_by_identity_or_reported(
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: WaitFor,
    change: Callable[[str], str],
    expected: str,
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    plan = root / ".flow/status.md"
    plan.write_text(change(plan.read_text()))
    (root / "go").touch()
    output = process.communicate(timeout=60)[0].decode()
    assert expected in plan.read_text()
    assert plan.read_text().count("[x]") == expected.count("[x]")
    assert ("no longer in the plan" in output) is ("[x]" not in expected)
    assert not (root / ".flow/intent.lock").exists()


async def test_the_result_waits_while_the_plan_is_invalid(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    plan = root / ".flow/status.md"
    sound = plan.read_text()
    plan.write_text(sound + "- [?] what\n")
    (root / "go").touch()
    process.communicate(timeout=60)
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.ended) == (Resume.COMMIT, "it succeeded")
    with pytest.raises(PlanError, match=r"Migrate has ended \(done\); that is kept"):
        await finish(Engine.open(root).step())
    plan.write_text(sound)
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_t7_06_stop_ends_the_whole_group_and_counts_as_no_interruption(
    make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project(
        {
            "status.md": "- [ ] [Script] Long\n    ```sh\n"
            "    sleep 1000 & sleep 1000 & echo $$ $! > pids; wait\n    ```\n"
        }
    )
    engine = Engine.open(root)
    stopping = asyncio.ensure_future(finish(engine.step()))
    while not (root / "pids").exists() or not (root / "pids").read_text().strip():
        await asyncio.sleep(0.01)
    engine.stop()
    finished = await stopping
    assert finished.outcome is StepOutcome.INTERRUPTED
    assert not any(is_running(int(pid)) for pid in (root / "pids").read_text().split())
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.stopped, recovery.interruptions, recovery.resume) == (True, 0, Resume.ASK)


async def test_t7_06_a_flood_of_output_does_not_keep_a_stop_out(make_project: MakeProject) -> None:
    root = make_project(
        {"status.md": "- [ ] [Script] Flood\n    ```sh\n    echo $$ > pid; exec yes\n    ```\n"}
    )
    engine = Engine.open(root)
    printed = 0
    async for event in engine.step():
        if isinstance(event, Output):
            printed += len(event.text)
            assert printed < 1 << 28, "it prints on and on"
            if printed > 1 << 21:
                engine.stop()
    assert not is_running(int((root / "pid").read_text()))
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.stopped


async def test_t7_06_flow_stop_from_another_process(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    other = Engine.open(root)
    wait_for(lambda: (running := other.running()) is not None and running.supervised)
    running = other.stop_other()
    assert running is not None
    assert running.name == "Migrate"
    assert await other.wait(60)
    assert b"INTERRUPTED" in process.communicate(timeout=60)[0]
    recovery = other.recovery()
    assert recovery is not None
    assert recovery.stopped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_t7_06a_a_signal_ends_the_engine_only(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, number: signal.Signals
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    process.send_signal(number)
    process.communicate(timeout=60)
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert recovery.resume is Resume.FOLLOW
    (root / "go").touch()
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_t3_31_a_second_engine_says_who_runs(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    second = Engine.open(root)
    with pytest.raises(BusyError, match="Migrate") as caught:
        await finish(second.step())
    assert caught.value.fields["pid"] == process.pid
    with pytest.raises(BusyError):
        second.change("done", "Migrate")
    assert second.change("done", "After").status is Status.DONE
    (root / "go").touch()
    process.communicate(timeout=60)
    assert (root / ".flow/status.md").read_text().count("[x]") == 2


@pytest.mark.parametrize("verb", ["done", "skip", "fail", "reopen"])
async def test_the_running_task_is_not_changed_by_way_of_its_parent(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, verb: str
) -> None:
    inside = "".join(f"    {line}" for line in HANGING.format(options="").splitlines(keepends=True))
    root = make_project({"status.md": f"- [ ] Release\n{inside}"})
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    plan = (root / ".flow/status.md").read_bytes()
    with pytest.raises(BusyError if verb == "skip" else StateError):
        Engine.open(root).change(verb, "Release")
    assert (root / ".flow/status.md").read_bytes() == plan
    (root / "go").touch()
    assert b"DONE" in process.communicate(timeout=60)[0]


async def test_an_interrupted_task_is_not_changed_by_way_of_its_parent(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    inside = "".join(f"    {line}" for line in HANGING.format(options="").splitlines(keepends=True))
    root = make_project({"status.md": f"- [ ] Release\n{inside}"})
    vanish(root)
    engine = Engine.open(root)
    with pytest.raises(StateError, match="interrupted"):
        engine.change("skip", "Release")
    assert engine.recovery() is not None


async def test_t7_07_killed_in_the_grandchild_file(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    files = {
        "status.md": "- [ ] [Child](child.md)\n- [ ] End\n",
        "child.md": "- [ ] Stage\n    - [ ] [Grandchild](sub/grandchild.md)\n",
        "sub/grandchild.md": "- [x] Before\n" + HANGING.format(options=""),
    }
    root = make_project(files)
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists())
    kill(process)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.file) == ("1/1.1/2", "sub/grandchild.md")
    (root / "go").touch()
    assert (await finish(engine.step())).address == "1/1.1/2"
    task = engine.next()
    assert task is not None
    assert task.address == "1/1.1/3"
