"""The kill matrix: SIGKILL at every system call of a commit, of an edit, and of the recovery after them."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import FlowError
from tests.torture.tracing import Point, can_trace, down_from

from . import oracle
from .stage import Stage

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace: no kill matrix"),
]
CHANGING = {"write", "fsync", "rename", "renameat", "renameat2", "linkat", "unlink", "unlinkat"}
SHARE = 25
"""Points that are tried of each matrix, times FLOW_TORTURE; with `full`, all of them."""


def chosen(points: list[Point], share: int | None) -> list[Point]:
    """A share that is the same every time, or all of them."""
    if share is None or SHARE * share >= len(points):
        return points
    return random.Random(4).sample(points, SHARE * share)


def report(
    name: str, recorded: int, tried: int, failures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{name}: {recorded} points recorded, {tried} tried, {len(failures)} failures")  # noqa: T201
    assert not failures, "\n".join(failures)


def try_each(
    points: list[Point], fast: Path, attempt: Callable[[Point, Path], None], template: Path
) -> list[str]:
    failures: list[str] = []
    for point in points:
        root = fast / "project"
        shutil.copytree(template, root)
        try:
            attempt(point, root)
        except (AssertionError, FlowError) as error:
            failures.append(f"{point}: {oracle.where(error)}")
        shutil.rmtree(root)
    return failures


def test_killed_at_every_call_of_a_commit_and_an_edit(
    fast: Path, share: int | None, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    template = oracle.make_project(fast / "template")

    def attempt(point: Point, root: Path) -> None:
        ran = stage.inject("commit", root, point, "signal=KILL")
        assert ran.code == -9, f"it was not killed but ended with {ran}"
        oracle.check(root, ran.said)

    with Stage(system) as stage:
        points = stage.record("commit", Path(shutil.copytree(template, fast / "recorded")), fast / "log")
        failures = try_each(chosen(points, share), fast, attempt, template)
    report(f"commit and edit, {system}", len(points), len(chosen(points, share)), failures, capsys)


def test_killed_at_every_call_while_another_program_writes(
    fast: Path, share: int | None, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    template = oracle.make_project(fast / "template")

    def attempt(point: Point, root: Path) -> None:
        ran = stage.inject("foreign", root, point, "signal=KILL")
        assert ran.code in (-9, 5), f"it was not killed but ended with {ran}"
        if not wait_until_written(root):
            return  # killed before the other program was started
        oracle.check(root, ran.said, foreign=True)

    with Stage(system) as stage:
        recorded = Path(shutil.copytree(template, fast / "recorded"))
        points = stage.record("foreign", recorded, fast / "log")
        assert wait_until_written(recorded)
        oracle.check(recorded, foreign=True)
        failures = try_each(chosen(points, share), fast, attempt, template)
    report(f"edit with another writer, {system}", len(points), len(chosen(points, share)), failures, capsys)


def wait_until_written(root: Path) -> bool:
    """Waits until no program of this project is at work, and says whether another one wrote, which it does if started.

    The one that looks must have ended, too: with the project gone it would look on, in the next one of the same name.
    """
    import psutil

    end = time.monotonic() + 30
    while any(str(root) in " ".join(command_of(process)) for process in psutil.process_iter()):
        assert time.monotonic() < end, "the other program hangs"
        time.sleep(0.002)
    return (root / "written").exists()


def command_of(process: object) -> list[str]:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        command = process.cmdline()
    except psutil.Error:
        return []
    return command if command[:1] == ["sh"] else []


@pytest.mark.parametrize("action", ["commit", "foreign"])
def test_killed_at_every_call_of_the_recovery(
    fast: Path, share: int | None, system: str, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    template = oracle.make_project(fast / "template")
    broken = fast / "broken"
    recorded = tried = 0
    failures: list[str] = []
    with Stage(system) as stage:
        first = stage.record(action, Path(shutil.copytree(template, fast / "recorded")), fast / "log")
        # What is left when it is killed at each call that changes names or bytes, one after the other.
        changing = [point for point in first if point.name in CHANGING]
        for point in changing if share is None else changing[2::5]:
            shutil.copytree(template, broken)
            said = stage.inject(action, broken, point, "signal=KILL").said
            is_foreign = action == "foreign" and wait_until_written(broken)

            def attempt(
                point: Point, root: Path, said: tuple[str, ...] = said, is_foreign: bool = is_foreign
            ) -> None:
                # What was displaced a moment ago is looked at only later, so that it may have less to do by now.
                for ordinal in down_from(point.ordinal):
                    ran = stage.inject("recover", root, Point(point.name, ordinal), "signal=KILL")
                    if ran.code == -9:
                        break
                    shutil.rmtree(root)
                    shutil.copytree(broken, root)
                assert ran.code == -9, f"it was not killed but ended with {ran}"
                oracle.check(root, said, foreign=is_foreign)

            points = stage.record("recover", Path(shutil.copytree(broken, fast / "mended")), fast / "log")
            some = points if share is None else points[:: max(1, len(points) // (7 * share))]
            recorded += len(points)
            tried += len(some)
            failures += try_each(some, fast, attempt, broken)
            shutil.rmtree(broken)
            shutil.rmtree(fast / "mended")
    report(f"recovery of {action}, {system}", recorded, tried, failures, capsys)
