"""What each command does and prints, in real processes on real projects."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow, script
from tests.integration.conftest import kill_work

NESTED = {
    "status.md": (
        "Project: Orbit\n\n- [x] Freeze\n- [/] [Build](build.md)\n- [ ] Sign\n    - [ ] Ask\n    - [ ] Stamp\n"
    ),
    "build.md": "Owner: me\n\n- [ ] [Script] Compile\n    ```sh\n    echo compiling\n    ```\n- [-] Mirror\n",
}


def test_status_shows_the_fractal_tree(flow: Flow, make_project: MakeProject) -> None:
    ran = flow("status", cwd=make_project(NESTED))
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["Orbit", "▰▰▰▰▱▱▱▱▱▱", "2/5"]
    assert lines[1].split() == ["1", "✔", "done", "Freeze"]
    assert lines[2].split() == ["2", "●", "active", "Build", "»", "build.md", "1/2"]
    assert lines[3].split() == ["2/1", "○", "pending", "Compile", "Script", "←", "next"]
    assert lines[4].split() == ["2/2", "–", "skipped", "Mirror"]
    assert lines[7].split() == ["3.2", "○", "pending", "Stamp"]


def test_status_as_json_has_the_documented_shape(flow: Flow, make_project: MakeProject) -> None:
    root = make_project(NESTED)
    shape = flow("status", "--json", cwd=root).json
    assert {name: shape[name] for name in ("version", "root", "file", "headers", "cursor", "recovery")} == {
        "version": 1,
        "root": str(root),
        "file": "status.md",
        "headers": {"Project": "Orbit"},
        "cursor": "2/1",
        "recovery": None,
    }
    assert shape["progress"] == {"done": 1, "skipped": 1, "failed": 0, "total": 5}
    build = shape["tasks"][1]
    assert {name: build[name] for name in build if name not in ("flow", "progress")} == {
        "address": "2",
        "id": "2",
        "name": "Build",
        "status": "active",
        "atom": None,
        "ref": "build.md",
        "file": "status.md",
        "line": 4,
        "problem": None,
        "children": [],
    }
    assert build["flow"]["headers"] == {"Owner": "me"}
    assert [task["address"] for task in build["flow"]["tasks"]] == ["2/1", "2/2"]
    assert [task["name"] for task in shape["tasks"][2]["children"]] == ["Ask", "Stamp"]
    flat = flow("status", "--json", "--flat", cwd=root).json
    assert [task["address"] for task in flat["tasks"]] == ["1", "2", "2/1", "2/2", "3", "3.1", "3.2"]
    assert not {"flow", "children"} & set(flat["tasks"][1])
    inside = flow("status", "2", "--json", "--flat", cwd=root).json
    assert [task["address"] for task in inside["tasks"]] == ["2", "2/1", "2/2"]
    assert inside["progress"]["total"] == 2


def test_nesting_past_200_levels_needs_flat(flow: Flow, make_project: MakeProject) -> None:
    root = make_project(
        {"status.md": "".join(f"{'  ' * level}- [ ] Level {level}\n" for level in range(250))}
    )
    assert flow("status", "--json", cwd=root).code == 2
    assert len(flow("status", "--json", "--flat", cwd=root).json["tasks"]) == 250
    assert flow("status", cwd=root).code == 0


def test_next_is_one_task_or_null(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [x] One\n- [ ] Two\n"})
    assert flow("next", "--json", cwd=root).json["address"] == "2"
    assert flow("next", cwd=root).out.split()[0] == "2"
    assert flow("done", "Two", "--json", cwd=root).json["status"] == "done"
    assert flow("next", "--json", cwd=root).out == "null\n"
    ran = flow("next", cwd=root)
    assert (ran.code, ran.out) == (0, "")


def test_changes_rewrite_one_character_a_task(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n- [ ] Three\n"})
    plan = root / ".flow/status.md"
    for command, expected in (
        ("start 1", "/  "),
        ("done 1 --note well", "x  "),
        ("skip 2", "x- "),
        ("fail Three", "x-!"),
        ("reopen 3", "x- "),
        ("reopen 2", "x  "),
    ):
        ran = flow(*command.split(), cwd=root)
        assert ran.code == 0, ran.err
        assert plan.read_text() == "".join(
            f"- [{marker}] {name}\n" for marker, name in zip(expected, ("One", "Two", "Three"), strict=True)
        )


def test_step_runs_one_task_and_says_how_it_ended(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": script("One", "echo hello") + script("Two", "exit 3")})
    ran = flow("step", cwd=root)
    assert (ran.code, ran.out.split()[:4]) == (0, ["✔", "done", "1", "One"])
    assert "hello" in ran.err
    shape = flow("step", "--json", cwd=root)
    assert shape.code == 1
    assert set(shape.json) == {"version", "address", "name", "status", "outcome", "message", "seconds"}
    assert (shape.json["address"], shape.json["status"], shape.json["outcome"]) == ("2", "failed", "failed")
    assert shape.json["message"] == (
        "Exit status 3. `flow retry 2` runs it again, `flow skip 2` goes on without it."
    )
    again = flow("retry", "2", cwd=root)
    assert again.err.splitlines()[-1] == "`flow retry 2` runs it again, `flow skip 2` goes on without it."


def test_t3_21a_a_failed_task_holds_what_comes_after_it(flow: Flow, make_project: MakeProject) -> None:
    plan = (
        script("Build", "true", "x")
        + script("Test", "test -e fixed", "!")
        + script("Publish", "touch published")
    )
    root = make_project({"status.md": plan})
    assert flow("run", cwd=root).code == 1
    assert flow("retry", "Test", cwd=root).code == 1
    assert not (root / "published").exists()
    (root / "fixed").touch()
    assert flow("retry", "Test", "--expect", "Tests", cwd=root).code == 5
    assert flow("retry", "Test", "--expect", "Test", cwd=root).code == 0
    ran = flow("run", "--json", cwd=root)
    assert ran.code == 0
    assert (root / "published").exists()


def test_run_stops_at_a_person_and_at_until(flow: Flow, make_project: MakeProject) -> None:
    root = make_project(
        {"status.md": script("One", "true") + script("Two", "true") + "- [ ] Look\n" + script("Four", "true")}
    )
    assert flow("run", "--until", "1", cwd=root).code == 0
    assert flow("next", "--json", cwd=root).json["address"] == "2"
    again = flow("run", "--until", "1", "--json", cwd=root)
    assert (again.code, again.json["outcome"]) == (0, "nothing")
    assert again.json["message"] == "1 One is done already: there is nothing to run up to it."
    assert flow("next", "--json", cwd=root).json["address"] == "2"
    ran = flow("run", "--json", cwd=root)
    assert ran.code == 3
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["outcome"] for line in lines] == ["done", "waiting"]
    assert flow("done", "Look", cwd=root).code == 0
    assert flow("run", cwd=root).code == 0
    assert flow("step", "--json", cwd=root).json["outcome"] == "nothing"


def test_a_run_through_three_files_changes_only_markers(flow: Flow, make_project: MakeProject) -> None:
    files = {
        "status.md": "# Top\n\n- [ ] [Middle](middle.md)\n" + script("Last", "echo last >> trace"),
        "middle.md": "- [ ] [Deep](deep.md)\n" + script("Second", "echo second >> trace"),
        "deep.md": script("First", "echo first >> trace"),
    }
    root = make_project(files)
    assert flow("run", cwd=root).code == 0
    assert (root / "trace").read_text() == "first\nsecond\nlast\n"
    for name, text in files.items():
        assert (root / ".flow" / name).read_text() == text.replace("[ ]", "[x]")


def test_init_makes_a_plan_whose_first_step_runs(flow: Flow, tmp_path: Path) -> None:
    ran = flow("init", "new", "--json", cwd=tmp_path)
    assert ran.code == 0
    assert ".flow/status.md" in ran.json["files"]
    root = tmp_path / "new"
    plan = (root / ".flow/status.md").read_text()
    assert flow("init", cwd=root).code == 0
    assert (root / ".flow/status.md").read_text() == plan
    assert flow("check", cwd=root).code == 0
    assert flow("step", cwd=root).code == 0
    assert flow("run", cwd=root).code == 3


def test_loom_edits_by_anchor_and_revision(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": ""})
    notes = root / "docs" / "notes.md"
    notes.parent.mkdir()
    notes.write_text("# Notes\n<a>\nold\n</a>\nend\n")
    read = flow("loom", "read", "docs/notes.md", "--json", cwd=root).json
    assert read["text"] == notes.read_text()
    base = read["revision"]
    ran = flow(
        "loom",
        "insert",
        "notes.md",
        "--after",
        "# Notes",
        "--text",
        "- new",
        "--base",
        base,
        cwd=notes.parent,
    )
    assert ran.code == 0, ran.err
    again = flow(
        "loom", "insert", "docs/notes.md", "--after", "end", "--text", "x", "--base", base, "--json", cwd=root
    )
    assert again.code == 5
    assert again.json["error"]["code"] == "content_changed"
    assert flow("loom", "replace", "docs/notes.md", "--start", "<a>", "--end", "</a>", "--text", "-", cwd=root,
                stdin="new\nlines\n").code == 0  # fmt: skip
    assert flow("loom", "append", "docs/notes.md", "--text", "more", cwd=root).code == 0
    assert flow("loom", "line", "docs/notes.md", "7", "--expect", "end", "--text", "END", cwd=root).code == 0
    assert notes.read_text() == "# Notes\n- new\n<a>\nnew\nlines\n</a>\nEND\nmore\n"
    assert flow("loom", "read", "docs/notes.md", cwd=root).out == notes.read_text()
    written = flow("loom", "append", "docs/notes.md", "--text", "once more", "--json", cwd=root).json
    assert written["changed"] is True
    assert written["revision"] == flow("loom", "read", "docs/notes.md", "--json", cwd=root).json["revision"]


def test_t6_02_loom_refuses_what_does_not_fit_exactly_once(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": ""})
    (root / "notes.md").write_text("same\nsame\n")
    ran = flow("loom", "insert", "notes.md", "--after", "same", "--text", "x", "--json", cwd=root)
    assert ran.code == 5
    assert ran.json["error"]["code"] == "anchor"
    assert ran.json["error"]["lines"] == [1, 2]
    assert flow("loom", "read", ".flow/status.md", cwd=root).code in (0, 4)
    assert flow("loom", "append", ".flow/status.md", "--text", "x", cwd=root).code == 4
    assert flow("loom", "append", "../out.md", "--text", "x", cwd=root).code == 4
    assert flow("loom", "read", "missing.md", cwd=root).code in (2, 74)
    assert (root / "notes.md").read_text() == "same\nsame\n"


def test_log_context_and_doctor(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": script("Export", """echo '{"built": "1.1"}' > "$FLOW_EXPORTS\"""")})
    assert flow("log", "--json", cwd=root).json == {"version": 1, "events": []}
    assert flow("step", cwd=root).code == 0
    events = flow("log", "--json", cwd=root).json["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["who"] for event in events} == {"tester"}
    assert "done" in [event["what"] for event in events]
    assert len(flow("log", "-n", "1", cwd=root).out.splitlines()) == 1
    assert flow("context", "--json", cwd=root).json == {"version": 1, "context": {"built": "1.1"}}
    assert flow("context", cwd=root).out == "built = 1.1\n"
    shape = flow("doctor", "--json", cwd=root).json
    assert (shape["root"], shape["problems"], shape["interrupted"]) == (str(root), 0, False)
    assert shape["guarantee"] in flow("doctor", cwd=root).out


def test_undo_and_reset(flow: Flow, make_project: MakeProject) -> None:
    text = "- [x] One\n- [ ] Two\n"
    root = make_project({"status.md": text})
    plan = root / ".flow/status.md"
    assert flow("done", "2", cwd=root).code == 0
    undone = flow("undo", "--json", cwd=root).json
    assert (undone["name"], undone["undone"]) == ("Two", "done")
    assert plan.read_text() == text
    assert flow("undo", cwd=root).code != 0
    assert flow("reset", cwd=root).code == 0
    assert plan.read_text() == "- [ ] One\n- [ ] Two\n"


def test_t1_37_code_from_elsewhere_runs_only_after_a_person_said_so(
    flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_TRUST")
    root = make_project({"status.md": script("Trace", "touch trace")})
    for command in ("status", "check", "next", "recover", "doctor"):
        assert flow(command, cwd=root).code == 0
    ran = flow("step", "--json", cwd=root)
    assert (ran.code, ran.json["error"]["code"]) == (3, "trust")
    assert not (root / "trace").exists()
    assert "touch trace" in flow("trust", "--show", cwd=root).out
    assert flow("step", cwd=root).code == 3
    assert flow("trust", "--json", cwd=root).json["trusted"] is True
    assert flow("step", cwd=root).code == 0
    assert (root / "trace").exists()


def test_hidden_comments_are_shown_and_are_no_problem(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One <!-- psst -->\n"})
    ran = flow("check", cwd=root)
    assert ran.code == 0
    assert ran.out.startswith(".flow/status.md:1:")
    assert "psst" in ran.out
    assert flow("check", "--json", cwd=root).json["hidden"][0]["line"] == 1


def test_check_takes_single_files_in_a_project_or_not(
    flow: Flow, make_project: MakeProject, tmp_path: Path
) -> None:
    (tmp_path / "bad.md").write_text("- [ ] Fine\n* [ ] Odd\n")
    (tmp_path / "good.md").write_text("- [ ] Fine\n")
    assert flow("check", "good.md", cwd=tmp_path).code == 0
    ran = flow("check", "good.md", "bad.md", cwd=tmp_path)
    assert ran.code == 4
    assert ran.out.startswith("bad.md:2:1: ")
    root = make_project(
        {"status.md": "- [ ] [Sub](sub.md)\n- [ ] [Gone](gone.md)\n", "sub.md": "- [ ] Fine\n"}
    )
    assert flow("check", ".flow/sub.md", cwd=root).code == 0
    assert flow("check", "status.md", cwd=root / ".flow").out.startswith("status.md:2:")
    assert flow("check", "missing.md", cwd=root).code == 2


def test_paths_says_where_things_are(
    flow: Flow, make_project: MakeProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = make_project(NESTED)
    found = flow("paths", "--json", cwd=root).json
    assert found["plan"] == str(root / ".flow/status.md")
    assert (Path(found["schemas"]) / "paths.json").is_file()
    assert Path(found["config"]).name == "config.toml"
    assert found["schemas"] in flow("paths", cwd=root).out
    outside = flow("paths", "--json", cwd=tmp_path_factory.mktemp("outside"))
    assert (outside.code, outside.err) == (0, "")
    own = dict.fromkeys(("root", "plan", "settings", "log", "output", "backups"))
    assert outside.json == found | own
    ran = flow("paths", cwd=tmp_path_factory.mktemp("outside"))
    assert (ran.code, ran.out.split()[0]) == (0, "config")
    assert "There is no .flow/ folder" in ran.err


@pytest.mark.parametrize("name", ["", "status", "run", "recover", "loom", "loom insert", "demo", "done"])
def test_help_has_examples_and_fits_a_terminal(name: str, flow: Flow, tmp_path: Path) -> None:
    ran = flow(*name.split(), "--help", cwd=tmp_path)
    assert ran.code == 0
    assert max(len(line) for line in ran.out.splitlines()) <= 110
    if name not in ("", "loom"):
        assert f"Examples:\n  flow {name}" in ran.out


SLOW = script(
    "Count", "echo counting\necho once >> count\nwhile [ ! -e go ]; do sleep 0.02; done\necho end >> count"
)


def start_run(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FLOW, "run"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def abandoned(make_project: MakeProject, wait_for: Callable[[Callable[[], object]], None]) -> Path:
    """A project whose engine was killed while the script of its task goes on."""
    root = make_project({"status.md": SLOW})
    process = start_run(root)
    wait_for(lambda: (root / "count").exists())
    process.kill()
    process.communicate()
    return root


def test_t7_06_ctrl_c_ends_the_script_and_the_next_start_offers_it(
    flow: Flow, make_project: MakeProject, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    root = make_project({"status.md": SLOW})
    process = start_run(root)
    wait_for(lambda: (root / "count").exists())
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert "Count" in out
    recovery = flow("recover", "--json", cwd=root).json
    assert recovery["children"] == []
    assert (recovery["address"], recovery["attempt"], recovery["interruptions"]) == ("1", 1, 0)
    assert "counting" in recovery["output"]
    assert flow("step", cwd=root).code == 3
    assert flow("recover", "skip", cwd=root).code == 0
    assert flow("recover", "--json", cwd=root).out == "null\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_t7_06a_a_signal_ends_the_engine_and_the_work_goes_on(
    number: signal.Signals,
    flow: Flow,
    make_project: MakeProject,
    wait_for: Callable[[Callable[[], object]], None],
) -> None:
    root = make_project({"status.md": SLOW})
    process = start_run(root)
    wait_for(lambda: (root / "count").exists())
    assert flow("run", cwd=root).code == 6
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    recovery = flow("recover", "--json", cwd=root).json
    assert recovery["resume"] == "follow"
    assert recovery["children"]
    waited = flow("wait", cwd=root)
    assert (waited.code, waited.out) == (3, "interrupted  1  Count\n")
    assert "1 Count is still running, nobody follows it: `flow run` goes on with it." in waited.err
    stopped = flow("stop", cwd=root)
    assert stopped.code == 6
    assert "No engine is at work here, but work of 1 Count is still alive." in stopped.err
    (root / "go").touch()
    assert flow("run", cwd=root).code == 0
    assert (root / "count").read_text() == "once\nend\n"


def test_run_in_the_background_wait_and_stop(
    flow: Flow, flow_process: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": SLOW})
    assert [task["address"] for task in flow("run", "--dry-run", "--json", cwd=root).json["tasks"]] == ["1"]
    assert flow("stop", cwd=root).code == 0
    started = flow_process("run", "--detach", "--json", cwd=root)
    assert (started.code, started.json["name"]) == (0, "Count")
    assert flow("wait", "--timeout", "0.1", cwd=root).code == 8
    assert flow("stop", "--json", cwd=root).json["stopped"]["name"] == "Count"
    assert flow("wait", "--json", cwd=root).json["outcome"] == "interrupted"
    (root / "go").touch()
    assert flow("recover", "retry", cwd=root).code == 0
    ended = flow("wait", "--json", cwd=root)
    assert (ended.code, ended.json["outcome"], ended.json["name"]) == (0, "done", "Count")
    ended = flow_process("run", "--detach", "--json", cwd=root)
    assert (ended.code, ended.json["outcome"]) == (0, "nothing")
    assert flow_process("run", "--detach", cwd=root).code == 0


def test_in_the_background_it_ends_as_its_engine_does_when_that_needs_a_person(
    flow: Flow, flow_process: Flow, abandoned: Path
) -> None:
    root = abandoned
    assert flow("status", cwd=root).out.splitlines()[-1] == (
        "Interrupted: 1 Count is still running, nobody follows it: `flow run` goes on with it."
    )
    assert flow("next", "--json", cwd=root).json["interrupted"] is True
    assert "1 Count is still running, nobody follows it" in flow("next", cwd=root).err
    kill_work(Engine.open(root))
    assert "Interrupted: 1 Count" in flow("status", cwd=root).out
    assert flow("next", "--json", cwd=root).json["interrupted"] is True
    assert "1 Count was interrupted" in flow("next", cwd=root).err
    before = (root / ".flow/status.md").read_text()
    ran = flow_process("run", "--detach", cwd=root)
    assert (ran.code, ran.out) == (3, "")
    assert "was interrupted" in ran.err
    assert "flow recover" in ran.err
    told = flow_process("run", "--detach", "--json", cwd=root)
    assert (told.code, told.json["error"]["code"]) == (3, "needs_person")
    assert (root / ".flow/status.md").read_text() == before
    (root / "count").unlink()
    (root / "go").touch()
    assert flow("recover", "retry", cwd=root).code == 0
    assert flow("next", cwd=root).err == "Nothing is left to do.\n"


def test_in_the_background_it_follows_what_is_still_alive(
    flow: Flow, flow_process: Flow, abandoned: Path
) -> None:
    root = abandoned
    started = flow_process("run", "--detach", "--json", cwd=root)
    assert (started.code, started.json["name"]) == (0, "Count")
    running = Engine.open(root).running()
    assert running is not None
    assert running.pid == started.json["pid"]
    other = flow_process("run", "--detach", "--json", cwd=root)
    assert (other.code, other.json["error"]["pid"]) == (6, running.pid)
    (root / "go").touch()
    assert flow("wait", cwd=root).code == 0


def test_recover_shows_the_evidence_and_retry_runs_again(
    flow: Flow, abandoned: Path, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    root = abandoned
    shown = flow("recover", cwd=root)
    assert shown.code == 0
    assert "Interrupted: 1 Count" in shown.out
    started = datetime.fromisoformat(flow("recover", "--json", cwd=root).json["started_at"]).astimezone()
    assert f"  started {started:%Y-%m-%d %H:%M:%S}\n" in shown.out
    assert "Interrupted: 1 Count" in flow("status", cwd=root).out
    (root / "count").unlink()
    again = subprocess.Popen([*FLOW, "recover", "retry"], cwd=root, stderr=subprocess.DEVNULL)
    wait_for(lambda: (root / "count").exists())
    (root / "go").touch()
    assert again.wait(60) == 0
    assert (root / "count").read_text() == "once\nend\n"
