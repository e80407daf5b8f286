"""Shells complete addresses and names: what is suggested, and what real shells make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tests.terminal import Terminal

PLAN = """\
- [ ] Build
    - [ ] Run the tests
    - [ ] Don't "guess" $HOME
- [ ] Überprüfen & los
- [ ] Twice
    - [ ] Same
- [ ] Once
    - [ ] Same
- [ ] Ratio a:b
- [ ] - dashed name
- [ ] Hey!you
- [ ] Evil \x1b[2J name
"""


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project({"status.md": PLAN})


class Ask:
    """Asks for suggestions as the functions of `flow completion` do."""

    def __init__(self, flow: Flow, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.flow, self.root, self.patch = flow, root, patch

    def __call__(self, shell: str, line: str) -> list[str]:
        self.patch.setenv("_FLOW_COMPLETE", shell)
        self.patch.setenv("COMP_LINE", line)
        ran = self.flow(cwd=self.root)
        assert ran.err == ""
        return ran.out.splitlines()


@pytest.fixture
def ask(flow: Flow, root: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return Ask(flow, root, monkeypatch)


@pytest.mark.parametrize(
    "command", ["done", "rename", "move", "move 1 --to", "zoom", "add New --to", "run --until"]
)
def test_addresses_complete_with_their_names(ask: Ask, command: str) -> None:
    assert ask("fish", f"flow {command} 1.") == ["1.1\tRun the tests", '1.2\tDon\'t "guess" $HOME']
    assert ask("bash", f"flow {command} 1.") == ["1.1", "1.2"]


def test_names_complete_where_they_are_unique(ask: Ask) -> None:
    assert ask("zsh", "flow done Run") == ["Run the tests"]
    assert ask("zsh", "flow done 'Run th") == ["Run the tests"]
    assert ask("zsh", "flow done Run\\ th") == ["Run the tests"]
    assert ask("zsh", "flow done Same") == []


def test_bash_gets_the_rest_of_a_word_quoted_as_the_word_began(ask: Ask) -> None:
    assert ask("bash", "flow done Run") == ["Run\\ the\\ tests"]
    assert ask("bash", "flow done 'Don") == ["Don'\\''t \"guess\" $HOME"]
    assert ask("bash", 'flow done "Don') == ['Don\'t \\"guess\\" \\$HOME']


def test_what_a_terminal_would_obey_is_not_suggested(ask: Ask) -> None:
    assert ask("zsh", "flow done Evil") == []
    assert "\x1b" not in "".join(ask("fish", "flow done "))


def test_commands_options_choices_and_files_complete(ask: Ask) -> None:
    assert ask("bash", "flow sta") == ["status", "start"]
    assert ask("bash", "flow loom re") == ["read", "replace"]
    assert ask("bash", "flow run --un") == ["--until"]
    assert ask("bash", "flow recover re") == ["resume", "retry"]
    assert ask("zsh", "flow import x") == ["\tfiles"]
    assert ask("zsh", "flow done '- d") == ["- dashed name"]
    assert ask("zsh", "flow run --until=1.1") == ["--until=1.1\tRun the tests"]


def test_outside_of_a_project_there_is_nothing_to_suggest(ask: Ask, tmp_path: Path) -> None:
    ask.root = tmp_path
    assert ask("bash", "flow done ") == []


SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOAD = {
    "bash": 'eval "$(flow completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(flow completion zsh)"',
    "fish": "flow completion fish | source",
}


TYPED = {
    "Run": "Run the tests",
    "'Run th": "Run the tests",
    '"Run th': "Run the tests",
    "Run\\ th": "Run the tests",
    "Don": 'Don\'t "guess" $HOME',
    '"Don': 'Don\'t "guess" $HOME',
    "'Über": "Überprüfen & los",
    "Rat": "Ratio a:b",
    "4.": "4.1",
    "'- da": "- dashed name",
    '"- da': "- dashed name",
    "Hey": "Hey!you",
    '"Hey': "Hey!you",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_reads_back_the_names(shell: str, root: Path, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    seen = tmp_path / "seen"
    # The lines are not run: what the shell makes of them goes to a file, by a word put in front of them.
    programs = {
        "flow": f'exec "{sys.executable}" -P -m tui "$@"',
        "note": f"printf '%s\\n' \"$@\" > '{seen}.part' && mv '{seen}.part' '{seen}'",
    }
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "HISTFILE": ""}
    with Terminal(SHELLS[shell], cwd=root, env=env) as terminal:
        terminal.send(f"{LOAD[shell]}; echo re''ady\r")
        terminal.wait_for("ready")
        for typed, meant in TYPED.items():
            terminal.send(f"flow done {typed}\t\x01note \r")
            for _ in range(600):
                if seen.exists():
                    break
                terminal.read(0.05)
            assert seen.exists(), bytes(terminal.raw)
            assert seen.read_text().splitlines() == ["flow", "done", meant]
            seen.unlink()


def test_fish_completes_files_behind_an_open_quote(root: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    (root / "file with spaces.md").touch()
    flow = f"function flow; '{sys.executable}' -P -m tui $argv; end; flow completion fish | source; "
    for typed in ('"file w', "'file w", "file\\ w"):
        asked = subprocess.run(
            ["fish", "--no-config", "-c", flow + "complete -C $TYPED"],
            cwd=root,
            env={**os.environ, "TYPED": f"flow import {typed}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "file with spaces.md" in asked.stdout.replace("\\ ", " "), typed
