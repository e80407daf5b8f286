"""The linter cannot see deferred imports; these processes can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeProject

PLAN = "- [x] One\n- [ ] [Script] Two\n    ```sh\n    true\n    ```\n- [!] Three\n"

IMPORT = """
import sys
import engine
loaded = {"textual", "rich", "tui"} & set(sys.modules)
assert not loaded, loaded
"""

COMMANDS = """
import sys
from tui.cli import main
for command in sys.argv[1:]:
    code = main(command.split())
    loaded = {"textual", "rich", "mcp", "pydantic"} & set(sys.modules)
    assert not loaded, (command, loaded)
    assert code in (0, 1, 2, 3, 4), (command, code)
"""

READING = """
import sys
from tui.cli import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
    loaded = {
        "asyncio", "click", "dataclasses", "difflib", "filelock", "markdown_it", "platformdirs", "psutil", "socket",
        "subprocess", "tomllib",
        "engine.atoms.local", "engine.loom", "engine.runtime.execution", "engine.status.importing", "textual", "rich",
    } & set(sys.modules)
    assert not loaded, (command, loaded)
"""


def run(code: str, *arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_engine_loads_no_screen(tmp_path: Path) -> None:
    run(IMPORT, cwd=tmp_path)


def test_reading_loads_nothing_of_what_only_running_needs(make_project: MakeProject) -> None:
    run(
        READING,
        "next",
        "next --json",
        "status --json",
        "status",
        cwd=make_project({"status.md": PLAN}),
    )


@pytest.mark.skipif(os.name == "nt" or "FLOW_PLATFORM" in os.environ, reason="filelock holds the locks there")
def test_marking_a_task_loads_nothing_of_what_only_running_needs(make_project: MakeProject) -> None:
    run(
        READING,
        "done 1",
        "reopen 1",
        cwd=make_project({"status.md": PLAN}),
    )


def test_headless_commands_load_no_screen(make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    (root / "file.txt").write_text("text\n")
    (root / "file.md").write_text("* [ ] Task\n")
    commands = """
        --help; --version; status; status --json; next; step; run; run --dry-run; retry 3; recover; start 2; fail 2
        skip 2; done 2; reopen 1; undo; reset; wait; stop; accept; restore; check; trust; log; context; doctor
        paths; init; add New; rename 4 Newer; move 4 --at 1; zoom 1; remove 1; fix .flow/status.md; import file.md
        completion zsh; check --unattended; loom read file.txt; loom append file.txt --text more; nonsense; demo .
        done 9; report; report --markdown; hook install; hook check; merge-driver file.txt file.txt file.txt; mcp --help
    """
    run(
        COMMANDS,
        *(command.strip() for command in commands.replace("\n", ";").split(";") if command.strip()),
        cwd=root,
    )
