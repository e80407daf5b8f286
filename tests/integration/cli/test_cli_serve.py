"""`flow serve`: where it refuses to listen, and what it says when it cannot. The pages are in tests/tui."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Flow
from tui.loopback import is_loopback

MakeProject = Callable[[Mapping[str, str]], Path]
PLAN = {"status.md": "- [ ] One\n"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_these_addresses_are_reached_from_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "localhost.example.org", "", "127.1"]
)
def test_other_addresses_are_refused_and_it_says_why(
    make_project: MakeProject, flow: Flow, host: str
) -> None:
    ran = flow("serve", "--host", host, cwd=make_project(PLAN))
    assert ran.code == 2
    assert "Other machines can reach" in ran.err
    assert "--unsafe-bind" in ran.err


def test_without_the_extra_one_line_says_how_to_install_it(
    make_project: MakeProject, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def not_there(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "textual_serve" else find(name, package)

    monkeypatch.setattr("tui.commands.serve.find_spec", not_there)
    ran = flow("serve", cwd=make_project(PLAN))
    assert ran.code == 2
    assert "pip install '.[web]'" in ran.err


def test_without_a_project_it_does_not_start(tmp_path: Path, flow: Flow) -> None:
    assert flow("serve", cwd=tmp_path).code == 7


def test_a_port_in_use_is_said(make_project: MakeProject, flow_process: Flow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        ran = flow_process("serve", "--port", port, cwd=make_project(PLAN))
    assert ran.code == 2
    assert f"Port {port} of 127.0.0.1 is in use." in ran.err
    assert not ran.out
