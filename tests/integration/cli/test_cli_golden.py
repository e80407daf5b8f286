"""The help and the text of every command, as they are kept in `tests/data/golden/`, a file a command.

`FLOW_GOLDEN=write pytest tests/integration/cli/test_cli_golden.py` writes them anew: read the difference before you
commit it.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tui.commands.group import COMMANDS

FOLDER = Path(__file__).resolve().parents[2] / "data" / "golden"

PLAN = """\
Project: Orbit

# Release

- [x] Freeze <!-- why -->
- [/] [Build](build.md)
- [ ] Sign
    - [ ] Ask
    - [ ] Stamp
"""
BUILD = """\
- [ ] [Script] Compile
    ```sh
    echo compiling
    echo '{"built": "1.1"}' > "$FLOW_EXPORTS"
    ```
- [ ] [Script] Test
    ```sh
    test -e ready
    ```
- [-] Mirror
"""
NOTES = "# Notes\n\n* [ ] One\n* [x] Two\n    * [ ] Three\nsame\nsame\n"

# What is run, line after line, in one project; `--help` comes first by itself. Commands that are not here have tests
# of their text elsewhere.
LINES = {
    "flow": ["nonsense", "statsu", "--nonsense", "--readonly status", ""],
    "init": ["init new", "init new", "init", "init notes.md"],
    "status": ["status", "status 2", "status 9", "status Stmp", "status --flat"],
    "next": ["next", "skip 2", "done Ask", "done Stamp", "next"],
    "step": ["step", "step --expect Nobody", "step", "step"],
    "run": [
        "run --dry-run", "run --dry-run --until 2/1", "run", "run --dry-run", "skip 2/2", "run", "run --until 9",
        "run --until 2", "done 3", "run --dry-run", "run",
    ],
    "wait": ["wait", "step", "wait", "wait --timeout x"],
    "stop": ["stop"],
    "start": ["start 2/1", "start Stamp", "start 1", "start", "start 2/1 --expect Test"],
    "done": ["done 2/1 --note 'on both'", "done Freeze", "done 2", "done 3.1 --expect Stamp", "done Nobody"],
    "skip": ["skip 3", "skip 1"],
    "fail": ["fail 2/1", "fail 3", "next"],
    "reopen": ["reopen 1", "reopen 2/3", "reopen Ask"],
    "reset": ["reset 1", "reset", "reset 9"],
    "undo": ["undo", "done Ask", "undo", "reset", "undo", "undo"],
    "retry": ["retry 2/2", "step", "step", "retry 2/2", "retry Sign"],
    "recover": ["recover", "recover resume", "recover maybe"],
    "add": ["add Publish", "add Ask --to 3", "add 'Ask again' --to 3 --at 1", "add ''", "add X --to 1", "add -",
            "add Y --to 3 --expect Sign", "add Z --to 3 --expect Build", "add Z --expect Sign"],
    "rename": ["rename Stamp 'Stamp it'", "rename 3.1 'Stamp it'", "rename 3 Signed --expect Sing"],
    "move": ["move Stamp --at 1", "move 1 --to 4", "move 4 --to 4.1", "move 9"],
    "remove": ["remove Stamp", "remove 3 --expect Stamp"],
    "zoom": ["zoom Sign", "zoom Sign", "zoom 1"],
    "accept": ["accept"],
    "restore": ["restore"],
    "check": ["check", "check --unattended", "check notes.md", "check gone.md"],
    "fix": ["fix .flow/status.md", "fix .flow/status.md --comments", "fix .flow/status.md --comments --yes",
            "fix notes.md"],
    "import": ["import notes.md", "import notes.md", "import gone.md"],
    "loom": [
        "loom", "loom --help", "loom nonsense", "loom read --help", "loom insert --help", "loom replace --help",
        "loom append --help", "loom line --help", "loom read notes.md", "loom read gone.md",
        "loom insert notes.md --after Notes --text new", "loom insert notes.md --after same --text new",
        "loom insert notes.md --after sane --text new", "loom insert notes.md --text new",
        "loom insert notes.md --after Notes --text newer --base 0000",
        "loom replace notes.md --start new --end 'Two' --text between", "loom append notes.md --text last",
        "loom append notes.md --text last", "loom line notes.md 1 --expect '# Note' --text x",
        "loom read .flow/status.md",
        "loom append .flow/status.md --text x", "loom append ../x --text x",
    ],
    "context": ["context", "step", "context"],
    "trust": ["trust --show", "trust"],
    "doctor": ["doctor", "fail 3", "doctor"],
    "paths": ["paths"],
    "completion": ["completion fish", "completion tcsh"],
    "demo": ["demo .", "demo notes.md"],
    "report": [
        "report --markdown", "step", "step", "report --markdown", "report --output report.html",
        "report --markdown --output notes.md/report.md",
    ],
    "hook": [
        "hook", "hook install --help", "hook install", "hook uninstall --help", "hook uninstall",
        "hook check --help", "hook check",
    ],
    "merge-driver": [
        "merge-driver", "merge-driver .flow/build.md .flow/build.md .flow/build.md build.md",
        "merge-driver .flow/alone.md .flow/build.md .flow/status.md build.md", "check .flow/build.md",
        "merge-driver gone.md .flow/build.md notes.md",
    ],
    "mcp": ["mcp", "mcp --root gone", "mcp --root notes.md"],
    "serve": ["serve --host 0.0.0.0", "serve --port 0", "serve --port x"],
}  # fmt: skip

CHANGING = {
    r"\d+\.\d s\b": "<TIME>",
    r"\b\d{4}-\d\d-\d\dT[\d:.]+\+00:00": "<WHEN>",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b": "<WHEN>",
    r"\b[0-9a-f]{64}\b": "<REVISION>",
    r"(`git [a-z-]+` failed: ).*": r"\1<WHAT GIT SAYS>",
    r"(?m)^platform .*": "platform   <PLATFORM>",
    r"(?m)^git .*": "git        <GIT>",
    r"(?m)^guarantee .*\n .*": "guarantee  <GUARANTEE>",
}


@pytest.mark.parametrize("name", ["flow", *COMMANDS])
def test_help_and_text_are_as_they_were(
    name: str, flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    root = make_project({"status.md": PLAN, "build.md": BUILD, "alone.md": "- [ ] Nobody refers to it\n"})
    (root / "notes.md").write_text(NOTES)
    texts = []
    for line in ["--help" if name == "flow" else f"{name} --help", *LINES.get(name, [])]:
        ran = flow(*shlex.split(line), cwd=root)
        said = "".join(f"! {text}\n" for text in ran.err.splitlines())
        texts.append(f"$ flow {line}\n{ran.out}{said}[{ran.code}]\n")
    text = "\n".join(texts).replace(str(root), "<ROOT>").replace(os.environ["HOME"], "<HOME>")
    text = text.replace(str(Path(__file__).resolve().parents[3]), "<HERE>")
    for pattern, stand_in in CHANGING.items():
        text = re.sub(pattern, stand_in, text)
    kept = FOLDER / f"{name}.txt"
    if os.environ.get("FLOW_GOLDEN") == "write":
        kept.write_text(text, "utf-8")
    assert kept.read_text("utf-8") == text


def test_no_file_is_left_of_a_command_that_is_gone() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {"flow", *COMMANDS}
