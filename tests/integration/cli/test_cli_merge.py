"""Branches of plans merge in a real repository, by `flow merge-driver`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import parse
from engine.status.merging import merge_plans
from tests.branches import BRANCHES, Branches, texts
from tests.integration.cli.conftest import Flow
from tests.integration.cli.test_cli_hook import git
from tui.hook.install import driver

PAIRS, AT_ONCE = 200, 25


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "a repository"
    (root / ".flow").mkdir(parents=True)
    git("init", "-q", "-b", "main", at=root)
    git("config", "merge.flow.driver", driver(), at=root)
    (root / ".gitattributes").write_text(".flow/**/*.md merge=flow\n")
    git("add", ".", at=root)
    git("commit", "-qm", "begin", at=root)
    return root


def commit(root: Path, branch: str, files: dict[str, str], of: str = "") -> None:
    git("checkout", "-q", *(["-B", branch, of] if of else [branch]), at=root)
    for name, text in files.items():
        path = root / ".flow" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    git("add", "-A", at=root)
    git("commit", "-q", "--allow-empty", "-m", branch, at=root)


def merge(root: Path, base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> tuple[int, str]:
    """Merges the branches of these files; the exit code and what git said."""
    git("merge", "--abort", at=root, code=None)
    git("checkout", "-qf", "main", at=root)
    commit(root, "base", base, "main")
    commit(root, "theirs", theirs, "base")
    commit(root, "ours", ours, "base")
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t", "merge", "-q", "--no-edit", "theirs"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_200_random_pairs_of_branches_merge_as_the_rules_say(repository: Path) -> None:
    counts = {"pairs": 0, "clean": 0}

    @settings(
        max_examples=PAIRS // AT_ONCE,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # a failure says which file it is; to shrink two hundred merges takes hours
        database=None,
    )
    @given(st.lists(BRANCHES, min_size=AT_ONCE, max_size=AT_ONCE))
    def check(pairs: list[Branches]) -> None:
        versions = {f"{number}.md": texts(each) for number, each in enumerate(pairs)}
        code, said = merge(
            repository, *({name: each[side] for name, each in versions.items()} for side in range(3))
        )
        clean = 0
        for name, (base, ours, theirs) in versions.items():
            expected = merge_plans(base.encode(), ours.encode(), theirs.encode(), f".flow/{name}")
            text = (repository / ".flow" / name).read_text()
            assert text == expected.text, said
            assert ("<<<<<<<" in text) == bool(expected.conflicts)
            if expected.is_clean:
                clean += 1
                assert not parse(text).problems
        assert (code == 0) == (clean == len(pairs)), said
        unmerged = git("diff", "--name-only", "--diff-filter=U", at=repository).split()
        assert len(unmerged) == len(pairs) - clean
        counts["pairs"] += len(pairs)
        counts["clean"] += clean

    check()
    sys.stdout.write(f"{counts['clean']} of {counts['pairs']} pairs of branches merged without a conflict\n")
    assert counts["pairs"] >= PAIRS


def test_neighbours_merge_in_git_and_would_not_without(repository: Path) -> None:
    base = "- [ ] One\n- [ ] Two\n- [ ] Three\n"
    ours, theirs = base.replace("[ ] One", "[x] One"), base.replace("[ ] Two", "[x] Two")
    code, _ = merge(repository, {"status.md": base}, {"status.md": ours}, {"status.md": theirs})
    assert code == 0
    assert (repository / ".flow/status.md").read_text() == "- [x] One\n- [x] Two\n- [ ] Three\n"
    git("config", "--unset", "merge.flow.driver", at=repository)
    code, said = merge(repository, {"status.md": base}, {"status.md": ours}, {"status.md": theirs})
    assert code == 1
    assert "CONFLICT" in said


def test_a_task_that_both_branches_renamed_is_a_conflict_in_git(repository: Path) -> None:
    base = "- [ ] A\n- [ ] B\n- [ ] C\n"
    ours, theirs = base.replace("B", "B1"), base.replace("B", "B2").replace("[ ] C", "[x] C")
    code, said = merge(repository, {"status.md": base}, {"status.md": ours}, {"status.md": theirs})
    assert code == 1
    assert "CONFLICT" in said
    assert (repository / ".flow/status.md").read_text() == (
        "- [ ] A\n<<<<<<< ours\n- [ ] B1\n=======\n- [ ] B2\n>>>>>>> theirs\n- [x] C\n"
    )
    code, _ = merge(repository, {"status.md": base}, {"status.md": ours}, {"status.md": ours + "- [ ] D\n"})
    assert code == 0
    assert (repository / ".flow/status.md").read_text() == "- [ ] A\n- [ ] B1\n- [ ] C\n- [ ] D\n"


def test_a_plan_of_any_name_merges(repository: Path) -> None:
    name = 'sub flows/it\'s "odd" $(touch ran) é.md'
    base = "- [ ] One\n- [ ] Two\n"
    ours, theirs = base.replace("[ ] One", "[x] One"), base.replace("Two", "Two and more")
    code, said = merge(repository, {name: base}, {name: ours}, {name: theirs})
    assert code == 0, said
    assert (repository / ".flow" / name).read_text() == "- [x] One\n- [ ] Two and more\n"
    assert not (repository / "ran").exists()


def test_both_branches_made_the_file_and_sub_flows_changed_on_both(repository: Path) -> None:
    code, said = merge(
        repository,
        {},
        {"status.md": "- [ ] [Build](build.md)\n- [x] Ship\n", "build.md": "- [x] Compile\n"},
        {
            "status.md": "- [ ] [Build](build.md)\n- [ ] Ship\n- [ ] Rest\n",
            "build.md": "- [ ] Compile\n- [x] Test\n",
        },
    )
    assert code == 0, said
    assert (repository / ".flow/status.md").read_text() == "- [ ] [Build](build.md)\n- [x] Ship\n- [ ] Rest\n"
    assert (repository / ".flow/build.md").read_text() == "- [x] Compile\n- [x] Test\n"
    code, said = merge(
        repository,
        {"status.md": "- [ ] Build @ a.md\n"},
        {"status.md": "- [ ] Build @ b.md\n"},
        {"status.md": "- [x] Build @ c.md\n"},
    )
    assert code == 1
    assert (repository / ".flow/status.md").read_text() == (
        "<<<<<<< ours\n- [x] Build @ b.md\n=======\n- [x] Build @ c.md\n>>>>>>> theirs\n"
    )
    assert "conflicts in one place" in said


def test_carriage_returns_byte_order_marks_and_what_is_no_text(repository: Path, flow: Flow) -> None:
    base = "\ufeff- [ ] One\r\n- [ ] Two\r\n"
    code, said = merge(
        repository,
        {"status.md": base},
        {"status.md": base.replace("[ ] One", "[x] One")},
        {"status.md": base.replace("[ ] Two", "[!] Two")},
    )
    assert code == 0, said
    assert (repository / ".flow/status.md").read_bytes() == "\ufeff- [x] One\n- [!] Two\n".encode()
    code, said = merge(
        repository, {"status.md": "- [ ] One\n"}, {"status.md": "- [x] One\n"}, {"status.md": "\0\1"}
    )
    assert code == 1
    assert "NUL" in said
    assert (repository / ".flow/status.md").read_text() == "- [x] One\n"


def test_the_command_itself(flow: Flow, tmp_path: Path) -> None:
    for name, text in (
        ("base", "- [ ] One\n"),
        ("ours", "- [x] One\n"),
        ("theirs", "- [ ] One\n- [ ] Two\n"),
    ):
        (tmp_path / name).write_text(text)
    ran = flow("merge-driver", "base", "ours", "theirs", ".flow/status.md", "--json", cwd=tmp_path)
    assert (ran.code, ran.json) == (
        0,
        {"version": 1, "path": ".flow/status.md", "conflicts": 0, "problems": []},
    )
    assert (tmp_path / "ours").read_text() == "- [x] One\n- [ ] Two\n"
    assert flow("merge-driver", "missing", "ours", "theirs", cwd=tmp_path).code == 2
