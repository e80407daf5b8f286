"""T1.38: work runs, is limited and is ended where there are no process groups, sessions or holes in files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from engine.atoms import Outcome, Script
from engine.storage import platform
from tests.integration.atoms.conftest import Bench, lines
from tests.integration.atoms.test_script_runs import script
from tests.integration.atoms.test_supervisor import BEGUN, DAEMON, shell


@pytest.fixture(autouse=True)
def no_groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FLOW_PLATFORM", "portable")
    monkeypatch.setattr(platform, "system", platform.choose())
    yield


def test_t1_38_a_script_runs_and_exports(bench: Bench) -> None:
    result = bench.run(Script(), bench.call(script('echo out; pwd; echo \'{"a": 1}\' > "$FLOW_EXPORTS"')))

    assert result.exports == {"a": 1}
    assert bench.runner.tail(next(iter(bench.started)), 5) == f"out\n{bench.root}\n"


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("exit 3", "", "Exit status 3."),
        ("kill -9 $$", "", "It was killed by SIGKILL."),
        ("sleep 60 & sleep 60", "timeout=200ms", "It took longer than 0.2 s and was ended."),
        ("true", "tty", "cannot have the terminal"),
    ],
)
def test_t1_38_what_goes_wrong_is_the_reason(bench: Bench, text: str, options: str, reason: str) -> None:
    result = bench.run(Script(), bench.call(script(text, options)))

    assert result.outcome is Outcome.FAILURE
    assert reason in result.reason


def test_t1_38_a_time_limit_ends_what_double_forked(bench: Bench) -> None:
    job = shell(bench, DAEMON, timeout=BEGUN, grace=0.2)

    assert bench.finish(job).timed_out

    assert len(lines(bench.root / "pids")) == 2
    bench.wait(lambda: bench.runner.alive(job.run, bench.started[job.run]) == [])


def test_t1_38_ending_ends_everything(bench: Bench) -> None:
    job = shell(bench, DAEMON)
    pid = bench.start(job)
    bench.wait(lambda: len(lines(bench.root / "pids")) == 2)

    assert bench.runner.end(job.run, pid, grace=0.5) == []
    assert bench.runner.alive(job.run, pid) == []


def test_t1_38_nothing_runs_without_a_release(bench: Bench) -> None:
    pid = bench.runner.start("early")
    bench.runner.abandon("early")

    assert not bench.runner.is_alive(pid)
    assert not bench.runner.began("early")
    assert os.environ["FLOW_PLATFORM"] == "portable"
