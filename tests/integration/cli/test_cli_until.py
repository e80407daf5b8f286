"""`flow run --until`: no further than the task that is named, whatever becomes of that."""

from __future__ import annotations

import json

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow, script


def test_a_run_ends_when_the_task_that_it_was_to_end_at_is_gone(
    flow: Flow, make_project: MakeProject
) -> None:
    cut = "sed -i '/^- .*Three$/,$d' .flow/status.md"
    root = make_project({"status.md": script("One", cut) + script("Two", "true") + script("Three", "true")})
    ran = flow("run", "--until", "3", "--json", cwd=root)
    last = json.loads(ran.out.splitlines()[-1])
    assert (ran.code, last["outcome"]) == (0, "nothing")
    assert "Three" in last["message"]
    assert flow("next", "--json", cwd=root).json["address"] == "2"


@pytest.mark.parametrize("how", ["rm .flow/sub.md", "echo '- [?] Odd' >> .flow/sub.md", ":"])
def test_a_run_does_not_pass_the_task_that_it_was_to_end_at_when_that_is_broken(
    flow: Flow, make_project: MakeProject, how: str
) -> None:
    files = {"status.md": script("A", how) + "- [ ] [Sub](sub.md)\n" + script("Z", "echo Z > ran")}
    if how != ":":
        files["sub.md"] = "- [ ] Inside\n"
    root = make_project(files)
    assert flow("run", "--until", "2", cwd=root).code == 4
    assert not (root / "ran").exists()
