"""T1.37: a project that came from elsewhere runs nothing before its person has approved it."""

from __future__ import annotations

import asyncio
import json
import os
import py_compile
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import (
    Engine,
    Event,
    FlowError,
    NeedsPersonError,
    SecurityError,
    Status,
    StepOutcome,
    TrustError,
    Warned,
    init_project,
)
from tests.integration.conftest import finish

PLAN = """\
- [ ] [Script] Touch
    ```sh
    touch trace-script
    ```
- [ ] [Mine] Touch too
"""
ATOM = """\
from pathlib import Path
from engine import Atom, AtomResult
Path(__file__).parents[2].joinpath("trace-import").touch()
class Mine(Atom):
    def run(self, call):
        Path(call.root, "trace-atom").touch()
        return AtomResult.success()
"""


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was made here, and its copy in another folder, which nobody has approved."""
    monkeypatch.delenv("FLOW_TRUST")
    original = tmp_path / "original"
    original.mkdir()
    init_project(original)
    flow = original / ".flow"
    (flow / "status.md").write_text(PLAN)
    (flow / "atoms").mkdir(exist_ok=True)
    (flow / "atoms/mine.py").write_text(ATOM)
    registry = json.loads((flow / "flow.registry.json").read_text())
    (flow / "flow.registry.json").write_text(json.dumps({**registry, "Mine": "mine:Mine"}))
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def traces(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("trace-*"))


async def test_t1_37_opening_and_looking_leave_no_trace(copied: Path) -> None:
    engine = Engine.open(copied)
    assert engine.check() == []
    assert [engine.atom_of(task) for task in engine.tree().walk()] == ["Script", "Mine"]
    assert engine.recovery() is None
    assert traces(copied) == []


async def test_t1_37_a_step_stops_and_after_trust_it_runs(copied: Path) -> None:
    engine = Engine.open(copied)
    with pytest.raises(TrustError) as caught:
        await finish(engine.step())
    assert caught.value.exit_code == 3
    assert traces(copied) == []
    assert (copied / ".flow/status.md").read_text() == PLAN

    engine.trust()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert traces(copied) == ["trace-atom", "trace-import", "trace-script"]


async def test_t1_37_after_a_change_of_an_atom_it_asks_again(copied: Path) -> None:
    engine = Engine.open(copied)
    engine.trust()
    await finish(engine.step())
    (copied / ".flow/atoms/mine.py").write_text(ATOM + "# changed\n")
    with pytest.raises(TrustError):
        await finish(engine.step())
    assert traces(copied) == ["trace-script"]


async def test_approving_what_is_shown_covers_that_alone(copied: Path) -> None:
    engine = Engine.open(copied)
    codes = engine.unapproved()
    assert any("touch trace-script" in code.text for code in codes)
    engine.approve(codes)
    plan = copied / ".flow/status.md"
    plan.write_text(PLAN.replace("trace-script", "trace-other"))
    with pytest.raises(TrustError):
        await finish(engine.step())
    plan.write_text(PLAN)
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_a_project_made_here_is_trusted(copied: Path) -> None:
    assert (await finish(Engine.open(copied.parent / "original").step())).outcome is StepOutcome.DONE


async def test_init_in_a_folder_that_has_one_grants_nothing(copied: Path) -> None:
    init_project(copied)
    with pytest.raises(TrustError):
        await finish(Engine.open(copied).step())


VERIFIED = """\
- [/] {tag}Touch
    ```sh verify
    touch trace-verify
    ```
    ```sh retries=1
    touch trace-script
    ```
"""
EDIT = {"path": "x", "base": "0", "new": "1"}
CHECKED = (
    ATOM
    + """\
    def check_completion(self, call):
        Path(call.root, "trace-check").touch()
        return True
"""
)


def plant(root: Path, plan: str, name: str, **changes: object) -> None:
    """Put an open intent for the first task into a project, as one could come with a clone."""
    (root / ".flow/status.md").write_text(plan)
    (root / ".flow/atoms/mine.py").write_text(CHECKED)
    intent = {
        "version": 1,
        "run": "20260101T000000-deadbeef",
        "address": "1",
        "name": "Touch",
        "body": "",
        "key": "k",
        "path": [{"file": "status.md", "names": [name]}],
        "atom": "Script",
        "effect": "idempotent",
        "attempt": 1,
        "interruptions": 0,
        "started_at": "2026-01-01T00:00:00+00:00",
        "phase": "vanished",
        "engine": None,
        "supervisor": None,
        "host": "elsewhere",
    }
    (root / ".flow/intent.lock").write_text(json.dumps({**intent, **changes}))


@pytest.mark.parametrize(
    ("plan", "name", "changes", "error"),
    [
        (VERIFIED.format(tag="[Script] "), "[Script] Touch", {}, TrustError),
        (VERIFIED.format(tag=""), "Touch", {}, NeedsPersonError),
        ("- [/] [Mine] Touch\n", "[Mine] Touch", {"atom": "Mine"}, TrustError),
        ("- [/] Touch\n", "Touch", {"atom": "Mine"}, NeedsPersonError),
        ("- [/] Touch\n", "Touch", {"atom": "Mine", "phase": "released", "edit": EDIT}, NeedsPersonError),
        ("- [/] [Manual] Touch\n", "[Manual] Touch", {"atom": "Manual"}, TrustError),
    ],
)
async def test_a_record_of_an_interrupted_task_that_came_along_runs_nothing(
    copied: Path, plan: str, name: str, changes: dict[str, object], error: type[FlowError]
) -> None:
    plant(copied, plan, name, **changes)
    registry = copied / ".flow/flow.registry.json"
    registry.write_text(json.dumps({**json.loads(registry.read_text()), "Manual": "mine:Mine"}))
    engine = Engine.open(copied)
    assert engine.recovery() is not None
    for steps in (engine.step(), engine.recover("resume")):
        with pytest.raises(error):
            await finish(steps)
    assert traces(copied) == []


async def test_a_result_that_came_along_is_not_tried_again(copied: Path) -> None:
    plant(copied, VERIFIED.format(tag="[Script] "), "[Script] Touch", host=socket.gethostname())
    output = copied / ".flow/logs/output"
    output.mkdir(parents=True)
    (output / "20260101T000000-deadbeef").touch()
    (output / "20260101T000000-deadbeef.exit").write_text(json.dumps({"code": 1}))
    with pytest.raises(TrustError):
        await finish(Engine.open(copied).step())
    assert traces(copied) == []


@pytest.mark.parametrize("tag", ["", "[Script] "])
def test_what_is_known_of_an_interrupted_task_is_told_without_git(copied: Path, tag: str) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(copied), *words], check=True)

    git("init", "-q")
    (copied / ".gitattributes").write_text("* filter=evil\n")
    git("add", ".gitattributes")
    git("config", "filter.evil.clean", f"touch {copied}/trace-filter; cat")
    (copied / ".gitattributes").write_text("* filter=evil \n")
    plant(copied, f"- [/] {tag}Touch\n", f"{tag}Touch", commit="--output=trace-option")
    recovery = Engine.open(copied).recovery()
    assert recovery is not None
    assert recovery.changes == ()
    assert traces(copied) == []


async def test_a_record_with_a_time_that_is_none_is_torn(copied: Path) -> None:
    plant(copied, "- [/] Touch\n", "Touch", started_at="yesterday")
    recovery = Engine.open(copied).recovery()
    assert recovery is None or recovery.started_at != "yesterday"


@pytest.mark.parametrize("linked", ["logs", "logs/output"])
async def test_nothing_is_removed_where_a_link_leads_that_came_along(
    copied: Path, tmp_path: Path, linked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tmp_path / "others"
    (others / "output").mkdir(parents=True)
    run = "20260101T000000-deadbeef"
    for name in ("thesis.txt", "output/thesis.txt", run, f"output/{run}"):
        (others / name).write_text("precious")
    link = copied / ".flow" / linked
    shutil.rmtree(link, ignore_errors=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(others)
    for trusts in (False, True):
        if trusts:
            monkeypatch.setenv("FLOW_TRUST", "1")
        with pytest.raises(SecurityError, match="symbolic link"):
            await finish(Engine.open(copied).step())
    assert Engine.open(copied).output(run, 0)[0] == ""
    assert {path.name for path in others.rglob("*")} == {"output", "thesis.txt", run}
    assert traces(copied) == []


async def test_the_output_of_a_run_is_no_other_file(copied: Path, tmp_path: Path) -> None:
    run = "20260101T000000-deadbeef"
    (tmp_path / "secret").write_text("secret")
    output = copied / ".flow/logs/output"
    output.mkdir(parents=True)
    (output / run).symlink_to(tmp_path / "secret")
    assert Engine.open(copied).output(run, 0)[0] == ""
    assert Engine.open(copied).output("../../../../secret", 0)[0] == ""
    (output / run).unlink()
    os.mkfifo(output / run)
    assert Engine.open(copied).output(run, 0)[0] == ""


IMPORTER = """\
import {module}
from engine import Atom, AtomResult
class Mine(Atom):
    def run(self, call):
        return AtomResult.success()
"""


def only_atom(root: Path, source: bytes) -> Path:
    """Leaves one task, of an atom with this source."""
    (root / ".flow/status.md").write_text("- [ ] [Mine] Touch\n- [ ] [Mine] Again\n")
    atom = root / ".flow/atoms/mine.py"
    atom.write_bytes(source)
    return atom


async def asks_again(root: Path) -> bool:
    try:
        await finish(Engine.open(root).step())
    except TrustError:
        return True
    return False


async def test_bytes_are_approved_not_how_they_look(copied: Path) -> None:
    source = b"# coding: latin-1\nname = '\xe9'\n" + ATOM.encode()
    atom = only_atom(copied, source)
    shown = Engine.open(copied).trust()
    assert any(r"name = '\xe9'" in code.text for code in shown)
    atom.write_bytes(source.replace(b"\xe9", b"\xe8"))
    assert await asks_again(copied)
    atom.write_bytes(source)
    assert not await asks_again(copied)


@pytest.mark.parametrize("at", ["", "below"])
async def test_what_a_link_leads_to_is_asked_about(copied: Path, at: str) -> None:
    only_atom(copied, IMPORTER.format(module="lib.helper").encode())
    helper = copied / "shared" / "helper.py"
    helper.parent.mkdir()
    helper.write_text("pass\n")
    link = copied / ".flow/atoms/lib"
    if at:
        link.mkdir()
        (link / "helper.py").symlink_to(helper)
    else:
        link.symlink_to("../../shared")
    shown = {code.where for code in Engine.open(copied).unapproved()}
    assert {"shared/helper.py", ".flow/atoms/lib/helper.py" if at else ".flow/atoms/lib"} <= shown
    Engine.open(copied).trust()
    assert not await asks_again(copied)
    helper.write_text("open('trace-helper', 'w')\n")
    assert await asks_again(copied)
    assert traces(copied) == []


async def test_a_link_to_other_code_of_the_project_asks_again(copied: Path) -> None:
    only_atom(copied, IMPORTER.format(module="helper").encode())
    for name in ("good", "evil"):
        (copied / f".flow/atoms/{name}.py").write_text(f"open('trace-{name}', 'w')\n")
    link = copied / ".flow/atoms/helper.py"
    link.symlink_to("good.py")
    Engine.open(copied).trust()
    link.unlink()
    link.symlink_to("evil.py")
    assert await asks_again(copied)
    assert traces(copied) == []


async def test_a_link_out_of_the_project_cannot_be_approved(copied: Path, tmp_path: Path) -> None:
    only_atom(copied, IMPORTER.format(module="lib.helper").encode())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "helper.py").write_text("open('trace-helper', 'w')\n")
    (copied / ".flow/atoms/lib").symlink_to(outside)
    engine = Engine.open(copied)
    for refused in (engine.unapproved, engine.trust):
        with pytest.raises(SecurityError, match=r"\.flow/atoms/lib .* out of the project"):
            refused()
    with pytest.raises(SecurityError):
        await finish(engine.step())
    assert any("leads out" in problem.message for problem in engine.stops())
    assert traces(copied) == []


async def test_links_in_a_circle_are_looked_at_once(copied: Path) -> None:
    only_atom(copied, IMPORTER.format(module="json").encode())
    for name in ("one", "two", "three"):
        (copied / f".flow/atoms/{name}").symlink_to(".")
    (copied / ".flow/atoms/self.py").symlink_to("self.py")
    (copied / ".flow/atoms/gone.py").symlink_to("nowhere.py")
    Engine.open(copied).trust()
    assert not await asks_again(copied)


async def test_compiled_code_beside_an_atom_is_not_what_runs(copied: Path) -> None:
    atom = only_atom(copied, ATOM.encode())
    Engine.open(copied).trust()
    evil = copied / "evil.py"
    evil.write_text(ATOM.replace("trace-", "trace-evil-"))
    cached = py_compile.compile(str(evil), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    beside = atom.parent / "__pycache__" / f"mine.{sys.implementation.cache_tag}.pyc"
    beside.parent.mkdir()
    shutil.copy(str(cached), beside)
    assert await asks_again(copied), "it is a file of the atoms, and new"
    Engine.open(copied).trust()
    assert not await asks_again(copied)
    assert traces(copied) == ["trace-atom", "trace-import"]


async def test_a_name_that_is_not_utf8_is_a_name_like_others(copied: Path) -> None:
    only_atom(copied, ATOM.encode())
    odd = Path(os.fsdecode(os.fsencode(copied) + b"/.flow/atoms/\xff.py"))
    odd.write_text("pass\n")
    Engine.open(copied).trust()
    assert not await asks_again(copied)
    odd.write_text("fail\n")
    assert await asks_again(copied)


async def test_options_that_only_look_alike_ask_again(copied: Path) -> None:
    plan = "- [ ] [Script] Touch\n    ```sh {}\n    true\n    ```\n"
    status = copied / ".flow/status.md"
    status.write_text(plan.format('env.A="1 env.B=2"'))
    engine = Engine.open(copied)
    engine.approve(engine.unapproved())
    status.write_text(plan.format("env.A=1 env.B=2"))
    assert await asks_again(copied)


@pytest.mark.parametrize("choice", ["resume", "retry"])
async def test_a_record_of_a_task_that_is_done_by_now_runs_nothing(copied: Path, choice: str) -> None:
    plant(copied, VERIFIED.format(tag="[Script] ").replace("[/]", "[x]"), "[Script] Touch")
    engine = Engine.open(copied)
    assert (await finish(engine.recover(choice))).status is Status.DONE
    assert engine.recovery() is None
    assert traces(copied) == []


async def test_what_a_yes_for_the_project_covers_is_told(copied: Path) -> None:
    (copied / ".flow/status.md").write_text(PLAN.replace("[ ]", "[x]"))
    engine = Engine.open(copied)
    assert engine.unapproved() == []
    shown = engine.unapproved(settled=True)
    assert [code.where for code in shown] == [
        ".flow/status.md:2",
        ".flow/flow.registry.json",
        *sorted(f".flow/atoms/{path.name}" for path in (copied / ".flow/atoms").iterdir()),
    ]
    assert engine.trust() == shown
    assert engine.trust() == []


CLEANED = """\
import time
from pathlib import Path
from engine import Atom, AtomResult
class Mine(Atom):
    def run(self, call):
        Path(call.root, "trace-began").touch()
        time.sleep(600)
    def cleanup(self, call):
        Path(call.root, "trace-{}").touch()
"""


@pytest.mark.parametrize("changed", [False, True])
async def test_a_clean_up_that_nobody_approved_is_not_run(
    copied: Path, changed: bool, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    atom = only_atom(copied, CLEANED.format("cleaned").encode())
    engine = Engine.open(copied)
    engine.trust()
    seen: list[Event] = []

    async def step() -> None:
        seen.extend([event async for event in engine.step()])

    stepping = asyncio.create_task(step())
    await asyncio.to_thread(wait_for, lambda: "trace-began" in traces(copied))
    if changed:
        atom.write_text(CLEANED.format("evil"))
    engine.stop()
    await stepping
    assert traces(copied) == ["trace-began", *([] if changed else ["trace-cleaned"])]
    warned = [event.message for event in seen if isinstance(event, Warned)]
    assert any("clean-up of Touch was not run" in message for message in warned) is changed


def hide_repository(root: Path) -> None:
    config = {"core.bare": "false", "core.worktree": ".", "core.fsmonitor": "touch trace-config"}
    subprocess.run(["git", "init", "-q", "--bare", str(root)], check=True)
    subprocess.run(["git", "init", "-q", str(root.parent)], check=True)
    for name, value in config.items():
        subprocess.run(["git", "config", "-f", str(root / "config"), name, value], check=True)


async def test_a_repository_hidden_in_the_files_of_a_clone_is_not_gits(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git takes a folder with `HEAD`, `objects` and `refs` for a repository, and obeys its `config`."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    hide_repository(copied)
    (copied / ".flow/status.md").write_text(
        '- [ ] [Git] Commit\n    ```toml\n    op = "commit"\n    all = true\n    ```\n'
    )
    engine = Engine.open(copied)
    engine.trust()
    finished = await finish(engine.step())
    assert traces(copied) == []
    assert finished.outcome is StepOutcome.FAILED


def test_a_plan_that_is_made_in_an_empty_folder_is_its_makers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    (tmp_path / ".flow").mkdir()
    init_project(tmp_path)
    (tmp_path / ".flow/status.md").write_text(PLAN)
    assert Engine.open(tmp_path).unapproved() == []
    assert (tmp_path / ".flow/flow.registry.json").exists()
