"""`flow init --agents`: what agents are told, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import ConfigurationError, Section, UnsupportedFileError, drop_section, put_section
from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tui.agents import GUIDE


def test_agents_are_told_once_and_all_else_stays(flow: Flow, tmp_path: Path) -> None:
    ran = flow("init", "--agents", "--json", cwd=tmp_path)
    assert "AGENTS.md" in ran.json["files"]
    agents = tmp_path / "AGENTS.md"
    assert agents.read_text() == f"<!-- flow-manager -->\n{GUIDE}<!-- /flow-manager -->\n"
    assert flow("init", "--agents", "--json", cwd=tmp_path).json["files"] == []
    before = "# Agents\r\n\r\nBe kind. \udcff"
    data = before.encode("utf-8", "surrogateescape")
    agents.write_bytes(data)
    assert flow("init", "--agents", "--json", cwd=tmp_path).json["files"] == ["AGENTS.md"]
    after = agents.read_bytes()
    assert after.startswith(data + b"\r\n\r\n<!-- flow-manager -->\r\n## The plan\r\n")
    assert b"\n" not in after.replace(b"\r\n", b"")
    agents.write_bytes(after.replace(b"This project has a plan", b"An older text") + b"More of mine.\r\n")
    assert flow("init", "--agents", cwd=tmp_path).code == 0
    assert agents.read_bytes() == after + b"More of mine.\r\n"
    assert flow("init", cwd=tmp_path).code == 0


def test_a_section_that_cannot_be_told_is_left_as_it_is(make_project: MakeProject) -> None:
    root = make_project({"status.md": ""})
    section = Section("NOTES.md", "<!-- a -->", "<!-- /a -->")
    notes = root / "NOTES.md"
    assert put_section(root, section, "one")
    assert not put_section(root, section, "one")
    assert put_section(root, section, "two\n")
    assert notes.read_text() == "<!-- a -->\ntwo\n<!-- /a -->\n"
    notes.write_text("mine\n\n<!-- a -->\ntwo\n<!-- /a -->\nmine\n")
    assert drop_section(root, section)
    assert notes.read_text() == "mine\nmine\n"
    assert not drop_section(root, section)
    notes.write_text("<!-- a -->\nno end\n")
    with pytest.raises(ConfigurationError, match="none that says"):
        put_section(root, section, "one")
    notes.write_bytes(b"a\0b")
    with pytest.raises(UnsupportedFileError):
        put_section(root, section, "one")
    assert notes.read_bytes() == b"a\0b"
    assert not drop_section(root, Section("gone.md", "<!-- a -->", "<!-- /a -->"))
