"""What a task has come to is kept until the plan that it belongs in can be read."""

from __future__ import annotations

import pytest

from engine import Engine, FlowError, NeedsPersonError, StepOutcome
from engine.status import Status
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, finish, is_running, kill

WORK = """- [ ] [Script] Work
    ```sh
    echo run >> runs
    cp -r .flow/{file} saved
    {spoil}
    ```
"""
AFTER = "- [ ] After\n"


SPOILT = {
    "a child of its own": "printf '    - [ ] Child\\n' >> .flow/{file}",
    "emptied": ": > .flow/{file}",
    "zeros": "printf 'a\\000b' > .flow/{file}",
    "gone": "rm .flow/{file}",
    "no plan any more": "printf '%s\\n' '- [?] Something' > .flow/{file}",
    "a folder": "rm .flow/{file}; mkdir .flow/{file}",
}


@pytest.mark.parametrize(
    ("file", "how", "code"),
    [(file, how, 0) for file in ("status.md", "part.md") for how in SPOILT]
    + [("status.md", "emptied", 3), ("part.md", "gone", 3)],
)
async def test_a_result_waits_for_a_plan_that_cannot_be_read(
    make_project: MakeProject, file: str, how: str, code: int
) -> None:
    work = WORK.format(file=file, spoil=SPOILT[how].format(file=file) + f"; exit {code}")
    root = make_project(
        {"status.md": work}
        if file == "status.md"
        else {"status.md": "- [ ] Part @ part.md\n" + AFTER, file: work}
    )
    with pytest.raises(FlowError) as caught:
        await finish(Engine.open(root).step())
    assert "that is kept, and the next `flow step` commits it" in caught.value.hint
    with pytest.raises(FlowError):
        await finish(Engine.open(root).step())
    spoilt = root / ".flow" / file
    if spoilt.is_dir():
        spoilt.rmdir()
    (root / "saved").rename(spoilt)
    finished = await finish(Engine.open(root).step())
    assert finished.status is (Status.DONE if code == 0 else Status.FAILED)
    assert finished.outcome is (StepOutcome.DONE if code == 0 else StepOutcome.FAILED)
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize("file", ["status.md", "part.md"])
async def test_a_task_that_was_deleted_is_reported_and_keeps_nobody_waiting(
    make_project: MakeProject, file: str
) -> None:
    work = WORK.format(file=file, spoil=f"cp after .flow/{file}")
    root = make_project({"status.md": "- [ ] Part @ part.md\n", file: work})
    (root / "after").write_text(AFTER)
    finished = await finish(Engine.open(root).step())
    assert "no longer in the plan" in finished.message
    assert Engine.open(root).recovery() is None


@pytest.mark.parametrize("choice", ["step", "resume", "done", "retry"])
@pytest.mark.parametrize("ends", [True, False], ids=["ended", "alive"])
async def test_so_does_work_that_has_lost_its_engine(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor, choice: str, ends: bool
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    if ends:
        (root / "go").touch()
        wait_for(lambda: not any(is_running(pid) for pid in recovery.children))
    plan = root / ".flow/status.md"
    saved = plan.read_text()
    plan.write_text("")
    engine = Engine.open(root)
    with pytest.raises(FlowError):
        await finish(engine.step() if choice == "step" else engine.recover(choice))
    plan.write_text(saved)
    if not ends and choice in ("step", "resume"):
        assert any(is_running(pid) for pid in recovery.children)
    (root / "go").touch()
    if ends or choice in ("step", "resume"):
        assert (await finish(Engine.open(root).step())).status is Status.DONE
    else:
        assert Engine.open(root).recovery() is not None
    assert (root / "runs").read_text() == "run\n"


async def test_nothing_begins_beside_living_work_that_is_gone_from_the_plan(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": HANGING.format(options="effect=idempotent")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    kill(process)
    (root / ".flow/status.md").write_text("- [ ] [Script] Other\n    ```sh\n    touch other\n    ```\n")
    with pytest.raises(NeedsPersonError, match="no longer in the plan, and its work is still running"):
        await finish(Engine.open(root).step())
    recovery = Engine.open(root).recovery()
    assert recovery is not None
    await finish(Engine.open(root).recover("skip"))
    assert not any(is_running(pid) for pid in recovery.children)
    assert not (root / "other").exists()
    assert (await finish(Engine.open(root).step())).status is Status.DONE
