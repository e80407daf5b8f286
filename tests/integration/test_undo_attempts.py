"""What has run is remembered when the tree around it is changed, and when that is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from engine import Engine, NeedsPersonError
from engine.storage import Journal
from tests.conftest import MakeProject
from tests.integration.conftest import finish

SCRIPT = "    ```sh\n    echo run >> runs\n    ```\n"
WORK = f"- [ ] [Script] Work\n{SCRIPT}"
PLANS = {
    "a namesake": f"- [ ] Group\n    ## One\n    - [-] [Script] Work\n    ## Two\n{indent(WORK, '    ')}",
    "in a sub-flow": "- [ ] Group\n    ## One\n    - [-] Work\n    ## Two\n    - [ ] [Flow] Inner @ inner.md\n",
}
CHANGES: dict[str, Callable[[Engine], object]] = {
    "renamed": lambda engine: engine.rename("1.2", "Other"),
    "renamed around": lambda engine: engine.rename("1", "Other"),
    "moved": lambda engine: engine.move("1.2", at=1),
    "moved into another file": lambda engine: engine.move("1.2", to="2", at=1),
    "zoomed": lambda engine: engine.zoom("1"),
    "removed": lambda engine: engine.remove("1.2"),
}


def plans_of(root: Path) -> dict[str, str]:
    return {name: (root / ".flow" / name).read_text() for name in ("status.md", "inner.md", "there.md")}


async def taken_back(make_project: MakeProject, plan: str) -> tuple[Path, Engine]:
    """A project of which the one task that could run has run, and was taken back."""
    status = f"{PLANS[plan]}- [ ] [Flow] There @ there.md\n"
    root = make_project({"status.md": status, "inner.md": WORK, "there.md": "- [ ] Here\n"})
    engine = Engine.open(root)
    assert (await finish(engine.step())).name == "Work"
    engine.undo()  # that it is done
    engine.undo()  # that it was begun
    return root, engine


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("change", CHANGES)
async def test_whatever_is_taken_back_what_has_run_asks(
    make_project: MakeProject, change: str, plan: str
) -> None:
    root, engine = await taken_back(make_project, plan)
    plans = plans_of(root)
    CHANGES[change](engine)
    if change != "removed":
        with pytest.raises(NeedsPersonError, match="has run already"):
            await finish(engine.step())
    while engine.undo().because != change.split()[0]:
        pass  # what followed from it
    assert plans_of(root) == plans
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize(
    "moved", ["nothing", 5, [], [["a", "1"]], [["status.md", "9"], ["status.md", "x"]], "ab"]
)
async def test_places_that_no_engine_wrote_bring_nothing_back(
    make_project: MakeProject, moved: object
) -> None:
    root, engine = await taken_back(make_project, "a namesake")
    engine.rename("2", "Elsewhere")
    journal = Journal(root / ".flow/logs/events.jsonl")
    last = max(journal.records(), key=lambda record: int(record["seq"]))
    assert last["what"] == "rewritten"
    assert json.dumps(last["moved"]) == '[["status.md", "2"], ["status.md", "2"]]'
    details = {name: last[name] for name in ("what", "because", "address", "name", "versions")}
    journal.append({**details, "moved": moved})
    assert engine.undo().because == "renamed"
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())


async def test_a_run_of_which_the_log_tells_no_end_is_no_change_by_hand(make_project: MakeProject) -> None:
    """Killed between the plan and the log; then the record behind is the one of whatever came next."""
    root = make_project({"status.md": WORK + "- [ ] Other\n"})
    await finish(Engine.open(root).step())
    log = root / ".flow/logs/events.jsonl"
    *lines, end = log.read_bytes().splitlines(keepends=True)
    assert b'"what":"done"' in end and b'"what":"changed"' in lines[-1]
    log.write_bytes(b"".join(lines))
    engine = Engine.open(root)
    engine.move("1", at=2)
    for _ in range(3):
        engine.undo()
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(Engine.open(root).step())
    assert (root / "runs").read_text() == "run\n"


async def test_nor_where_a_person_notes_something_about_it_next(make_project: MakeProject) -> None:
    root = make_project({"status.md": WORK})
    await finish(Engine.open(root).step())
    log = root / ".flow/logs/events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    engine = Engine.open(root)
    engine.change("done", "1", note="Looked at it.")
    assert engine.undo().has_run
    engine.undo()
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())


async def test_a_log_that_names_the_run_behind_the_change_only_is_understood(
    make_project: MakeProject,
) -> None:
    """As it was written before the change named it."""
    root = make_project({"status.md": WORK + "- [ ] Other\n"})
    await finish(Engine.open(root).step())
    Engine.open(root).change("done", "2")
    path = root / ".flow/logs/events.jsonl"
    records = list(Journal(path).records())
    path.unlink()
    for record in records:
        details = {name: record[name] for name in record if name not in ("seq", "sum")}
        if record["what"] == "changed":
            details.pop("run", None)
        Journal(path).append(details)
    engine = Engine.open(root)
    assert [engine.undo().has_run for _ in range(3)] == [False, True, False]
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())


def test_a_change_of_very_many_tasks_is_taken_back_too(make_project: MakeProject) -> None:
    """What is too long for a record is in a file of its own."""
    root = make_project({"status.md": "".join(f"- [ ] Task number {number}\n" for number in range(200))})
    engine = Engine.open(root)
    engine.change("begin", "3")
    every = "".join(f"- [x] Task number {number}\n" for number in range(200))
    (root / ".flow/status.md").write_text(every)
    engine.reset(None)
    assert any('"reset"' in path.read_text() for path in (root / ".flow/artifacts").glob("*.json"))
    assert engine.undo().because == "reset"
    assert (root / ".flow/status.md").read_text() == every


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"versions": 3, "note": {}},
        {"versions": {"status.md": ["x"]}, "note": {}},
        {"versions": {"status.md": [1, 2]}, "note": {}},
        {"versions": {"../x": [None, "0" * 64]}, "note": {"what": "x"}},
        {"versions": {}, "note": "x"},
    ],
)
def test_a_change_of_several_files_that_no_engine_began_stands_in_nobody_s_way(
    make_project: MakeProject, record: object
) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    (root / ".flow/status.meta").write_text(json.dumps({"tasks": {"rewrite": record}}) + "\n")
    Engine.open(root).change("done", "1")
    assert (root / ".flow/status.md").read_text() == "- [x] One\n"
    assert "rewrite" not in (root / ".flow/status.meta").read_text().splitlines()[-1]


async def test_the_next_attempt_knows_of_one_that_was_taken_back(make_project: MakeProject) -> None:
    script = "    ```sh\n    echo $FLOW_ATTEMPT $FLOW_KEY >> keys\n    ```\n"
    root = make_project({"status.md": f"- [ ] [Script] Work\n{script}"})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    await finish(engine.retry("1"))
    (first, key), (second, same) = (line.split() for line in (root / "keys").read_text().splitlines())
    assert (first, second, same) == ("1", "2", key)


@pytest.mark.parametrize("first", ["name", "text"])
async def test_what_was_asked_about_is_asked_about_however_it_is_changed(
    make_project: MakeProject, first: str
) -> None:
    root = make_project({"status.md": WORK})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    engine.undo()
    plan = root / ".flow/status.md"
    edits = [("[Script] Work", "[Script] Labour"), ("```sh\n", "```sh\n    true\n")]
    for old, new in edits if first == "name" else reversed(edits):
        assert old in plan.read_text()
        plan.write_text(plan.read_text().replace(old, new))
        with pytest.raises(NeedsPersonError, match="run already"):
            await finish(engine.step())
