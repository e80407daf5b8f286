"""Sixteen processes mark tasks of one plan at the same time: all are marked, none is lost, nobody meets an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject

pytestmark = pytest.mark.torture
PROCESSES = 16
AMOUNT = os.environ.get("FLOW_TORTURE", "1")
EACH = 100 if AMOUNT == "full" else min(100, 6 * int(AMOUNT))

MARKS = """
import sys
from tui.cli import main
print("ready", flush=True)
sys.stdin.readline()
codes = [main(["done", name, "--expect", name, "--json"]) for name in sys.argv[1:]]
sys.exit(max(codes))
"""


def test_t7_05_a_crowd_of_processes_loses_nothing(make_project: MakeProject) -> None:
    names = [[f"Task {number} of {process}" for number in range(EACH)] for process in range(PROCESSES)]
    # Neighbours in the plan belong to different processes.
    plan = "".join(f"- [ ] {name}\n" for together in zip(*names, strict=True) for name in together)
    root = make_project({"status.md": plan})
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", MARKS, *own],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own in names
    ]
    for process in crowd:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    ended = [_start_and_collect(process, crowd) for process in crowd]
    for (out, err, code), own in zip(ended, names, strict=True):
        assert (code, err) == (0, ""), out[-500:]
        assert [json.loads(line)["name"] for line in out.splitlines()] == own
    assert (root / ".flow/status.md").read_text() == plan.replace("[ ]", "[x]")
    done = [record["name"] for record in Engine.open(root).history() if record["what"] == "done"]
    assert sorted(done) == sorted(name for own in names for name in own)
    assert not list(Path(root).rglob("*flow-conflict*"))


def _start_and_collect(
    process: subprocess.Popen[str], crowd: list[subprocess.Popen[str]]
) -> tuple[str, str, int]:
    if process is crowd[0]:
        for one in crowd:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
    out, err = process.communicate(timeout=3_000)
    return out, err, process.returncode
