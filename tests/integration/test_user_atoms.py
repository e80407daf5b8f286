"""Atoms of a project's own, as their authors write them: each in a process of its own, run by an engine."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from engine import Engine, Finished, NeedsPersonError, Output, Resume, StepOutcome, TrustError, init_project
from tests.conftest import BUILT_IN, MakeProject
from tests.integration.conftest import (
    StartEngine,
    TakeLock,
    WaitFor,
    collect,
    finish,
    is_running,
    kill,
    kill_work,
    note,
)

HEAD = """\
import os, signal, subprocess, sys, time
from pathlib import Path
from engine import Atom, AtomResult, Call, Effect

class Mine(Atom):
"""
PLAN = "- [ ] [Mine] Work\n    Some notes.\n- [ ] After\n"
MakeAtom = Callable[..., Path]


@pytest.fixture
def make_atom(make_project: MakeProject) -> MakeAtom:
    """A project with one atom, `Mine`, whose class has this body."""

    def make(body: str, plan: str = PLAN) -> Path:
        root = make_project({"status.md": plan})
        (root / ".flow/atoms").mkdir()
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (root / ".flow/atoms/mine.py").write_text(HEAD + lines)
        (root / ".flow/flow.registry.json").write_text(json.dumps({**BUILT_IN, "Mine": "mine:Mine"}))
        return root

    return make


def alive(run: str) -> list[int]:
    """The processes of a run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("FLOW_RUN") == run and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


async def test_what_it_exports_is_seen_by_later_tasks(make_atom: MakeAtom) -> None:
    plan = PLAN.replace("- [ ] After", '- [ ] [Script] After\n    ```sh\n    cat "$FLOW_CONTEXT"\n    ```')
    root = make_atom(
        "def run(self, call):\n    return AtomResult.success(place=call.config['notes'], n=call.attempt)",
        plan,
    )
    engine = Engine.open(root)
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    printed = "".join(event.text for event in await collect(engine.step()) if isinstance(event, Output))
    assert json.loads(printed) == {"place": "Some notes.", "n": 1}


async def test_it_waits_for_a_person_and_is_asked_again(make_atom: MakeAtom) -> None:
    root = make_atom(
        "def run(self, call):\n"
        "    if not (call.root / 'approved').exists():\n        return AtomResult.waiting('Needs an approval')\n"
        "    return AtomResult.success()"
    )
    engine = Engine.open(root)
    finished = await finish(engine.run())
    assert (finished.outcome, finished.message) == (StepOutcome.WAITING, "Needs an approval")
    assert (root / ".flow/status.md").read_text().startswith("- [/]")
    assert engine.recovery() is None
    (root / "approved").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


@pytest.mark.parametrize("limit", ["class", "fence"])
async def test_t3_24_its_time_limit_ends_all_of_it(make_atom: MakeAtom, limit: str) -> None:
    body = (
        "def run(self, call):\n"
        "    subprocess.Popen(['sleep', '1000'])\n"
        "    subprocess.run(['sh', '-c', 'trap : TERM; while :; do sleep 0.1; done'])"
    )
    fence = "    ```toml timeout=1s\n    ```\n" if limit == "fence" else ""
    root = make_atom(f"timeout = {1 if limit == 'class' else 900}\n{body}", f"- [ ] [Mine] Work\n{fence}")
    events = await collect(Engine.open(root).step())
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.outcome is StepOutcome.FAILED
    assert "longer than 1 s" in finished.message
    assert alive(finished.run) == []


async def test_t7_06_a_stop_ends_it_and_cleans_up(make_atom: MakeAtom) -> None:
    root = make_atom(
        "def run(self, call):\n"
        "    child = subprocess.Popen(['sh', '-c', 'trap : TERM; while :; do sleep 0.1; done'])\n"
        "    print(os.getpid(), child.pid, flush=True)\n    time.sleep(1000)\n"
        "def cleanup(self, call):\n    Path('cleaned').write_text(call.key)"
    )
    engine = Engine.open(root)
    pids: list[int] = []
    async for event in engine.step():
        if isinstance(event, Output):
            pids = [int(pid) for pid in event.text.split()]
            engine.stop()
    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)
    assert len((root / "cleaned").read_text()) == 32
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.stopped, recovery.interruptions) == (True, 0)


async def test_no_clean_up_is_begun_once_the_claim_is_anothers(
    make_atom: MakeAtom, wait_for: WaitFor, take_lock: TakeLock
) -> None:
    root = make_atom(
        "def run(self, call):\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    Path('started').touch()\n"
        "    while not Path('end').exists():\n        time.sleep(0.02)\n"
        "    sys.exit(1)\n"
        "def cleanup(self, call):\n    Path('cleaned').touch()"
    )
    engine = Engine.open(root)
    step = asyncio.ensure_future(finish(engine.step()))
    await asyncio.to_thread(wait_for, (root / "started").exists)
    engine.stop()
    record = root / ".flow/intent.lock"
    await asyncio.to_thread(wait_for, lambda: '"stopping"' in record.read_text())
    take_lock(root)
    (root / "end").touch()
    assert (await step).outcome is StepOutcome.INTERRUPTED
    assert not list((root / ".flow/logs/output").glob("*-cleanup*"))


async def test_it_cleans_up_though_the_engine_died_while_it_was_ended(
    make_atom: MakeAtom, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_atom(
        "def run(self, call):\n    Path('started').touch()\n    time.sleep(1000)\n"
        "def cleanup(self, call):\n    Path('cleaned').touch()"
    )
    process = start_engine(root)
    wait_for((root / "started").exists)
    kill(process)
    note(root, phase="stopping")
    with pytest.raises(NeedsPersonError, match="its own check does not say that it is done"):
        await finish(Engine.open(root).step())
    assert (root / "cleaned").exists()


SLOW = """\
def run(self, call):
    Path('ran').touch()
    return AtomResult.success()

Path('asked').touch()
while not Path('go').exists():
    time.sleep(0.02)
"""


async def test_a_stop_while_it_is_imported_begins_nothing(make_atom: MakeAtom, wait_for: WaitFor) -> None:
    root = make_atom(SLOW)
    engine = Engine.open(root)
    step = asyncio.ensure_future(finish(engine.step()))
    await asyncio.to_thread(wait_for, (root / "asked").exists)
    engine.stop()
    finished = await step
    assert (finished.outcome, finished.message) == (StepOutcome.INTERRUPTED, "It was not begun.")
    assert engine.recovery() is None
    (root / "go").touch()
    assert (root / ".flow/status.md").read_text() == PLAN


async def test_t1_37_what_changed_while_it_was_imported_does_not_run(
    make_atom: MakeAtom, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = make_atom(SLOW)
    monkeypatch.delenv("FLOW_TRUST")
    engine = Engine.open(root)
    engine.trust()
    step = asyncio.ensure_future(finish(engine.step()))
    await asyncio.to_thread(wait_for, (root / "asked").exists)
    module = root / ".flow/atoms/mine.py"
    module.write_text(module.read_text().replace("'ran'", "'changed'"))
    (root / "go").touch()
    with pytest.raises(TrustError):
        await step
    assert not (root / "changed").exists()
    assert engine.recovery() is None


@pytest.mark.parametrize(("effect", "way"), [("ONCE", Resume.CHECK), ("IDEMPOTENT", Resume.CHECK)])
async def test_after_it_vanished_it_is_asked_whether_it_is_complete(
    make_atom: MakeAtom, start_engine: StartEngine, wait_for: WaitFor, effect: str, way: Resume
) -> None:
    root = make_atom(
        f"effect = Effect.{effect}\n"
        "def run(self, call):\n"
        "    with open('runs', 'a') as file:\n        file.write('run\\n')\n    time.sleep(1000)\n"
        "def check_completion(self, call):\n    return Path('complete').exists()"
    )
    process = start_engine(root)
    wait_for(lambda: (root / "runs").exists())
    kill(process)
    engine = Engine.open(root)
    kill_work(engine)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.effect) == (way, effect.lower())
    (root / "complete").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_the_example_of_flow_init_runs_when_it_is_uncommented(tmp_path: Path) -> None:
    init_project(tmp_path)
    example = tmp_path / ".flow/atoms/example.py"
    text = example.read_text()
    assert all(line.startswith("#") for line in text.splitlines())
    assert Engine.open(tmp_path).check() == []
    code = text[text.index("# import") :]
    example.write_text(re.sub(r"^# ?", "", code, flags=re.MULTILINE))
    registry = tmp_path / ".flow/flow.registry.json"
    registry.write_text(json.dumps({**json.loads(registry.read_text()), "Deploy": "example:Deploy"}))
    deploy = tmp_path / "deploy"
    deploy.write_text('#!/bin/sh\necho "$@"\n')
    deploy.chmod(0o755)
    (tmp_path / ".flow/status.md").write_text("- [ ] [Deploy] To production\n")
    engine = Engine.open(tmp_path)
    events = await collect(engine.step())
    assert events[-1].outcome is StepOutcome.DONE, events  # type: ignore[union-attr]
    assert engine.context() == {"target": "To production"}
    assert any("To production" in event.text for event in events if isinstance(event, Output))
