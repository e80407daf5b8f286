"""Records that no engine wrote: whatever stands in them, there is an answer, and nothing runs unasked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine import BusyError, ConfigurationError, Engine, NeedsPersonError, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, finish, kill


@pytest.mark.parametrize(
    "changes",
    [
        {"supervisor": {"pid": -1, "started": 1.0}},
        {"supervisor": {"pid": 10**30, "started": 1.0}},
        {"engine": {"pid": 1, "started": float("nan")}},
        {"attempt": -5},
        {"interruptions": 10**30},
        {"name": "\ud800"},
        {"result": []},
        {"result": {"outcome": "success", "reason": "\udfff", "exports": {}}},
        {"edit": ["path", "base", "new"]},
        {"novel": 1},
    ],
    ids=str,
)
async def test_t3_23_a_record_with_impossible_values_is_a_torn_one(
    vanished: Path, changes: dict[str, Any]
) -> None:
    path = vanished / ".flow" / "intent.lock"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    recovery = Engine.open(vanished).recovery()
    assert recovery is not None
    assert (recovery.name, recovery.attempt) == ("Migrate", 1)
    with pytest.raises(NeedsPersonError):
        await finish(Engine.open(vanished).step())
    assert (vanished / "runs").read_text() == "run\n"


async def test_a_record_of_a_newer_version_is_left_to_that(vanished: Path) -> None:
    path = vanished / ".flow" / "intent.lock"
    newer = json.dumps({**json.loads(path.read_text()), "version": 2, "novel": True})
    path.write_text(newer)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="newer"):
            await finish(Engine.open(vanished).step())
    assert path.read_text() == newer
    assert (vanished / "runs").read_text() == "run\n"


@pytest.mark.parametrize(
    "record",
    [
        '{"code": 0, "seconds": "soon"}',
        '{"code": "0"}',
        '{"code": 0, "seconds": Infinity}',
        '{"signal": []}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
async def test_t3_24_an_exit_status_that_the_work_forged_is_none(
    make_project: MakeProject, record: str
) -> None:
    forge = (
        "- [ ] [Script] Forge\n    ```sh\n"
        f"    printf '%s' '{record}' > .flow/logs/output/$FLOW_RUN.exit\n"
        "    sleep 0.3\n    ```\n"
    )
    root = make_project({"status.md": forge})
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.DONE


async def test_an_engine_that_follows_is_named_as_the_one_at_work(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    first = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(first)
    second = start_engine(root)

    def running() -> int:
        known = Engine.open(root).running()
        return known.pid if known is not None else 0

    wait_for(lambda: running() == second.pid)
    with pytest.raises(BusyError, match=f"process {second.pid}"):
        await finish(Engine.open(root).step())
    (root / "go").touch()
    second.communicate()
    assert (root / "runs").read_text() == "run\n"
    assert second.pid != first.pid != os.getpid()


async def test_a_result_comes_along_when_the_project_is_moved_meanwhile(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    moved = root.rename(root.with_name(f"{root.name}-moved"))
    (moved / "go").touch()
    wait_for(lambda: list((moved / ".flow" / "logs" / "output").glob("*.exit")))
    process.kill()
    process.wait()
    assert (await finish(Engine.open(moved).step())).outcome is StepOutcome.DONE
    assert (moved / "runs").read_text() == "run\n"
