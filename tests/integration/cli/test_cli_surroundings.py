"""Commands where the world around them is not as usual: streams, locales, homes, terminals, signals, paths."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow
from tests.terminal import Terminal

PLAN = "- [x] Freeze\n- [ ] [Script] Build\n    ```sh\n    echo built\n    ```\n- [ ] Sign\n"
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project({"status.md": PLAN})


EACH = [
    *FLOW[:-2],
    "-c",
    "import sys; from tui.cli import main; sys.exit(max(main(each.split()) for each in sys.argv[1:]))",
]
"""Runs every argument as a command, in one process: what is asked is what becomes of them, not how they start."""


def run(
    *arguments: str,
    root: Path,
    env: Mapping[str, str] | None = None,
    redirect: str = "",
    program: Sequence[str] = FLOW,
) -> tuple[int, str, str]:
    """As a process of a shell, which can close streams."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *program, *arguments],
        cwd=root,
        env=None if env is None else {"PATH": os.environ["PATH"], "FLOW_TRUST": "1", **env},
        capture_output=True,
        timeout=60,
        check=False,
    )
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in err, err
    assert "defect" not in err, err
    return done.returncode, out, err


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_seen(redirect: str, root: Path) -> None:
    assert run("status", root=root, redirect=redirect)[0] == 0
    assert run("step", root=root, redirect=redirect)[0] == 0
    assert run("done", "Sign", root=root, redirect=redirect)[0] == 0
    assert run("done", "Nobody", root=root, redirect=redirect)[0] == 2
    assert run(root=root, redirect=redirect)[0] == 2
    assert (root / ".flow/status.md").read_text() == PLAN.replace("[ ]", "[x]")


OLD = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_in_the_c_locale_names_are_utf_8_all_the_same(root: Path) -> None:
    assert run("add", "Überprüfen 🚀", root=root, env=OLD)[0] == 0
    assert "- [ ] Überprüfen 🚀\n" in (root / ".flow/status.md").read_text()
    assert run("done", "Überprüfen 🚀", root=root, env=OLD)[0] == 0
    code, out, _ = run("status", "--json", root=root, env=OLD)
    assert (code, out.isascii()) == (0, True)
    assert "Überprüfen 🚀" in run("status", root=root, env=OLD)[1]


def test_bytes_that_are_no_utf_8_are_refused_or_kept_as_escapes(root: Path) -> None:
    odd = os.fsdecode(b"\xff")
    assert run("add", odd, root=root)[0] == 2
    assert run("rename", "Sign", odd, root=root)[0] == 2
    assert run("done", odd, root=root)[0] == 2
    assert run("done", "Sign", "--note", odd, root=root, env={"FLOW_ACTOR": odd})[0] == 0
    assert run("undo", root=root, env={"FLOW_ACTOR": odd})[0] == 0
    assert run("log", root=root)[0] == 0
    (root / f"l{odd}.md").write_text("* [ ] One\n")
    assert run("import", f"l{odd}.md", root=root)[0] == 2
    assert run("import", f"l{odd}.md", "--as", "one.md", root=root)[0] == 0
    assert (root / ".flow/status.md").read_text() == PLAN


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/dev/null/home"}])
def test_without_a_home_everything_works_but_trust(
    home: Mapping[str, str], root: Path, tmp_path: Path
) -> None:
    if "HOME" not in home:
        home = {"XDG_STATE_HOME": str(tmp_path / "state")}  # else the test would write to the real one
    looks = ("status", "next", "step", "done Sign", "undo", "check", "doctor", "paths", "log", "context")
    assert run(*looks, root=root, env=home, program=EACH)[0] == 0
    assert run("init", "new", root=root, env=home)[0] == 0
    assert run("step", root=root / "new", env=home)[0] == 0
    if home.get("HOME"):
        code, _, err = run("trust", root=root, env={**home, "FLOW_TRUST": ""})
        assert (code, "FLOW_TRUST=1" in err) == (74, True)
        assert run("step", root=root / "new", env={**home, "FLOW_TRUST": ""})[0] == 3


@pytest.mark.parametrize("columns", ["0", "1", "7", "-3", "wide", "100000"])
def test_any_width_of_a_terminal_will_do(
    columns: str, flow: Flow, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in ("--help", "run --help", "loom --help", "status", "doctor", "nonsense"):
        assert flow(*command.split(), cwd=root).code == (2 if command == "nonsense" else 0)


def test_a_path_with_spaces_and_quotes(flow: Flow, root: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "place" $HOME'
    shutil.move(root, odd)
    for command in ("status", "step", "check", "paths", "doctor", "log", "run --detach", "wait"):
        assert flow(*command.split(), cwd=odd).code in (0, 3), command


COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("command", ["status", "next", "doctor", "step", "log", "run --dry-run", "nonsense"])
def test_colour_is_for_terminals(command: str, flow: Flow, root: Path) -> None:
    def printed(**env: str) -> bytes:
        with Terminal([*FLOW, *command.split()], cwd=root, env=env) as terminal:
            terminal.wait()
            return bytes(terminal.raw)

    flow("start", "Sign", cwd=root)
    coloured = printed()
    assert COLOUR.search(coloured)
    assert b"\x1b" not in COLOUR.sub(b"", coloured)
    assert not COLOUR.search(printed(NO_COLOR="1"))
    assert not COLOUR.search(printed(TERM="dumb"))
    piped = flow(*command.split(), cwd=root)
    assert "\x1b" not in piped.out + piped.err


def _waits(pid: int) -> bool:
    """Whether the event loop of this process has begun (Linux)."""
    with suppress(OSError):  # one of its files was closed meanwhile
        return any("eventpoll" in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())
    return False


@pytest.mark.parametrize("command", ["wait", "log --follow"])
def test_ctrl_c_ends_a_command_quietly(command: str, root: Path, wait_for: Wait) -> None:
    (root / ".flow/status.md").write_text(
        "- [ ] [Script] Wait\n    ```sh\n    touch begun; exec sleep 600\n    ```\n"
    )
    engine = subprocess.Popen([*FLOW, "run"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((root / "begun").exists)
        process = subprocess.Popen(
            [*FLOW, *command.split()], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        # While the interpreter itself starts, ctrl+c is its affair: wait until the command is at work.
        if command == "wait":
            wait_for(lambda: _waits(process.pid))
        else:
            assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (130, "")
    finally:
        engine.send_signal(signal.SIGINT)
        assert engine.wait(60) == 3


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_signals_that_are_ignored_stay_ignored(name: str, flow: Flow, root: Path, wait_for: Wait) -> None:
    """`nohup flow run`, and a background run of a script, which a shell starts with SIGINT ignored."""
    (root / ".flow/status.md").write_text(
        "- [ ] [Script] Wait\n    ```sh\n    touch begun; while [ ! -e go ]; do sleep 0.02; done\n    ```\n"
    )
    code = f"import os, signal, sys; signal.signal(signal.{name}, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    engine = subprocess.Popen(
        [sys.executable, "-c", code, *FLOW, "run"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for((root / "begun").exists)
    engine.send_signal(getattr(signal, name))
    assert flow("wait", "--timeout", "0.3", cwd=root).code == 8
    (root / "go").touch()
    assert engine.wait(60) == 0


@pytest.mark.parametrize(
    ("folder", "project"),
    [
        (b"Orbit 2.0", "Orbit 2.0"),
        (b"a\nb\xff", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"),
        (b"<!--", "My project"),
    ],
)
def test_the_starter_plan_is_named_after_its_folder(
    folder: bytes, project: str, flow: Flow, tmp_path: Path
) -> None:
    root = tmp_path / os.fsdecode(folder)
    root.mkdir()
    assert flow("init", cwd=root).code == 0
    assert (root / ".flow/status.md").read_text().startswith(f"Project: {project}\n\n- [ ] ")
    assert flow("check", cwd=root).code == 0
    assert flow("status", "--json", cwd=root).json["headers"] == {"Project": project}


def test_a_plan_that_is_new_was_made_by_another_program_not_changed(flow: Flow, tmp_path: Path) -> None:
    flow("init", cwd=tmp_path)
    plan = tmp_path / ".flow/status.md"
    plan.write_text(plan.read_text() + "- [ ] [Build](build.md)\n")
    (tmp_path / ".flow/build.md").write_text("- [ ] Compile\n")
    said = flow("status", cwd=tmp_path).out
    assert ".flow/status.md was changed by another program." in said
    assert ".flow/build.md was made by another program." in said
    flow("done", "Compile", cwd=tmp_path)
    told = flow("log", cwd=tmp_path).out
    assert "status.md  changed by another program, taken in" in told
    assert "build.md  made by another program, taken in" in told
    flow("add", "[Docs](docs.md)", cwd=tmp_path)
    (tmp_path / ".flow/flow.toml").write_text('integrity = "strict"\n')
    (tmp_path / ".flow/docs.md").write_text("- [ ] Write\n")
    assert ".flow/docs.md was made by another program." in flow("done", "Write", cwd=tmp_path).err
