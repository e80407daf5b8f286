"""The commands that change the tree: what they write, print, and refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow

PLAN = """\
# Release

- [x] Freeze
- [ ] Build
    - [ ] Compile
    - [ ] Pack
- [ ] [Sign](sign.md)
"""


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project({"status.md": PLAN, "sign.md": "- [ ] Ask for the key\n"})


def text(root: Path, file: str = "status.md") -> str:
    return (root / ".flow" / file).read_text()


def test_t4_05_add_puts_a_task_at_the_top_in_a_task_and_in_a_flow(flow: Flow, root: Path) -> None:
    ran = flow("add", "Publish", "--json", cwd=root)
    assert ran.code == 0
    assert ran.json == {"version": 1, "address": "4", "name": "Publish", "files": ["status.md"]}
    assert text(root) == PLAN + "- [ ] Publish\n"
    ran = flow("add", "[Manual] Test", "--to", "Build", "--at", "1", cwd=root)
    assert (ran.code, ran.out) == (0, "Added: 2.1 Test\n")
    assert "- [ ] Build\n    - [ ] [Manual] Test\n    - [ ] Compile\n" in text(root)
    ran = flow("add", "Use the key", "--to", "3", "--json", cwd=root)
    assert ran.json == {"version": 1, "address": "3/2", "name": "Use the key", "files": ["sign.md"]}
    assert text(root, "sign.md") == "- [ ] Ask for the key\n- [ ] Use the key\n"


def test_add_reads_markdown_from_stdin(flow: Flow, root: Path) -> None:
    markdown = "- [ ] Publish\n  A note.\n  - [ ] Upload\n"
    ran = flow("add", "-", "--to", "2", "--at", "2", "--json", cwd=root, stdin=markdown)
    assert (ran.code, ran.json["address"]) == (0, "2.2")
    added = "    - [ ] Publish\n        A note.\n        - [ ] Upload\n"
    assert f"{added}    - [ ] Pack\n" in text(root)
    assert flow("check", cwd=root).code == 0
    before = text(root)
    assert flow("add", "-", cwd=root, stdin="").code == 2
    assert flow("add", "-", cwd=root, stdin="no task\nbut text\n").code == 2
    assert text(root) == before


def test_rename_move_and_remove(flow: Flow, root: Path) -> None:
    ran = flow("rename", "Pack", "Pack it all", "--json", cwd=root)
    assert ran.json == {"version": 1, "address": "2.2", "name": "Pack it all", "files": ["status.md"]}
    assert flow("rename", "2.2", "Pack", cwd=root).out == "Renamed: 2.2 Pack\n"
    assert text(root) == PLAN
    assert flow("move", "2.2", "--at", "1", cwd=root).out == "Moved: 1 Pack\n"
    moved = flow("move", "Pack", "--to", "Sign", "--at", "1", "--json", cwd=root).json
    assert (moved["address"], sorted(moved["files"])) == ("3/1", ["sign.md", "status.md"])
    assert text(root, "sign.md") == "- [ ] Pack\n- [ ] Ask for the key\n"
    assert flow("remove", "3/1", "--json", cwd=root).json["name"] == "Pack"
    assert flow("remove", "Sign", cwd=root).out == "Removed: 3 Sign\n"
    assert text(root, "sign.md") == "- [ ] Ask for the key\n"
    assert text(root) == "# Release\n\n- [x] Freeze\n- [ ] Build\n    - [ ] Compile\n"
    for _ in range(4):
        assert flow("undo", cwd=root).code == 0
    assert "- [ ] [Sign](sign.md)\n" in text(root)


def test_t3_02_zoom_makes_a_flow_and_undo_unmakes_it(flow: Flow, root: Path) -> None:
    ran = flow("zoom", "Build", "--expect", "Build", "--json", cwd=root)
    assert ran.json == {
        "version": 1,
        "address": "2",
        "name": "Build",
        "ref": "sub_flows/build.md",
        "files": ["sub_flows/build.md", "status.md"],
    }
    assert "- [ ] Compile\n- [ ] Pack\n" in text(root, "sub_flows/build.md")
    assert flow("next", "--json", cwd=root).json["address"] == "2/1"
    again = flow("zoom", "2", "--json", cwd=root)
    assert (again.code, again.json["error"]["code"]) == (4, "state")
    assert flow("undo", cwd=root).out == "Taken back: 2 Build (zoomed)\n"
    assert text(root) == PLAN
    assert not (root / ".flow/sub_flows/build.md").exists()
    assert flow("zoom", "Build", cwd=root).out == "Zoomed: 2 Build  » .flow/sub_flows/build.md\n"
    assert flow("next", "--json", cwd=root).json["address"] == "2/1"
    assert flow("undo", cwd=root).code == 0
    assert text(root) == PLAN
    assert list((root / ".flow/sub_flows").iterdir()) == []
    assert flow("check", cwd=root).out == ""
    kept = sorted((root / ".flow/backups/sub_flows/build.md").iterdir())
    assert "- [ ] Compile\n- [ ] Pack\n" in kept[-1].read_text()
    assert flow("status", "--json", cwd=root).json["changed_outside"] == []


def test_t3_02_undo_leaves_a_zoomed_flow_that_has_another_reference(flow: Flow, root: Path) -> None:
    assert flow("zoom", "Build", cwd=root).code == 0
    plan, made = root / ".flow/sign.md", root / ".flow/sub_flows/build.md"
    plan.write_text(plan.read_text() + "- [ ] [Again](sub_flows/build.md)\n")
    assert flow("undo", cwd=root).code == 0
    assert text(root) == PLAN
    assert made.exists()


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        ("add Build", 4, ""),
        ("add New --to 9", 2, "unknown_address"),
        ("add New --at 0", 2, "usage"),
        ("add New --to Freeze", 4, "state"),
        ("rename 9 New", 2, "unknown_address"),
        ("rename 2 Freeze", 4, ""),
        ("rename 2 New --expect Freeze", 5, "name_mismatch"),
        ("move 2 --to 2.1", 4, "state"),
        ("move 2 --expect Freeze", 5, "name_mismatch"),
        ("remove 2 --expect Freeze", 5, "name_mismatch"),
        ("remove", 2, "usage"),
        ("zoom 2 --expect Freeze", 5, "name_mismatch"),
        ("zoom Nothing", 2, "unknown_address"),
    ],
)
def test_what_is_refused_changes_nothing(command: str, code: int, word: str, flow: Flow, root: Path) -> None:
    ran = flow(*command.split(), "--json", cwd=root)
    assert ran.code == code, ran.out
    assert ran.json["error"]["code"] == word or not word
    assert ran.json["error"]["message"]
    assert text(root) == PLAN


def test_next_says_what_a_step_would_do_when_only_marks_are_left(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project(
        {
            "status.md": "- [ ] Parent\n    - [x] One\n    - [-] Two\n- [/] [Flow](f.md)\n",
            "f.md": "- [x] Three\n",
        }
    )
    ran = flow("next", cwd=root)
    assert (ran.code, ran.out) == (0, "")
    assert "`flow step` marks what is complete: 1 Parent, 2 Flow." in ran.err
    assert flow("next", "--json", cwd=root).out == "null\n"
    assert flow("step", "--json", cwd=root).json["outcome"] == "nothing"
    assert (root / ".flow/status.md").read_text() == (
        "- [x] Parent\n    - [x] One\n    - [-] Two\n- [x] [Flow](f.md)\n"
    )
    assert "marks" not in flow("next", cwd=root).err


def test_t3_09_next_names_no_task_while_two_active_ones_hold_the_plan(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project(
        {"status.md": "- [/] A @ a.md\n- [ ] B @ b.md\n", "a.md": "- [/] X\n", "b.md": "- [/] Y\n"}
    )
    for command in ("next", "step"):
        ran = flow(command, "--json", cwd=root)
        assert ran.code == 4
        assert "ambiguous focus" in ran.json["error"]["message"]


def test_a_task_as_it_stands_in_a_plan_is_no_option(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    assert flow("add", "- [ ] Two", cwd=root).code == 0
    assert flow("add", "--at", "1", "- [x] Zero", "--json", cwd=root).json["address"] == "1"
    assert flow("fail", "2", "--note", "- no option either", cwd=root).code == 0
    assert (root / ".flow/status.md").read_text() == "- [x] Zero\n- [!] One\n- [ ] Two\n"
    assert flow("add", "-x", cwd=root).code == 2


def test_a_word_with_the_look_of_a_task_keeps_its_place_among_the_others(
    flow: Flow, make_project: MakeProject
) -> None:
    root = make_project({"status.md": "- [ ] One\n"})
    ran = flow("rename", "- x", "One", "--expect", "One", "--json", cwd=root)
    assert (ran.code, ran.json["error"]["code"]) == (2, "unknown_address")
    assert text(root) == "- [ ] One\n"
    (root / "- f.txt").write_text("a\n")
    ran = flow("loom", "line", "- f.txt", "1", "--expect", "a", "--text", "--", cwd=root)
    assert (ran.code, (root / "- f.txt").read_text()) == (0, "--\n")
    assert flow("rename", "--", "1", "- x", cwd=root).code == 0
    assert text(root) == "- [ ] - x\n"
    assert flow("rename", "- x", "One", "--expect", "- x", cwd=root).code == 0
    assert text(root) == "- [ ] One\n"
