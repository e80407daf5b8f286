"""What the log tells: a timeline of attempts, records in words, and readers that read nothing twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from engine import Engine, Output, StorageError, describe
from engine.storage import Journal
from tests.conftest import MakeProject
from tests.integration.conftest import HANGING, finish

PLAN = """\
- [ ] [Script] Quick
    ```sh
    sleep 0.02
    ```
- [ ] [Script] Flaky
    ```sh retries=1 backoff=10ms
    [ $FLOW_ATTEMPT -eq 2 ]
    ```
- [ ] [Script] Broken
    ```sh
    exit 3
    ```
- [ ] Sign
"""


async def test_the_timeline_says_what_ran_when_and_how_it_ended(make_project: MakeProject) -> None:
    engine = Engine.open(make_project({"status.md": PLAN}))
    assert engine.timeline() == ()
    for _ in range(3):
        await finish(engine.step())
    assert [(one.name, one.attempt, one.outcome) for one in engine.timeline()] == [
        ("Quick", 1, "done"),
        ("Flaky", 1, "retried"),
        ("Flaky", 2, "done"),
        ("Broken", 1, "failed"),
    ]
    quick, *_, broken = engine.timeline()
    assert (quick.address, quick.file, quick.atom, quick.by) == ("1", "status.md", "Script", "tester")
    assert quick.seconds is not None and quick.seconds >= 0.02
    assert broken.message == "Exit status 3."
    engine.change("skip", "Broken", note="not needed")
    await finish(engine.step())
    engine.change("done", "Sign")
    tail = engine.timeline()[4:]
    assert [(one.run, one.name, one.outcome, one.message) for one in tail] == [
        ("", "Broken", "skipped", "not needed"),
        ("", "Sign", "waiting", ""),
        ("", "Sign", "done", ""),
    ]
    assert Engine.open(engine.root).timeline() == engine.timeline()


async def test_a_running_attempt_has_no_outcome_and_one_that_vanished_says_so(
    make_project: MakeProject, vanish: Callable[..., None]
) -> None:
    root = make_project({"status.md": HANGING.format(options="")})
    vanish(root)
    engine = Engine.open(root)
    (entry,) = engine.timeline()
    assert (entry.outcome, entry.seconds) == ("", None)
    await finish(engine.recover("skip"))
    (entry,) = engine.timeline()
    assert (entry.outcome, entry.seconds) == ("skipped", None)


async def test_what_a_person_stopped_and_settled_keeps_its_time_and_says_both(
    make_project: MakeProject,
) -> None:
    plan = "- [ ] [Script] Wait\n    ```sh\n    echo begun\n    sleep 600\n    ```\n"
    engine = Engine.open(make_project({"status.md": plan}))
    async for event in engine.step():
        if isinstance(event, Output):
            engine.stop()
    (entry,) = engine.timeline()
    assert (entry.outcome, entry.message) == ("stopped", "")
    assert entry.seconds is not None and entry.seconds > 0
    engine.change("done", "1")
    (settled,) = engine.timeline()
    assert (settled.outcome, settled.message) == ("done", "It was stopped. Marked done by hand.")
    assert settled.seconds == entry.seconds


async def test_results_that_were_taken_back_say_so(make_project: MakeProject) -> None:
    quick = "- [ ] [Script] Quick\n    ```sh effect=idempotent\n    true\n    ```\n"
    engine = Engine.open(make_project({"status.md": f"{quick}- [ ] Group\n    - [ ] Sign\n- [ ] Last\n"}))

    def standing() -> list[tuple[str, str, bool]]:
        told = [(one.name, one.outcome, one.taken_back) for one in engine.timeline()]
        assert [
            (one.name, one.outcome, one.taken_back) for one in Engine.open(engine.root).timeline()
        ] == told
        return told

    await finish(engine.step())
    engine.undo()
    assert standing() == [("Quick", "done", True)]
    await finish(engine.step())
    engine.change("done", "Sign")
    assert standing()[1:] == [("Quick", "done", False), ("Sign", "done", False)]
    engine.reset("Group")
    assert standing()[1:] == [("Quick", "done", False), ("Sign", "done", True)]
    engine.undo()
    assert standing()[1:] == [("Quick", "done", False), ("Sign", "done", False)]
    engine.change("reopen", "Sign")
    assert standing()[2:] == [("Sign", "done", True), ("Sign", "pending", False)]
    engine.undo()
    assert standing()[2:] == [("Sign", "done", False), ("Sign", "pending", True)]
    engine.reset()
    assert standing()[1:] == [("Quick", "done", True), ("Sign", "done", True), ("Sign", "pending", True)]


async def test_what_happened_to_a_task_goes_along_with_its_name(make_project: MakeProject) -> None:
    quick = "- [ ] [Script] Quick\n    ```sh\n    true\n    ```\n"
    engine = Engine.open(make_project({"status.md": f"# One\n\n{quick}\n# Two\n\n{quick}"}))

    def known() -> list[tuple[str, str]]:
        told = [(one.name, one.known_as) for one in engine.timeline()]
        assert [(one.name, one.known_as) for one in Engine.open(engine.root).timeline()] == told
        return told

    await finish(engine.step())
    await finish(engine.step())
    engine.rename("1", "Swift")
    assert known() == [("Quick", "Swift"), ("Quick", "Quick")]
    engine.change("reopen", "Swift")
    assert [one.taken_back for one in engine.timeline()] == [True, False, False]
    engine.undo()
    engine.move("Swift", at=2)
    engine.rename("Swift", "Rapid")
    assert known()[0] == ("Quick", "Rapid")
    for _ in range(3):
        engine.undo()
    assert known()[:2] == [("Quick", "Quick"), ("Quick", "Quick")]


def test_a_reader_that_comes_back_reads_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    for number in range(2_000):
        journal.append({"number": number})
    reader = Journal(journal.path)
    assert len(list(reader.records())) == 2_000
    whole = journal.path.stat().st_size
    journal.append({"number": 2_000})
    parsed: list[int] = []
    loads = json.loads

    def counted(text: bytes) -> object:
        parsed.append(len(text))
        return loads(text)

    monkeypatch.setattr(json, "loads", counted)
    assert [record["number"] for record in reader.records(after=2_000)] == [2_000]
    assert list(reader.records(after=2_001)) == []
    assert sum(parsed) < whole / 100
    parsed.clear()
    assert [record["number"] for record in islice(Journal(journal.path).latest(), 2)] == [2_000, 1_999]
    assert sum(parsed) < whole / 100


def test_t5_27_a_follower_loses_nothing_to_rotations(tmp_path: Path) -> None:
    writer = Journal(tmp_path / "events.jsonl", limit=700)
    reader = Journal(writer.path, limit=700)
    seen: list[int] = []
    for burst in (1, 3, 20, 1, 7, 2, 40, 1):
        for _ in range(burst):
            writer.append({"text": "x" * 90})
        seen += [record["seq"] for record in reader.records(after=seen[-1] if seen else 0)]
    assert len(list(tmp_path.glob("events-*.jsonl"))) > 5
    assert seen == list(range(1, 76))
    assert [record["seq"] for record in reader.latest()] == seen[::-1]


def test_a_follower_begins_anew_when_the_log_was_replaced(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    for number in range(5):
        journal.append({"number": number})
    assert len(list(journal.records())) == 5
    journal.path.unlink()
    journal.append({"number": 99})
    assert [record["number"] for record in journal.records()] == [99]


def test_a_torn_tail_is_held_back_and_read_when_it_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append({"text": "one"})
    journal.append({"text": "two"})
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-5])
    reader = Journal(journal.path)
    assert [record["text"] for record in reader.records()] == ["one"]
    assert [record["text"] for record in reader.latest()] == ["one"]
    journal.path.write_bytes(whole)
    assert [record["text"] for record in reader.records(after=1)] == ["two"]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_log_that_is_no_file_is_an_error_and_no_hang(make_project: MakeProject, kind: str) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    place = root / ".flow/logs/events.jsonl"
    place.parent.mkdir()
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    engine = Engine.open(root)
    with pytest.raises(StorageError, match="no regular file"):
        engine.timeline()
    with pytest.raises(StorageError, match="no regular file"):
        list(engine.history())
    with pytest.raises(StorageError, match="no regular file"):
        engine.undo()
    assert engine.change("done", "One").name == "One"


def test_records_in_words() -> None:
    path = [{"file": "status.md", "names": ["Build", "Test"]}]
    changed = {"what": "changed", "changes": [{"path": path, "from": "active", "to": "done"}]}
    assert describe(changed) == "plan: Test, active → done"
    assert describe({**changed, "undoes": 3}) == "taken back: Test, active → done"
    assert describe({"what": "changed", "changes": [{}, 3, None]}) == "plan: changed"
    started = {"what": "started", "run": "r", "atom": "Script"}
    assert describe({**started, "attempt": 1}) == "started (Script)"
    assert describe({**started, "attempt": 2}) == "started (attempt 2, Script)"
    failed = {"what": "failed", "run": "r", "status": "failed", "message": "Exit status 3.", "seconds": 75.2}
    assert describe(failed) == "failed (1 min 15 s): Exit status 3."
    assert describe(
        {"what": "done", "run": "r", "status": "skipped", "message": "Marked skipped by hand."}
    ) == ("skipped: Marked skipped by hand.")
    assert describe({"what": "done", "note": "looked fine"}) == "marked done by hand: looked fine"
    assert describe({"what": "vanished", "run": "r", "interruptions": 2}) == (
        "its work vanished without a result, 2 times in a row"
    )
    assert describe({"what": "something new"}) == "something new"
    assert describe({}) == ""


async def test_what_waited_waits_no_more_after_a_reset(make_project: MakeProject) -> None:
    engine = Engine.open(make_project({"status.md": "- [ ] Approve\n"}))
    await finish(engine.step())
    assert [(one.outcome, one.taken_back) for one in engine.timeline()] == [("waiting", False)]
    engine.reset()
    assert [(one.outcome, one.taken_back) for one in engine.timeline()] == [("waiting", True)]
