"""What holds when things go wrong: impossible states, deep interruptions, records that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import (
    BusyError,
    ConfigurationError,
    Engine,
    Event,
    Finished,
    NameMismatchError,
    NeedsPersonError,
    PlanError,
    StateError,
    Status,
    StepOutcome,
    StorageError,
    UsageError,
)
from tests.conftest import MakeProject

DEEP = {
    "status.md": "- [x] Before\n- [/] [Build](build.md)\n- [ ] After\n",
    "build.md": "- [/] Compile\n    - [/] [Check](check/all.md)\n- [ ] Pack\n",
    "check/all.md": "- [x] Lint\n- [/] Tests\n    - [x] Unit\n    - [/] Whole\n- [ ] Docs\n",
}


async def step(engine: Engine) -> Finished:
    events: list[Event] = [event async for event in engine.step()]
    assert isinstance(events[-1], Finished)
    return events[-1]


def test_t3_09_two_active_tasks_in_different_files(make_project: MakeProject) -> None:
    root = make_project(
        {
            "status.md": "- [/] [Build](build.md)\n- [ ] [Sign](sign.md)\n",
            "build.md": "- [/] Compile\n",
            "sign.md": "- [/] Ask for the key\n",
        }
    )
    with pytest.raises(StateError, match="Ask for the key"):
        Engine.open(root).tree().validate_state()


async def test_t3_09_nothing_runs_in_such_a_tree(make_project: MakeProject) -> None:
    root = make_project(
        {
            "status.md": "- [/] A\n    - [/] [Sub](a.md)\n- [ ] [Other](b.md)\n",
            "a.md": "- [/] One\n",
            "b.md": "- [/] Two\n",
        }
    )
    before = (root / ".flow/status.md").read_bytes()
    with pytest.raises(StateError):
        await step(Engine.open(root))
    assert (root / ".flow/status.md").read_bytes() == before


def test_t7_07_the_cursor_is_exactly_the_leaf_in_the_grandchild_file(make_project: MakeProject) -> None:
    engine = Engine.open(make_project(DEEP))
    engine.tree().validate_state()
    task = engine.next()
    assert task is not None
    assert (task.address, task.name) == ("2/1.1/2.2", "Whole")


def test_t7_07_completion_bubbles_from_the_grandchild_to_the_root(make_project: MakeProject) -> None:
    root = make_project(DEEP)
    engine = Engine.open(root)
    for name in ("Whole", "Docs", "Pack"):
        engine.change("done", name)
    assert "[/]" not in "".join((root / ".flow" / file).read_text() for file in DEEP)
    assert (root / ".flow/status.md").read_text() == "- [x] Before\n- [x] [Build](build.md)\n- [ ] After\n"
    task = engine.next()
    assert task is not None
    assert task.name == "After"


async def test_a_crash_between_two_files_is_reconciled(make_project: MakeProject) -> None:
    """The sub-flow was written, the plan that refers to it was not."""
    root = make_project(
        {"status.md": "- [/] [Build](build.md)\n- [ ] After\n", "build.md": "- [x] Compile\n"}
    )
    finished = await step(Engine.open(root))
    assert finished.name == "After"
    assert (root / ".flow/status.md").read_text() == "- [x] [Build](build.md)\n- [/] After\n"


async def test_t3_21a_a_failed_task_holds_everything(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [x] build\n- [!] test\n- [ ] publish\n"})
    before = (root / ".flow/status.md").read_bytes()
    finished = await step(Engine.open(root))
    assert (finished.outcome, finished.name) == (StepOutcome.FAILED, "test")
    assert (root / ".flow/status.md").read_bytes() == before


@pytest.mark.parametrize("verb", ["done", "skip", "reopen"])
async def test_t3_21a_until_it_is_settled(make_project: MakeProject, verb: str) -> None:
    engine = Engine.open(make_project({"status.md": "- [x] build\n- [!] test\n- [ ] publish\n"}))
    engine.change(verb, "test")
    assert (await step(engine)).name == ("test" if verb == "reopen" else "publish")


async def test_t3_23_a_torn_intent_is_told_from_the_plan(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [/] Deploy\n- [ ] After\n"})
    (root / ".flow/intent.lock").write_bytes(b'{"version": 1, "run": "2026')
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.name, recovery.attempt) == ("1", "Deploy", 1)
    events = [event async for event in engine.recover("done")]
    assert isinstance(events[-1], Finished)
    assert (root / ".flow/status.md").read_text() == "- [x] Deploy\n- [ ] After\n"
    assert engine.recovery() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt": None},
        {"interruptions": "x"},
        {"run": 3},
        {"run": "../../x"},
        {"result": {"outcome": "nope"}},
        {"result": {"outcome": "success", "reason": "", "exports": []}},
        {"supervisor": {"pid": "7", "started": 1.0}},
        {"edit": {"path": "a"}},
        {"effect": "sometimes"},
        {"path": []},
        {"path": [{"file": "status.md", "names": []}]},
    ],
    ids=str,
)
async def test_t3_23_an_intent_with_impossible_values_is_torn(
    make_project: MakeProject, wrong: dict[str, object]
) -> None:
    intent = {
        "version": 1, "run": "20260101T000000-00000000", "path": [{"file": "status.md", "names": ["[Script] Deploy"]}],
        "address": "1", "name": "Deploy", "body": "", "atom": "Script", "effect": "once", "attempt": 1,
        "interruptions": 0, "key": "k", "started_at": "2026-01-01T00:00:00.000+00:00", "phase": "released",
        "engine": None, "supervisor": None,
    }  # fmt: skip
    root = make_project({"status.md": "- [/] [Script] Deploy\n    ```sh\n    false\n    ```\n- [ ] After\n"})
    (root / ".flow/intent.lock").write_text(json.dumps(intent | wrong))
    engine = Engine.open(root)
    recovery = engine.recovery()
    assert recovery is not None
    assert (recovery.address, recovery.name, recovery.attempt) == ("1", "Deploy", 1)
    with pytest.raises(NeedsPersonError):
        await step(engine)
    engine.change("done", "Deploy")
    assert engine.recovery() is None


def test_an_invalid_plan_is_never_changed(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [?] b\n"})
    with pytest.raises(PlanError, match=r"status.md:2:3"):
        Engine.open(root).change("done", "a")
    assert (root / ".flow/status.md").read_text() == "- [ ] a\n- [?] b\n"


def test_t4_04_expect_refuses_another_name(make_project: MakeProject) -> None:
    engine = Engine.open(make_project({"status.md": "- [ ] a\n- [ ] b\n"}))
    with pytest.raises(NameMismatchError) as caught:
        engine.change("done", "1", expect="b")
    assert caught.value.fields["name"] == "a"


def test_t1_34_registries(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Git] Commit\n"})
    registry = root / ".flow/flow.registry.json"
    engine = Engine.open(root)

    def atom() -> str | None:
        return engine.atom_of(next(engine.tree().walk()))

    assert atom() == "Git"
    for text, complaint in (
        ("[]", "not an object"),
        ('{"Git": ', "not JSON"),
        ('{"Git": 1}', "not an object"),
        ("[" * 100_000, "nested too deeply"),
    ):
        registry.write_text(text)
        assert atom() is None
        assert complaint in str(engine.check()[0])
    registry.write_text("")
    assert (atom(), engine.check()) == (None, [])
    registry.unlink()
    assert (atom(), engine.check()) == (None, [])


async def test_t1_35_a_broken_entry_is_never_dispatched(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Popen] Boom\n"})
    (root / ".flow/flow.registry.json").write_text(json.dumps({"Popen": "subprocess:Popen"}))
    engine = Engine.open(root)
    problem = engine.problem_of(next(engine.tree().walk()))
    assert problem is not None
    with pytest.raises(ConfigurationError):
        await step(engine)
    assert (root / ".flow/status.md").read_text() == "- [ ] [Popen] Boom\n"


async def test_t3_31_two_engines_never_run_at_once(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Loom] Edit\n    ```toml\n    op = \"append\"\n"
                         "    path = \"a.txt\"\n    text = \"more\"\n    ```\n"})  # fmt: skip
    (root / "a.txt").write_text("text\n")
    first, second = Engine.open(root), Engine.open(root)
    events = first.step()
    await anext(events)
    with pytest.raises(BusyError, match="Edit"):
        await step(second)
    async for _ in events:
        pass
    assert (root / "a.txt").read_text() == "text\nmore\n"


def test_marking_what_is_marked_is_harmless(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [ ] b\n"})
    engine = Engine.open(root)
    assert engine.change("done", "a").status is Status.DONE
    stamp = (root / ".flow/status.md").stat().st_mtime_ns
    assert engine.change("done", "a").files == ()
    assert (root / ".flow/status.md").stat().st_mtime_ns == stamp


def test_strict_t1_14_writing_waits_for_a_person(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [ ] b\n", "flow.toml": 'integrity = "strict"\n'})
    engine = Engine.open(root)
    engine.change("done", "a")
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text() + "- [ ] c\n")
    assert engine.changed_outside() == ["status.md"]
    with pytest.raises(Exception, match="changed by another program") as caught:
        engine.change("done", "b")
    assert caught.type.__name__ == "ChangedOutsideError"
    assert engine.restore() == ["status.md"]
    assert plan.read_text() == "- [x] a\n- [ ] b\n"
    plan.write_text(plan.read_text() + "- [ ] c\n")
    assert engine.accept() == ["status.md"]
    engine.change("done", "c")
    assert plan.read_text() == "- [x] a\n- [ ] b\n- [x] c\n"


def test_t1_13_an_outside_edit_is_adopted_with_a_backup_and_an_event(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [ ] b\n"})
    engine = Engine.open(root)
    engine.change("done", "a")
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text() + "- [ ] c\n")
    engine.change("done", "b")
    adopted = [record for record in engine.history() if record["what"] == "adopted"]
    assert len(adopted) == 1
    assert "+- [ ] c" in adopted[0]["diff"]
    backups = [path.read_text() for path in sorted(Path(root / ".flow/backups/status.md").iterdir())]
    assert "- [x] a\n- [ ] b\n- [ ] c\n" in backups


def test_undo_takes_changes_back_one_by_one_across_files(make_project: MakeProject) -> None:
    root = make_project(
        {"status.md": "- [ ] [Build](build.md)\n- [ ] After\n", "build.md": "- [ ] a\n- [ ] b\n"}
    )
    engine = Engine.open(root)
    texts = []
    for name in ("a", "b", "After"):
        texts.append([(root / ".flow" / file).read_text() for file in ("status.md", "build.md")])
        engine.change("done", name)
    plan = root / ".flow/build.md"
    plan.write_text(plan.read_text() + "\nA note by the author.\n")
    for name, (status, build) in zip(("After", "b", "a"), reversed(texts), strict=True):
        assert engine.undo().name == name
        assert (root / ".flow/status.md").read_text() == status
        assert plan.read_text() == build + "\nA note by the author.\n"
    with pytest.raises(UsageError):
        engine.undo()


def test_undo_refuses_what_was_changed_later(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [ ] b\n"})
    engine = Engine.open(root)
    engine.change("done", "a")
    (root / ".flow/status.md").write_text("- [-] a\n- [ ] b\n")
    with pytest.raises(StateError, match="changed again"):
        engine.undo()
    assert (root / ".flow/status.md").read_text() == "- [-] a\n- [ ] b\n"


def test_reset_makes_everything_pending_again(make_project: MakeProject) -> None:
    root = make_project(DEEP)
    engine = Engine.open(root)
    engine.reset("2")
    engine.tree().validate_state()
    assert [task.status.value for task in engine.tree().walk()] == ["done"] + ["pending"] * 10
    engine.reset()
    assert {task.status for task in engine.tree().walk()} == {Status.PENDING}


def test_a_first_change_that_fails_leaves_nothing_to_call_changed_outside(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] a\n- [ ] [Sub](sub.md)\n", "sub.md": "- [ ] b\n"})
    engine = Engine.open(root)
    (root / ".flow/backups").write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        engine.change("done", "a")
    (root / ".flow/backups").unlink()
    assert engine.changed_outside() == []
    engine.change("done", "a")
    assert engine.changed_outside() == []
