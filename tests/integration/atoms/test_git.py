"""The Git atom on real repositories."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from engine.atoms import AtomResult, Call, Outcome
from engine.atoms.git import Git
from engine.atoms.hosted import Hosted
from engine.errors import ConfigurationError
from tests.integration.atoms.conftest import Bench
from tests.integration.conftest import kill_each


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    (tmp_path / "gitconfig").write_text(
        "[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n"
    )


def git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repo(bench: Bench) -> Path:
    git(bench.root, "init", "--quiet")
    (bench.root / "README").write_text("hello\n")
    git(bench.root, "add", "README")
    git(bench.root, "commit", "--quiet", "-m", "first")
    return bench.root


def refuse(root: Path) -> None:
    """No commit is made here from now on."""
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def call(bench: Bench, toml: str, notes: str = "", key: str = "key-1", name: str = "Commit it") -> Call:
    body = "".join(f"    {line}\n" for line in notes.splitlines())
    fence = "".join(f"    {line}\n" for line in toml.splitlines())
    return bench.call(f"- [ ] [Git] {name}\n{body}    ```toml\n{fence}    ```\n", key=key)


def commits(root: Path) -> int:
    return int(git(root, "rev-list", "--all", "--count"))


COMMIT = 'op = "commit"\npaths = ["a.txt"]\nmessage = "Add a"'


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
