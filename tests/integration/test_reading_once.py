"""A change by hand costs what reading and one durable save cost: a plan is parsed once for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine, Plan, parse
from tests.conftest import MakeProject


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project({"status.md": "".join(f"- [ ] Task {number}\n" for number in range(100))})


@pytest.mark.parametrize("verb", ["begin", "done", "skip", "fail"])
def test_a_change_by_hand_reads_a_plan_once(root: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine.open(root)
    engine.change("done", "1")
    parsed: list[str] = []

    def counted(data: bytes, file: str) -> Plan:
        parsed.append(file)
        return parse(data, file)

    monkeypatch.setattr("engine.flows.loader.parse", counted)
    assert Engine.open(root).change(verb, "50").address == "50"
    assert parsed == ["status.md"]
    assert (
        f"- [{'/x-!'[('begin', 'done', 'skip', 'fail').index(verb)]}] Task 49\n"
        in (root / ".flow/status.md").read_text()
    )
