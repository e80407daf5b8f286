"""What every test may use."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

# A shell has what it runs in the background ignore one, `nohup` the other, and programs hand that on; tests send both.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The same examples in each run of the suite: who changes nothing sees nothing fail. Turned up, others each time.
settings.register_profile(
    "flow", deadline=None, print_blob=True, derandomize="FLOW_TORTURE" not in os.environ
)
settings.load_profile("flow")

BUILT_IN = {
    "Manual": "engine.atoms.manual:Manual",
    "Script": "engine.atoms.script:Script",
    "Git": "engine.atoms.git:Git",
    "Loom": "engine.atoms.loom:LoomAtom",
    "Flow": "engine.atoms.flow:Flow",
}

MakeProject = Callable[[Mapping[str, str]], Path]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes what belongs to the person who runs it; every project of a test is trusted."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("STATE", "CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("FLOW_TRUST", "1")
    monkeypatch.setenv("FLOW_ACTOR", "tester")
    monkeypatch.delenv("FLOW_RUN", raising=False)


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[MakeProject]:
    """Makes a project in a temporary folder: plan files (below `.flow/`) by name, and the built-in registry. When the
    test is over, whatever became of it, so is everything that still runs there."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "project"
        flow = root / ".flow"
        flow.mkdir(parents=True)
        (flow / "flow.registry.json").write_text(json.dumps(BUILT_IN))
        for name, text in files.items():
            path = flow / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    yield make
    end_everything(tmp_path)


def end_everything(folder: Path) -> None:
    """Kill all processes that stand in this folder, and the supervisors and the work of the projects in it."""
    runs = {path.name for path in folder.rglob(".flow/logs/output/*") if "." not in path.name}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            stands_here = process.pid != os.getpid() and Path(process.cwd()).is_relative_to(folder)
            if stands_here or (runs and process.environ().get("FLOW_RUN") in runs):
                process.kill()


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds; fails after a minute, which is long only when it does not come true."""

    def wait(condition: Callable[[], object], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "the condition did not come true"
            time.sleep(0.01)

    return wait
