"""The demonstration, from an empty folder to the finished tree."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Flow


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_without_a_terminal_the_demonstration_runs_to_its_end(
    flow: Flow, flow_process: Flow, tmp_path: Path
) -> None:
    ran = flow_process("demo", "greet", cwd=tmp_path)
    root = tmp_path / "greet"
    assert ran.code == 0, ran.err
    assert "was killed" in ran.err
    assert "waits for a person" in ran.err
    assert ran.out.splitlines()[-1].split()[1:3] == ["–", "skipped"]
    shape = flow("status", "--json", "--flat", cwd=root).json
    assert {task["status"] for task in shape["tasks"]} == {"done", "skipped"}
    assert {task["atom"] for task in shape["tasks"]} >= {"Manual", "Script", "Git", "Loom"}
    assert sum(task["ref"] is not None for task in shape["tasks"]) == 5
    assert max(task["address"].count("/") for task in shape["tasks"]) >= 2
    assert shape["recovery"] is None
    assert '__version__ = "1.1.0"' in (root / "greet/__init__.py").read_text()
    assert "Spanish" in (root / "CHANGELOG.md").read_text()
    assert git(root, "tag").split() == ["v1.0.0", "v1.1.0"]
    assert "Flow-Task" in git(root, "log", "-1", "v1.1.0")
    assert (root / "dist/greet-1.1.0.zip").exists()


def test_an_ordinary_run_in_it_stops_at_the_person(
    flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.demo.project import make_project

    root = make_project(tmp_path / "greet")
    assert git(root, "status", "--porcelain") == ""
    assert flow("check", cwd=root).code == 0
    monkeypatch.setenv("FLOW_DEMO_PACE", "0")
    ran = flow("run", cwd=root)
    assert ran.code == 3
    assert flow("next", "--json", cwd=root).json["name"] == "Approve the release"


def test_a_folder_that_holds_something_is_refused(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    ran = flow("demo", ".", cwd=tmp_path)
    assert ran.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_that_opens_it_again_leads_to_this_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.demo.shows import program

    own, other = tmp_path / "own/flow", tmp_path / "other/flow"
    for file in (own, other):
        file.parent.mkdir()
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(own), "demo"])
    said = {}
    for folder in (own.parent, other.parent, tmp_path):
        monkeypatch.setenv("PATH", str(folder))
        said[folder] = program()
    assert said == {own.parent: "flow", other.parent: str(own), tmp_path: str(own)}
    monkeypatch.setattr(sys, "argv", ["/somewhere/tui/__main__.py", "demo"])
    monkeypatch.setattr(sys, "executable", "/no such/python")
    assert shlex.split(program()) == ["/no such/python", "-m", "tui"]
