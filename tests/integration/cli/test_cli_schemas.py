"""What every command prints with `--json`, in every state of a project, against the schemas that are shipped."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow, Ran
from tests.integration.conftest import kill_work
from tests.unit.house.test_schemas import SCHEMAS, commands

Wait = Callable[[Callable[[], object]], None]

SCRIPT = "- [{}] [Script] {}\n    ```sh\n    {}\n    ```\n"
PLAN = (
    "Project: Orbit\n\n- [x] Freeze <!-- why -->\n- [/] [Build](build.md)\n- [ ] Sign\n    - [ ] Ask\n    - [-] Stamp\n"
    + SCRIPT.format(" ", "Export", """echo '{"a": [1]}' > "$FLOW_EXPORTS" """)
)
BUILD = "Owner: me\n\n" + SCRIPT.format(" ", "Compile", "echo compiling") + "- [-] Mirror\n"

LINES = {
    "init": "init",
    "init new": "init",
    "status": "status",
    "status 2": "status",
    "status --flat": "status",
    "next": "next",
    "step": "step",
    "run": "step",
    "run --until 2": "step",
    "run --dry-run": "run-dry-run",
    "wait": "step",
    "wait --timeout 0": "step",
    "stop": "stop",
    "start 2": "change",
    "done 2": "change",
    "skip 3": "change",
    "fail 3 --note why": "change",
    "reopen 1": "change",
    "reset": "change",
    "reset 1": "change",
    "retry 1": "step",
    "retry 4": "step",
    "undo": "undo",
    "add New": "structure",
    "add New --to 1": "structure",
    "rename 1 Newer --expect Freeze": "structure",
    "move 1 --at 2": "structure",
    "remove 1": "structure",
    "zoom 3": "zoom",
    "recover": "recover",
    "recover resume": "step",
    "recover retry": "step",
    "recover skip": "step",
    "accept": "accept",
    "restore": "restore",
    "check": "check",
    "check --unattended": "check",
    "check .flow/status.md": "check",
    "fix .flow/status.md": "fix",
    "fix .flow/status.md --yes --comments": "fix",
    "import notes.md": "import",
    "loom read notes.md": "loom-read",
    "loom read gone.md": "loom-read",
    "loom insert notes.md --after Notes --text new": "loom-edit",
    "loom insert notes.md --after same --text new": "loom-edit",
    "loom insert notes.md --after gone --text new --base 0000": "loom-edit",
    "loom replace notes.md --start Notes --end last --text new": "loom-edit",
    "loom append notes.md --text last": "loom-edit",
    "loom line notes.md 1 --expect nothing --text new": "loom-edit",
    "log": "log",
    "context": "context",
    "trust --show": "trust",
    "trust": "trust",
    "doctor": "doctor",
    "paths": "paths",
    "completion fish": "completion",
    "report": "report",
    "report --output page.html": "report-written",
    "hook install": "hook-install",
    "hook uninstall": "hook-uninstall",
    "hook check": "hook-check",
    "merge-driver notes.md notes.md notes.md": "merge-driver",
    "nonsense": "error",
    "status --nonsense": "error",
}


@functools.cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


def judge(ran: Ran, shape: str) -> list[Any]:
    """The objects on stdout, each of the shape that is expected or, where the command failed, an error."""
    assert "\x1b" not in ran.out
    lines = ran.out.splitlines()
    assert len(lines) == 1 or (shape == "step" and lines), ran.out
    found = [json.loads(line) for line in lines]
    for one in found:
        failed = isinstance(one, dict) and "error" in one
        assert not failed or ran.code, ran.out
        wrong = best_match(validator("error" if failed else shape).iter_errors(one))
        assert wrong is None, f"{wrong.json_path}: {wrong.message}"
    return found


def plain(root: Path, flow: Flow, wait_for: Wait) -> None:
    assert flow("done", "1", cwd=root).code == 0


def untouched(root: Path, flow: Flow, wait_for: Wait) -> None:
    """Another program wrote all of it, and nothing has happened."""


def empty(root: Path, flow: Flow, wait_for: Wait) -> None:
    (root / ".flow/status.md").write_text("")


def settled(root: Path, flow: Flow, wait_for: Wait) -> None:
    assert flow("run", cwd=root).code == 3
    assert flow("done", "Ask", cwd=root).code == 0
    assert flow("run", cwd=root).code == 0


def failed(root: Path, flow: Flow, wait_for: Wait) -> None:
    (root / ".flow/build.md").write_text(BUILD.replace("echo compiling", "exit 3"))
    assert flow("run", cwd=root).code == 1


def invalid(root: Path, flow: Flow, wait_for: Wait) -> None:
    (root / ".flow/status.md").write_text(PLAN + "* [ ] Bullet\n- [?] Odd\n- [ ] [Gone](gone.md)\n")


def strict(root: Path, flow: Flow, wait_for: Wait) -> None:
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    assert flow("done", "1", cwd=root).code == 0
    assert flow("start", "2/1", cwd=root).code == 0
    (root / ".flow/status.md").write_text(PLAN + "- [ ] Another\n")


def untrusted(root: Path, flow: Flow, wait_for: Wait) -> None:
    os.environ["FLOW_TRUST"] = ""


def no_project(root: Path, flow: Flow, wait_for: Wait) -> None:
    shutil.rmtree(root / ".flow")


def interrupted(root: Path, flow: Flow, wait_for: Wait) -> None:
    """An engine and its work were killed."""
    (root / ".flow/build.md").write_text(
        BUILD.replace("echo compiling", "echo $$ > pid; echo compiling; exec sleep 600")
    )
    process = subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (root / "pid").exists() and (root / "pid").read_text().strip())
    process.kill()
    process.wait()
    kill_work(Engine.open(root))
    wait_for(lambda: flow("recover", "--json", cwd=root).json["children"] == [])
    (root / ".flow/build.md").write_text(BUILD)


@pytest.mark.parametrize(
    "state",
    [plain, untouched, empty, settled, failed, invalid, strict, untrusted, no_project, interrupted],
    ids=lambda state: str(state.__name__),
)
def test_every_command_prints_its_shape_in_every_state(
    state: Callable[[Path, Flow, Wait], None],
    flow: Flow,
    make_project: MakeProject,
    wait_for: Wait,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("FLOW_TRUST", "1")
    root = make_project({"status.md": PLAN, "build.md": BUILD, "alone.md": "- [ ] Nobody refers to it\n"})
    (root / "notes.md").write_text("Notes\n\n* [ ] One\nsame\nsame\nlast\n")
    state(root, flow, wait_for)
    for number, (line, shape) in enumerate(LINES.items()):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(root, copy)
        judge(flow(*line.split(), "--json", cwd=copy), shape)


def test_while_an_engine_is_at_work(
    flow: Flow, flow_process: Flow, make_project: MakeProject, wait_for: Wait
) -> None:
    root = make_project({"status.md": SCRIPT.format(" ", "Wait", "exec sleep 600") + "- [ ] Other\n"})
    started = judge(flow_process("run", "--detach", "--json", cwd=root), "run-detach")[0]
    assert started["name"] == "Wait"
    running = {
        "status": 0, "next": 0, "recover": 0, "wait --timeout 0.1": 8, "step": 6, "run": 6, "done 1": 6, "skip 1": 6,
        "undo": 6, "reset": 4, "done 2": 0, "rename 1 Waiting": 0, "log": 0, "check --unattended": 4, "doctor": 0,
    }  # fmt: skip
    for line, code in running.items():
        ran = flow(*line.split(), "--json", cwd=root)
        judge(ran, LINES.get(line, LINES.get(" ".join(line.split()[:1]), "")) or SHAPES[line])
        assert ran.code == code or line.startswith("check"), (line, ran.out)
    assert judge(flow("stop", "--json", cwd=root), "stop")[0]["stopped"]["address"] == "1"
    assert judge(flow("wait", "--json", cwd=root), "step")[0]["outcome"] == "interrupted"


SHAPES = {
    "wait --timeout 0.1": "step",
    "done 1": "change",
    "skip 1": "change",
    "done 2": "change",
    "rename 1 Waiting": "structure",
}


def test_a_followed_log_is_an_object_a_line(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN, "build.md": BUILD})
    assert flow("done", "1", cwd=root).code == 0
    assert flow("start", "2/1", cwd=root).code == 0
    process = subprocess.Popen(
        [*FLOW, "log", "--follow", "--json"], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        validator("log-follow").validate(json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


STORY = """\
# Staging

- [ ] [Script] Deploy
    ```sh
    exit 3
    ```
- [ ] Look

# Production

- [ ] [Script] Deploy
    ```sh retries=1 backoff=0.01s
    false
    ```
- [ ] Group
    - [ ] Inner
"""


def test_whatever_happens_the_log_has_its_shape(
    flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_TRUST", "1")
    root = make_project({"status.md": STORY})
    (root / "notes.md").write_text("1. [ ] One\n- [ ] Two\n- [ ] Two\n")
    plan = root / ".flow/status.md"
    story = [
        "run", "undo", "skip 1 --note why", "done 2", "rename 2 Looked", "move 4 --at 1", "zoom 1", "undo", "done 1.1",
        "step", "reopen 4", "fail 4", "import notes.md", "add [Notes](notes.md)", "reset", "remove 2",
    ]  # fmt: skip
    for line in story:
        assert flow(*line.split(" ", 1 if line.startswith("add") else -1), cwd=root).code in (0, 1), line
    plan.write_text(plan.read_text() + "* [ ] By hand\n")
    assert flow("fix", ".flow/status.md", "--yes", cwd=root).code == 0
    (root / ".flow/other.md").write_text("- [ ] X\n")
    assert flow("add", "[Other](other.md)", cwd=root).code == 0
    assert flow("start", "Other", cwd=root).code == 0
    plan.write_text(plan.read_text() + "- [ ] Once more\n")
    assert flow("accept", cwd=root).code == 0
    plan.write_text(plan.read_text() + "- [ ] And again\n")
    assert flow("restore", cwd=root).code == 0
    (found,) = judge(flow("log", "--json", cwd=root), "log")
    happened = {record["what"] for record in found["events"]}
    assert happened >= {
        "changed",
        "rewritten",
        "retried",
        "failed",
        "skip",
        "imported",
        "fixed",
        "adopted",
        "accepted",
    }
    assert "made of notes.md; not kept: line 1: " in flow("log", cwd=root).out
    paths = [change["path"] for record in found["events"] for change in record.get("changes", [])]
    assert {"sections", "shared"} <= {key for path in paths for level in path for key in level}


def test_every_command_is_judged_here() -> None:
    judged = {*LINES.values(), "run-detach", "log-follow"}
    assert {shape for command in commands() for shape in command.shapes} <= judged
