"""What `flow doctor` tells people to do."""

from __future__ import annotations

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow


def test_doctor_tells_what_becomes_of_a_plan_that_was_changed_outside(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n"})
    assert flow("done", "1", cwd=root).code == 0
    plan = root / ".flow/status.md"
    plan.write_text(f"{plan.read_text()}- [ ] Three\n")
    said = "plans changed by another program: 1"
    assert f"{said} (the next change of them takes it in)" in flow("doctor", cwd=root).out
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    assert f"{said} (`flow accept` or `flow restore`)" in flow("doctor", cwd=root).out
