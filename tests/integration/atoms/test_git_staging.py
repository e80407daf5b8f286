"""What a person has staged, and what the Git atom makes of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from engine.atoms import Outcome
from engine.atoms.git import Git
from engine.atoms.hosted import Hosted
from tests.integration.atoms.conftest import Bench
from tests.integration.atoms.repositories import COMMIT, call, commits, git, refuse
from tests.integration.conftest import kill_each


def test_staged_by_a_killed_attempt_is_its_own(bench: Bench, repo: Path) -> None:
    (repo / "a.txt").write_text("a\n")
    git(repo, "add", "a.txt")
    (repo / "a.txt").write_text("b\n")

    assert Git().run(call(bench, COMMIT)).outcome is Outcome.SUCCESS
    assert git(repo, "show", "HEAD:a.txt") == "b"


def test_what_somebody_else_staged_is_left_alone(bench: Bench, repo: Path) -> None:
    (repo / "a.txt").write_text("a\n")
    (repo / "theirs.txt").write_text("t\n")
    git(repo, "add", "theirs.txt")

    result = Git().run(call(bench, COMMIT))

    assert result.outcome is Outcome.FAILURE
    assert "Something else is staged: theirs.txt" in result.reason
    assert commits(repo) == 1
    assert git(repo, "status", "--porcelain") == "A  theirs.txt\n?? a.txt"


@pytest.mark.parametrize("toml", [COMMIT, 'op = "commit"\nall = true'])
@pytest.mark.parametrize("command", ["merge", "rebase", "cherry-pick"])
def test_a_conflict_is_a_persons_to_resolve(bench: Bench, repo: Path, command: str, toml: str) -> None:
    for branch, text in (("theirs", "t\n"), ("main", "m\n")):
        git(repo, "switch", "--quiet", *(["--create"] if branch != "main" else []), branch)
        (repo / "a.txt").write_text(text)
        git(repo, "add", "a.txt")
        git(repo, "commit", "--quiet", "--message", branch)
    subprocess.run(["git", "-C", str(repo), command, "theirs"], check=False, capture_output=True)
    before = git(repo, "ls-files", "--unmerged")
    assert before

    result = Git().run(call(bench, toml))

    assert result.outcome is Outcome.FAILURE
    assert "There are conflicts in a.txt." in result.reason
    assert git(repo, "ls-files", "--unmerged") == before
    assert commits(repo) == 3
    git(repo, "add", "a.txt")
    if command != "rebase":
        assert Git().run(call(bench, toml)).outcome is Outcome.SUCCESS
        assert "<<<" in git(repo, "show", "HEAD:a.txt"), "a person has said that it is resolved"


@pytest.mark.parametrize("is_new", [False, True])
def test_what_was_staged_is_staged_again_when_nothing_was_committed(
    bench: Bench, repo: Path, is_new: bool
) -> None:
    if not is_new:
        (repo / "a.txt").write_text("old\n")
        git(repo, "add", "a.txt")
        git(repo, "commit", "--quiet", "--message", "old")
    refuse(repo)
    (repo / "a.txt").write_text("part\n")
    git(repo, "add", "a.txt")
    (repo / "a.txt").write_text("part\nand more\n")

    assert Git().run(call(bench, COMMIT)).outcome is Outcome.FAILURE
    assert git(repo, "show", ":a.txt") == "part"
    (repo / ".git/hooks/pre-commit").unlink()
    assert Git().run(call(bench, COMMIT)).outcome is Outcome.SUCCESS
    assert git(repo, "show", "HEAD:a.txt") == "part\nand more"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("command", ["", "merge", "cherry-pick"])
def test_what_was_staged_is_staged_when_a_commit_is_ended(
    bench: Bench, repo: Path, ending: signal.Signals, command: str
) -> None:
    for name in ("a.txt", "gone.txt"):
        (repo / name).write_text("old\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "old")
    if command:
        git(repo, "switch", "--quiet", "--create", "theirs")
        git(repo, "commit", "--quiet", "--allow-empty", "--message", "theirs")
        git(repo, "switch", "--quiet", "main")
        flags = ["--no-ff", "--no-commit"] if command == "merge" else []
        subprocess.run(["git", "-C", str(repo), command, *flags, "theirs"], check=False, capture_output=True)
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\n[ -e .git/go ] || { touch .git/reached; exec sleep 60; }\n")
    hook.chmod(0o755)
    (repo / "a.txt").write_text("part\n")
    git(repo, "add", "a.txt")
    (repo / "a.txt").write_text("part\nand more\n")
    (repo / "gone.txt").unlink()
    (repo / "new.txt").write_text("new\n")
    toml = 'op = "commit"\npaths = ["a.txt", "gone.txt", "new.txt"]'
    atom, made = Hosted("engine.atoms.git:Git"), call(bench, toml)
    job = atom.job(made, bench.new_run())
    supervisor = bench.start(job)
    bench.wait((repo / ".git/reached").exists)

    kill_each((process.pid for process in bench.runner.alive(job.run, supervisor)), ending)
    bench.runner.end(job.run, supervisor)

    assert git(repo, "show", ":a.txt") == "part"
    if ending is signal.SIGKILL:
        (repo / ".git/index.lock").unlink(missing_ok=True)
    cleaner = atom.cleaner(made, bench.new_run())
    assert cleaner is not None
    bench.finish(cleaner)
    assert git(repo, "status", "--porcelain") == "MM a.txt\n D gone.txt\n?? .flow/\n?? new.txt"
    (repo / ".git/go").touch()
    assert bench.run(atom, made).outcome is Outcome.SUCCESS
    assert git(repo, "show", "HEAD:a.txt") == "part\nand more"
    assert git(repo, "ls-tree", "--name-only", "HEAD") == "README\na.txt\nnew.txt"
    assert git(repo, "status", "--porcelain") == "?? .flow/"
    if command == "merge":
        assert git(repo, "rev-parse", "HEAD^2") == git(repo, "rev-parse", "theirs")


@pytest.mark.parametrize("toml", [COMMIT.replace("a.txt", "it"), 'op = "commit"\nall = true'])
@pytest.mark.parametrize("change", ["folder to file", "file to folder"])
def test_a_file_takes_the_place_of_a_folder(bench: Bench, repo: Path, change: str, toml: str) -> None:
    it, to_file = repo / "it", change == "folder to file"

    def make(*, folder: bool) -> None:
        if folder:
            it.mkdir()
        (it / "file" if folder else it).write_text("1")

    make(folder=to_file)
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "before")
    (it / "file" if to_file else it).write_text("staged")
    git(repo, "add", ".")
    shutil.rmtree(it) if to_file else it.unlink()
    make(folder=not to_file)
    before = git(repo, "status", "--porcelain"), git(repo, "ls-files", "--stage")
    refuse(repo)

    assert Git().run(call(bench, toml)).outcome is Outcome.FAILURE
    assert (git(repo, "status", "--porcelain"), git(repo, "ls-files", "--stage")) == before
    (repo / ".git/hooks/pre-commit").unlink()
    assert Git().run(call(bench, toml)).outcome is Outcome.SUCCESS
    assert git(repo, "ls-tree", "-r", "--name-only", "HEAD").split()[-1] == ("it" if to_file else "it/file")
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("is_ignored", [True, False])
def test_a_file_that_git_is_not_to_keep_any_longer(bench: Bench, repo: Path, is_ignored: bool) -> None:
    (repo / "secret").write_text("1")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "before")
    git(repo, "rm", "--quiet", "--cached", "secret")
    (repo / "README").write_text("more")
    if is_ignored:
        (repo / ".gitignore").write_text("secret\n")
    refuse(repo)
    for key in ("key-1", "key-2"):
        result = Git().run(call(bench, 'op = "commit"\nall = true', key=key))
        (repo / ".git/hooks/pre-commit").unlink(missing_ok=True)
        assert (result.outcome is Outcome.SUCCESS) == (is_ignored and key == "key-2")
        assert is_ignored or "secret is staged, and it is still there" in result.reason
        assert "secret" not in git(repo, "ls-files")


@pytest.mark.parametrize("change", [["rm", "README"], ["mv", "README", "a.txt"]])
def test_what_was_removed_or_moved_by_git_can_be_named(bench: Bench, repo: Path, change: list[str]) -> None:
    git(repo, *change)
    paths = ", ".join(f'"{path}"' for path in change[1:])

    assert Git().run(call(bench, f'op = "commit"\npaths = [{paths}]')).outcome is Outcome.SUCCESS
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("is_new", [True, False])
def test_names_with_any_character_are_let_go(bench: Bench, repo: Path, is_new: bool) -> None:
    names = [os.fsencode(repo) + b"/" + name for name in (b"a\rb", b"a\nb", b'"', b"a\xff", b" b")]
    for name in names:
        Path(os.fsdecode(name)).touch()
    atom, made = Hosted("engine.atoms.git:Git"), call(bench, 'op = "commit"\nall = true')
    if is_new:
        refuse(repo)
        assert Git().run(made).outcome is Outcome.FAILURE
    else:
        git(repo, "add", "--intent-to-add", ".")
        cleaner = atom.cleaner(made, bench.new_run())
        assert cleaner is not None
        bench.finish(cleaner)
    assert git(repo, "ls-files") == "README"


def test_a_commit_that_fails_in_a_new_repository_leaves_nothing_staged(bench: Bench, repo: Path) -> None:
    git(repo, "switch", "--quiet", "--orphan", "fresh")
    refuse(repo)
    (repo / "a.txt").write_text("a\n")

    assert Git().run(call(bench, COMMIT)).outcome is Outcome.FAILURE
    assert git(repo, "ls-files", "--stage") == ""
    assert (repo / "a.txt").read_text() == "a\n"
