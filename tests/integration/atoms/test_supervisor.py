"""The supervisor: runs nothing too early, outlives the engine, ends everything, writes down how it went."""

from __future__ import annotations

import json
import marshal
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.atoms import Job, LocalRunner, ProcessId, identify
from engine.errors import StorageError
from engine.storage import Store
from tests.integration.atoms.conftest import Bench, lines

BEGUN = 3.0
"""A time limit, in seconds, that a shell does not reach before it has done what it is to do first."""


def shell(bench: Bench, text: str, run: str = "", **fields: object) -> Job:
    run = run or bench.new_run()
    script = str(bench.output_folder / f"{run}.script")
    values: dict[str, object] = {"cwd": str(bench.root), "files": {".script": text}, **fields}
    return Job(run=run, argv=("/bin/sh", script), **values)  # type: ignore[arg-type]


ENGINE = """\
import sys, time
from pathlib import Path
from engine.atoms import Job, LocalRunner
from engine.storage import Store

root, run, text = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
runner = LocalRunner(Store(root))
pid = runner.start(run)
print(pid.pid, pid.started, flush=True)
sys.stdin.readline()
script = root / ".flow/logs/output" / f"{run}.script"
runner.release(Job(run=run, argv=("/bin/sh", str(script)), cwd=str(root), files={".script": text}))
print("released", flush=True)
time.sleep(60)
"""


def engine(bench: Bench, run: str, text: str) -> tuple[subprocess.Popen[str], ProcessId]:
    """An engine in a process of its own; a line on its input makes it release the job."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(bench.root), run, text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    pid, started = process.stdout.readline().split()
    bench.started[run] = ProcessId(int(pid), float(started))
    return process, bench.started[run]


def finish(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)
    process.communicate()


def test_t3_22b_engine_killed_before_the_release_runs_nothing(bench: Bench) -> None:
    process, pid = engine(bench, "early", "touch began")

    assert bench.runner.is_alive(pid)
    finish(process, signal.SIGKILL)

    bench.wait(lambda: not bench.runner.is_alive(pid))
    assert bench.runner.alive("early", pid) == []
    assert not bench.runner.began("early")
    assert bench.runner.ended("early") is None
    assert not (bench.root / "began").exists()


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_t3_22b_half_a_job_runs_nothing(bench: Bench, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = marshal.dumps
    monkeypatch.setattr("engine.atoms.local.marshal.dumps", lambda value: whole(value)[:cut])

    job = shell(bench, "touch began")
    pid = bench.start(job)

    bench.wait(lambda: not bench.runner.alive(job.run, pid))
    assert not bench.runner.began(job.run)
    assert not (bench.root / "began").exists()


def test_an_abandoned_start_runs_nothing(bench: Bench) -> None:
    pid = bench.runner.start("abandoned")
    bench.runner.abandon("abandoned")

    assert not psutil.pid_exists(pid.pid)
    assert not bench.runner.began("abandoned")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_t3_22a_work_goes_on_without_its_engine(bench: Bench, number: signal.Signals) -> None:
    run = bench.new_run()
    process, pid = engine(
        bench, run, "echo a >> count; while [ ! -e go ]; do sleep 0.02; done; echo b; echo b >> count"
    )
    assert process.stdin is not None and process.stdout is not None
    print(file=process.stdin, flush=True)
    process.stdout.readline()
    bench.wait(lambda: lines(bench.root / "count") == ["a"])
    finish(process, number)

    assert bench.runner.ended(run) is None
    assert bench.runner.is_alive(pid)
    (bench.root / "go").touch()

    assert bench.end_of(run).code == 0
    assert lines(bench.root / "count") == ["a", "b"]
    assert bench.runner.tail(run, 5) == "b\n"


def test_the_group_of_the_engine_may_be_signalled(bench: Bench) -> None:
    run = bench.new_run()
    process, pid = engine(bench, run, "echo a > count; while [ ! -e go ]; do sleep 0.02; done")
    assert process.stdin is not None
    print(file=process.stdin, flush=True)
    bench.wait(lambda: lines(bench.root / "count"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    assert bench.runner.is_alive(pid)
    (bench.root / "go").touch()
    assert bench.end_of(run).code == 0


def test_t3_24_a_time_limit_ends_the_whole_group(bench: Bench) -> None:
    text = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 60' & echo $$ >> pids; sleep 60; sleep 60"
    job = shell(bench, text, timeout=BEGUN, grace=0.2)

    ended = bench.finish(job)

    assert ended.timed_out
    assert ended.signal == signal.SIGKILL
    assert ended.seconds < 50, "it came to its end by itself"
    assert len(lines(bench.root / "pids")) == 2
    bench.wait(lambda: bench.runner.alive(job.run, bench.started[job.run]) == [])


def test_a_time_limit_asks_before_it_forces(bench: Bench) -> None:
    job = shell(bench, "trap 'echo tidy; exit 7' TERM; while :; do sleep 0.02; done", timeout=BEGUN)

    ended = bench.finish(job)

    assert (ended.timed_out, ended.code) == (True, 7)
    assert bench.runner.tail(job.run, 1) == "tidy\n"


def test_a_time_limit_reaches_what_left_the_group(bench: Bench) -> None:
    job = shell(bench, "setsid sh -c 'echo $$ > pid; sleep 60' & sleep 60", timeout=BEGUN, grace=0.2)

    bench.finish(job)

    [stray] = lines(bench.root / "pid")
    bench.wait(lambda: not _runs(int(stray)))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


DAEMON = """\
( setsid sh -c 'echo $$ >> pids; echo once >> count; while :; do echo alive; sleep 0.05; done' & )
echo $$ >> pids
while :; do sleep 0.05; done
"""


@pytest.mark.parametrize("supervised", [True, False])
def test_t7_06_ending_finds_what_double_forked_and_left_its_session(bench: Bench, supervised: bool) -> None:
    job = shell(bench, DAEMON)
    pid = bench.start(job)
    bench.wait(lambda: len(lines(bench.root / "pids")) == 2)
    if not supervised:
        os.kill(pid.pid, signal.SIGKILL)
    pids = {int(line) for line in lines(bench.root / "pids")}
    assert pids <= {process.pid for process in bench.runner.alive(job.run, pid)}

    assert bench.runner.end(job.run, pid, grace=0.5) == []

    assert not any(_runs(one) for one in pids)
    assert bench.runner.alive(job.run, pid) == []
    assert not psutil.pid_exists(pid.pid), "the supervisor was not reaped"
    assert lines(bench.root / "count") == ["once"]
    ended = bench.runner.ended(job.run)
    assert (ended is not None and ended.stopped) is supervised


def test_a_daemon_that_outlives_its_script_is_found(bench: Bench) -> None:
    job = shell(bench, "setsid sh -c 'echo $$ > pid; sleep 60' & while [ ! -e pid ]; do sleep 0.02; done")
    pid = bench.start(job)

    assert bench.end_of(job.run).code == 0
    [daemon] = lines(bench.root / "pid")
    assert int(daemon) in [process.pid for process in bench.runner.alive(job.run, pid)]

    assert bench.runner.end(job.run, pid) == []
    assert not _runs(int(daemon))


def test_t7_06_ending_twice_and_ending_what_is_over_is_harmless(bench: Bench) -> None:
    job = shell(bench, "exit 0")
    pid = bench.start(job)
    bench.end_of(job.run)

    assert bench.runner.end(job.run, pid) == []
    assert bench.runner.end(job.run, None) == []
    ended = bench.runner.ended(job.run)
    assert ended is not None and ended.code == 0 and not ended.stopped


def test_t3_23_a_process_with_a_recycled_number_is_another(bench: Bench) -> None:
    me = identify(os.getpid())
    assert me is not None
    earlier = ProcessId(me.pid, me.started - 10)

    assert bench.runner.is_alive(me)
    assert not bench.runner.is_alive(earlier)
    assert bench.runner.end("long-gone", earlier) == []
    assert bench.runner.is_alive(me)


def test_a_run_happens_once(bench: Bench) -> None:
    job = shell(bench, "echo once >> count", run="same")
    bench.finish(job)

    pid = bench.start(job)
    bench.wait(lambda: not bench.runner.alive("same", pid))

    assert lines(bench.root / "count") == ["once"]


def test_a_release_without_a_supervisor_says_so(bench: Bench) -> None:
    pid = bench.runner.start("orphan")
    os.kill(pid.pid, signal.SIGKILL)
    bench.wait(lambda: not bench.runner.is_alive(pid))

    with pytest.raises(StorageError, match="nothing was run"):
        bench.runner.release(shell(bench, "touch began" + " " * 1_000_000, run="orphan"))


def test_work_starts_clean(bench: Bench) -> None:
    leak, other = os.pipe()
    os.set_inheritable(leak, True)
    job = shell(
        bench,
        "ls -l /proc/$$/fd > open; grep -c pipe open; grep SigIgn /proc/self/status; cat; ps -o pgid= -p $$; echo $$",
    )
    try:
        ended = bench.finish(job)
    finally:
        os.close(leak)
        os.close(other)

    assert ended.code == 0
    pipes, ignored, group, own = bench.runner.tail(job.run, 10).split("\n")[:4]
    assert pipes == "0"
    assert int(ignored.split()[1], 16) & 0x3FFFFFFF == 0
    assert group.strip() == own


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"argv": ("/no/such/program",)}, "No such file"), ({"cwd": "/no/such/folder"}, "/no/such/folder")],
)
def test_what_cannot_be_started_says_why(bench: Bench, fields: dict[str, object], reason: str) -> None:
    values: dict[str, object] = {"argv": ("/bin/sh", "-c", "true"), "cwd": str(bench.root), **fields}

    ended = bench.finish(Job(run=bench.new_run(), **values))  # type: ignore[arg-type]

    assert reason in ended.error
    assert ended.code is None and ended.signal is None


def test_names_that_are_not_utf_8_arrive_as_they_are(bench: Bench) -> None:
    odd = os.fsdecode(b"caf\xe9 \xff")
    job = shell(bench, 'printf %s "$ODD" > out', env={"ODD": odd})

    assert bench.finish(job).code == 0
    assert (bench.root / "out").read_bytes() == os.fsencode(odd)


def test_exit_status_is_durable_json(bench: Bench) -> None:
    job = shell(bench, "exit 3")
    ended = bench.finish(job)

    record = json.loads((bench.output_folder / f"{job.run}.exit").read_bytes())
    assert record["code"] == ended.code == 3
    assert record["started_at"] <= record["ended_at"] <= time.time()
    assert sorted(path.name for path in bench.output_folder.iterdir()) == [
        job.run,
        f"{job.run}.exit",
        f"{job.run}.script",
    ]


def test_forget_and_prune_leave_the_last_outputs(bench: Bench) -> None:
    runs = []
    for _ in range(4):
        job = shell(bench, "echo hello")
        bench.finish(job)
        runs.append(job.run)
        for path in bench.output_folder.glob(f"{job.run}*"):
            os.utime(path, (len(runs), len(runs)))

    bench.runner.forget(runs[3])
    bench.runner.prune(keep=2)

    assert sorted({path.name.partition(".")[0] for path in bench.output_folder.iterdir()}) == sorted(runs[2:])
    assert bench.runner.tail(runs[3], 3) == "hello\n"
    assert bench.runner.ended(runs[3]) is None


def test_a_runner_may_be_let_go_while_work_runs(tmp_path: Path) -> None:
    (tmp_path / ".flow").mkdir()
    runner = LocalRunner(Store(tmp_path))
    pid = runner.start("left")
    runner.release(Job(run="left", argv=("/bin/sleep", "60"), cwd="/"))
    del runner

    other = LocalRunner(Store(tmp_path))
    assert other.is_alive(pid)
    assert other.end("left", pid) == []


def test_t7_06_no_zombie_is_left_once_a_run_is_forgotten(bench: Bench) -> None:
    job = shell(bench, "echo hello")
    pid = bench.start(job)
    bench.end_of(job.run)
    bench.runner.forget(job.run)

    assert not psutil.pid_exists(pid.pid)
