"""`flow fix`, `flow import`, and what `flow check` says of plans that nothing reaches and of unattended runs."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow

CROOKED = "# Plan\n\n* [ ] One\n- [?] Two\n"
STRAIGHT = "# Plan\n\n- [ ] One\n- [ ] Two\n"


def test_fix_shows_the_difference_and_writes_only_when_asked_to(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": CROOKED, "other.md": "- [ ] Other\n"})
    plan = root / ".flow/status.md"
    assert flow("step", cwd=root).code == 4
    ran = flow("fix", ".flow/status.md", cwd=root)
    assert ran.code == 4
    assert "-* [ ] One\n" in ran.out
    assert "+- [ ] One\n" in ran.out
    shown = flow("fix", "status.md", "--json", cwd=root / ".flow")
    assert (shown.code, shown.json["changes"], shown.json["written"]) == (4, True, False)
    assert shown.json["file"] == "status.md"
    assert plan.read_text() == CROOKED
    ran = flow("fix", "status.md", "--yes", cwd=root)
    assert (ran.code, plan.read_text()) == (0, STRAIGHT)
    assert flow("fix", ".flow/status.md", "--json", cwd=root).json == {
        "version": 1,
        "file": "status.md",
        "changes": False,
        "written": False,
        "diff": "",
        "left": [],
    }
    assert "fixed" in [event["what"] for event in flow("log", "--json", cwd=root).json["events"]]
    assert flow("status", "--json", cwd=root).json["changed_outside"] == []
    assert CROOKED in [
        version.read_text() for version in (root / ".flow/backups").rglob("*") if version.is_file()
    ]
    assert flow("undo", cwd=root).out == "Taken back: .flow/status.md (fixed)\n"
    assert plan.read_text() == CROOKED


def test_fix_lists_what_only_a_person_can_mend(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Twice\n* [ ] Twice\n"})
    ran = flow("fix", ".flow/status.md", "--yes", cwd=root)
    assert ran.code == 4
    assert f".flow{os.sep}status.md:2:" in ran.out
    assert (root / ".flow/status.md").read_text() == "- [ ] Twice\n- [ ] Twice\n"
    assert flow("fix", ".flow/status.md", cwd=root).code == 4


def test_fix_takes_comments_out_when_asked_to(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One <!-- psst -->\n"})
    assert flow("fix", ".flow/status.md", cwd=root).code == 0
    assert flow("fix", ".flow/status.md", "--comments", "--yes", cwd=root).code == 0
    assert (root / ".flow/status.md").read_text() == "- [ ] One\n"


@pytest.mark.parametrize("data", [b"- [ ] One\xff\n* [ ] Two\n", b"- [ ] One\n\0* [ ] Two\n"])
def test_fix_leaves_what_is_no_text(data: bytes, flow: Flow, make_project: MakeProject) -> None:
    root = make_project({})
    plan = root / ".flow/status.md"
    plan.write_bytes(data)
    ran = flow("fix", ".flow/status.md", "--yes", "--json", cwd=root)
    assert (ran.code, ran.json["changes"]) == (4, False)
    assert ran.json["left"][0]["code"] == "encoding"
    assert plan.read_bytes() == data


def test_fix_refuses_what_is_no_plan_of_this_project(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": STRAIGHT})
    (root / "README.md").write_text("* [ ] Mine\n")
    for name in ("README.md", "missing.md", ".flow/missing.md"):
        ran = flow("fix", name, "--yes", "--json", cwd=root)
        assert (ran.code, ran.json["error"]["code"]) == (2, "usage")
    assert (root / "README.md").read_text() == "* [ ] Mine\n"


def test_fix_in_a_strict_project_waits_for_a_person(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": STRAIGHT})
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    assert flow("done", "1", cwd=root).code == 0
    (root / ".flow/status.md").write_text(CROOKED)
    assert flow("fix", ".flow/status.md", "--yes", cwd=root).code == 8
    assert flow("accept", cwd=root).code == 0
    assert flow("fix", ".flow/status.md", "--yes", cwd=root).code == 0


@pytest.mark.parametrize(("answer", "code", "expected"), [(b"y\n", 0, STRAIGHT), (b"\n", 4, CROOKED)])
def test_fix_asks_at_a_terminal(
    answer: bytes,
    code: int,
    expected: str,
    make_project: MakeProject,
    wait_for: Callable[[Callable[[], object]], None],
) -> None:
    root = make_project({"status.md": CROOKED})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*FLOW, "fix", ".flow/status.md"], cwd=root, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    shown = b""

    def asked() -> bool:
        nonlocal shown
        shown += os.read(ours, 4096)
        return b"[y/N]" in shown

    wait_for(asked)
    assert process.stdout is not None
    os.write(ours, answer)
    assert b"+- [ ] One" in process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == code
    os.close(ours)
    assert (root / ".flow/status.md").read_text() == expected


FOREIGN = "# Things\n\nSome words.\n\n* [ ] One\n   1. [ ] Half\n* [X] Two\n"


def test_import_makes_a_new_plan_and_leaves_its_source(
    flow: Flow, make_project: MakeProject, tmp_path: Path
) -> None:
    root = make_project({"status.md": STRAIGHT})
    assert flow("done", "1", cwd=root).code == 0
    source = tmp_path / "Things to do.md"
    source.write_text(FOREIGN)
    ran = flow("import", "../Things to do.md", cwd=root)
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "Made .flow/Things to do.md with 3 tasks."
    assert ran.out.splitlines()[1] == "What could not be kept:"
    assert ran.out.splitlines()[2].startswith("../Things to do.md:6:1: ")
    assert source.read_text() == FOREIGN
    made = (root / ".flow/Things to do.md").read_text()
    assert made == "# Things\n\nSome words.\n\n- [ ] One\n  - [ ] Half\n- [X] Two\n"
    assert flow("status", "--json", cwd=root).json["changed_outside"] == []
    again = flow("import", str(source), "--json", cwd=root)
    assert (again.code, again.json["error"]["code"]) == (2, "usage")
    named = flow("import", str(source), "--as", "sub_flows/things.md", "--json", cwd=root)
    assert (named.code, named.json["file"], named.json["tasks"]) == (0, "sub_flows/things.md", 3)
    assert [lost["line"] for lost in named.json["lost"]] == [6]
    assert flow("add", "[Things](sub_flows/things.md)", cwd=root).code == 0
    assert flow("check", cwd=root).code == 0
    assert flow("status", "--json", cwd=root).json["tasks"][2]["flow"]["file"] == "sub_flows/things.md"


def test_the_first_import_becomes_the_plan(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({})
    (root / "TODO.md").write_text(FOREIGN)
    assert flow("import", "TODO.md", "--json", cwd=root).json["file"] == "status.md"
    assert flow("next", "--json", cwd=root).json["name"] == "Half"
    assert flow("done", "Half", cwd=root).code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("missing.md", 2),
        ("TODO.md --as ../out.md", 4),
        ("TODO.md --as /tmp/out.md", 4),
        ("TODO.md --as plan.txt", 2),
        ("TODO.md --as status.md", 2),
    ],
)
def test_import_refuses_names_that_lead_elsewhere(
    arguments: str, code: int, flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": STRAIGHT})
    (root / "TODO.md").write_text(FOREIGN)
    ran = flow("import", *arguments.split(), "--json", cwd=root)
    assert ran.code == code
    assert ran.json["error"]["message"]
    assert sorted(path.name for path in (root / ".flow").glob("*.md")) == ["status.md"]


def test_check_notes_plans_that_nothing_reaches(flow: Flow, make_project: MakeProject) -> None:
    root = make_project(
        {
            "status.md": "- [ ] [Sub](sub.md)\n",
            "sub.md": "- [ ] Fine\n",
            "old/alone.md": "- [ ] Never\n- [ ] Ever\n",
            "words.md": "Only words.\n",
            "backups/status.md": "- [ ] Old\n",
        }
    )
    ran = flow("check", cwd=root)
    assert ran.code == 0
    assert ran.out.startswith(f".flow{os.sep}old{os.sep}alone.md:1:1: note: unreachable plan")
    assert len(ran.out.splitlines()) == 1
    shape = flow("check", "--json", cwd=root).json
    assert shape["unreachable"] == [{"file": str(Path(".flow/old/alone.md")), "tasks": 2}]
    assert "stops" not in shape


def test_check_notes_tags_that_are_nearly_an_atoms(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Skript] Slip\n- [ ] [WIP] Label\n"})
    ran = flow("check", cwd=root)
    assert (ran.code, ran.out) == (
        0,
        f".flow{os.sep}status.md:1:1: note: no atom is called 'Skript': a person does this task. "
        "Did you mean [Script]?\n",
    )
    assert flow("check", ".flow/status.md", cwd=root).out == ran.out


def test_check_unattended_lists_what_a_run_would_stop_at(
    flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "- [{}] [Script] {}\n    ```sh\n    true\n    ```\n"
    plan = script.format(" ", "Build") + "- [ ] Look\n- [x] Seen\n- [ ] [Sub](sub.md)\n"
    root = make_project({"status.md": plan, "sub.md": script.format("!", "Test")})
    ran = flow("check", "--unattended", cwd=root)
    assert ran.code == 3
    assert [line.partition(": ")[0] for line in ran.out.splitlines()] == [
        str(Path(".flow/status.md:5:1")),
        str(Path(".flow/sub.md:1:1")),
    ]
    monkeypatch.delenv("FLOW_TRUST")
    stops = flow("check", "--unattended", "--json", cwd=root).json["stops"]
    assert [(stop["code"], stop["file"], stop["line"]) for stop in stops] == [
        ("manual", str(Path(".flow/status.md")), 5),
        ("failed", str(Path(".flow/sub.md")), 1),
        ("trust", str(Path(".flow/status.md")), 2),
        ("trust", str(Path(".flow/sub.md")), 2),
    ]
    assert flow("check", cwd=root).code == 0
    assert flow("check", "--unattended", ".flow/sub.md", cwd=root).code == 2
    (root / ".flow/status.md").write_text(script.format(" ", "Build"))
    assert flow("trust", cwd=root).code == 0
    assert flow("check", "--unattended", cwd=root).code == 0
    (root / ".flow/status.md").write_text("- [?] Odd\n- [ ] Look\n")
    assert flow("check", "--unattended", cwd=root).code == 4


def test_t2_13_a_file_with_nul_bytes_is_no_plan_to_be(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    source = root / "todo.md"
    source.write_bytes("- [ ] Build\n".encode("utf-16"))
    ran = flow("import", "todo.md", cwd=root)
    assert ran.code == 4
    assert "todo.md is no text: line 1 holds a NUL byte." in ran.err
    assert "iconv" in ran.err
    assert sorted(path.name for path in (root / ".flow").glob("*.md")) == ["status.md"]


def test_of_a_file_that_is_no_plan_check_and_fix_say_the_same(flow: Flow, make_project: MakeProject) -> None:
    odd = "- [ ] One\n   - [ ] Two\n"
    root = make_project({"status.md": odd, "alone.md": odd})
    (root / "notes.md").write_text(odd)
    for plan in (".flow/status.md", ".flow/alone.md"):
        assert flow("check", plan, cwd=root).out.rstrip().endswith("`flow fix` mends this.")
        assert flow("fix", plan, cwd=root).code == 4
    assert flow("check", "notes.md", cwd=root).out.rstrip().endswith("`flow import` makes a plan of it.")
    refused = flow("fix", "notes.md", cwd=root)
    assert refused.code == 2
    assert "`flow import`" in refused.err
    assert flow("import", "notes.md", cwd=root).code == 0
    assert flow("check", ".flow/notes.md", cwd=root).code == 0


def test_of_a_file_without_a_project_check_names_what_takes_it_in(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("- [ ] One\n   - [ ] Two\n")
    assert flow("check", "notes.md", cwd=tmp_path).out.rstrip().endswith("`flow import` makes a plan of it.")


def test_a_dry_run_says_what_a_run_would_stop_at(
    flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = "- [ ] [Script] Build\n    ```sh\n    true\n    ```\n"
    root = make_project(
        {
            "status.md": runs
            + "- [ ] [Script] Broken\n    ```sh timeout=soon\n    true\n    ```\n"
            + "- [ ] [Missing](gone.md)\n- [ ] [Odd](odd.md)\n- [ ] [Empty](empty.md)\n- [ ] [git] Look\n",
            "odd.md": "- [ ] Inside\n- [?] Unclear\n",
            "empty.md": "Nothing yet.\n",
        }
    )
    ran = flow("run", "--dry-run", "--json", cwd=root)
    assert ran.code == 0
    listed = [(task["name"], task["stops"], task["problem"] is None) for task in ran.json["tasks"]]
    assert listed == [
        ("Build", None, True),
        ("Broken", "problem", False),
        ("Missing", "problem", False),
        ("Odd", "problem", False),
        ("Empty", "person", True),
        ("Look", "person", True),
    ]
    lines = flow("run", "--dry-run", cwd=root).out.splitlines()
    assert lines[0].split() == ["1", "Build", "Script"]
    for line, said in zip(lines[1:4], ("timeout", "gone.md", "odd.md"), strict=True):
        assert "cannot run: " in line
        assert said in line
    assert all(line.endswith("a person is needed here") for line in lines[4:])
    monkeypatch.delenv("FLOW_TRUST")
    assert [task["stops"] for task in flow("run", "--dry-run", "--json", cwd=root).json["tasks"]][:2] == [
        "person",
        "person",
    ]
    assert "Nobody has approved its code. `flow trust` does." in flow("run", "--dry-run", cwd=root).out


def test_in_a_strict_project_it_is_said_what_waits_to_be_accepted(
    flow: Flow, make_project: MakeProject
) -> None:
    runs = "- [ ] [Script] {}\n    ```sh\n    true\n    ```\n"
    root = make_project({"status.md": runs.format("Build") + runs.format("Ship")})
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    assert flow("step", cwd=root).code == 0
    assert flow("check", "--unattended", cwd=root).code == 0
    assert "flow accept" not in flow("status", cwd=root).out
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text() + runs.format("More"))
    said = flow("status", cwd=root).out
    assert "`flow accept`" in said
    assert "`flow restore`" in said
    ran = flow("check", "--unattended", cwd=root)
    assert ran.code == 3
    assert "changed by another program" in ran.out
    assert {task["stops"] for task in flow("run", "--dry-run", "--json", cwd=root).json["tasks"]} == {
        "person"
    }
    assert flow("run", cwd=root).code == 8
    assert flow("accept", cwd=root).code == 0
    assert flow("check", "--unattended", cwd=root).code == 0
    assert flow("run", cwd=root).code == 0


@pytest.mark.parametrize(
    "name", ["notes.md", "a b.md", "it's.md", 'a "b" c.md', "a [b](c) <d.md", "a%20b.md", "sub/c d.md"]
)
def test_import_prints_the_line_that_takes_the_plan_in(
    name: str, flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    (root / "source.md").write_text("- [ ] Task\n")
    ran = flow("import", "source.md", "--as", name, cwd=root)
    line = ran.err.rpartition(": flow ")[2].strip()
    assert flow(*shlex.split(line), cwd=root).code == 0
    assert flow("check", "--json", cwd=root).json["problems"] == []
    assert flow("status", "--json", cwd=root).json["tasks"][1]["ref"] == name
