"""Scripts that get the terminal, on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from engine.atoms import Script
from tests.integration.atoms.conftest import Bench
from tests.integration.atoms.test_script_runs import script

ENGINE = """\
import json, os, sys, time
from dataclasses import asdict
from pathlib import Path
from engine.atoms import Call, LocalRunner, Script
from engine.storage import Store

terminal = os.open(sys.argv[1], os.O_RDWR)  # the first one that a session opens becomes its own
os.tcsetpgrp(terminal, os.getpgrp())
config, run = json.loads(sys.argv[3]), sys.argv[4]
root = Path(sys.argv[2])
runner = LocalRunner(Store(root))
job = Script().job(Call(name="n", address="1", root=root, config=config), run)
supervisor = runner.start(run, tty=job.tty)
runner.release(job)
while (ended := runner.ended(run)) is None:
    time.sleep(0.01)
while runner.is_alive(supervisor):
    time.sleep(0.01)
owner = os.tcgetpgrp(terminal) == os.getpgrp()
print(json.dumps({**asdict(ended), "owner": owner, "output": runner.tail(run, 9)}), flush=True)
"""


@dataclass
class Terminal:
    """A person's side of a terminal on which an engine runs a script."""

    bench: Bench
    master: int
    slave: str
    process: subprocess.Popen[str] | None = None
    seen: bytes = b""

    def run(self, text: str) -> None:
        made = self.bench.call(script(text, "tty"))
        words = [self.slave, str(self.bench.root), json.dumps(made.config), self.bench.new_run()]
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, *words], stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read_until(self, text: bytes) -> None:
        def read() -> bool:
            with suppress(BlockingIOError):
                self.seen += os.read(self.master, 4096)
            return text in self.seen

        self.bench.wait(read)

    def answer(self) -> dict[str, Any]:
        assert self.process is not None
        answer = json.loads(self.process.communicate()[0])
        assert isinstance(answer, dict)
        return answer


@pytest.fixture
def terminal(bench: Bench) -> Iterator[Terminal]:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    made = Terminal(bench, master, os.ttyname(slave))
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()
    os.close(master)
    os.close(slave)


def test_a_tty_script_asks_and_is_answered(terminal: Terminal) -> None:
    terminal.run('test -t 0 && test -t 1 && echo ready && read x && echo "got <$x>"; stty raw -echo')
    terminal.read_until(b"ready")
    terminal.press(b"hello\n")
    terminal.read_until(b"got <hello>")

    answer = terminal.answer()

    assert (answer["code"], answer["captured"], answer["owner"]) == (0, False, True)
    assert "had the terminal" in answer["output"]
    modes = subprocess.run(["stty", "-a", "-F", terminal.slave], capture_output=True, text=True, check=True)
    assert " icanon " in modes.stdout and " echo " in modes.stdout


def test_ctrl_c_reaches_the_script_and_not_the_engine(terminal: Terminal) -> None:
    terminal.run("trap 'exit 5' INT; echo ready; while :; do sleep 0.02; done")
    terminal.read_until(b"ready")
    terminal.press(b"\x03")

    answer = terminal.answer()

    assert answer["code"] == 5
    assert answer["owner"]


def test_ctrl_z_does_not_strand_the_script(terminal: Terminal) -> None:
    terminal.run("echo ready; read x; echo over")
    terminal.read_until(b"ready")
    terminal.press(b"\x1a")
    terminal.press(b"go\n")
    terminal.read_until(b"over")

    assert terminal.answer()["code"] == 0


def test_without_a_terminal_a_tty_script_fails_with_that_reason(bench: Bench) -> None:
    """As in CI: the engine's session has no terminal."""
    if _has_terminal():
        pytest.skip("the tests themselves run in a terminal")

    result = bench.run(Script(), bench.call(script("true", "tty")))

    assert result.reason == "It could not be started: it needs a terminal, and there is none."


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True
