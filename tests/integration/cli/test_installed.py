"""What is shipped, and that it works where nothing else of this repository is.

One test: it builds once and installs once, which takes long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tui.commands.group import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = {
    "engine/py.typed",
    "tui/py.typed",
    "tui/__main__.py",
    "flow_manager-{version}.data/data/share/man/man1/flow.1",
    "flow_manager-{version}.dist-info/licenses/LICENSE",
}


def python(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_what_is_shipped_is_whole_and_works_alone(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    out = build(tmp_path / "built")
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    the_wheel_holds_the_program_and_nothing_else(wheel)
    the_source_distribution_can_be_built_and_tested(sdist)
    place = install(wheel, tmp_path / "a fresh place")
    every_command_works(place, tmp_path / "my project")
    the_app_opens_in_every_theme(place, tmp_path / "my project", tmp_path / "config")


def build(folder: Path) -> Path:
    """Makes the wheel and the sdist; answers with the folder that holds them."""
    tool = python(
        "-m", "pip", "install", "--quiet", "--target", folder / "tool", "hatchling>=1.25", cwd=folder
    )
    if tool.returncode:
        pytest.skip(f"the build tool cannot be had here: {tool.stderr.strip().splitlines()[-1:]}")
    code = f"import sys; sys.path.insert(0, {str(folder / 'tool')!r}); from hatchling.cli import hatchling; hatchling()"
    done = python("-c", code, "build", "-d", folder / "out", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def tracked(*folders: str) -> set[str]:
    """The files of the repository below these folders; where there is no git, the test is about nothing."""
    done = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode or not done.stdout:
        pytest.skip("not in a clone of the repository")
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


def the_wheel_holds_the_program_and_nothing_else(wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {name.format(version=version) for name in SHIPPED} <= names
    assert tracked("engine", "tui", "themes") <= names
    for name in names:
        assert name.split("/")[0].partition("-")[0] in ("engine", "tui", "themes", "flow_manager"), name
        assert "__pycache__" not in name
        assert "tests" not in name.split("/") or name.startswith("tui/demo/template/"), name


def the_source_distribution_can_be_built_and_tested(sdist: Path) -> None:
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert (
        tracked("engine", "tui", "themes", "share", "tests", "README.md", "LICENSE", "pyproject.toml")
        <= names
    )
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", ".git/"))]


def install(wheel: Path, folder: Path) -> Path:
    """Makes a fresh environment in `folder`. What the program depends on is that of this environment."""
    venv.create(folder, symlinks=True)
    own = folder / "bin" / "python"
    done = python(
        "-m", "pip", "--python", own, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    purelib = subprocess.run(
        [own, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # A folder named in a .pth file is searched, but its own .pth files (our editable install) are not obeyed.
    Path(purelib, "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def every_command_works(installed: Path, project: Path) -> None:
    program = installed / "bin" / "flow"

    def flow(*arguments: str, cwd: Path = project, code: int = 0) -> str:
        done = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout

    assert flow("--version", cwd=installed).startswith("flow ")
    flow("init", str(project), cwd=installed)
    paths = json.loads(flow("paths", "--json"))
    assert Path(paths["schemas"]).is_relative_to(installed)
    assert len(list(Path(paths["schemas"]).glob("*.json"))) > 20
    assert (installed / "share/man/man1/flow.1").is_file()

    def each(*commands: str) -> str:
        """What they print, in one process of what is installed. All are to end with 0."""
        code = (
            "import sys; from tui.cli import main; sys.exit(max(main(each.split()) for each in sys.argv[1:]))"
        )
        done = subprocess.run(
            [installed / "bin/python", "-P", "-c", code, *commands],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    assert each(*(f"{name} --help" for name in COMMANDS)).count("Usage: flow") == len(COMMANDS)
    flow("run", code=3)
    flow("done", "2")
    flow("add", "Ship it")
    flow("zoom", "Ship it")
    flow("start", "3")
    flow("reset")
    flow("undo")
    each("status", "next", "log", "context", "check", "doctor", "recover", "accept", "restore", "trust")
    flow("run", "--detach", code=3)
    flow("wait", code=3)
    (project / "notes.md").write_text("Notes\n")
    flow("loom", "insert", "notes.md", "--after", "Notes", "--text", "More")
    assert (project / "notes.md").read_text() == "Notes\nMore\n"
    done = subprocess.run(
        [installed / "bin/python", "-m", "tui", "status"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Ship it" in done.stdout) == (0, True)


def the_app_opens_in_every_theme(installed: Path, project: Path, home: Path) -> None:
    (home / "flow-manager").mkdir(parents=True)
    themes = sorted(file.stem for file in (ROOT / "themes").glob("*.toml"))
    assert themes
    for theme in themes:
        (home / "flow-manager" / "config.toml").write_text(f'theme = "{theme}"\n')
        with Terminal(
            [str(installed / "bin" / "flow")], cwd=project, env={"XDG_CONFIG_HOME": str(home)}
        ) as terminal:
            terminal.wait_for("Say hello")
            terminal.send("q")
            assert terminal.wait() == 0, theme
        assert b"Traceback" not in terminal.raw
