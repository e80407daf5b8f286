"""The kill matrix over a step: SIGKILL at every system call that changes something, of the engine between start and
end of `flow step`, of the supervisor, and of the engine that recovers; then the next start has to know what to do."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from engine.errors import FlowError
from tests.torture.tracing import Point, can_trace, down_from

from . import oracle
from .scenarios import SCENARIOS, Scenario
from .stage import Stage

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(
        not can_trace(), reason="strace is missing or may not trace: no kill matrix of a step"
    ),
]
SEED = 7
UNSEEN = {"fcntl", "fdatasync", "flock", "fsync"}
"""Calls that leave nothing to be seen by whoever comes next: being killed at one is being killed at the next other one.
The matrices of single kills have them all the same."""
LASTING = {"write", "fsync", "fdatasync", "mkdir", "renameat", "renameat2", "unlink", "unlinkat", "vfork"}
"""Calls that come from what has to be done, and not from how long it takes: they tell one recovery from another."""
T = TypeVar("T")
Kill = Callable[[Point], None]

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


class Matrix:
    """Points, tried one after the other, each on a fresh project, and what failed."""

    def __init__(self, stage: Stage, scenario: Scenario, folder: Path) -> None:
        self.stage = stage
        self.scenario = scenario
        self.folder = folder
        self.template = scenario.make(folder / "template")
        self.root = folder / "project"
        self.log = folder / "log"
        self.recorded = self.tried = 0
        self.failures: list[str] = []

    def fresh(self) -> Path:
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        shutil.copytree(self.template, self.root)
        return self.root

    def try_each(self, points: Iterable[Point], attempt: Callable[[Point], None]) -> None:
        for point in points:
            self.tried += 1
            try:
                attempt(point)
            except (AssertionError, FlowError, OSError) as error:
                self.failures.append(
                    f"{self.scenario.name} {point.name} {point.ordinal}: {oracle.where(error)}"
                )

    def kill_engine(self, point: Point) -> None:
        """Kill the engine at the point. How often it looks at running work is a matter of time: where there were
        fewer calls this time, one of the last is taken, since killed it has to be."""
        for ordinal in down_from(point.ordinal):
            if self.stage.kill_engine("step", self.fresh(), Point(point.name, ordinal)).code == -9:
                return
        raise AssertionError("it was not killed")

    def kill_supervisor(self, point: Point) -> None:
        """The same with the supervisor, which looks at the work again and again, too."""
        for ordinal in down_from(point.ordinal):
            said, killed = self.stage.kill_supervisor(self.fresh(), Point(point.name, ordinal), self.log)
            assert said.code == 0, f"the engine ended with {said}"
            if killed:
                return
        raise AssertionError("it was not killed")

    def recover(self, *, may_ask: bool) -> None:
        asked = oracle.recover(self.stage, self.root, self.scenario)
        assert may_ask or not asked, "a person was asked"
        oracle.check(self.root, self.scenario)

    def person(self) -> str:
        """What a person asks for now: another step, or what to do about the interrupted task."""
        said = self.stage.run("step", self.root)
        return oracle.choice(self.root, self.scenario) if said.outcome == "needs_person" else "step"

    def report(self, what: str, capsys: pytest.CaptureFixture[str]) -> None:
        with capsys.disabled():
            print(  # noqa: T201
                f"\nkill matrix, {self.scenario.name}, {what}: {self.recorded} points recorded,"
                f" {self.tried} tried, {len(self.failures)} failures"
            )
        if self.failures:
            pytest.fail("\n".join(self.failures), pytrace=False)


def share_of(points: list[T], share: int | None) -> list[T]:
    """That many of them, by a fixed seed, in their order; None: all."""
    if share is None or share >= len(points):
        return points
    chosen = sorted(random.Random(SEED + len(points)).sample(range(len(points)), share))
    return [points[index] for index in chosen]


@scenarios
def test_the_engine_is_killed_at_every_call_of_a_step(
    stage: Stage, fast: Path, scenario: Scenario, share: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = Matrix(stage, scenario, fast)
    points = stage.record_engine("step", matrix.fresh(), matrix.log)
    matrix.recorded = len(points)

    def attempt(point: Point) -> None:
        matrix.kill_engine(point)
        oracle.look(matrix.root, scenario)
        # The supervisor lives on, so there is always something to follow, to take or to begin anew.
        matrix.recover(may_ask=False)

    matrix.try_each(share_of(points, share and 3 * share), attempt)
    matrix.report("engine killed", capsys)


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.supervised], ids=lambda one: one.name)
def test_the_supervisor_is_killed_at_every_call_of_a_step(
    stage: Stage, fast: Path, scenario: Scenario, share: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = Matrix(stage, scenario, fast)
    points = stage.record_supervisor(matrix.fresh(), matrix.log)
    matrix.recorded = len(points)

    def attempt(point: Point) -> None:
        matrix.kill_supervisor(point)
        oracle.look(matrix.root, scenario)
        matrix.recover(may_ask=scenario.asks)

    matrix.try_each(share_of(points, share and 2 * share), attempt)
    matrix.report("supervisor killed", capsys)


@scenarios
def test_the_engine_is_killed_once_more_while_it_recovers(
    stage: Stage, fast: Path, scenario: Scenario, share: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = Matrix(stage, scenario, fast)
    firsts = [
        (matrix.kill_engine, point, False)
        for point in share_of(stage.record_engine("step", matrix.fresh(), matrix.log), share)
    ]
    if scenario.supervised:
        firsts += [
            (matrix.kill_supervisor, point, scenario.asks)
            for point in share_of(stage.record_supervisor(matrix.fresh(), matrix.log), share)
        ]
    seen: set[tuple[object, ...]] = set()
    for kill, first, may_ask in share_of(firsts, share):
        kill(first)
        action = matrix.person()
        if action == "step":
            kill(first)
        matrix.log.unlink(missing_ok=True)
        recorded = stage.record_engine(action, matrix.root, matrix.log)
        points = [point for point in recorded if point.name not in UNSEEN]
        recovery = (
            action,
            *sorted(Counter(point.name for point in recorded if point.name in LASTING).items()),
        )
        if recovery in seen:
            continue  # it left what an earlier one left
        seen.add(recovery)
        matrix.recorded += len(points)

        def attempt(
            second: Point,
            kill: Kill = kill,
            first: Point = first,
            action: str = action,
            may_ask: bool = may_ask,
        ) -> None:
            kill(first)
            if action != "step":
                action = matrix.person()
            said = stage.kill_engine(action, matrix.root, second)
            # It may have less to do than when it was recorded, if the work came further this time.
            assert said.code == -9 or said.outcome in ("done", "interrupted", "needs_person", "nothing"), said
            oracle.look(matrix.root, scenario)
            matrix.recover(may_ask=may_ask)

        matrix.try_each(share_of(points, share), attempt)
    matrix.report(f"killed, and the engine again in {len(seen)} different recoveries", capsys)


@pytest.mark.parametrize("before", [[], ["undo"], ["undo", "rename"]], ids=" ".join)
@pytest.mark.parametrize("action", ["undo", "rename"])
def test_the_engine_is_killed_while_it_changes_the_plan_around_what_has_run(
    stage: Stage,
    fast: Path,
    before: list[str],
    action: str,
    share: int | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    matrix = Matrix(stage, SCENARIOS[0], fast)
    for done in ("step", *before):
        stage.run(done, matrix.template)
    points = stage.record_engine(action, matrix.fresh(), matrix.log)
    matrix.recorded = len(points)

    def attempt(point: Point) -> None:
        assert stage.kill_engine(action, matrix.fresh(), point).code == -9
        said = stage.run("step", matrix.root)
        assert said.outcome == "needs_person" or (not before and said.outcome == "nothing"), said
        assert SCENARIOS[0].effects(matrix.root) == 1, "it ran again unasked"

    matrix.try_each(share_of(points, share), attempt)
    matrix.report(f"engine killed in {' '.join((*before, action))}", capsys)
