"""The Git atom on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.atoms import AtomResult, Outcome
from engine.atoms.git import Git
from engine.atoms.hosted import Hosted
from engine.errors import ConfigurationError
from tests.integration.atoms.conftest import Bench
from tests.integration.atoms.repositories import COMMIT, call, commits, git
from tests.integration.conftest import kill_each

pytestmark = pytest.mark.usefixtures("identity")


def test_a_commit_under_the_supervisor(bench: Bench, repo: Path) -> None:
    (repo / "a.txt").write_text("a\n")
    (repo / "b.txt").write_text("b\n")
    atom = Hosted("engine.atoms.git:Git")
    made = call(bench, COMMIT)
    atom.check(made.config)
    assert atom.question(repo, "never") is None

    result = bench.run(atom, made)

    assert result == AtomResult.success(commit=git(repo, "rev-parse", "HEAD"))
    assert git(repo, "log", "-1", "--format=%B%an") == "Add a\n\nFlow-Task: key-1\nAda"
    assert git(repo, "show", "--name-only", "--format=", "HEAD") == "a.txt"
    probe = atom.probe(made, bench.new_run())
    assert probe is not None and atom.is_complete(bench.finish(probe))


@pytest.mark.parametrize(
    ("toml", "notes", "message"),
    [
        (COMMIT, "ignored", "Add a\n\nFlow-Task: key-1"),
        ('op = "commit"\nall = true', "Notes of\n- the task", "Notes of\n- the task\n\nFlow-Task: key-1"),
        ('op = "commit"\nall = true', "", "Commit it\n\nFlow-Task: key-1"),
        (
            'op = "commit"\nall = true\nmessage = "One\\n\\nSigned-off-by: A <a@b.c>"',
            "",
            "One\n\nSigned-off-by: A <a@b.c>\nFlow-Task: key-1",
        ),
        ('op = "commit"\nall = true\nmessage = "$(touch x); `id` \\"q\\" #1"', "", None),
    ],
)
def test_where_a_message_comes_from(
    bench: Bench, repo: Path, toml: str, notes: str, message: str | None
) -> None:
    (repo / "a.txt").write_text("a\n")

    assert Git().run(call(bench, toml, notes)).outcome is Outcome.SUCCESS

    expected = message or '$(touch x); `id` "q" #1\n\nFlow-Task: key-1'
    assert git(repo, "log", "-1", "--format=%B") == expected
    assert not (repo / "x").exists()


def test_a_commit_happens_once(bench: Bench, repo: Path) -> None:
    (repo / "a.txt").write_text("a\n")
    made = call(bench, COMMIT)
    assert not Git().check_completion(made)
    first = Git().run(made)
    (repo / "a.txt").write_text("changed since\n")

    assert Git().check_completion(made)
    assert Git().run(made) == first
    assert commits(repo) == 2
    git(repo, "checkout", "--quiet", "HEAD~1", "--", ".")
    git(repo, "switch", "--quiet", "--force", "--orphan", "elsewhere")
    assert Git().check_completion(made)
    assert not Git().check_completion(call(bench, COMMIT, key="key-10"))


@pytest.mark.parametrize(
    "message",
    [
        "Release\n\n---\nMore about it",
        "Release\n\nText\n# Last",
    ],
)
@pytest.mark.parametrize("separators", [":", "=:"])
def test_a_commit_is_known_again_whatever_its_message(
    bench: Bench, repo: Path, message: str, separators: str
) -> None:
    git(repo, "config", "trailer.separators", separators)
    (repo / "a.txt").write_text("a\n")
    made = call(bench, f'op = "commit"\nall = true\nmessage = """{message}"""')

    assert Git().run(made).outcome is Outcome.SUCCESS

    assert Git().check_completion(made)
    written = git(repo, "log", "-1", "--format=%B")
    assert written.replace("Flow-Task: key-1", "").split() == message.split()


def test_a_mention_of_a_key_is_no_commit_of_it(bench: Bench, repo: Path) -> None:
    git(
        repo,
        "commit",
        "--allow-empty",
        "-m",
        "About Flow-Task: key-1 and how it failed\n\nMore text, no trailer.",
    )
    git(repo, "commit", "--allow-empty", "-m", "Other\n\nFlow-Task: key-12")

    assert not Git().check_completion(call(bench, COMMIT))


def test_paths_are_literal_and_deletions_count(bench: Bench, repo: Path) -> None:
    for name in ("*.txt", "a.txt", "-v", "über"):
        (repo / name).write_text("x\n")
    (repo / "README").unlink()
    toml = 'op = "commit"\npaths = ["*.txt", "-v", "README", "über"]'

    assert Git().run(call(bench, toml)).outcome is Outcome.SUCCESS

    names = git(repo, "-c", "core.quotePath=false", "show", "--name-only", "--format=", "HEAD")
    assert sorted(names.split("\n")) == ["*.txt", "-v", "README", "über"]
    assert git(repo, "status", "--porcelain") == "?? a.txt"


def test_a_project_inside_a_repository_commits_only_itself(bench: Bench) -> None:
    top = bench.root.parent
    git(top, "init", "--quiet")
    (top / "outside").write_text("o\n")
    (bench.root / "inside").write_text("i\n")
    made = call(bench, 'op = "commit"\nall = true')

    assert Git().run(made).outcome is Outcome.SUCCESS
    assert git(top, "show", "--name-only", "--format=", "HEAD") == "project/inside"
    git(top, "add", "outside")
    (bench.root / "inside").write_text("j\n")
    assert "outside" in Git().run(call(bench, 'op = "commit"\nall = true', key="key-2")).reason


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        (COMMIT.replace("a.txt", "README"), "nothing to commit"),
        (COMMIT.replace("a.txt", "missing"), "missing"),
        (COMMIT.replace("a.txt", "../gitconfig"), "../gitconfig"),
        (COMMIT.replace("a.txt", "/etc/passwd"), "/etc/passwd"),
        ('op = "tag"\nname = "v1"\nat = "nowhere"', "no commit nowhere"),
        ('op = "tag"\nname = "v..1"', "cannot be the name of a tag"),
        ('op = "branch"\nname = "a b"', "cannot be the name of a branch"),
    ],
)
def test_refusals_say_why(bench: Bench, repo: Path, toml: str, reason: str) -> None:
    result = Git().run(call(bench, toml))

    assert result.outcome is Outcome.FAILURE
    assert reason in result.reason
    assert commits(repo) == 1


def test_a_hook_that_refuses_says_why(bench: Bench, repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho 'the build is red' >&2\nexit 1\n")
    hook.chmod(0o755)
    (repo / "a.txt").write_text("a\n")

    assert "the build is red" in Git().run(call(bench, COMMIT)).reason


def test_what_a_hook_writes_is_shown_as_it_comes(bench: Bench, repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho checking\nuntil [ -e go ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    (repo / "a.txt").write_text("a\n")
    atom = Hosted("engine.atoms.git:Git")
    job = atom.job(call(bench, COMMIT, notes="Long\n" * 50_000), bench.new_run())
    supervisor = bench.start(job)

    bench.wait(lambda: b"checking" in bench.runner.read(job.run, 0)[0])
    assert bench.runner.ended(job.run) is None
    (repo / "go").touch()
    bench.wait(lambda: bench.runner.ended(job.run) is not None)
    bench.runner.end(job.run, supervisor)
    assert commits(repo) == 2


def test_nobody_to_commit_as(bench: Bench, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("")
    (repo / "a.txt").write_text("a\n")

    reason = Git().run(call(bench, COMMIT)).reason

    assert "git config --global user.name" in reason
    assert commits(repo) == 1


def test_no_repository_and_no_git(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "git init" in Git().run(call(bench, COMMIT)).reason
    assert not Git().check_completion(call(bench, COMMIT))
    monkeypatch.setenv("PATH", str(bench.root))
    assert "not installed" in Git().run(call(bench, COMMIT)).reason
    assert not Git().check_completion(call(bench, COMMIT))


def test_another_git_around_us_does_not_lead_astray(
    bench: Bench, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when the program is started by a hook."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    (repo / "a.txt").write_text("a\n")

    assert Git().run(call(bench, COMMIT)).outcome is Outcome.SUCCESS
    monkeypatch.delenv("GIT_DIR")
    assert commits(repo) == 2


@pytest.mark.parametrize("message", ["", '\nmessage = "Orbit 2.0"'])
def test_a_tag_happens_once(bench: Bench, repo: Path, message: str) -> None:
    made = call(bench, f'op = "tag"\nname = "v1.0"{message}')
    head = git(repo, "rev-parse", "HEAD")
    assert not Git().check_completion(made)

    assert Git().run(made) == AtomResult.success(commit=head, tag="v1.0")

    assert git(repo, "rev-parse", "v1.0^{commit}") == head
    assert git(repo, "cat-file", "-t", "v1.0") == ("tag" if message else "commit")
    assert Git().check_completion(made)
    assert Git().run(made).outcome is Outcome.SUCCESS
    git(repo, "commit", "--allow-empty", "-m", "second")
    assert not Git().check_completion(made)
    assert "There is a tag v1.0 already" in Git().run(made).reason


def test_a_tag_keeps_every_line_of_its_message(bench: Bench, repo: Path) -> None:
    message = "Orbit 2.0\n\n# New\n- faster\n#12 is mended"
    made = call(bench, f'op = "tag"\nname = "v2"\nmessage = """{message}"""')

    assert Git().run(made).outcome is Outcome.SUCCESS

    assert git(repo, "tag", "--list", "--format=%(contents)", "v2") == message


@pytest.mark.parametrize("switch", [False, True])
def test_a_branch_happens_once(bench: Bench, repo: Path, switch: bool) -> None:
    made = call(bench, f'op = "branch"\nname = "release/2"\nswitch = {str(switch).lower()}')
    head = git(repo, "rev-parse", "HEAD")

    assert Git().run(made) == AtomResult.success(commit=head, branch="release/2")

    assert git(repo, "branch", "--show-current") == ("release/2" if switch else "main")
    assert Git().check_completion(made)
    if switch:
        git(repo, "switch", "--quiet", "main")
        assert not Git().check_completion(made), "made, but not checked out: the second half is missing"
        assert Git().run(made).outcome is Outcome.SUCCESS
        assert git(repo, "branch", "--show-current") == "release/2"


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", "`op` is None"),
        ('op = "push"', "`op` is 'push'"),
        ("op = ", "This is not TOML"),
        ('op = "commit"', "either `paths` or `all`"),
        ('op = "commit"\nall = true\npaths = ["a"]', "either `paths` or `all`"),
        ('op = "commit"\npaths = "a"', "`paths` of a commit must be a list"),
        ('op = "commit"\npaths = [1]', "list of texts"),
        ('op = "commit"\nall = true\nmessage = ""', "not empty"),
        ('op = "commit"\nall = true\namend = true', "no setting `amend`"),
        ('op = "tag"', "needs a `name`"),
        ('op = "tag"\nname = "-d"', "cannot be '-d'"),
        ('op = "branch"\nname = "x"\nat = "--all"', "cannot be '--all'"),
    ],
)
def test_settings_that_cannot_be_understood(bench: Bench, toml: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Git().check(call(bench, toml).config)

    assert words in str(error.value)
    assert str(error.value).startswith("status.md:")


@pytest.mark.parametrize(("hook", "happened"), [("pre-commit", False), ("post-commit", True)])
def test_t3_24_a_kill_around_the_commit_leaves_one_commit(
    bench: Bench, repo: Path, hook: str, happened: bool
) -> None:
    """Everything is killed right before, or right after, the commit exists."""
    path = repo / ".git" / "hooks" / hook
    path.write_text("#!/bin/sh\n[ -e go ] || { touch reached; sleep 60; }\n")
    path.chmod(0o755)
    (repo / "a.txt").write_text("a\n")
    atom, made = Hosted("engine.atoms.git:Git"), call(bench, COMMIT)
    job = atom.job(made, bench.new_run())
    supervisor = bench.start(job)
    bench.wait((repo / "reached").exists)

    kill_each(process.pid for process in bench.runner.alive(job.run, supervisor))
    bench.runner.end(job.run, supervisor)

    (repo / "go").touch()
    assert bench.runner.ended(job.run) is None
    probe = atom.probe(made, bench.new_run())
    assert probe is not None
    assert atom.is_complete(bench.finish(probe)) is happened
    (repo / ".git" / "index.lock").unlink(missing_ok=True)
    assert bench.run(atom, made).outcome is Outcome.SUCCESS
    assert commits(repo) == 2
