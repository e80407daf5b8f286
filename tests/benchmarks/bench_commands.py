"""Whole commands as processes, as ratios in one run: `python tests/benchmarks/bench_commands.py [TASKS ...]`.

`flow next` on a small plan against `python -c "import click"` (aim: at most 2.5 times as long), and with 1,000 and
10,000 tasks: list, next, mark one done, against taskwarrior (`task`, from Debian) and backlog.md (`backlog`, from npm)
where they are installed (aim, at 10,000: no slower than the first, 15 times faster than the second). Their projects
are made in their own ways: one import, and one file a task. Times are the best of several, taken in turns, as they
pass and (in brackets) as the processor spends them: on a busy machine only the second ones say something.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SIZES = (1_000, 10_000)
TURNS = 7
SLOW = 3.0
"""A command that takes longer is not repeated: backlog.md reads a file a task, ten thousand of them for minutes."""


@dataclass(frozen=True)
class Took:
    """Seconds: on the clock, and of the processor."""

    clock: float
    processor: float

    def best(self, other: Took) -> Took:
        return Took(min(self.clock, other.clock), min(self.processor, other.processor))

    def told(self, own: Took | None = None) -> str:
        text = f"{self.clock * 1000:.0f} ms [{self.processor * 1000:.0f}]"
        if own is None:
            return text
        return f"{text}, {self.clock / own.clock:.2f} [{self.processor / own.processor:.2f}] times as long"


@dataclass
class Program:
    """How one program is asked. `number` in `done` is a task that is still open, another one every time."""

    name: str
    folder: Path
    listing: list[str]
    following: list[str] | None
    done: Callable[[int], list[str]]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: list[str]) -> Took:
        """What the process took. Raises where it fails, since then it has done something else."""
        begun, spent = time.perf_counter(), _spent()
        subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return Took(time.perf_counter() - begun, _spent() - spent)


def _spent() -> float:
    """Seconds of the processor in all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def flow(folder: Path, tasks: int) -> Program:
    program = [str(Path(sys.executable).with_name("flow"))]
    if not Path(program[0]).exists():
        program = [sys.executable, "-m", "tui"]
    folder.mkdir(parents=True)
    environment = {"XDG_STATE_HOME": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(
        [*program, "init"], cwd=folder, check=True, env={**os.environ, **environment}, capture_output=True
    )
    lines = (f"- [ ] Task number {number} of the plan\n" for number in range(1, tasks + 1))
    (folder / ".flow" / "status.md").write_text("".join(lines))
    return Program(
        "flow",
        folder,
        [*program, "status"],
        [*program, "next"],
        lambda n: [*program, "done", str(n)],
        environment,
    )


def taskwarrior(folder: Path, tasks: int) -> Program | None:
    if shutil.which("task") is None:
        print("taskwarrior is not installed (apt install taskwarrior): left out")
        return None
    folder.mkdir(parents=True)
    (folder / "rc").write_text(f"data.location={folder}/data\nconfirmation=off\nverbose=nothing\ngc=off\n")
    environment = {"TASKRC": str(folder / "rc"), "TASKDATA": str(folder / "data")}
    made = [{"description": f"Task number {number} of the plan"} for number in range(1, tasks + 1)]
    subprocess.run(
        ["task", "import", "-"],
        input=json.dumps(made),
        text=True,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    following = ["task", "next", "limit:1"]
    return Program(
        "taskwarrior", folder, ["task", "list"], following, lambda n: ["task", str(n), "done"], environment
    )


def backlog(folder: Path, tasks: int) -> Program | None:
    program = shutil.which("backlog")
    if program is None:
        print("backlog.md is not installed (npm install -g backlog.md): left out")
        return None
    folder.mkdir(parents=True)
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
    subprocess.run([*git, "init", "--quiet"], cwd=folder, check=True)
    answers = ["--defaults", "--agent-instructions", "none", "--check-branches", "false"]
    subprocess.run([program, "init", "Bench", *answers], cwd=folder, check=True, capture_output=True)
    subprocess.run([program, "task", "create", "Model"], cwd=folder, check=True, capture_output=True)
    (model,) = (folder / "backlog" / "tasks").iterdir()
    text = model.read_text()
    stem = model.stem.partition(" ")[0].rpartition("-")[0]
    identity = next(line for line in text.splitlines() if line.startswith("id:"))
    model.unlink()
    for number in range(1, tasks + 1):
        title = f"Task number {number} of the plan"
        own = text.replace(identity, f"{identity.rpartition('-')[0]}-{number}").replace("Model", title)
        (model.parent / f"{stem}-{number} - {title.replace(' ', '-')}.md").write_text(own)
    subprocess.run([*git, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Bench"], cwd=folder, check=True)
    return Program(
        "backlog.md",
        folder,
        [program, "task", "list", "--plain"],
        None,
        lambda n: [program, "task", "edit", str(n), "-s", "Done", "--plain"],
    )


def best(programs: list[Program], command: Callable[[Program, int], list[str] | None]) -> dict[str, Took]:
    """The best time of each, in turns; `command` gets the number of the turn."""
    found: dict[str, Took] = {}
    for turn in range(TURNS):
        for program in programs:
            line = command(program, turn)
            if line is None or (turn > 0 and found[program.name].clock > SLOW):
                continue
            took = program.run(line)
            found[program.name] = took.best(found.get(program.name, took))
    return found


def compare(folder: Path, tasks: int) -> None:
    made = [
        flow(folder / "flow", tasks),
        taskwarrior(folder / "task", tasks),
        backlog(folder / "backlog", tasks),
    ]
    programs = [program for program in made if program is not None]
    for what, command in (
        ("list", lambda program, turn: program.listing),
        ("next", lambda program, turn: program.following),
        ("done", lambda program, turn: program.done(tasks // 2 + turn)),
    ):
        times = best(programs, command)
        print(f"{tasks:>7,} tasks, {what}: " + "; ".join(told(times)))


def told(times: dict[str, Took]) -> Iterator[str]:
    own = times["flow"]
    yield f"flow {own.told()}"
    for name, took in times.items():
        if name != "flow":
            yield f"{name} {took.told(own)}"


def small(folder: Path) -> None:
    program = flow(folder, 3)
    click = Program("click", folder, [sys.executable, "-c", "import click"], None, lambda n: [])
    times = best([click, program], lambda one, turn: one.listing if one is click else one.following)
    print(f"flow next on 3 tasks: {times['flow'].told(times['click'])} as `import click`")


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory(prefix="flow-bench-") as place:
        small(Path(place, "small"))
        for tasks in sizes:
            compare(Path(place, str(tasks)), tasks)


if __name__ == "__main__":
    main()
