"""T7.08, T7.14: a disk that fills up while a script runs costs nobody its result, and a full one nothing."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Engine, Finished, Status, StepOutcome, StorageError, Warned, init_project
from tests.integration.conftest import collect, finish

pytestmark = pytest.mark.torture

PLAN = """\
- [ ] [Script] Work
    ```sh
    echo once >> runs
    touch started
    sleep 0.3
    ```
"""


ATOM = """\
from pathlib import Path
from engine.atoms import Atom, AtomResult

class Mine(Atom):
    def run(self, call):
        with open("filler.part", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                Path("filler.part").rename("filler")
        return AtomResult.success(receipt="R-17")
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k,nr_inodes=200", "none", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a file system of its own cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_t7_08_the_result_waits_for_room(
    small_disk: Path, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    init_project(small_disk)
    (small_disk / ".flow/status.md").write_text(PLAN)

    def fill_for_a_while() -> None:
        wait_for(lambda: (small_disk / "started").exists())
        fill(small_disk / "filler")
        time.sleep(5.5)  # longer than the supervisor would try for any other error
        (small_disk / "filler").unlink()

    other = threading.Thread(target=fill_for_a_while)
    other.start()
    events = await collect(Engine.open(small_disk).step())
    other.join()
    assert isinstance(events[-1], Finished) and events[-1].outcome is StepOutcome.DONE
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == ["The disk is full: the result of Work waits until there is room."]
    assert (small_disk / "runs").read_text() == "once\n"


async def test_what_it_waits_for_is_said_where_there_is_room_and_no_more_files(small_disk: Path) -> None:
    init_project(small_disk)
    script = "while true > f$i; do i=$((i + 1)); done"
    (small_disk / ".flow/status.md").write_text(f"- [ ] [Script] Work\n    ```sh\n    {script}\n    ```\n")
    async with asyncio.timeout(30):
        async for event in Engine.open(small_disk).step():
            if isinstance(event, Warned):
                assert event.message == "The disk is full: the result of Work waits until there is room."
                for path in small_disk.glob("f*"):
                    path.unlink()
    assert isinstance(event, Finished) and event.outcome is StepOutcome.DONE


async def test_what_an_atom_gives_back_waits_for_room(
    small_disk: Path, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    init_project(small_disk)
    (small_disk / ".flow/status.md").write_text("- [ ] [Mine] Pay\n")
    (small_disk / ".flow/atoms/mine.py").write_text(ATOM)
    (small_disk / ".flow/flow.registry.json").write_text('{"Mine": "mine:Mine"}')

    def make_room_when_it_was_tried() -> None:
        wait_for(lambda: (small_disk / "filler").exists())
        folder = small_disk / ".flow/logs/output"
        before = folder.stat().st_mtime_ns
        wait_for(lambda: folder.stat().st_mtime_ns != before)
        (small_disk / "filler").unlink()

    other = threading.Thread(target=make_room_when_it_was_tried)
    other.start()
    finished = await finish(Engine.open(small_disk).step())
    other.join()
    assert finished.outcome is StepOutcome.DONE, finished
    assert Engine.open(small_disk).context() == {"receipt": "R-17"}


async def test_t7_14_a_disk_that_is_full_from_the_beginning_costs_one_error(small_disk: Path) -> None:
    init_project(small_disk)
    plan = small_disk / ".flow/status.md"
    plan.write_text(PLAN + "- [ ] Sign\n")
    engine = Engine.open(small_disk)
    engine.change("begin", "Work")
    engine.undo()
    before = plan.read_bytes()
    fill(small_disk / "filler")
    with pytest.raises(StorageError, match="space") as caught:
        await finish(engine.step())
    assert caught.value.exit_code == 74
    with pytest.raises(StorageError, match="space"):
        engine.change("done", "Sign")
    with pytest.raises(StorageError, match="space"):
        engine.change("skip", "Sign")
    begun = before.replace(b"[ ]", b"[/]", 1)  # there may be room for that, and none for what comes next
    assert plan.read_bytes() in (before, begun)
    assert not (small_disk / "runs").exists()
    assert engine.tree().problems() == []
    assert engine.changed_outside() == []
    assert not list(small_disk.rglob("*.part"))
    (small_disk / "filler").unlink()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert engine.change("done", "Sign").status is Status.DONE
    assert (small_disk / "runs").read_text() == "once\n"


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return
