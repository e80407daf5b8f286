"""Work that does all it can to be lost: it double-forks, leaves its session, and prints when its engine is dead."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Engine, Finished, Output, Resume, Started, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, collect, finish, is_running, kill, kill_each

DAEMON = """\
- [ ] [Script] Migrate
    ```python
    import os, time
    if os.fork():
        while not os.path.exists("late"):
            time.sleep(0.02)
        raise SystemExit
    os.setsid()
    if os.fork():
        os._exit(0)
    with open("runs", "a") as file:
        file.write("run\\n")
    with open("pid", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid", "daemon")
    while not os.path.exists("go"):
        time.sleep(0.02)
    print("printed late", flush=True)
    open("late", "w").close()
    ```
- [ ] After
"""


@pytest.fixture
def orphan(make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor) -> Path:
    """The project of such a script, whose engine was killed."""
    root = make_project({"status.md": DAEMON})
    process = start_engine(root)
    wait_for(lambda: (root / "daemon").exists())
    kill(process)
    return root


async def test_it_is_found_shown_and_followed(orphan: Path) -> None:
    engine = Engine.open(orphan)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume is Resume.FOLLOW
    assert int((orphan / "daemon").read_text()) in recovery.children
    (orphan / "go").touch()
    events = await collect(engine.step())
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome is StepOutcome.DONE
    assert (orphan / "runs").read_text() == "run\n"


async def test_a_retry_ends_it_before_it_runs_again(orphan: Path) -> None:
    first = int((orphan / "daemon").read_text())
    (orphan / "daemon").unlink()
    engine = Engine.open(orphan)
    async for event in engine.recover("retry"):
        if (orphan / "daemon").exists() and not (orphan / "go").exists():
            assert not is_running(first), f"both run at {event}"
            (orphan / "go").touch()
        if getattr(event, "attempt", 0) == 2:
            assert not is_running(first)
            (orphan / "go").touch()
    assert (orphan / "runs").read_text() == "run\n" * 2


async def test_it_is_ended_when_a_person_says_so(orphan: Path) -> None:
    engine = Engine.open(orphan)
    assert (await finish(engine.recover("skip"))).outcome is StepOutcome.DONE
    assert not is_running(int((orphan / "daemon").read_text()))
    assert (orphan / "runs").read_text() == "run\n"


async def test_when_only_the_daemon_is_left_nothing_runs_beside_it(orphan: Path, wait_for: WaitFor) -> None:
    daemon = int((orphan / "daemon").read_text())
    engine = Engine.open(orphan)
    recovery = engine.recovery()
    assert recovery is not None
    kill_each(pid for pid in recovery.children if pid != daemon)
    wait_for(lambda: (found := engine.recovery()) is not None and found.children == (daemon,))
    found = engine.recovery()
    assert found is not None
    assert found.resume is Resume.FOLLOW
    events = []
    async for event in engine.step():
        events.append(event)
        if isinstance(event, Started):
            assert event.follows
            (orphan / "go").touch()
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome is StepOutcome.INTERRUPTED, "its exit status died with its supervisor"
    wait_for(lambda: not is_running(daemon))  # it is told by its environment, which goes before it does
    assert (orphan / "runs").read_text() == "run\n"


@pytest.mark.parametrize("whom", ["supervisor", "everything"])
async def test_t7_06_what_was_paused_is_ended_too(make_project: MakeProject, whom: str) -> None:
    root = make_project({"status.md": DAEMON})
    engine = Engine.open(root)
    ending = asyncio.ensure_future(finish(engine.step()))
    while not (root / "daemon").exists():
        assert not ending.done()
        await asyncio.sleep(0.01)
    paused = [int(json.loads((root / ".flow/intent.lock").read_text())["supervisor"]["pid"])]
    if whom == "everything":
        paused.append(int((root / "daemon").read_text()))
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    engine.stop()
    assert (await ending).outcome is StepOutcome.INTERRUPTED
    assert not any(is_running(pid) for pid in [*paused, int((root / "daemon").read_text())])
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.stopped, recovery.children) == (True, ())


def flow(root: Path, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-m", "tui", *arguments], cwd=root, **options)  # type: ignore[call-overload, no-any-return]


def test_t7_06_flow_stop_leaves_no_process(make_project: MakeProject, wait_for: WaitFor) -> None:
    root = make_project({"status.md": DAEMON})
    process = flow(root, "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (root / "daemon").exists())
    assert flow(root, "stop", stdout=subprocess.DEVNULL).wait(60) == 0
    assert process.wait(60) == 3
    assert not is_running(int((root / "daemon").read_text()))


def test_t7_06_ctrl_c_leaves_no_process(make_project: MakeProject, wait_for: WaitFor) -> None:
    root = make_project({"status.md": DAEMON})
    terminal, ours = os.openpty()
    process = flow(root, "run", stdin=ours, stdout=ours, stderr=ours, preexec_fn=lambda: own(ours))
    os.close(ours)
    wait_for(lambda: (root / "daemon").exists())
    os.write(terminal, b"\x03")
    drain(terminal)
    assert process.wait(60) in (3, 130)
    os.close(terminal)
    assert not is_running(int((root / "daemon").read_text()))
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert (recovery.stopped, recovery.children) == (True, ())


async def test_t7_06a_a_closed_terminal_ends_the_engine_only(
    make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": DAEMON})
    terminal, ours = os.openpty()
    process = flow(root, "run", stdin=ours, stdout=ours, stderr=ours, preexec_fn=lambda: own(ours))
    os.close(ours)
    wait_for(lambda: (root / "daemon").exists())
    os.close(terminal)
    process.wait(60)
    daemon = int((root / "daemon").read_text())
    assert is_running(daemon)
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.stopped) == (Resume.FOLLOW, False)
    (root / "go").touch()
    events = await collect(engine.step())
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"
    assert "printed late" in "".join(event.text for event in events if isinstance(event, Output))


def own(terminal: int) -> None:
    """In the child: a session of its own, whose terminal this is."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def drain(terminal: int) -> None:
    """Take what is printed until the other side is closed."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        return
