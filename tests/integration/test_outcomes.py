"""How work ends, and what the engine makes of it: failures, exports, retries, users' atoms."""

from __future__ import annotations

import pytest

from engine import ConfigurationError, Engine, NeedsPersonError, Output, Started, Status, StepOutcome
from tests.conftest import MakeProject
from tests.integration.conftest import collect, finish


async def test_t3_24_failures_have_their_reason_and_the_engine_lives(make_project: MakeProject) -> None:
    scripts = {
        "exits": ("exit 3", "3"),
        "is killed": ("kill -9 $$", "SIGKILL"),
        "takes too long": ("sleep 60", "longer"),
        "exports no JSON": ('echo "{" > "$FLOW_EXPORTS"', "JSON"),
    }
    plan = "".join(
        f"- [ ] [Script] {name}\n    ```sh {'timeout=0.2' if 'long' in name else ''}\n    {script}\n    ```\n"
        for name, (script, _) in scripts.items()
    )
    engine = Engine.open(make_project({"status.md": plan}))
    for name, (_, reason) in scripts.items():
        finished = await finish(engine.step())
        assert (finished.name, finished.outcome) == (name, StepOutcome.FAILED)
        assert reason in finished.message
        engine.change("skip", name)


async def test_t3_24_an_edit_by_a_text_that_is_none_fails_with_that_reason(make_project: MakeProject) -> None:
    edit = r'{"op": "append", "path": "a.txt", "text": "\ud800"}'
    root = make_project({"status.md": f"- [ ] [Loom] Edit\n    ```json\n    {edit}\n    ```\n"})
    (root / "a.txt").write_bytes(b"a\n")
    engine = Engine.open(root)
    finished = await finish(engine.step())
    assert finished.outcome is StepOutcome.FAILED and r"'\ud800'" in finished.message
    assert engine.recovery() is None and (root / "a.txt").read_bytes() == b"a\n"


async def test_t3_25_exports_later_ones_win_and_reserved_keys_are_refused(make_project: MakeProject) -> None:
    plan = """\
- [ ] [Script] One
    ```sh
    echo '{"version": "1", "root": "/elsewhere"}' > "$FLOW_EXPORTS"
    ```
- [ ] [Script] Two
    ```sh
    cat "$FLOW_CONTEXT"; echo '{"version": "2"}' > "$FLOW_EXPORTS"
    ```
"""
    root = make_project({"status.md": plan})
    engine = Engine.open(root)
    first = await collect(engine.step())
    assert any("'root'" in str(event) for event in first)
    second = await collect(engine.step())
    assert '"version": "1"' in "".join(event.text for event in second if isinstance(event, Output))
    assert engine.context() == {"version": "2"}


async def test_retries_by_declaration_are_no_interruptions(make_project: MakeProject) -> None:
    plan = """\
- [ ] [Script] Flaky
    ```sh retries=3 backoff=10ms
    echo try >> tries
    [ $(wc -l < tries) -eq 3 ]
    ```
"""
    root = make_project({"status.md": plan})
    events = await collect(Engine.open(root).step())
    assert [event.attempt for event in events if isinstance(event, Started)] == [1, 2, 3]
    assert (root / ".flow/status.md").read_text().startswith("- [x]")


async def test_a_once_task_whose_done_was_taken_back_asks_before_it_runs_again(
    make_project: MakeProject,
) -> None:
    root = make_project({"status.md": "- [ ] [Script] Pay\n    ```sh\n    echo paid >> paid\n    ```\n"})
    engine = Engine.open(root)
    await finish(engine.step())
    engine.undo()
    with pytest.raises(NeedsPersonError, match="has run already"):
        await finish(engine.step())
    assert (root / "paid").read_text() == "paid\n"
    assert (await finish(engine.retry("Pay"))).outcome is StepOutcome.DONE
    assert (root / "paid").read_text() == "paid\npaid\n"


async def test_t1_35_an_atom_that_breaks_when_imported_is_refused_before_anything_is_written(
    make_project: MakeProject,
) -> None:
    root = make_project({"status.md": "- [ ] [Mine] Boom\n"})
    flow = root / ".flow"
    (flow / "atoms").mkdir()
    (flow / "atoms/mine.py").write_text("class Mine:\n    pass\nraise SystemExit(3)\n")
    (flow / "flow.registry.json").write_text('{"Mine": "mine:Mine"}')
    with pytest.raises(ConfigurationError, match="broken"):
        await finish(Engine.open(root).step())
    assert (flow / "status.md").read_text() == "- [ ] [Mine] Boom\n"
    assert not (flow / "intent.lock").exists()


async def test_a_users_atom_says_what_its_effect_is(make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Mine] Work\n"})
    flow = root / ".flow"
    (flow / "atoms").mkdir()
    (flow / "atoms/mine.py").write_text(
        "from engine import Atom, AtomResult, Effect\n"
        "class Mine(Atom):\n    effect = Effect.IDEMPOTENT\n"
        "    def run(self, call):\n        return AtomResult.waiting('Ask the boss')\n"
    )
    (flow / "flow.registry.json").write_text('{"Mine": "mine:Mine"}')
    engine = Engine.open(root)
    finished = await finish(engine.step())
    assert (finished.outcome, finished.message) == (StepOutcome.WAITING, "Ask the boss")
    assert engine.recovery() is None
    assert (await finish(engine.step())).outcome is StepOutcome.WAITING


@pytest.mark.parametrize("way", ["cut", "renamed away"])
async def test_a_result_waits_for_a_plan_that_is_just_saved_anew(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("engine.runtime.conclusion._RETURN", 60.0)
    away = (
        "mv .flow/status.md kept" if way == "renamed away" else "cp .flow/status.md kept; : > .flow/status.md"
    )
    later = "(sleep 0.3; cat kept > .flow/status.md) > /dev/null 2>&1 &"
    root = make_project(
        {
            "status.md": f"- [ ] [Script] Pay\n    ```sh\n    echo paid >> ran; {away}; {later}\n    ```\n- [ ] Last\n"
        }
    )
    engine = Engine.open(root)
    finished = await finish(engine.step())
    assert (finished.outcome, finished.status) == (StepOutcome.DONE, Status.DONE)
    assert (root / "ran").read_text() == "paid\n"
    assert "- [x] [Script] Pay" in (root / ".flow/status.md").read_text()


@pytest.mark.parametrize(
    "block",
    [
        '[Loom] X\n    ```toml\n    op = "explode"\n    path = "a.txt"\n    ```\n',
        '[Loom] X\n    ```toml\n    op = "append"\n    path = "a.txt"\n    text = "x"\n    find = "y"\n    ```\n',
        '[Git] X\n    ```toml\n    op = "explode"\n    ```\n',
        "[Script] X\n    ```sh timeout=abc\n    true\n    ```\n",
    ],
)
async def test_a_task_whose_block_is_wrong_does_not_begin(make_project: MakeProject, block: str) -> None:
    root = make_project({"status.md": f"- [ ] {block}"})
    with pytest.raises(ConfigurationError):
        await finish(Engine.open(root).step())
    assert Engine.open(root).recovery() is None
    assert (root / ".flow/status.md").read_text() == f"- [ ] {block}"
