"""An agent's session over a real plan, by the official client: over stdio where that matters, and else within this
process, since every server of its own spends seconds on importing the protocol."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.shared.memory import create_client_server_memory_streams
from mcp_types import CallToolResult, Implementation

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow
from tests.integration.conftest import StartEngine, kill, kill_work
from tui.mcp.server import FlowServer

LIMIT = 300.0
"""Seconds to wait for what has to come: a busy machine takes long to import the protocol."""

PLAN = """\
Project: Orbit

# Release

- [ ] [Script] Build
    ```sh
    echo building; echo "{\\"wheel\\": \\"orbit.whl\\"}" > "$FLOW_EXPORTS"
    ```
- [ ] Review
    - Read the notes twice.
- [ ] [Check](check.md)
"""
CHECK = """\
- [ ] [Loom] Changelog
    ```toml
    op = "insert"
    path = "CHANGELOG.md"
    after = "## Unreleased"
    text = "- Orbit."
    ```
"""


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    root = make_project({"status.md": PLAN, "check.md": CHECK})
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    return root


def _scripts(**scripts: str) -> str:
    """A plan of scripts by their names."""
    return "".join(
        f"- [ ] [Script] {name}\n    ```sh\n    {body}\n    ```\n" for name, body in scripts.items()
    )


class Agent:
    """The client, with answers as plain objects."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **given: Any) -> dict[str, Any]:
        """The answer of a tool that is to succeed."""
        result = await self._call(tool, given)
        assert not result.is_error, result.structured_content
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def error(self, tool: str, **given: Any) -> dict[str, Any]:
        """The error of a tool that is to fail."""
        result = await self._call(tool, given)
        assert result.is_error, result.structured_content
        assert isinstance(result.structured_content, dict)
        error = result.structured_content["error"]
        assert isinstance(error, dict)
        assert error["code"]
        assert error["message"]
        assert error["hint"]
        return error

    async def _call(self, tool: str, given: dict[str, Any]) -> CallToolResult:
        result = await self.client.call_tool(tool, given)
        assert isinstance(result, CallToolResult)
        assert json.loads(getattr(result.content[0], "text", "")) == result.structured_content
        return result


Serve = Callable[..., Any]
NAMED = Implementation(name="an agent", version="1")


@pytest.fixture
def serve(root: Path) -> Serve:
    """Starts `flow mcp` as clients do, and connects."""

    @asynccontextmanager
    async def connect(*options: str, at: Path = root) -> AsyncIterator[Agent]:
        names = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "FLOW_TRUST")
        server = StdioServerParameters(
            command=FLOW[0],
            args=[*FLOW[1:], "mcp", *options],
            cwd=at,
            env={name: os.environ[name] for name in names},
        )
        async with Client(server, client_info=NAMED) as client:
            yield Agent(client)

    return connect


@pytest.fixture
def here(root: Path) -> Serve:
    """Connects to a server in this process, for what is about its answers."""

    @asynccontextmanager
    async def connect(*, trusted: bool = False) -> AsyncIterator[Agent]:
        async with create_client_server_memory_streams() as (ours, its), asyncio.TaskGroup() as servers:
            servers.create_task(FlowServer(root, trusted=trusted).attend(_Line(its)))
            async with Client(_Line(ours), client_info=NAMED) as client:
                yield Agent(client)

    return connect


class _Line:
    """One end of a connection, as a transport."""

    def __init__(self, streams: Any) -> None:
        self._streams = streams

    async def __aenter__(self) -> Any:
        return self._streams

    async def __aexit__(self, *raised: object) -> None:
        for stream in self._streams:
            await stream.aclose()


async def test_an_agents_session_over_a_plan_to_its_end(serve: Serve, root: Path) -> None:
    async with serve() as agent:
        tools = {tool.name for tool in (await agent.client.list_tools()).tools}
        assert {"status", "next", "step", "done", "loom_insert"} <= tools
        assert not {"recover", "accept", "restore", "trust"} & tools
        status = await agent("status")
        assert (status["cursor"], status["title"], status["left_out"]) == ("1", "Orbit", 0)
        assert [task["address"] for task in status["tasks"]] == ["1", "2", "3", "3/1"]

        done = await agent("step", expect="Build")
        assert (done["outcome"], done["status"], done["output"]) == ("done", "done", "building\n")
        assert (await agent("context"))["context"] == {"wheel": "orbit.whl"}

        waiting = await agent("step", expect="Review")
        assert waiting["outcome"] == "waiting"
        task = (await agent("next"))["task"]
        assert (task["name"], task["atom"]) == ("Review", None)
        assert "Read the notes twice." in task["body"]["notes"]
        await agent("start", address="2", expect="Review")
        await agent("add", what="Thank them", to="2", expect="Review")
        assert (await agent("status", only_open=True))["cursor"] == "2.1"
        wrong = await agent.error("done", address="2.1", expect="Review")
        assert (wrong["code"], wrong["name"], wrong["expected"]) == ("name_mismatch", "Thank them", "Review")
        assert (await agent("done", address="2.1", expect="Thank them", note="by mail"))["status"] == "done"

        assert (await agent("step", expect="Changelog"))["outcome"] == "done"
        assert "- Orbit." in (root / "CHANGELOG.md").read_text()
        assert (await agent("step"))["outcome"] == "nothing"
        assert (await agent("next"))["task"] is None
        events = (await agent("log"))["events"]
        assert {event["who"] for event in events if event["what"] == "done"} == {"an agent"}
    assert "- [x] [Check](check.md)" in (root / ".flow/status.md").read_text()


async def test_next_says_what_a_step_would_do_when_only_marks_are_left(here: Serve, root: Path) -> None:
    (root / ".flow/status.md").write_text("- [ ] Parent\n    - [x] One\n    - [-] Two\n")
    async with here() as agent:
        hint = "Nothing is left to run. `step` marks what is complete: 1 Parent."
        assert (await agent("next"))["hint"] == hint
        assert (await agent("step"))["outcome"] == "nothing"
        assert (await agent("next"))["hint"] == "Nothing is left to do."
    assert (root / ".flow/status.md").read_text().startswith("- [x] Parent\n")


async def test_an_edit_conflicts_with_what_another_process_wrote(here: Serve, root: Path) -> None:
    async with here() as agent:
        read = await agent("loom_read", path="CHANGELOG.md")
        assert (read["text"], read["lines"]) == ("# Changelog\n\n## Unreleased\n", 3)
        other = await asyncio.create_subprocess_exec("sh", "-c", "echo '- Hers.' >> CHANGELOG.md", cwd=root)
        assert await other.wait() == 0
        edit = {"path": "CHANGELOG.md", "anchor": "## Unreleased", "where": "after", "text": "- Mine."}
        error = await agent.error("loom_insert", **edit, base=read["revision"])
        assert error["code"] == "content_changed"
        assert error["base_revision"] == read["revision"]
        assert error["disk"] == "# Changelog\n\n## Unreleased\n- Hers.\n"
        assert error["edit"] == "# Changelog\n\n## Unreleased\n- Mine.\n"
        assert "loom_read" in error["hint"]
        again = await agent("loom_insert", **edit, base=error["disk_revision"])
        assert again["changed"]
        assert (root / "CHANGELOG.md").read_text() == "# Changelog\n\n## Unreleased\n- Mine.\n- Hers.\n"
        await agent("loom_append", path="CHANGELOG.md", text="end", base=again["revision"])
        await agent("loom_line", path="CHANGELOG.md", line=5, expect="- Hers.", text="- Theirs.")
        await agent(
            "loom_replace", path="CHANGELOG.md", start="## Unreleased", end="- Theirs.", text="- Ours."
        )
        assert (root / "CHANGELOG.md").read_text() == (
            "# Changelog\n\n## Unreleased\n- Ours.\n- Theirs.\nend\n"
        )
        missing = await agent.error("loom_insert", **{**edit, "anchor": "nowhere"})
        assert missing["code"] == "anchor"
        assert (await agent.error("loom_read", path=".flow/status.md"))["code"] == "forbidden_path"
        assert (await agent.error("loom_read", path="../secret"))["code"] == "forbidden_path"


async def test_a_loom_task_whose_base_is_gone_is_a_conflict(here: Serve, root: Path) -> None:
    async with here() as agent:
        await agent("step", expect="Build")
        await agent("done", address="2", expect="Review")
        read = await agent("loom_read", path="CHANGELOG.md")
        (root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n- Hers.\n")
        error = await agent.error("step", expect="Changelog", base=read["revision"])
        assert (error["code"], error["path"]) == ("content_changed", "CHANGELOG.md")
        assert error["disk"].endswith("- Hers.\n")
        assert (await agent("step", base=error["disk_revision"]))["outcome"] == "done"


async def test_an_interrupted_once_task_is_for_people(
    serve: Serve, here: Serve, root: Path, start_engine: StartEngine, wait_for: Callable[..., None]
) -> None:
    (root / ".flow/status.md").write_text(_scripts(Build="touch ran; sleep 60") + "- [ ] Next\n")
    engine = start_engine(root)
    wait_for((root / "ran").exists, LIMIT)
    kill(engine)
    async with serve() as agent:
        assert (await agent("status"))["recovery"]["resume"] == "follow"
        error = await agent.error("done", address="1", expect="Build")
        assert (error["code"], error["hint"]) == ("interrupted", "Call `step`: it goes on with this task.")
        assert (await agent("step", wait=0.5))["outcome"] == "running"
    kill_work(Engine.open(root))
    async with here() as agent:
        error = await agent.error("step")
        assert error["code"] == "interrupted"
        assert error["recovery"]["resume"] == "ask"
        assert "person" in error["hint"]
        for tool in ("done", "skip", "fail"):
            assert (await agent.error(tool, address="1"))["code"] == "interrupted"
        assert (await agent.error("recover", choice="done"))["code"] == "needs_person"
        assert "[/] [Script] Build" in (root / ".flow/status.md").read_text()
    async with here(trusted=True) as agent:
        assert (await agent("recover", choice="done"))["status"] == "done"
        assert (await agent("next"))["task"]["name"] == "Next"


async def test_a_long_script_outlives_calls_and_the_client(
    serve: Serve, root: Path, wait_for: Callable[..., None]
) -> None:
    script = "echo one; touch ran; while [ ! -e go ]; do sleep 0.05; done; echo two"
    (root / ".flow/status.md").write_text(_scripts(Long=script, After="touch after"))
    async with serve() as agent:
        told: list[str | None] = []
        seen = asyncio.Event()

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told.append(message)
            if message == "one":
                seen.set()

        step = asyncio.create_task(
            agent.client.call_tool("step", {"expect": "Long", "wait": 600}, progress_callback=tell)
        )
        await asyncio.wait_for(seen.wait(), LIMIT)
        assert (await agent("status"))["running"]["name"] == "Long"  # the server answers meanwhile
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        running = await agent("step", wait=0)
        assert (running["outcome"], running["output"]) == ("running", "one\n")
        assert (await agent.error("step", expect="After"))["code"] == "busy"
    (root / "go").touch()
    async with serve() as agent:
        done = await agent("step", expect="Long")
        assert (done["outcome"], done["output"]) == ("done", "one\ntwo\n")
        assert not (root / "after").exists()
    events = [event["what"] for event in Engine.open(root).history()]
    assert events.count("started") == 1


async def test_a_second_client_is_told_who_runs(
    serve: Serve, root: Path, wait_for: Callable[..., None]
) -> None:
    (root / ".flow/status.md").write_text(_scripts(Long="touch ran; while [ ! -e go ]; do sleep 0.05; done"))
    async with serve() as one, serve() as other:
        assert (await one("step", wait=0))["outcome"] == "running"
        wait_for((root / "ran").exists, LIMIT)
        assert (await other.error("step"))["code"] == "busy"
        assert (await other.error("done", address="1"))["code"] == "busy"
        assert (await other("status"))["running"]["name"] == "Long"
        (root / "go").touch()
        while (done := await one("step"))["outcome"] == "running":
            pass
        assert done["outcome"] == "done"


async def test_a_result_that_nobody_took_comes_before_the_next_task(
    here: Serve, root: Path, wait_for: Callable[..., None]
) -> None:
    (root / ".flow/status.md").write_text(_scripts(a="echo a; touch a", b="echo b; touch b"))
    async with here() as agent:
        await agent("step", wait=0)
        plan = root / ".flow/status.md"
        await asyncio.to_thread(wait_for, lambda: "- [x] [Script] a" in plan.read_text(), LIMIT)
        while (done := await agent("step"))["outcome"] == "running":
            pass
        assert done["name"] == "a"
        assert not (root / "b").exists()
        assert (await agent("step", expect="b"))["name"] == "b"


async def test_what_an_interrupted_task_is_in_is_for_people_too(
    here: Serve, root: Path, start_engine: StartEngine, wait_for: Callable[..., None]
) -> None:
    task = "    - [ ] [Script] Build\n        ```sh\n        touch ran; sleep 60\n        ```\n"
    (root / ".flow/status.md").write_text(f"- [ ] Parent\n{task}- [ ] Next\n")
    engine = start_engine(root)
    wait_for((root / "ran").exists, LIMIT)
    kill(engine)
    kill_work(Engine.open(root))
    async with here() as agent:
        for tool in ("skip", "done"):
            error = await agent.error(tool, address="1")
            assert (error["code"], error["recovery"]["address"]) == ("interrupted", "1.1")
        assert (await agent("skip", address="2"))["status"] == "skipped"


async def test_untrusted_code_is_refused_with_what_a_person_has_to_do(
    here: Serve, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_TRUST", "")
    async with here() as agent:
        error = await agent.error("step", expect="Build")
        assert error["code"] == "trust"
        assert "flow trust" in error["hint"]
        assert str(root) in error["hint"]
        assert (await agent.error("trust"))["code"] == "needs_person"
        assert (await agent("status"))["cursor"] == "1"
    async with here(trusted=True) as agent:
        assert (await agent("trust"))["trusted"]
        assert (await agent("step"))["outcome"] == "done"


async def test_a_result_that_was_taken_back_is_left_to_a_person(here: Serve, root: Path) -> None:
    async with here() as agent:
        await agent("step", expect="Build")
        Engine.open(root).undo()
        error = await agent.error("step", expect="Build")
        assert "has run already" in error["message"]
        assert "`flow retry 1`" in error["hint"]
        assert "flow recover" not in error["hint"]  # nothing was interrupted


async def test_resources_are_the_plans_and_nothing_else(here: Serve, root: Path) -> None:
    (root / ".flow/other.md").write_text("- [ ] Not referred to\n")
    async with here() as agent:
        listed = (await agent.client.list_resources()).resources
        assert [each.uri for each in listed] == [
            "flow://status",
            "flow://plan/status.md",
            "flow://plan/check.md",
        ]
        found = await agent.client.read_resource("flow://plan/check.md")
        assert getattr(found.contents[0], "text", "") == CHECK
        status = await agent.client.read_resource("flow://status")
        assert json.loads(getattr(status.contents[0], "text", ""))["cursor"] == "1"
        for uri in (
            "flow://plan/other.md",
            "flow://plan/../CHANGELOG.md",
            "flow://plan/flow.registry.json",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError):
                await agent.client.read_resource(uri)


async def test_wrong_calls_are_told_and_the_server_lives(here: Serve, root: Path) -> None:
    async with here() as agent:
        assert (await agent.error("nonsense"))["code"] == "usage"
        assert "address" in (await agent.error("done"))["message"]
        assert (
            "expected: Extra inputs" in (await agent.error("done", address="1", expected="Build"))["message"]
        )
        assert (await agent.error("done", address="99"))["code"] == "unknown_address"
        assert (await agent.error("add", what="  "))["code"] == "usage"
        (root / ".flow/status.md").write_text("- [?] Broken\n")
        assert (await agent.error("step"))["code"] == "invalid_plan"
        (root / ".flow/status.md").write_text("- [ ] Fine \x1b[31m\n")
        assert (await agent("next"))["task"]["name"] == "Fine \x1b[31m"


async def test_calls_that_were_sent_at_once_are_done_in_their_order(here: Serve, root: Path) -> None:
    (root / ".flow/status.md").write_text("- [ ] 0\n")
    async with here() as agent:
        await asyncio.gather(*(agent("add", what=str(number)) for number in range(1, 13)))
    assert (root / ".flow/status.md").read_text() == "".join(f"- [ ] {number}\n" for number in range(13))


def test_without_a_project_or_the_package_one_line_says_what_to_do(
    flow_process: Flow, flow: Flow, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = flow_process("mcp", cwd=tmp_path)
    assert (ran.code, ran.out) == (7, "")
    ran = flow_process("mcp", "--root", "", cwd=root)
    assert (ran.code, ran.out) == (2, "")
    monkeypatch.setattr("tui.commands.mcp.find_spec", lambda name: None)
    ran = flow("mcp", "--root", str(root), cwd=tmp_path)
    assert ran.code == 2
    assert "pip install '.[mcp]'" in ran.err


def test_other_commands_do_not_load_the_protocol(root: Path) -> None:
    code = (
        "import sys; from tui.cli import main; assert main(['status']) == 0; assert main(['mcp', '--help']) == 0; "
        "assert not {'mcp', 'pydantic', 'tui.mcp.server'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
