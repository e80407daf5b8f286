"""What a person does after a crash, and what must be true then."""

from __future__ import annotations

import os
import re
import time
import traceback
from pathlib import Path

import psutil

from engine import Engine
from engine.storage import Journal, Plans, Store

from .scenarios import Scenario
from .stage import Stage

_ROUNDS = 8
_TEMPORARY = re.compile(r"\.part$|^[0-9a-f]+\.[0-9a-f]{32}\.|^\.flow-swap\.|^intent\.lock$|^stop$")


def look(root: Path, scenario: Scenario) -> None:
    """Right after a crash: the plan is sound, and nothing is done that has not happened."""
    tree = Engine.open(root, readonly=True).tree()
    assert tree.problems() == []
    tree.validate_state()
    for name, text in scenario.finished().items():
        now = (root / ".flow" / name).read_text()
        if now == text != scenario.plans[name]:
            assert scenario.effects(root) >= 1, f"{name} says that it is done, and it did not happen"


def recover(stage: Stage, root: Path, scenario: Scenario) -> int:
    """Goes on until nothing is left to do. Returns how often a person had to decide."""
    asked = 0
    for _ in range(_ROUNDS):
        said = stage.run("step", root)
        if said.outcome == "needs_person":
            asked += 1
            said = stage.run(choice(root, scenario), root)
        if said.outcome == "nothing":
            return asked
        assert said.outcome in ("done", "interrupted"), said
    raise AssertionError(f"it does not come to an end: {said}")


def choice(root: Path, scenario: Scenario) -> str:
    """What a person decides, who looks at the world first: what has happened is done, what has not is run again."""
    return "done" if scenario.effects(root) >= 1 else "retry"


def check(root: Path, scenario: Scenario) -> None:
    """When all is done: it happened as often as it may, the plan says so, and nothing lies about."""
    effects = scenario.effects(root)
    assert effects == 1 or (scenario.repeats and effects > 1), f"it happened {effects} times"
    for name, text in scenario.finished().items():
        assert (root / ".flow" / name).read_text() == text
    assert leftovers(root) == []
    plans = Plans(Store(root))
    for name in scenario.plans:
        snapshot = plans.read(name)
        assert snapshot is not None and not plans.outside(name, snapshot), f"{name} counts as changed outside"
    records = list(Journal(root / ".flow/logs/events.jsonl").records())
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    attempts = [record["attempt"] for record in records if record["what"] == "started"]
    assert attempts == sorted(attempts), f"attempts must rise: {attempts}"
    until = time.monotonic() + 5
    while left := survivors(root):
        assert time.monotonic() < until, f"still alive: {left}"
        time.sleep(0.01)


def leftovers(root: Path) -> list[str]:
    """Files that no later start would take away."""
    found = [path for path in root.rglob("*") if path.is_file() and _TEMPORARY.search(path.name)]
    found += (root / ".flow/logs/output").glob("*.*")
    return [str(path.relative_to(root)) for path in found]


def survivors(root: Path) -> list[str]:
    """Processes of the project's runs."""
    runs = {path.name for path in (root / ".flow/logs/output").glob("*")}
    found = []
    for process in psutil.process_iter():
        try:
            is_one = process.pid != os.getpid() and process.environ().get("FLOW_RUN") in runs
            if is_one and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def where(error: BaseException) -> str:
    """A failure in one line: the statement that failed, and what it says."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.line or frame.name}: {' / '.join(str(error).splitlines()[:3])}"
