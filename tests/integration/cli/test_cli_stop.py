"""`flow stop` says what came of it, and `flow recover` where a task was begun."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine
from engine.runtime.project import Project
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow
from tests.integration.conftest import kill_work

WaitFor = Callable[[Callable[[], object]], None]

SLOW = """\
- [ ] [Script] Count
    ```sh
    touch began
    while ! test -e go; do sleep 0.05; done
    ```
"""
LATE = """\
import pathlib
import time

from engine import Atom, AtomResult

pathlib.Path("importing").touch()
while not pathlib.Path("imported").exists():
    time.sleep(0.02)


class Late(Atom):
    def run(self, call):
        time.sleep(60)
        return AtomResult.success()
"""


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FLOW, *words], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_task_that_ended_before_it_could_be_stopped_is_not_called_stopped(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": SLOW})
    engine = start(root, "step")
    wait_for(lambda: (root / "began").exists())
    engine.send_signal(signal.SIGSTOP)
    (root / "go").touch()
    wait_for(lambda: list(root.glob(".flow/logs/output/*.exit")))
    stopping = start(root, "stop")
    wait_for(lambda: (root / ".flow" / "stop").exists())
    engine.send_signal(signal.SIGCONT)
    out, err = stopping.communicate(timeout=60)
    assert (stopping.returncode, out) == (0, "")
    assert "1 Count had ended before it could be stopped." in err
    engine.communicate(timeout=60)
    assert flow("status", "--json", cwd=root).json["tasks"][0]["status"] == "done"


def write_late(monkeypatch: pytest.MonkeyPatch, root: Path, wait_for: WaitFor) -> None:
    """Let what runs end, and what comes next begin, between the look at what runs and the first wish to end that."""
    request = Project.request_stop

    def late(project: Project, run: str) -> None:
        if not (root / "go").exists():
            (root / "go").touch()
            wait_for(lambda: (root / "next").exists())
        request(project, run)

    monkeypatch.setattr(Project, "request_stop", late)


FLAKY = """\
- [ ] [Script] Count
    ```sh retries=1 backoff=10ms
    if test -e began; then touch next; sleep 300; fi
    touch began
    while ! test -e go; do sleep 0.05; done
    exit 1
    ```
"""
NEXT = """\
- [ ] [Script] Next
    ```sh
    touch next
    sleep 300
    ```
"""


def test_an_attempt_that_begins_in_the_moment_of_a_stop_is_ended_as_well(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": FLAKY})
    engine = start(root, "run")
    wait_for(lambda: (root / "began").exists())
    write_late(monkeypatch, root, wait_for)

    stopped = flow("stop", cwd=root)

    assert (stopped.code, stopped.out) == (0, "Stopped: 1 Count\n")
    engine.communicate(timeout=60)


def test_a_task_that_begins_in_the_moment_of_a_stop_is_named_and_left_alone(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": SLOW + NEXT})
    engine = start(root, "run")
    wait_for(lambda: (root / "began").exists())
    write_late(monkeypatch, root, wait_for)

    late = flow("stop", cwd=root)

    assert (late.code, late.out) == (6, "")
    assert "1 Count had ended before it could be stopped, and 2 Next runs now." in late.err
    assert flow("stop", cwd=root).out == "Stopped: 2 Next\n"
    engine.communicate(timeout=60)


def test_an_engine_that_is_about_to_begin_is_stopped_when_it_has_begun(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": "- [ ] [Late] Work\n"})
    registry = root / ".flow" / "flow.registry.json"
    registry.write_text(json.dumps({**json.loads(registry.read_text()), "Late": "late:Late"}))
    (root / ".flow" / "atoms").mkdir()
    (root / ".flow" / "atoms" / "late.py").write_text(LATE)
    engine = start(root, "step")
    wait_for(lambda: (root / "importing").exists())
    stopping = start(root, "stop")
    with pytest.raises(subprocess.TimeoutExpired):  # it does not say that there is no engine
        stopping.wait(3)
    (root / "imported").touch()
    out, err = stopping.communicate(timeout=90)
    assert (stopping.returncode, out) == (0, "Stopped: 1 Work\n"), err
    engine.communicate(timeout=60)


def test_a_task_of_another_machine_is_not_called_dead(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": SLOW})
    engine = start(root, "step")
    wait_for(lambda: (root / "began").exists())
    engine.kill()
    engine.communicate()
    kill_work(Engine.open(root))
    record = root / ".flow" / "intent.lock"
    text = record.read_text()
    intent = json.loads(text)
    record.write_text(text.replace(json.dumps(intent["host"]), '"elsewhere\\u001b[2J"'))
    shown = flow("recover", cwd=root).out
    assert "begun on another machine, elsewhere" in shown
    assert "\x1b[2J" not in shown
    assert "nothing of it is alive" not in shown


def test_work_that_outlived_the_engine_that_ended_it_is_not_called_stopped(
    flow: Flow, make_project: MakeProject, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": SLOW.replace("    touch", "    trap : TERM\n    touch")})
    with subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL) as engine:
        wait_for(lambda: (root / "began").exists())
        with subprocess.Popen([*FLOW, "stop"], cwd=root, stderr=subprocess.PIPE, text=True) as stop:
            wait_for(lambda: "stopping" in (root / ".flow/intent.lock").read_text())
            engine.kill()
            _, said = stop.communicate()
    assert (stop.returncode, "still alive" in said) == (6, True)
    (root / "go").touch()
