"""A project, a runner, and real processes that are gone when the test is over."""

from __future__ import annotations

import os
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from engine.atoms import AtomResult, Call, Ended, Job, LocalRunner, ProcessId, Supervised, configuration
from engine.status import parse
from engine.storage import Store


@dataclass
class Bench:
    """Runs single atoms of a project at `root`."""

    root: Path
    runner: LocalRunner
    started: dict[str, ProcessId] = field(default_factory=dict)

    @property
    def output_folder(self) -> Path:
        return self.root / ".flow" / "logs" / "output"

    def call(self, plan: str, **fields: object) -> Call:
        """The call for the first task of this plan."""
        task = parse(textwrap.dedent(plan)).tasks[0]
        assert not task.plan.problems, task.plan.problems
        values = {"name": task.name, "address": task.address, "root": self.root, "key": "key-1", **fields}
        return Call(config=configuration(task), **values)  # type: ignore[arg-type]

    def new_run(self) -> str:
        return f"run-{uuid4().hex}"  # processes are found by it, in all of the machine

    def start(self, job: Job) -> ProcessId:
        pid = self.started[job.run] = self.runner.start(job.run, tty=job.tty)
        self.runner.release(job)
        return pid

    def finish(self, job: Job) -> Ended:
        """Run a job to its end."""
        self.start(job)
        return self.end_of(job.run)

    def end_of(self, run: str) -> Ended:
        self.wait(lambda: self.runner.ended(run))
        ended = self.runner.ended(run)
        assert ended is not None
        return ended

    def run(self, atom: Supervised, call: Call) -> AtomResult:
        return atom.result(call, self.finish(atom.job(call, self.new_run())))

    def wait(self, condition: Callable[[], object], limit: float = 60.0) -> None:
        until = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < until, "the condition did not come true"
            time.sleep(0.005)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "project"
    (root / ".flow" / "atoms").mkdir(parents=True)
    bench = Bench(root, LocalRunner(Store(root)))
    yield bench
    for run, supervisor in bench.started.items():
        bench.runner.end(run, supervisor, grace=0.0)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody commits here, whatever this machine says."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    (tmp_path / "gitconfig").write_text(
        "[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n"
    )


@pytest.fixture
def repo(bench: Bench, identity: None) -> Path:
    """The project, in a repository of its own with one commit."""
    (bench.root / "README").write_text("hello\n")
    for words in (["init", "--quiet"], ["add", "README"], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", "-C", str(bench.root), *words], check=True)
    return bench.root


def lines(path: Path) -> list[str]:
    """The whole lines that a script has written so far."""
    return path.read_text().splitlines() if path.exists() else []
