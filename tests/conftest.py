"""What every test may use."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("flow", deadline=None, print_blob=True)
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
def make_project(tmp_path: Path) -> MakeProject:
    """Makes a project in a temporary folder: plan files (below `.flow/`) by name, and the built-in registry."""

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

    return make


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds; fails after twenty seconds."""

    def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "the condition did not come true"
            time.sleep(0.01)

    return wait
