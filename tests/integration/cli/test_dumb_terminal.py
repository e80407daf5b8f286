"""A terminal that says of itself that nothing can be drawn on it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.terminal import Terminal

MakeProject = Callable[[Mapping[str, str]], Path]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_the_app_refuses_a_terminal_on_which_it_cannot_draw(make_project: MakeProject, term: str) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    flow = [sys.executable, "-m", "tui"]
    with Terminal(flow, size=(80, 24), cwd=root, env={"TERM": term}) as terminal:
        assert terminal.wait() == 2
    assert f"cannot draw on this terminal: TERM is '{term}'".encode() in terminal.raw
    assert b"\x1b[?1049h" not in terminal.raw


def test_the_app_refuses_to_draw_where_nobody_sees_it(make_project: MakeProject, tmp_path: Path) -> None:
    root, said = make_project({"status.md": "- [ ] One\n"}), tmp_path / "said"
    flow = ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m tui 2>{shlex.quote(str(said))}"]
    with Terminal(flow, size=(80, 24), cwd=root) as terminal:
        assert terminal.wait() == 2
    assert "needs a terminal, and draws on standard error" in said.read_text()
    assert b"\x1b[?1049h" not in terminal.raw
