"""The pre-commit hook, in real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tests.unit.house.test_schemas import SCHEMAS

PLAN = "- [ ] One\n- [ ] [Two](two.md)\n"
BAD = "- [?] Broken\n"


def git(*arguments: str, at: Path, code: int | None = 0) -> str:
    """What git says. `code`: 0, or 1 for any failure; None for whatever comes."""
    names = {f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=at,
        env={**os.environ, **names, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert code is None or bool(done.returncode) == bool(code), done.stdout + done.stderr
    return done.stdout + done.stderr


def judge(shape: str, found: object) -> None:
    Draft202012Validator(SCHEMAS[shape]).validate(found)


@pytest.fixture
def root(make_project: MakeProject, tmp_path: Path) -> Path:
    """A project in a repository whose path has spaces and quotes."""
    made = make_project({"status.md": PLAN, "two.md": "- [ ] Inside\n"})
    root = tmp_path / 'it\'s a "place" with spaces'
    made.rename(root)
    git("init", "-q", at=root)
    git("add", ".", at=root)
    git("commit", "-qm", "begin", at=root)
    return root


def test_the_hook_checks_what_is_in_the_index(flow: Flow, root: Path) -> None:
    ran = flow("hook", "install", cwd=root)
    assert ran.code == 0
    assert str(root / ".git/hooks/pre-commit") in ran.out
    assert "merge.flow.driver" in ran.out
    assert ".gitattributes" in ran.out
    plan = root / ".flow/status.md"

    plan.write_text(BAD)
    git("add", ".flow", at=root)
    plan.write_text(PLAN)  # what is not added does not count
    said = git("commit", "-m", "bad", at=root, code=1)
    assert ".flow/status.md:1:3: An unknown marker" in said
    assert "--no-verify" in said
    git("add", ".flow", at=root)
    plan.write_text(BAD)
    (root / "new.txt").write_text("text")
    git("add", "new.txt", at=root)
    assert "An unknown marker" not in git("commit", "-m", "good", at=root)

    git("add", ".flow", at=root)
    git("commit", "--no-verify", "-m", "as it is", at=root)
    (root / "other.txt").write_text("text")
    git("add", "other.txt", at=root)
    git("commit", "-m", "has no plan in it", at=root)


def test_a_sub_flow_that_is_gone_is_told_at_the_task_that_refers_to_it(flow: Flow, root: Path) -> None:
    flow("hook", "install", cwd=root)
    git("rm", "-q", "--cached", ".flow/two.md", at=root)
    said = git("commit", "-m", "gone", at=root, code=1)
    assert ".flow/status.md:2:" in said
    assert "two.md' is missing" in said
    assert (root / ".flow/two.md").exists()


def test_files_that_merge_each_by_itself_and_do_not_fit_are_not_committed(flow: Flow, root: Path) -> None:
    flow("hook", "install", cwd=root)
    git("add", ".", at=root)
    git("commit", "-qm", "hooks", at=root)
    git("checkout", "-qb", "other", at=root)
    (root / ".flow/two.md").write_text("- [ ] Inside\n- [ ] Added\n")
    git("commit", "-qam", "more to do", at=root)
    git("checkout", "-q", "-", at=root)
    (root / ".flow/status.md").write_text("- [ ] One\n- [x] [Two](two.md)\n")
    (root / ".flow/two.md").write_text("- [x] Inside\n")
    git("commit", "-qam", "all done", at=root)
    said = git("merge", "--no-edit", "other", at=root, code=1)
    assert ".flow/status.md:2:" in said
    assert "'Added' in two.md is pending" in said
    assert (root / ".flow/two.md").read_text() == "- [x] Inside\n- [ ] Added\n"


def test_another_hook_is_kept(flow: Flow, root: Path) -> None:
    hook = root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho the other hook; test ! -e refuse\n")
    hook.chmod(0o755)
    ran = flow("hook", "install", "--json", cwd=root)
    assert ran.code == 4
    assert "hook check || exit 1" in ran.json["error"]["hint"]
    assert "the other hook" in hook.read_text()
    assert git("config", "--get", "merge.flow.driver", at=root, code=1) == ""
    assert not (root / ".gitattributes").exists()

    ran = flow("hook", "install", "--force", "--json", cwd=root)
    judge("hook-install", ran.json)
    assert ran.json["before"] == [str(hook.with_name("pre-commit.before-flow"))]
    assert flow("hook", "install", cwd=root).code == 0  # again and again
    (root / "refuse").touch()
    git("add", ".", at=root)
    assert "the other hook" in git("commit", "-m", "refused", at=root, code=1)
    git("rm", "-qf", "refuse", at=root)
    (root / ".flow/status.md").write_text(BAD)
    git("add", ".", at=root)
    said = git("commit", "-m", "bad", at=root, code=1)
    assert "the other hook" in said
    assert "An unknown marker" in said

    judge("hook-check", flow("hook", "check", "--json", cwd=root).json)
    ran = flow("hook", "uninstall", "--json", cwd=root)
    judge("hook-uninstall", ran.json)
    assert ran.json["restored"] == [str(hook)]
    assert not hook.with_name("pre-merge-commit").exists()
    assert "the other hook" in hook.read_text()
    assert not hook.with_name("pre-commit.before-flow").exists()
    assert (root / ".gitattributes").read_text() == ""
    assert git("config", "--get", "merge.flow.driver", at=root, code=1) == ""
    assert flow("hook", "uninstall", "--json", cwd=root).json["settings"] == []


def test_attributes_go_when_nothing_is_left_in_them_and_git_does_not_know_them(
    flow: Flow, root: Path
) -> None:
    attributes = root / ".gitattributes"
    flow("hook", "install", cwd=root)
    assert flow("hook", "uninstall", "--json", cwd=root).json["files"] == [".gitattributes"]
    assert not attributes.exists()
    attributes.write_text("*.txt text\n")
    flow("hook", "install", cwd=root)
    flow("hook", "uninstall", cwd=root)
    assert attributes.read_text() == "*.txt text\n"


def test_hooks_path_worktrees_submodules_and_projects_below(flow: Flow, root: Path, tmp_path: Path) -> None:
    git("config", "core.hooksPath", "my hooks", at=root)
    assert flow("hook", "install", "--json", cwd=root).json["hooks"][0] == str(root / "my hooks/pre-commit")
    (root / ".flow/status.md").write_text(BAD)
    assert "An unknown marker" in git("commit", "-am", "bad", at=root, code=1)
    assert flow("hook", "uninstall", cwd=root).code == 0
    git("config", "--unset", "core.hooksPath", at=root)
    git("checkout", "-q", ".flow", at=root)

    tree = tmp_path / "a worktree"
    git("worktree", "add", "-q", str(tree), "-b", "other", at=root)
    made = flow("hook", "install", "--json", cwd=tree).json
    assert Path(made["hooks"][0]).resolve() == root / ".git/hooks/pre-commit"
    (tree / ".flow/status.md").write_text(BAD)
    assert ".flow/status.md:1:3: An unknown marker" in git("commit", "-am", "bad", at=tree, code=1)

    outer = tmp_path / "outer"
    below = outer / "deep" / "er"
    below.mkdir(parents=True)
    git("init", "-q", at=outer)
    git("submodule", "add", "-q", str(root), "part", at=outer)
    git("commit", "-qm", "a part", at=outer)
    assert flow("init", cwd=below).code == 0
    assert flow("hook", "install", cwd=below).code == 0
    (below / ".flow/status.md").write_text(BAD)
    git("add", ".", at=outer)
    assert "deep/er/.flow/status.md:1:3: An unknown marker" in git("commit", "-m", "bad", at=below, code=1)
    assert (below / ".gitattributes").exists()
    made = flow("hook", "install", "--json", cwd=outer / "part").json
    assert ".git/modules/part/hooks" in made["hooks"][0]
    (outer / "part/.flow/status.md").write_text(BAD)
    assert ".flow/status.md:1:3: An unknown marker" in git("commit", "-am", "bad", at=outer / "part", code=1)


def test_gitattributes_keep_what_is_theirs(flow: Flow, root: Path) -> None:
    attributes = root / ".gitattributes"
    theirs = b"*.png binary\r\n*.md text"
    attributes.write_bytes(theirs)
    flow("hook", "install", cwd=root)
    flow("hook", "install", cwd=root)
    assert attributes.read_bytes() == (
        theirs + b"\r\n\r\n# flow-manager\r\n.flow/**/*.md merge=flow\r\n# /flow-manager\r\n"
    )
    assert "flow" in git("check-attr", "merge", ".flow/status.md", ".flow/sub_flows/a.md", at=root)
    flow("hook", "uninstall", cwd=root)
    assert attributes.read_bytes() == theirs + b"\r\n"


def test_where_there_is_no_repository_it_says_so(flow: Flow, make_project: MakeProject) -> None:
    ran = flow("hook", "install", cwd=make_project({"status.md": PLAN}))
    assert ran.code == 4
    assert "is in no git repository with a working tree" in ran.err
    assert "fatal" not in ran.err


def test_all_is_well_is_said_and_so_is_what_is_missing(flow: Flow, root: Path, tmp_path: Path) -> None:
    assert flow("hook", "check", cwd=root).err == "flow: the next commit changes no plan.\n"
    (root / ".flow/status.md").write_text(PLAN + "- [ ] More\n")
    git("add", ".", at=root)
    assert flow("hook", "check", cwd=root).err == "flow: one plan checked, no problems.\n"
    bare = tmp_path / "bare"
    git("init", "-q", "--bare", str(bare), at=tmp_path)
    for place in (tmp_path, bare):
        ran = flow("hook", "check", cwd=place)
        assert ran.code == 4
        assert ran.err.startswith("flow: This folder is in no git repository with a working tree.")
        assert "fatal" not in ran.err


def test_a_repository_hidden_in_the_files_of_a_clone_is_not_gits(
    flow: Flow, make_project: MakeProject
) -> None:
    hidden = make_project({"status.md": PLAN})
    git("init", "-q", "--bare", str(hidden), at=hidden)
    git("init", "-q", at=hidden.parent)
    for name, value in {"bare": "false", "worktree": ".", "fsmonitor": "touch trace"}.items():
        git("config", "-f", str(hidden / "config"), f"core.{name}", value, at=hidden.parent)
    for words in (("check",), ("install",)):
        assert flow("hook", *words, cwd=hidden).code == 4
    assert not (hidden / "trace").exists()
    assert not list((hidden / "hooks").glob("pre-commit"))


def test_what_the_configuration_of_a_copied_repository_names_does_not_run(flow: Flow, root: Path) -> None:
    git("config", "core.fsmonitor", "touch trace", at=root)
    assert flow("hook", "check", cwd=root).code in (0, 1)
    assert not (root / "trace").exists()


def test_plans_below_a_folder_whose_name_looks_like_an_option_merge(flow: Flow, root: Path) -> None:
    plan = root / "-O" / ".flow" / "new\nline.md"
    plan.parent.mkdir(parents=True)
    plan.write_text("- [ ] One\n- [ ] Two\n")
    (plan.parent / "status.md").write_text("- [ ] Other\n")
    assert flow("hook", "install", cwd=root / "-O").code == 0
    git("add", ".", at=root)
    git("commit", "-qm", "plan", at=root)
    git("checkout", "-qb", "other", at=root)
    plan.write_text("- [ ] One\n- [x] Two\n")
    git("commit", "-qam", "theirs", at=root)
    git("checkout", "-q", "-", at=root)
    plan.write_text("- [x] One\n- [ ] Two\n")
    git("commit", "-qam", "ours", at=root)
    git("merge", "-q", "other", at=root)
    assert plan.read_text() == "- [x] One\n- [x] Two\n"
