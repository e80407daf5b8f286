"""Something else stands where one of the engine's own files belongs: one clear error or none, never a hang."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from engine import Engine, FlowError, NoProjectError, StorageError, init_project
from tests.conftest import MakeProject
from tests.integration.conftest import finish

PLAN = "- [ ] [Script] Work\n    ```sh\n    echo hi\n    ```\n- [ ] Sign\n- [ ] After\n"
NAMES = (
    "flow.registry.json",
    "flow.toml",
    "status.meta",
    "intent.lock",
    "context.json",
    "stop",
    "logs/events.jsonl",
    "run.lock",
    "logs",
    "backups",
)
KINDS: dict[str, Callable[[Path], object]] = {
    "folder": lambda place: (place / "inside").mkdir(parents=True),
    "pipe": os.mkfifo,
    "garbage": lambda place: place.write_bytes(b"\xff\x00{{{ \x80 garbage"),
    "other JSON": lambda place: place.write_text('{"version": 1, "path": 3, "tasks": [], "plans": 7}'),
    "deep JSON": lambda place: place.write_text("[" * 100_000),
    "loop": lambda place: place.symlink_to(place.name),
}


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    """A hang is a failure of the one test that hangs."""

    def over(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
async def test_something_else_in_its_place(make_project: MakeProject, name: str, kind: str) -> None:
    root = make_project({"status.md": PLAN})
    await finish(Engine.open(root).step())
    place = root / ".flow" / name
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    KINDS[kind](place)
    plan = (root / ".flow/status.md").read_bytes()
    looks: tuple[Callable[[Engine], object], ...] = (
        Engine.tree,
        Engine.recovery,
        Engine.running,
        Engine.check,
        Engine.context,
        Engine.changed_outside,
        Engine.timeline,
        Engine.unapproved,
    )
    for look in looks:
        try:
            look(Engine.open(root))
        except FlowError as error:
            assert error.message, look
    assert (root / ".flow/status.md").read_bytes() == plan
    for act in (lambda engine: engine.change("done", "Sign"), Engine.undo):
        try:
            act(Engine.open(root))
        except FlowError as error:
            assert error.message
    try:
        await finish(Engine.open(root).step())
    except FlowError as error:
        assert error.message
    assert Engine.open(root).tree().problems() == []


def test_t1_32_init_in_a_deleted_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NoProjectError, match="was deleted"):
        init_project(Path())
    monkeypatch.chdir(tmp_path)


def test_a_project_that_vanished_is_not_made_anew(make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    engine = Engine.open(root)
    engine.change("done", "Sign")
    shutil.rmtree(root / ".flow")
    for act in (engine.tree, engine.recovery, lambda: engine.change("done", "After")):
        try:
            act()
        except FlowError as error:
            assert error.message
    assert not (root / ".flow").exists()


@pytest.fixture
def frozen_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own cannot be mounted here")
    init_project(disk)
    (disk / ".flow/run.lock").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_looking_works_where_nothing_can_be_written(frozen_disk: Path) -> None:
    engine = Engine.open(frozen_disk, readonly=True)
    assert engine.tree().problems() == []
    assert (engine.recovery(), engine.running()) == (None, None)
    assert await engine.wait(1)
    with pytest.raises(StorageError, match="Read-only"):
        await finish(Engine.open(frozen_disk).step())


def test_looking_makes_no_lock(make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    before = sorted(path.name for path in (root / ".flow").iterdir())
    engine = Engine.open(root, readonly=True)
    engine.tree()
    assert (engine.recovery(), engine.running()) == (None, None)
    assert sorted(path.name for path in (root / ".flow").iterdir()) == before
