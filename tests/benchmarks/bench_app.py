"""The app from outside, through a pseudo-terminal: `python -m tests.benchmarks.bench_app [paint] [keys] [folds] ...`.

Beside it, in the same run and in turns, a bare Textual app that is nothing but a `Tree` with as many nodes. Aims: the
first picture of 100,000 tasks in 50 files within 1.5 times that of 100; a key answered within 1.2 times the bare app's
median; folding the root as quick as folding a single child; memory at most the bare app's; a key answered within 50 ms
(95th percentile) while a script prints 200,000 lines a second.

A picture counts when the text of a row was read from the terminal, an answer when the name of the row was that the key
leads to. Times are real, on an idle machine only; the processor time beside them is worth something on a busy one too.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.terminal import Terminal

HERE = Path(__file__).parents[2]
TASKS, FILES, FEW = 100_000, 50, 100
ROUNDS = 5
KEYS = 90

REGISTRY = {"Script": "engine.atoms.script:Script", "Manual": "engine.atoms.manual:Manual"}

FLOOD = """\
import sys, time
LINE = "line {:>9} of what a chatty program prints, without end\\n"
def lines(first, count):
    return "".join(LINE.format(number) for number in range(first, first + count))
start, said = time.monotonic(), 0
while (gone := time.monotonic() - start) < SECONDS:
    due = int(gone * 200_000) - said
    if due > 0:
        sys.stdout.write(lines(said, due))
        said += due
    time.sleep(0.005)
sys.stdout.write(f"printed {said} lines, {said / SECONDS:.0f} a second\\n")
"""


def name(number: int) -> str:
    return f"Task {number:06}"


# What is measured


@dataclass
class Program:
    """What to start, the text of its first row, that which says that all is read, and how folding shows."""

    title: str
    argv: Sequence[str]
    first: str
    cwd: Path | None = None
    ready: str = ""
    folded: tuple[str, str] = ("▸", "▾")
    paint: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    painting: list[float] = field(default_factory=list)
    answering: list[float] = field(default_factory=list)
    resting: list[float] = field(default_factory=list)

    @property
    def ours(self) -> bool:
        return "tui" in self.argv

    @property
    def down(self) -> str:
        return "j" if self.ours else "\x1b[B"

    def start(self) -> Terminal:
        env = {"FLOW_TRUST": "1", "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(HERE)}
        return Terminal(self.argv, cwd=self.cwd, env=env)


def bare(tasks: int) -> Program:
    argv = [sys.executable, "-m", "tests.benchmarks.bench_app", "--bare", str(tasks)]
    return Program(f"bare Tree, {tasks:,} nodes", argv, name(1), folded=("▶", "▼"))


def app(title: str, root: Path) -> Program:
    return Program(title, [sys.executable, "-m", "tui"], name(1), root, ready="› next")


def run_bare(tasks: int) -> None:
    """A Textual app with nothing but a Tree: a root, and all others in it."""
    from textual.app import App, ComposeResult
    from textual.widgets import Tree

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            tree: Tree[None] = Tree(name(0))
            tree.root.expand()
            for number in range(1, tasks + 1):
                tree.root.add_leaf(name(number))
            yield tree

    Bare().run()


# Plans


@contextmanager
def plan(*parts: int) -> Iterator[Path]:
    """A project whose `status.md` has so many tasks in one, the first with a child; the other numbers are sub-flows."""
    with tempfile.TemporaryDirectory(prefix="bench app ") as folder:
        root = Path(folder)
        flow = root / ".flow"
        flow.mkdir()
        (flow / "flow.registry.json").write_text(json.dumps(REGISTRY))
        own, *others = parts
        lines = [f"- [ ] {name(0)}\n"]
        lines += [f"    - [ ] {name(number)}\n" for number in range(1, own + 1)]
        lines[2:2] = ["        - [ ] A child\n"]
        number = own
        for part, size in enumerate(others, 1):
            lines.append(f"    - [ ] [Part {part:02}](parts/{part:02}.md)\n")
            file = flow / f"parts/{part:02}.md"
            file.parent.mkdir(exist_ok=True)
            file.write_text("".join(f"- [ ] {name(number + one)}\n" for one in range(1, size + 1)))
            number += size
        (flow / "status.md").write_text("".join(lines))
        yield root


def large(tasks: int, files: int) -> list[int]:
    each, rest = divmod(tasks, files)
    return [each + rest, *[each] * (files - 1)]


# Measuring


def measure_paint(program: Program) -> None:
    with program.start() as terminal:
        program.paint.append(terminal.wait_for(program.first, seconds=120) - terminal.started)
        program.painting.append(terminal.processor())
        terminal.settle(1.0)
        program.memory.append(terminal.memory())


def measure_keys(programs: Sequence[Program], keys: int) -> None:
    """One key for each program in turn, so that what else the machine does falls on all of them alike."""
    with ExitStack() as stack:
        terminals = [stack.enter_context(program.start()) for program in programs]
        for program, terminal in zip(programs, terminals, strict=True):
            to_first_row(terminal, program)
        for number in range(2, keys + 2):
            for program, terminal in zip(programs, terminals, strict=True):
                before = terminal.processor()
                program.keys.append(answer(terminal, program.down, name(number)))
                program.answering.append(terminal.processor() - before)
                keep_reading(terminal, 0.2)
                program.resting.append(terminal.processor() - before)


def to_first_row(terminal: Terminal, program: Program) -> None:
    """Selects the first task in the root, past the child that it has in our plans, when everything is read."""
    terminal.wait_for(program.first, seconds=120)
    if program.ready:
        terminal.wait_for(program.ready, seconds=120)
    terminal.settle(1.0)
    terminal.send("g" if program.ours else "\x1b[H")
    terminal.settle(0.3)
    terminal.send("jj" if program.ours else "\x1b[B")
    terminal.settle(0.3)


def answer(terminal: Terminal, key: str, text: str, seconds: float = 30.0) -> float:
    since = terminal.send(key)
    start = time.monotonic()
    return terminal.wait_for(text, since=since, seconds=seconds) - start


def measure_folds(program: Program, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of folding and unfolding: the root, and (ours only) a task with one child."""
    ours = program.ours
    root: list[float] = []
    leaf: list[float] = []
    with program.start() as terminal:
        terminal.wait_for(program.first, seconds=120)
        terminal.settle(1.0)
        terminal.send("g" if ours else "\x1b[H")
        terminal.settle(0.3)
        for _ in range(rounds):
            for text in program.folded:
                root.append(answer(terminal, " ", text))
                terminal.settle(0.2)
        if ours:
            terminal.send("j")
            terminal.settle(0.3)
            for _ in range(rounds):
                for text in program.folded:
                    leaf.append(answer(terminal, " ", text))
                    terminal.settle(0.2)
    return root, leaf


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:8.1f} ms"


def spread(values: Sequence[float]) -> str:
    return f"median {ms(statistics.median(values))}  95th {ms(percentile(values, 0.95))}"


def paint(programs: Sequence[Program]) -> None:
    """The first picture and the memory of each program, in turns."""
    for _ in range(ROUNDS):
        for program in programs:
            measure_paint(program)
    few = statistics.median(programs[0].paint)
    few_work = statistics.median(programs[0].painting)
    for program in programs:
        print(
            f"first picture  {program.title:34}  median {ms(statistics.median(program.paint))}  "
            f"{statistics.median(program.paint) / few:5.2f} x ours with {FEW}  "
            f"processor {ms(statistics.median(program.painting))} "
            f"{statistics.median(program.painting) / few_work:5.2f} x  "
            f"memory {statistics.median(program.memory) / 1e6:7.1f} MB"
        )


def keys(programs: Sequence[Program]) -> None:
    measure_keys(programs, KEYS)
    references = [program for program in programs if not program.ours]
    for program in programs:
        ratios = "  ".join(
            f"{statistics.median(program.keys) / statistics.median(reference.keys):5.2f} x {reference.title}"
            for reference in references
        )
        print(
            f"key            {program.title:34}  {spread(program.keys)}  {ratios}  "
            f"processor {ms(statistics.median(program.answering))}, "
            f"{ms(statistics.median(program.resting))} with all that follows"
        )


def folds(programs: Sequence[Program]) -> None:
    for program in programs:
        root, leaf = measure_folds(program, 6)
        ratio = (
            f"  the root takes {statistics.median(root) / statistics.median(leaf):.2f} x the child"
            if leaf
            else ""
        )
        print(f"fold the root  {program.title:34}  {spread(root)}")
        if leaf:
            print(f"fold a child   {program.title:34}  {spread(leaf)}{ratio}")


def live(programs: Sequence[Program], rounds: int = 6) -> None:
    """From the end of another program's write to the picture: a name in `status.md`, one of the rows in view."""
    for program in programs:
        assert program.cwd is not None
        status = program.cwd / ".flow/status.md"
        text = status.read_text()
        times: list[float] = []
        with program.start() as terminal:
            terminal.wait_for(program.first, seconds=120)
            terminal.settle(2.0)
            before = terminal.processor()
            for number in range(rounds):
                since = len(terminal.raw)
                status.write_text(text.replace(name(3), f"Other {number:05}"))
                start = time.monotonic()
                times.append(terminal.wait_for(f"Other {number:05}", since=since) - start)
                terminal.settle(1.0)
            work = (terminal.processor() - before) / rounds
        status.write_text(text)
        print(f"changed        {program.title:34}  {spread(times)}  processor {ms(work)}")


def flood(seconds: float = 10.0) -> None:
    """Two kinds of keys, while nothing runs and while a script prints: moving, and keeping its output in view."""
    for title, prints in (("while nothing runs", False), ("while a script prints", True)):
        with plan(FEW) as root:
            program = app(title, root)
            script = root / "flood.py"
            script.write_text(FLOOD.replace("SECONDS", str(seconds if prints else 0.1)))
            status = root / ".flow/status.md"
            status.write_text(
                status.read_text().replace("[ ]", "[-]")
                + f"- [ ] [Script] Flood\n    ```sh\n    {sys.executable} flood.py\n    ```\n"
            )
            with program.start() as terminal:
                terminal.wait_for("Flood", seconds=120)
                terminal.settle(1.0)
                since = terminal.send("s")
                terminal.wait_for("a chatty program" if prints else "Done: Flood", since=since)
                begun = time.monotonic()
                moving, watching = pressed(terminal, begun + seconds / 2, begun + seconds - 1)
                if prints:
                    terminal.wait_for("Done: Flood")
            output = max((root / ".flow/logs/output").iterdir(), key=lambda path: path.stat().st_size)
            said = output.read_bytes().rpartition(b"printed ")[2].decode().strip()
            print(f"move           {title:34}  {spread(moving)}  of {len(moving)}")
            print(f"any key        {title:34}  {spread(watching)}  of {len(watching)}; the script: {said}")


def pressed(terminal: Terminal, until: float, end: float) -> tuple[list[float], list[float]]:
    """The answers to keys with the output in view, until a moment, and to keys that move, until the end."""
    watching: list[float] = []
    words = ("Not following", "Following ")
    terminal.send("F" * 2)
    keep_reading(terminal, 0.5)
    while time.monotonic() < until:
        watching.append(answer(terminal, "F", words[len(watching) % 2]))
        keep_reading(terminal, 0.1)
    terminal.send("g")
    keep_reading(terminal, 0.5)
    terminal.send("jj")
    keep_reading(terminal, 0.5)
    moving: list[float] = []
    while time.monotonic() < end and len(moving) < FEW - 5:
        moving.append(answer(terminal, "j", name(len(moving) + 2)))
        keep_reading(terminal, 0.05)
    return moving, watching


def keep_reading(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        terminal.read(left)


def main() -> None:
    if sys.argv[1:2] == ["--bare"]:
        run_bare(int(sys.argv[2]))
        return
    wanted = sys.argv[1:] or ["paint", "keys", "folds", "live", "flood"]
    with plan(FEW) as small, plan(*large(TASKS, FILES)) as big, plan(TASKS) as wide:
        few, many = app(f"ours, {FEW} tasks", small), app(f"ours, {TASKS:,} tasks, {FILES} files", big)
        one = app(f"ours, {TASKS:,} tasks, one file", wide)
        programs = [few, many, one, bare(FEW), bare(TASKS)]
        parts: dict[str, Callable[[], None]] = {
            "paint": lambda: paint(programs),
            "keys": lambda: keys(programs),
            "folds": lambda: folds([few, many, one, programs[-1]]),
            "live": lambda: live([few, many, one]),
            "flood": flood,
        }
        for word in wanted:
            parts[word]()


if __name__ == "__main__":
    main()
