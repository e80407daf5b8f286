"""On a real terminal: calling a person who is not looking, a script that gets the terminal, and ends of every kind.

Asserted on the bytes that the program writes and on the modes of the terminal.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import Engine, Resume
from tests.terminal import Terminal

Make = Callable[[Mapping[str, str]], Path]

AWAY, BACK = "\x1b[O", "\x1b[I"  # what a terminal reports when it loses the focus and when it gets it
KEEP_TITLE, TITLE, RESTORE_TITLE = b"\x1b[22;2t", b"\x1b]2;! ", b"\x1b[23;2t"
LEAVE_SCREEN = b"\x1b[?1049l"
FIRST_LINE = b"\x1b[1;1H"
OSC = re.compile(rb"\x1b\][^\x07\x1b]*\x07")
CRASHING = """
import sys
from tui.cli import main
from tui.screens.main import MainScreen
def crash(screen):
    raise RuntimeError("a defect")
MainScreen.do_reread = crash
sys.exit(main())
"""


@contextmanager
def app(root: Path, *argv: str) -> Iterator[Terminal]:
    """The real program on a terminal of its own, at rest."""
    with Terminal([sys.executable, "-P", *(argv or ("-m", "tui"))], size=(100, 24), cwd=root) as terminal:
        terminal.wait_for("next 1 ")
        terminal.wait_for("help")
        yield terminal


def plan(gate: Path, name: str = "Approve") -> dict[str, str]:
    """A script that waits for the gate, and a task for a person behind it."""
    work = f"while [ ! -e {gate} ]; do sleep 0.02; done"
    return {"status.md": f"- [ ] [Script] One\n    ```sh\n    {work}\n    ```\n- [ ] {name}\n- [ ] Last\n"}


def report(terminal: Terminal, where: str) -> int:
    """Tells whether somebody looks, and waits until that was heard: then all of the screen is drawn anew. Answers where
    what is written then begins."""
    terminal.settle()
    since = terminal.send(where)
    terminal.wait_for(FIRST_LINE, since=since)
    return since


def call(terminal: Terminal, gate: Path, words: bytes) -> int:
    """Looks away while a script runs, behind which a person is needed; answers where what is written then begins."""
    terminal.send("r")
    terminal.wait_for("running 1 One")
    since = report(terminal, AWAY)
    gate.touch()
    terminal.wait_for(b"\x1b]9;" + words, since=since)
    terminal.wait_for(TITLE + words, since=since)
    return since


@pytest.mark.parametrize(
    ("bell", "looks"), [("", (BACK,)), ("bell = false\n", ())], ids=["looks", "unwanted"]
)
def test_who_looks_or_does_not_want_it_is_not_called(
    make_project: Make, gate: Path, bell: str, looks: tuple[str, ...]
) -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "flow-manager" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(bell)
    with app(make_project(plan(gate))) as terminal:
        terminal.send("r")
        terminal.wait_for("running 1 One")
        for where in (AWAY, *looks):
            report(terminal, where)
        gate.touch()
        terminal.wait_for("waiting for you: 2 Approve")
        terminal.send("q")
        assert terminal.wait() == 0
        for code in (b"\x1b]9;", b"\x1b]2;", KEEP_TITLE):
            assert code not in terminal.raw
        assert b"\x07" not in OSC.sub(b"", terminal.raw)


def test_who_does_not_look_is_called_once_by_bell_notice_and_title(make_project: Make, gate: Path) -> None:
    with app(make_project(plan(gate))) as terminal:
        since = call(terminal, gate, b"Approve: waiting\x07")
        said = bytes(terminal.raw[since:])
        assert OSC.sub(b"", said).count(b"\x07") == 1
        assert said.count(b"\x1b]9;") == said.count(TITLE) == said.count(KEEP_TITLE) == 1
        since = terminal.send(BACK)
        terminal.wait_for(RESTORE_TITLE, since=since)
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.raw.count(KEEP_TITLE) == terminal.raw.count(RESTORE_TITLE) == 1


def test_a_name_in_the_title_cannot_end_it(make_project: Make, gate: Path) -> None:
    with app(make_project(plan(gate, "a\x1b]0;owned\x07\x9cz"))) as terminal:
        since = call(terminal, gate, "a␛]0;owned␇".encode())
        assert b"\x1b]0;" not in terminal.raw[since:]


@pytest.mark.parametrize("end", ["quit", "crash", "SIGTERM", "SIGHUP", "SIGINT"])
def test_t7_06a_however_it_ends_the_terminal_is_as_it_was(make_project: Make, gate: Path, end: str) -> None:
    root = make_project(plan(gate))
    with Terminal(["sh", "-c", "sleep 60"], size=(100, 24)) as untouched:
        before = untouched.modes()
    with app(root, *(["-c", CRASHING] if end == "crash" else [])) as terminal:
        assert terminal.modes() != before
        call(terminal, gate, b"Approve: waiting\x07")
        if end.startswith("SIG"):
            os.kill(terminal.pid, getattr(signal, end))
        else:
            terminal.send("q" if end == "quit" else "\x1b[15~")  # f5
        code = terminal.wait()
        assert terminal.modes() == before
        raw = bytes(terminal.raw)
        assert raw.count(LEAVE_SCREEN) == 1
        assert raw.count(KEEP_TITLE) == raw.count(RESTORE_TITLE) == 1
        assert raw.rindex(RESTORE_TITLE) > raw.rindex(TITLE)
        for mode in (1000, 1003, 1004, 2004, 25):  # mouse, focus, pasting; the cursor is shown again
            assert raw.rfind(f"\x1b[?{mode}{'h' if mode == 25 else 'l'}".encode()) > raw.rfind(
                f"\x1b[?{mode}{'l' if mode == 25 else 'h'}".encode()
            )
        assert code == {"quit": 0, "crash": 1}.get(end) or code == 128 + getattr(signal, end)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP"])
def test_t7_06a_the_work_goes_on_when_a_signal_ends_the_app(
    make_project: Make, gate: Path, end: str, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    work = f"echo once >> count; while [ ! -e {gate} ]; do sleep 0.02; done"
    root = make_project({"status.md": f"- [ ] [Script] Long\n    ```sh\n    {work}\n    ```\n"})
    with app(root) as terminal:
        terminal.send("s")
        wait_for((root / "count").exists)
        terminal.wait_for("running 1 Long")
        os.kill(terminal.pid, getattr(signal, end))
        terminal.wait()
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    assert recovery.children
    assert not recovery.stopped
    gate.touch()
    wait_for(lambda: (known := Engine.open(root).recovery()) is not None and known.resume is Resume.COMMIT)
    with app_on_interrupted(root) as terminal:
        terminal.send("r")
        wait_for(lambda: Engine.open(root).tree().find("1").status == "done")
    assert (root / "count").read_text() == "once\n"


@contextmanager
def app_on_interrupted(root: Path) -> Iterator[Terminal]:
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(100, 24), cwd=root) as terminal:
        terminal.wait_for("Interrupted")
        terminal.wait_for("not now")
        yield terminal


ASKING = r"""- [ ] [Script] Ask
    ```sh tty
    stty -a > modes
    printf 'your answer: '; read answer
    printf '\033[?1000h\033[?25l\033[?1h\033[31m'
    stty raw -echo
    echo "got $answer" > answer
    ```
- [ ] After
"""


def test_a_tty_script_gets_the_terminal_and_gives_it_back_whole(make_project: Make) -> None:
    root = make_project({"status.md": ASKING})
    with Terminal(["sh", "-c", "sleep 60"], size=(100, 24)) as untouched:
        before = untouched.modes()
    with app(root) as terminal:
        inside = terminal.modes()
        since = terminal.send("s")
        terminal.wait_for(LEAVE_SCREEN, since=since)
        since = terminal.raw.index(LEAVE_SCREEN, since)
        terminal.wait_for("your answer: ", since=since)
        assert terminal.modes()[:4] == before[:4]
        flags = terminal.modes()[3]
        assert isinstance(flags, int)
        assert flags & termios.ICANON
        at = terminal.send("yes, qsx\r")  # keys of the app, and none of them is one here
        terminal.wait_for("yes, qsx", since=at)  # the terminal itself shows what is typed
        terminal.wait_for("next 2 After", since=at)
        terminal.wait_for(b"\x1b[?1000h", since=at)
        assert terminal.modes() == inside
        since = terminal.send("?")
        terminal.wait_for("Here and now", since=since)
        terminal.send("?q")
        assert terminal.wait() == 0
        assert terminal.modes() == before
        assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(LEAVE_SCREEN) == 2
        assert terminal.raw.rfind(b"\x1b[?1000l") > terminal.raw.rfind(b"\x1b[?1000h")
    assert "isig icanon" in (root / "modes").read_text()
    assert (root / "answer").read_text() == "got yes, qsx\n"
