"""Loss of power after every operation, with everything that a weak file system may make of it."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from engine.loom import Append, FileEdit, Loom
from engine.storage import Plans, Store, platform
from engine.storage.platform import Portable, choose

from . import oracle
from .actions import NEW_PLAN
from .replay import Disk, Op, Recorder, crashes

pytestmark = pytest.mark.torture


def record(root: Path, monkeypatch: pytest.MonkeyPatch, system: Portable) -> tuple[Disk, list[Op]]:
    """What is on the disk before, and the operations of a plan write, an edit and the settling after them."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("the recorder needs /proc")
    oracle.make_project(root)
    disk, recorder = Disk.of(root), Recorder(root)
    with monkeypatch.context() as patch:
        patch.setattr(platform, "system", system)
        recorder.install(patch)
        store = Store(root)
        plans = Plans(store)
        plans.write("status.md", plans.read("status.md"), NEW_PLAN)
        recorder.note("plan")
        Loom(store).write([FileEdit("source.txt", Append("ours"))])
        recorder.note("source")
        store.settle()
    return disk, recorder.ops


def replay(
    root: Path, disk: Disk, ops: list[Op], *, patience: int, stride: int
) -> tuple[int, int, list[str]]:
    """Every `stride`th state is tried, up to `patience` failures. Returns states found, tried, and what failed."""
    failures: list[str] = []
    states = tried = 0
    for length, said, tree in crashes(disk, ops):
        states += 1
        if states % stride:
            continue
        tried += 1
        copy = root.parent / "copy"
        for path, data in tree.items():
            place = copy / Path(path).relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            # A process that died with the power is alive here, as it is us: so its files get another number.
            place.with_name(re.sub(r"^own\.\d+", "own.4194399", place.name)).write_bytes(data)
        try:
            oracle.check(copy, said, goes_on=tried % 10 == 0)
        except (AssertionError, OSError) as error:
            failures.append(f"after {length}, {ops[length - 1] if length else ''}: {oracle.where(error)}")
        shutil.rmtree(copy)
        if len(failures) >= patience:
            break
    return states, tried, failures


@pytest.mark.parametrize("name", ["native", "portable"])
def test_after_any_loss_of_power_it_is_old_or_new(
    fast: Path,
    share: int | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    system = choose() if name == "native" else choose("none")
    system.has_folders = True  # a system without folders makes names durable by itself: nothing to record
    disk, ops = record(fast / "project", monkeypatch, system)
    states, tried, failures = replay(
        fast / "project", disk, ops, patience=20, stride=max(1, 8 // (share or 8))
    )
    line = f"{name}: {len(ops)} operations, {states} states, {tried} tried, {len(failures)} failures"
    with capsys.disabled():
        print(f"\npower loss, {line}")  # noqa: T201
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("forgotten", ["sync", "folders"])
def test_the_replayer_finds_a_sync_that_was_forgotten(
    fast: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """The control: without one of the two kinds of syncs, bytes or names are lost."""
    system = choose()

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) != (forgotten == "folders"):
            os.fsync(descriptor)

    monkeypatch.setattr(system, "sync", sync)
    disk, ops = record(fast / "project", monkeypatch, system)
    *_, failures = replay(fast / "project", disk, ops, patience=1, stride=1)
    assert failures
