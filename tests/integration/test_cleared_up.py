"""Whoever clears up in `.flow/`, the work itself perhaps, makes nothing run twice, and loses no result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, NeedsPersonError, Status, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, finish, kill, kill_work

ONCE = "- [ ] [Script] Migrate\n    ```sh\n    echo run >> runs\n    {clears}\n    ```\n- [ ] After\n"


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


async def asks(root: Path) -> None:
    for _ in range(2):
        with pytest.raises(NeedsPersonError, match="nobody knows how far it came"):
            await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n"


async def test_work_whose_outputs_were_removed_is_asked_about(vanished: Path) -> None:
    empty(vanished / ".flow/logs/output")
    await asks(vanished)


async def test_so_it_is_when_its_engine_lives(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(clears="rm -f .flow/logs/output/*; kill -9 $PPID $$")})
    assert (await finish(Engine.open(root).step())).outcome is StepOutcome.INTERRUPTED
    await asks(root)


@pytest.mark.parametrize("clears", ["rm -rf .flow/logs", "git init -q; git clean -fdXq"])
async def test_a_result_is_kept_that_has_no_folder_any_more(make_project: MakeProject, clears: str) -> None:
    root = make_project({"status.md": ONCE.format(clears=clears)})
    assert (await finish(Engine.open(root).step())).status is Status.DONE
    assert Engine.open(root).recovery() is None


async def test_a_removed_intent_is_written_again(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project(
        {"status.md": HANGING.format(options="").replace("touch", "rm .flow/intent.lock; touch")}
    )
    process = start_engine(root)
    wait_for(lambda: (root / "started-1").exists() and (root / ".flow/intent.lock").exists())
    kill(process)
    kill_work(Engine.open(root))
    with pytest.raises(NeedsPersonError):
        await finish(Engine.open(root).step())


@pytest.mark.parametrize("look", [Engine.recovery, Engine.unapproved, Engine.check, Engine.stops])
@pytest.mark.parametrize("how", ["emptied", "two active", "none active"])
async def test_t3_23_a_torn_intent_stays_until_the_plan_tells_of_which_task_it_is(
    vanished: Path, look: Callable[[Engine], object], how: str
) -> None:
    plan, intent = vanished / ".flow/status.md", vanished / ".flow/intent.lock"
    intent.write_bytes(intent.read_bytes()[:100])
    saved = plan.read_text()
    plan.write_text(
        {
            "emptied": "",
            "two active": saved.replace("[ ]", "[/]"),
            "none active": saved.replace("[/]", "[ ]"),
        }[how]
    )
    look(Engine.open(vanished))
    with pytest.raises(NeedsPersonError, match=r"intent\.lock cannot be read"):
        await finish(Engine.open(vanished).step())
    plan.write_text(saved)
    with pytest.raises(NeedsPersonError, match="Migrate was interrupted"):
        await finish(Engine.open(vanished).step())
    assert (vanished / "runs").read_text() == "run\n"


async def test_a_torn_intent_of_nothing_is_put_away(make_project: MakeProject) -> None:
    root = make_project({"status.md": ONCE.format(clears="true")})
    (root / ".flow/intent.lock").write_text("{")
    assert (await finish(Engine.open(root).step())).status is Status.DONE
    assert not (root / ".flow/intent.lock").exists()


@pytest.mark.parametrize("spoil", ["timeout=soon", "registry"])
async def test_an_attempt_that_never_began_is_known_when_it_cannot_run_for_now(
    make_project: MakeProject, vanish: Callable[..., None], spoil: str
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    output, away = root / ".flow/logs/output", root / "away"
    output.rename(away)
    output.write_text("not a folder")
    engine = Engine.open(root)
    with pytest.raises(Exception, match="supervisor"):
        await finish(engine.recover("retry"))
    known = engine.recovery()
    assert known is not None
    output.unlink()
    shutil.move(away, output)
    plan, registry = root / ".flow/status.md", root / ".flow/flow.registry.json"
    texts = plan.read_text(), registry.read_text()
    if spoil == "registry":
        registry.write_text(texts[1].replace("engine.atoms.script:Script", "nowhere:Script"))
    else:
        plan.write_text(texts[0].replace("```sh", f"```sh {spoil}", 1))
    with pytest.raises(Exception, match=r"soon|nowhere"):
        await finish(engine.step())
    plan.write_text(texts[0])
    registry.write_text(texts[1])
    again = Engine.open(root).recovery()
    assert again is not None
    assert (again.attempt, again.interruptions) == (known.attempt, known.interruptions)
