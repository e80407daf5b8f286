"""The recovery choice `always`: the plan learns that the task may run again unasked, and the task does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, PlanChanged, Resume, Started, StateError, StepOutcome, TrustError
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, StartEngine, WaitFor, collect, finish, kill, kill_work

Vanish = Callable[..., None]
PLANS = {
    "plain": ("```sh", "```sh effect=idempotent"),
    "options": ("~~~bash timeout=60 env.A='b c'  ", "~~~bash timeout=60 env.A='b c' effect=idempotent  "),
    "once": ("```sh effect=once timeout=60", "```sh effect=idempotent timeout=60"),
}


@pytest.mark.parametrize(("before", "after"), PLANS.values(), ids=PLANS)
async def test_always_changes_one_line_and_runs_it_again(
    make_project: MakeProject, vanish: Vanish, before: str, after: str
) -> None:
    plan = "Owner: me\n\n* a note\n- [ ] Part\n" + "".join(
        f"    {line}" for line in HANGING.format(options="").splitlines(keepends=True)
    ).replace("```sh ", before).replace("    ```\n    - [ ] After", f"    {before[:3]}\n    - [ ] After")
    root = make_project({"status.md": plan})
    vanish(root)
    active = (root / ".flow/status.md").read_text()
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.always_off, recovery.effect) == ("", "once")
    (root / "go").touch()
    events = await collect(engine.recover("always"))
    assert next(event.files for event in events if isinstance(event, PlanChanged)) == ("status.md",)
    assert [event.attempt for event in events if isinstance(event, Started)] == [2]
    text = (root / ".flow/status.md").read_text()
    assert text == active.replace(f"{before}\n", f"{after}\n").replace("[/] [Script]", "[x] [Script]")
    assert (root / "runs").read_text() == "run\n" * 2
    assert [entry.outcome for entry in engine.timeline()] == ["vanished", "done"]


async def test_after_always_it_runs_again_unasked(make_project: MakeProject, vanish: Vanish) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    vanish(root, "recover", "always")
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.resume, recovery.effect, recovery.interruptions) == (Resume.RUN, "idempotent", 2)
    (root / "go").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


async def test_always_is_taken_back_like_any_change(make_project: MakeProject, vanish: Vanish) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    before = (root / ".flow/status.md").read_text()
    (root / "go").touch()
    engine = Engine.open(root)
    await finish(engine.recover("always"))
    assert engine.undo().because == "done"
    assert engine.undo().because == "always"
    assert (root / ".flow/status.md").read_text() == before


async def test_code_that_nobody_approved_is_refused_before_anything_is_written(
    make_project: MakeProject, vanish: Vanish, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    monkeypatch.delenv("FLOW_TRUST")
    kept = [
        root / ".flow" / name for name in ("status.md", "status.meta", "intent.lock", "logs/events.jsonl")
    ]
    before = [file.read_bytes() for file in kept]
    engine = Engine.open(root)
    with pytest.raises(TrustError, match="nobody has approved"):
        await finish(engine.recover("always"))
    assert [file.read_bytes() for file in kept] == before


async def test_approved_code_stays_approved_when_it_is_declared(
    make_project: MakeProject, vanish: Vanish, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    monkeypatch.delenv("FLOW_TRUST")
    (root / "go").touch()
    engine = Engine.open(root)
    engine.approve(engine.unapproved())
    assert (await finish(engine.recover("always"))).outcome is StepOutcome.DONE
    assert "effect=idempotent" in (root / ".flow/status.md").read_text()


async def test_always_is_off_where_the_atom_says_what_may_happen_again(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": "- [ ] [Mine] Work\n"})
    flow = root / ".flow"
    (flow / "atoms").mkdir()
    (flow / "atoms/mine.py").write_text(
        "import pathlib, time\nfrom engine import Atom\n"
        "class Mine(Atom):\n    def run(self, call):\n"
        "        (call.root / 'started').touch()\n        time.sleep(1000)\n"
    )
    (flow / "flow.registry.json").write_text('{"Mine": "mine:Mine"}')
    process = start_engine(root)
    wait_for(lambda: (root / "started").exists())
    kill(process)
    engine = Engine.open(root)
    kill_work(engine)
    recovery = engine.recovery()
    assert recovery is not None
    assert "by the atom" in recovery.always_off
    with pytest.raises(StateError, match="by the atom"):
        await finish(engine.recover("always"))
    assert (flow / "status.md").read_text() == "- [/] [Mine] Work\n"
    assert engine.recovery() is not None


async def test_always_is_off_for_a_task_that_is_gone(make_project: MakeProject, vanish: Vanish) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    (root / ".flow/status.md").write_text("- [ ] Something else\n")
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert "no longer in the plan" in recovery.always_off
    with pytest.raises(StateError, match="no longer in the plan"):
        await finish(engine.recover("always"))


async def test_the_choice_survives_a_crash_between_its_two_parts(
    make_project: MakeProject, vanish: Vanish, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    events = Engine.open(root).recover("always")
    first = await anext(events)
    assert isinstance(first, PlanChanged)
    await events.aclose()  # type: ignore[attr-defined]
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert recovery.resume is Resume.RUN
    (root / "go").touch()
    assert (await finish(engine.step())).outcome is StepOutcome.DONE


def test_a_line_that_cannot_hold_the_option_is_left_alone(tmp_path: Path) -> None:
    from engine.errors import PlanError
    from engine.status import body, parse
    from engine.status.options import with_option

    text = '- [ ] [Script] Odd\n    ```sh "effect=once"\n    true\n    ```\n'
    plan = parse(text)
    (fence,) = body(plan.tasks[0]).fences
    with pytest.raises(PlanError, match="by hand"):
        with_option(plan.tasks[0], fence, "effect", "idempotent")
    assert plan.text == text
