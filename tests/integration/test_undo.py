"""`undo`: again and again, across files, around what others wrote, and never over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine, NeedsPersonError, StateError, Status, StepOutcome, UsageError
from engine.storage import Journal
from tests.conftest import MakeProject
from tests.integration.conftest import finish

FILES = {
    "status.md": "# Release\n\n- [ ] [Build](build.md)\n- [ ] Sign\n",
    "build.md": "- [ ] Compile\n- [ ] [Script] Test\n    ```sh\n    echo run >> runs\n    ```\n",
}


def texts(root: Path) -> dict[str, str]:
    return {name: (root / ".flow" / name).read_text() for name in FILES}


async def test_everything_is_taken_back_one_by_one_across_files(make_project: MakeProject) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    states = [texts(root)]
    engine.change("done", "Compile")
    states.append(texts(root))
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    done = texts(root)
    engine.rename("Sign", "Sign it")
    engine.change("skip", "Sign it")
    engine.undo()
    engine.undo()
    assert texts(root) == done
    assert "[x] [Build]" in done["status.md"]
    engine.undo()  # done
    engine.undo()  # started
    assert texts(root) == states[1]
    assert engine.undo().name == "Compile"
    assert texts(root) == states[0]
    with pytest.raises(UsageError, match="no change"):
        engine.undo()


def test_the_authors_other_edits_stay(make_project: MakeProject) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    engine.change("done", "Sign")
    plan = root / ".flow/status.md"
    written = plan.read_text().replace("# Release", "# Release 2.0") + "- [ ] Celebrate\n    With cake.\n"
    plan.write_text(written)
    assert engine.undo().name == "Sign"
    assert plan.read_text() == written.replace("[x] Sign", "[ ] Sign")


@pytest.mark.parametrize("other", ["outside", "another engine", "gone"])
def test_a_later_change_by_somebody_else_is_not_undone(make_project: MakeProject, other: str) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    engine.change("done", "Sign")
    plan = root / ".flow/status.md"
    if other == "outside":
        plan.write_text(plan.read_text().replace("[x] Sign", "[-] Sign"))
    elif other == "gone":
        plan.write_text(plan.read_text().replace("- [x] Sign\n", ""))
    else:
        plan.write_text(plan.read_text().replace("[x] Sign", "[ ] Sign"))
    before = plan.read_text()
    with pytest.raises(StateError, match="changed again since"):
        engine.undo()
    assert plan.read_text() == before


async def test_a_once_task_whose_done_was_undone_asks_before_it_runs_again(make_project: MakeProject) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    engine.change("done", "Compile")
    await finish(engine.step())
    engine.undo()
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(Engine.open(root).run())
    assert (root / "runs").read_text() == "run\n"
    engine.change("done", "Test")
    assert (await finish(engine.step())).name == "Sign"


async def test_what_was_taken_back_says_what_it_is_again_and_whether_it_has_run(
    make_project: MakeProject,
) -> None:
    engine = Engine.open(make_project(FILES))
    engine.change("done", "Compile")
    await finish(engine.step())
    engine.change("done", "Sign")
    said = [engine.undo() for _ in range(4)]
    assert [(undone.name, undone.because, undone.status, undone.has_run) for undone in said] == [
        ("Sign", "done", Status.PENDING, False),
        ("Test", "done", Status.ACTIVE, True),
        ("Test", "started", Status.PENDING, False),
        ("Compile", "done", Status.PENDING, False),
    ]
    engine.rename("Sign", "Sign it")
    assert engine.undo().status is None


@pytest.mark.parametrize("other", ["changed", "gone"])
def test_a_sub_flow_that_is_not_as_zoom_wrote_it_is_not_taken_away(
    make_project: MakeProject, other: str
) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    made = root / ".flow" / next(file for file in engine.zoom("Sign").files if file != "status.md")
    if other == "gone":
        made.unlink()
    else:
        made.write_text(made.read_text() + "- [ ] Mine\n")
    with pytest.raises(StateError, match="changed again since"):
        engine.undo()
    assert made.exists() == (other != "gone")


async def test_a_once_task_that_was_only_marked_done_by_hand_runs_after_its_undo(
    make_project: MakeProject,
) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    engine.change("done", "Compile")
    engine.change("done", "Test")
    assert engine.undo().name == "Test"
    assert (await finish(engine.step())).outcome is StepOutcome.DONE
    assert (root / "runs").read_text() == "run\n"


async def test_a_mark_by_hand_does_not_hide_that_a_once_task_has_run(make_project: MakeProject) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    engine.change("done", "Compile")
    await finish(engine.step())
    engine.undo()
    engine.change("done", "Test")
    engine.undo()
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize(
    "details",
    [
        {"what": "changed"},
        {"what": "changed", "because": "b", "changes": [{"path": 5}]},
        {"what": "changed", "because": "b", "changes": []},
        {"what": "changed", "undoes": []},
        {"what": "rewritten", "because": "b", "address": "1", "name": "n", "versions": {"status.md": 5}},
        {"other": 1},
    ],
)
def test_a_record_that_no_engine_wrote_is_passed_over(
    make_project: MakeProject, details: dict[str, object]
) -> None:
    root = make_project(FILES)
    engine = Engine.open(root)
    before = texts(root)
    engine.change("done", "Compile")
    Journal(root / ".flow/logs/events.jsonl").append(details)
    assert engine.undo().name == "Compile"
    assert texts(root) == before
    with pytest.raises(UsageError, match="no change"):
        engine.undo()
