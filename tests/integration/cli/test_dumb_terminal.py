"""A terminal that says of itself that nothing can be drawn on it."""

from __future__ import annotations

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
