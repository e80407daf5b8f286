"""Races of engines with each other and with programs that know nothing of us; and the naive way, which loses them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.storage import Store, platform

pytestmark = pytest.mark.torture
WRITERS = Path(__file__).with_name("writers.py")
BEST = "LEASED" if platform.system.has_leases else "EXCHANGED" if platform.system.has_exchange else "COMPARED"
KINDS = ("append", "rename", "truncate", "same_size", "hold")
# What only lease and exchange together win: a foreign rename between our last look and our own rename.
ONLY_EXCHANGE_WINS = {"rename"}
# What only leases win: a writer that opened the file before the swap and writes after it.
ONLY_LEASES_WIN = {"append", "truncate", "same_size", "hold"}


class Running:
    """The processes of one test; whatever happens, none of them stays."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[str]] = []

    def start(self, kind: str, system: str, root: Path, name: str, count: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-B", str(WRITERS), kind, system, str(root), name, str(count)]
        self._all.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return self._all[-1]

    def end(self) -> None:
        for process in self._all:
            with process:
                process.kill()


@pytest.fixture
def running() -> Iterator[Running]:
    started = Running()
    yield started
    started.end()


def finish(process: subprocess.Popen[str]) -> tuple[int, int, set[str]]:
    """Edits made, conflicts met, guarantees given."""
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    number, conflicts, guarantees = out.split()
    return int(number), int(conflicts), set(guarantees.split(","))


def everything(root: Path) -> str:
    """The file and its conflict copies."""
    store = Store(root)
    store.settle()
    assert list(root.rglob("*.part")) == []
    return "\n".join(path.read_text() for path in (root / "source.txt", *store.conflict_copies()))


def lost(text: str, name: str, count: int) -> list[str]:
    there = set(text.split())
    return [line for line in (f"{name}.{number}" for number in range(count)) if line not in there]


@pytest.mark.parametrize("engines", [2, 4])
@pytest.mark.parametrize("system", ["native", "no-exchange", "portable"])
def test_engines_lose_and_double_nothing(
    fast: Path, share: int | None, engines: int, system: str, running: Running
) -> None:
    count = 40 * (share or 50)
    (fast / "source.txt").write_bytes(b"")
    (fast / "stop").touch()
    started = [running.start("engine", system, fast, f"e{number}", count) for number in range(engines)]
    done = [finish(process) for process in started]
    lines = Counter((fast / "source.txt").read_text().split())
    expected = {f"e{number}.{line}" for number in range(engines) for line in range(count)}
    assert set(lines) == expected and set(lines.values()) == {1}
    assert Store(fast).conflict_copies() == []
    for _, conflicts, guarantees in done:
        assert conflicts == 0
        assert guarantees == {"COMPARED" if system != "native" else BEST}


def test_the_naive_way_loses_edits(fast: Path, share: int | None, running: Running) -> None:
    """The control: were it not to lose anything, the races above would prove nothing."""
    count = 300 * (share or 10)
    (fast / "stop").touch()
    gone = 0
    for _ in range(10):  # whether two processes really meet is up to the machine
        (fast / "source.txt").write_bytes(b"")
        started = [running.start("naive", "-", fast, f"e{number}", count) for number in range(2)]
        wait_until_ready(fast, started)
        (fast / "go").touch()
        for process in started:
            finish(process)
        text = (fast / "source.txt").read_text()
        gone += sum(len(lost(text, f"e{number}", count)) for number in range(2))
        if gone:
            break
        for mark in (fast / "go", *fast.glob("ready.*")):
            mark.unlink()
    assert gone > 0


def wait_until_ready(root: Path, started: list[subprocess.Popen[str]]) -> None:
    while len(list(root.glob("ready.*"))) < len(started):
        assert all(process.poll() is None for process in started)
        time.sleep(0.005)


def race(
    running: Running, root: Path, kind: str, system: str, count: int, ours: str = "engine"
) -> tuple[str, list[tuple[int, int, set[str]]]]:
    """What is there after two of ours and another program have written, and what ours say."""
    slots = b" " * 11 + b"\n"
    (root / "source.txt").write_bytes(slots * count if kind == "same_size" else b"")
    engines = [running.start(ours, system, root, f"e{number}", 5) for number in range(2)]
    wait_until_ready(root, engines)
    (root / "go").touch()
    finish(running.start(kind, "-", root, "f", count))
    (root / "stop").touch()
    done = [finish(process) for process in engines]
    return everything(root), done


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_another_program_is_lost(
    fast: Path, share: int | None, kind: str, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    if not platform.system.has_leases:
        pytest.skip("these races are only won by leases and exchange")
    count = 100 * (share or 20)
    text, done = race(running, fast, kind, "native", count)
    tell(kind, count, done, lost(text, "f", count), capsys)
    assert lost(text, "f", count) == []
    assert all(guarantees == {BEST} for _, _, guarantees in done)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ONLY_EXCHANGE_WINS])
def test_no_line_is_lost_when_exchange_is_refused(
    fast: Path, share: int | None, kind: str, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    if not platform.system.has_leases:
        pytest.skip(f"only leases win {sorted(ONLY_LEASES_WIN)}")
    count = 50 * (share or 50)
    text, done = race(running, fast, kind, "no-exchange", count)
    tell(f"{kind} without exchange", count, done, lost(text, "f", count), capsys)
    assert lost(text, "f", count) == []
    assert all(guarantees == {"COMPARED"} for _, _, guarantees in done)


@pytest.mark.parametrize("kind", KINDS)
def test_the_naive_way_loses_lines_of_another_program(
    fast: Path, kind: str, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control: the same races, with what most programs do in the place of the storage."""
    for _ in range(20):  # whether they really meet is up to the machine
        text, done = race(running, fast, kind, "-", 100, ours="naive")
        if gone := lost(text, "f", 100):
            tell(f"{kind} against the naive way", 100, done, gone, capsys)
            return
        for mark in (fast / "go", fast / "stop", *fast.glob("ready.*")):
            mark.unlink()
    pytest.fail("the naive way lost nothing")


def tell(
    what: str,
    count: int,
    done: list[tuple[int, int, set[str]]],
    gone: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, conflicts = sum(one[0] for one in done), sum(one[1] for one in done)
    with capsys.disabled():
        print(f"\n{what}: {count} foreign writes, {ours} of ours, {conflicts} conflicts, {len(gone)} lost")  # noqa: T201
