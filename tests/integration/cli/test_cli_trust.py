"""T1.37 as a person meets it: a project that came from elsewhere, looked at, run, approved, changed, run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Flow

PLAN = "- [ ] [Script] Touch\n    ```sh\n    touch trace-script\n    ```\n- [ ] [Mine] Atom\n- [ ] [Mine] Again\n"
ATOM = """\
from pathlib import Path
from engine import Atom, AtomResult
Path(__file__).parents[2].joinpath("trace-import").touch()
class Mine(Atom):
    def run(self, call):
        Path(call.root, "trace-atom").touch()
        return AtomResult.success()
"""


@pytest.fixture
def copied(tmp_path: Path, flow_process: Flow, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FLOW_TRUST")
    made = tmp_path / "made"
    made.mkdir()
    assert flow_process("init", cwd=made).code == 0
    (made / ".flow/status.md").write_text(PLAN)
    (made / ".flow/atoms").mkdir(exist_ok=True)
    (made / ".flow/atoms/mine.py").write_text(ATOM)
    registry = made / ".flow/flow.registry.json"
    registry.write_text(json.dumps({**json.loads(registry.read_text()), "Mine": "mine:Mine"}))
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def traces(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("trace-*"))


def test_t1_37_nothing_of_it_runs_before_its_person_says_so(
    copied: Path, flow: Flow, flow_process: Flow
) -> None:
    for look in ("status", "check", "next", "log", "recover", "doctor", "run --dry-run"):
        assert flow(*look.split(), cwd=copied).code == 0, look

    def run(*arguments: str) -> int:
        return flow_process(*arguments, cwd=copied).code

    assert (run("step"), run("run")) == (3, 3)
    assert traces(copied) == []
    assert (copied / ".flow/status.md").read_text() == PLAN
    assert run("trust") == 0
    assert traces(copied) == []
    assert run("step") == 0
    assert traces(copied) == ["trace-script"]
    assert run("step") == 0
    assert traces(copied) == ["trace-atom", "trace-import", "trace-script"]
    (copied / ".flow/atoms/mine.py").write_text(ATOM + "# changed\n")
    ran = flow_process("step", "--json", cwd=copied)
    assert (ran.code, ran.json["error"]["code"]) == (3, "trust")
    assert run("trust") == 0
    assert run("step") == 0
    assert list((copied / ".flow/atoms").glob("__pycache__")) == []


def test_a_run_in_the_background_writes_into_no_link_that_came_along(
    copied: Path, tmp_path: Path, flow_process: Flow
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (copied / ".flow/logs").mkdir(exist_ok=True)
    (copied / ".flow/logs/detached.txt").symlink_to(precious)
    ended = flow_process("run", "--detach", cwd=copied)
    assert ended.code != 0
    assert "symbolic link" in ended.err
    assert precious.read_text() == "mine"
