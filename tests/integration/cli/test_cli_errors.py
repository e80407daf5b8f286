"""How commands fail: one exit code a cause, two lines, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow

PLAN = "- [x] Build\n- [ ] Sign\n- [ ] Publish\n"


@pytest.mark.parametrize("command", ["status", "next", "step", "done 1", "check", "recover", "loom read x"])
def test_t1_32_outside_of_a_project_every_command_says_so(command: str, flow: Flow, tmp_path: Path) -> None:
    ran = flow(*command.split(), cwd=tmp_path)
    assert (ran.code, ran.out) == (7, "")
    assert 1 <= len(ran.err.splitlines()) <= 2


def test_with_json_an_error_is_an_object_on_stdout(flow: Flow, tmp_path: Path) -> None:
    ran = flow("status", "--json", cwd=tmp_path)
    assert (ran.code, ran.err) == (7, "")
    assert ran.json["version"] == 1
    assert ran.json["error"]["code"] == "no_project"
    assert ran.json["error"]["message"]


@pytest.mark.parametrize(
    "command",
    ["nonsense", "status --nonsense", "done", "status --flat", "loom insert x --text y", "recover maybe"],
)
def test_wrong_usage_ends_with_2(command: str, flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    ran = flow(*command.split(), cwd=root)
    assert (ran.code, ran.out) == (2, "")
    assert 1 <= len(ran.err.splitlines()) <= 2
    ran = flow(*command.split(), "--json", cwd=root)
    if command != "status --flat":
        assert ran.code == 2
        assert ran.json["error"]["code"] == "usage"


def test_without_a_terminal_the_app_points_to_status(flow_process: Flow, make_project: MakeProject) -> None:
    ran = flow_process(cwd=make_project({"status.md": PLAN}))
    assert ran.code == 2
    assert "flow status" in ran.err


def test_an_unknown_address_ends_with_2(flow: Flow, make_project: MakeProject) -> None:
    ran = flow("done", "9.9", "--json", cwd=make_project({"status.md": PLAN}))
    assert ran.code == 2
    assert ran.json["error"]["code"] == "unknown_address"


def test_t4_04_another_name_than_expected_ends_with_5(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    ran = flow("done", "2", "--expect", "Publish", "--json", cwd=root)
    assert ran.code == 5
    assert ran.json["error"]["code"] == "name_mismatch"
    assert (root / ".flow/status.md").read_text() == PLAN


def test_what_a_rule_forbids_ends_with_4(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Parent\n    - [ ] Child\n"})
    ran = flow("done", "1", cwd=root)
    assert ran.code == 4
    assert "Child" in ran.err


def test_an_invalid_plan_ends_with_4_and_names_the_place(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Fine\n- [?] Odd\n"})
    ran = flow("step", cwd=root)
    assert ran.code == 4
    assert "status.md:2:" in ran.err
    checked = flow("check", cwd=root)
    assert checked.code == 4
    assert checked.out.startswith(f".flow{os.sep}status.md:2:")
    assert flow("check", "--json", cwd=root).json["problems"][0]["line"] == 2


def test_a_damaged_registry_ends_with_4(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] [Script] Go\n    ```sh\n    true\n    ```\n"})
    (root / ".flow/flow.registry.json").write_text("[]")
    ran = flow("step", cwd=root)
    assert ran.code == 4
    assert "flow.registry.json" in ran.err
    assert flow("check", cwd=root).code == 4
    assert flow("status", cwd=root).code == 0


def test_changed_outside_in_a_strict_project_ends_with_8(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    (root / ".flow/flow.toml").write_text('integrity = "strict"\n')
    assert flow("accept", cwd=root).code == 0
    assert flow("done", "2", cwd=root).code == 0
    plan = root / ".flow/status.md"
    plan.write_text(plan.read_text() + "- [ ] Another\n")
    assert flow("status", "--json", cwd=root).json["changed_outside"] == ["status.md"]
    assert flow("done", "3", cwd=root).code == 8
    assert flow("accept", "--json", cwd=root).json == {"version": 1, "accepted": ["status.md"]}
    assert flow("done", "3", cwd=root).code == 0
    accepted = plan.read_text()
    plan.write_text("- [ ] Gone\n")
    assert flow("restore", "--json", cwd=root).json == {"version": 1, "restored": ["status.md"]}
    assert plan.read_text() == accepted


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_ends_with_74(make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*FLOW, "status"],
            cwd=root,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 74
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("command", "code"), [("nonsense", 2), ("done 9", 2), ("run", 74)])
def test_what_cannot_be_said_changes_no_exit_code(make_project: MakeProject, command: str, code: int) -> None:
    root = make_project({"status.md": "- [ ] [Script] One\n    ```sh\n    true\n    ```\n"})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*FLOW, *command.split()], cwd=root, stderr=full, timeout=60, check=False)
    assert done.returncode == code


def test_a_reader_that_has_gone_ends_it_quietly(make_project: MakeProject) -> None:
    root = make_project({"status.md": "".join(f"- [ ] Task {number}\n" for number in range(5_000))})
    process = subprocess.Popen([*FLOW, "status"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 128 + 13


DEFECT = """
import sys
from engine import Engine
from tui.cli import main

def broken(*arguments, **options):
    raise ZeroDivisionError("oh")

Engine.open = broken
sys.exit(main(["status", *sys.argv[1:]]))
"""


def test_a_defect_of_ours_ends_with_70_and_leaves_its_traceback_in_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEFECT], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (70, "")
    assert "Traceback" not in done.stderr
    assert "ZeroDivisionError" in done.stderr
    named = next(word for word in done.stderr.split() if word.endswith(".txt."))
    assert "Traceback" in Path(named.rstrip(".")).read_text()


def test_control_characters_in_names_are_shown_and_not_obeyed(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Evil \x1b[2J\x9b31m name\n"})
    ran = flow("status", cwd=root)
    assert "\x1b" not in ran.out
    assert "\x9b" not in ran.out
    assert "Evil" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "status"], "behind a command"),
        (["loom", "read", "", "--json"], "path"),
        (["init", "", "--json"], "empty"),
        (["demo", "", "--json"], "empty"),
        (["wait", "--timeout", "nan", "--json"], "not a number"),
        (["add", "-", "--json"], "name"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage_and_no_defect(
    arguments: list[str], said: str, flow: Flow, make_project: MakeProject
) -> None:
    ran = flow(*arguments, cwd=make_project({"status.md": PLAN}))
    assert (ran.code, ran.json["error"]["code"]) == (2, "usage")
    assert said in ran.json["error"]["message"]


def test_any_number_of_records_may_be_asked_for(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    assert flow("done", "Sign", cwd=root).code == 0
    assert len(flow("log", "-n", "9" * 30, "--json", cwd=root).json["events"]) == 2


def test_a_long_word_is_not_said_back_in_full(flow: Flow, make_project: MakeProject) -> None:
    ran = flow("done", "x" * 100_000, cwd=make_project({"status.md": PLAN}))
    assert (ran.code, len(ran.err) < 2_000) == (2, True)


def test_a_command_alone_says_what_is_missing(flow: Flow, tmp_path: Path) -> None:
    ran = flow("loom", cwd=tmp_path)
    assert (ran.code, len(ran.err.splitlines())) == (2, 2)
    ran = flow("statsu", cwd=tmp_path)
    assert ran.err.count("`flow") == 1


@pytest.mark.parametrize(
    ("settings", "place"),
    [('integrity = "adopt"\nloom = src\n', "2:8"), ('integrity = "never"\n', "1:1"), ("colour = 1\n", "1:1")],
)
def test_settings_that_stop_every_change_are_a_problem(
    settings: str, place: str, flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": PLAN, "flow.toml": settings})
    assert flow("done", "Sign", cwd=root).code != 0
    ran = flow("check", cwd=root)
    assert ran.code == 4
    assert ran.out.startswith(f".flow/flow.toml:{place}: ")
    assert f".flow/flow.toml:{place}: " in flow("status", cwd=root).out
    assert flow("doctor", "--json", cwd=root).json["problems"] == 1


@pytest.mark.parametrize("folder", ["logs", "backups", "swap", "artifacts", "./logs"])
def test_no_plan_is_in_a_folder_that_git_does_not_see(
    folder: str, flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": f"- [ ] [Hidden]({folder}/z.md)\n", f"{folder}/z.md": "- [ ] One\n"})
    ran = flow("check", cwd=root)
    assert (ran.code, "a folder that Flow Manager keeps for itself" in ran.out) == (4, True)
    (root / "t.md").write_text("- [ ] A\n")
    assert flow("import", "t.md", "--as", f"{folder}/new.md", cwd=root).code == 2
    assert not (root / ".flow" / folder / "new.md").exists()


def test_a_log_of_another_name_and_a_link_in_a_circle(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN, "logs/events-².jsonl": ""})
    (root / "l.md").symlink_to("l.md")
    assert flow("check", cwd=root).code == 0
    assert flow("report", "--markdown", cwd=root).code == 0
    ran = flow("fix", "l.md", cwd=root)
    assert (ran.code, ran.out) == (2, "")
