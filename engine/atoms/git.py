"""The Git atom: a commit, a tag or a branch.

    - [ ] [Git] Commit the release notes
        Release notes for 2.0
        ```toml
        op = "commit"
        paths = ["CHANGELOG.md", "docs"]
        ```

The settings stand in one fenced `toml` block; `op` says what is done:

- `commit`: `paths = [...]` (literal files and folders, relative to the project's root) or `all = true`
  (everything below the root); `message` (else the notes of the task, else its name). What is staged already
  must be among them: a commit never takes in what somebody else has staged. The commit carries the trailer
  `Flow-Task: <key>`, by which a later attempt knows that it happened.
- `tag`: `name`, `at` (HEAD unless given), `message` (with one it is an annotated tag)
- `branch`: `name`, `at` (HEAD unless given), `switch = true` (check it out)

A tag or branch that is there already, at the right commit, is done; at another it is a failure. Exports:
`commit` (the full id), and `tag` or `branch`.

It runs in the host process, since hooks and a repository's configuration can run programs. No shell is
involved, no editor and no question: what would need one fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.atoms.base import Atom, AtomResult, Call, Effect
from engine.atoms.configuration import complain
from engine.atoms.settings import settings
from engine.errors import SecurityError
from engine.lazy import Late
from engine.storage import safe_path

if TYPE_CHECKING:
    import shutil
    import subprocess
    import tempfile
else:  # only the host runs git
    shutil, subprocess, tempfile = Late("shutil"), Late("subprocess"), Late("tempfile")

TRAILER = "Flow-Task"
_KNOWN: dict[str, dict[str, type]] = {
    "commit": {"op": str, "message": str, "paths": list, "all": bool},
    "tag": {"op": str, "name": str, "at": str, "message": str},
    "branch": {"op": str, "name": str, "at": str, "switch": bool},
}


class GitError(Exception):
    """Git refused; the message is the reason, for a person."""


class Git(Atom):
    """Commits, tags, branches. See the module for its settings."""

    effect = Effect.ONCE

    def check(self, config: Mapping[str, Any]) -> None:
        _settings(config)

    def check_paths(self, call: Call) -> None:
        """Raise ConfigurationError when a commit would take in what is outside of the project."""
        for path in _settings(call.config).get("paths", ()):
            try:
                _inside(call.root, path)
            except GitError as error:
                raise complain(call.config, f"`paths` of a commit: {error}") from error

    def run(self, call: Call) -> AtomResult:
        wanted = _settings(call.config)
        try:
            git = _Git(call.root)
            done = _done(git, call, wanted)
            if done is None:
                done = {"commit": _commit, "tag": _tag, "branch": _branch}[wanted["op"]](git, call, wanted)
        except GitError as error:
            return AtomResult.failure(str(error))
        return AtomResult.success(**done)

    def check_completion(self, call: Call) -> bool:
        try:
            return _done(_Git(call.root), call, _settings(call.config)) is not None
        except GitError:
            return False

    def cleanup(self, call: Call) -> None:
        wanted = _settings(call.config)
        if wanted["op"] != "commit":
            return
        with suppress(GitError):  # git is locked, or is none here any longer
            _Git(call.root).forget_named(_paths(call, wanted))


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, checked. Raises ConfigurationError."""
    found = settings(config, what="This Git task")
    if not isinstance(found, dict):
        raise complain(config, "The settings of a Git task are a table.")
    op = found.get("op")
    known = _KNOWN.get(op) if isinstance(op, str) else None
    if known is None:
        raise complain(config, f"`op` is {op!r}.", hint='Write op = "commit", "tag" or "branch".')
    for name, value in found.items():
        if name not in known:
            raise complain(config, f"A {op} has no setting `{name}`.", hint=f"There are: {', '.join(known)}.")
        if not isinstance(value, known[name]) or value in ("", []):
            raise complain(config, f"`{name}` of a {op} must be a {known[name].__name__} and not empty.")
    _check_commit(config, found) if op == "commit" else _check_name(config, found)
    return found


def _check_commit(config: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if bool(found.get("paths")) == bool(found.get("all")):
        raise complain(
            config, "A commit needs either `paths` or `all`.", hint='Write paths = ["file"], or all = true.'
        )
    if not all(isinstance(path, str) and path for path in found.get("paths", [])):
        raise complain(config, "`paths` must be a list of texts.")


def _check_name(config: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if "name" not in found:
        raise complain(config, f"A {found['op']} needs a `name`.")
    for name in ("name", "at"):
        if found.get(name, "").startswith("-") or "\0" in found.get(name, ""):
            raise complain(config, f"`{name}` cannot be {found[name]!r}.")


# -- what was done already --


def _done(git: _Git, call: Call, wanted: Mapping[str, Any]) -> dict[str, str] | None:
    """The exports of work that is complete, or None. Raises GitError."""
    git.check_repository()
    if wanted["op"] == "commit":
        commit = _find_commit(git, call.key)
        return {"commit": commit} if commit else None
    kind, name = wanted["op"], wanted["name"]
    ref = f"refs/tags/{name}" if kind == "tag" else f"refs/heads/{name}"
    git.say("check-ref-format", ref, otherwise=f"{name!r} cannot be the name of a {kind}")
    there = git.find(f"{ref}^{{commit}}")
    if there is None:
        return None
    commit = _target(git, wanted)
    if there != commit:
        raise GitError(f"There is a {kind} {name} already, at {there[:12]}, not at {commit[:12]}")
    if wanted.get("switch") and git.ask("symbolic-ref", "--quiet", "HEAD") != ref:
        return None
    return {"commit": commit, kind: name}


def _find_commit(git: _Git, key: str) -> str | None:
    """The commit that carries the trailer of this task, on whatever branch it is by now."""
    if not key:
        return None
    tips = ["--all"] if git.find("HEAD") is None else ["--all", "HEAD"]
    form = f"--format=%H%x09%(trailers:key={TRAILER},valueonly,separator=%x2C)"
    found = git.say("log", *tips, "--fixed-strings", f"--grep={TRAILER}: {key}", form)
    for line in found.splitlines():
        commit, _, keys = line.partition("\t")
        if key in keys.split(","):
            return commit
    return None


def _target(git: _Git, wanted: Mapping[str, Any]) -> str:
    at = wanted.get("at", "HEAD")
    commit = git.find(f"{at}^{{commit}}")
    if commit is None:
        raise GitError(f"There is no commit {at}")
    return commit


# -- doing it --


def _commit(git: _Git, call: Call, wanted: Mapping[str, Any]) -> dict[str, str]:
    paths = _paths(call, wanted)
    git.check_identity()
    if conflicts := git.conflicts():
        raise GitError(f"There are conflicts in {_listed(conflicts)}. Resolve them, and `git add` the files")
    foreign = set(git.staged()) - set(git.staged(paths))
    if foreign:
        raise GitError(
            f"Something else is staged: {_listed(foreign)}. Commit it, or take it back with `git restore --staged`"
        )
    if kept := git.removed(paths) & git.untracked(paths):
        raise GitError(
            f"That git no longer keeps {_listed(kept)} is staged, and it is still there. Ignore it, or take that back"
            " with `git restore --staged`"
        )
    before = git.say("write-tree")
    try:
        _commit_paths(git, call, wanted, paths)
    except GitError:
        git.ask("reset", "--quiet", before, "--", *paths)
        raise
    return {"commit": git.say("rev-parse", "HEAD")}


def _paths(call: Call, wanted: Mapping[str, Any]) -> list[str]:
    return ["."] if wanted.get("all") else [_inside(call.root, path) for path in wanted["paths"]]


def _commit_paths(git: _Git, call: Call, wanted: Mapping[str, Any], paths: list[str]) -> None:
    # What a person has staged of these files is theirs, part of a file perhaps. So new ones are named only, and the
    # commit stages by itself: git writes that down when it is made, and not if it is refused, stopped or killed.
    there = [path for path in paths if os.path.lexists(call.root / path) or not git.changed([path])]
    if there:
        git.say("add", "--intent-to-add", "--ignore-removal", "--", *there)
    if not git.changed(paths):
        raise GitError("There is nothing to commit")
    text = (wanted.get("message") or call.config.get("notes") or call.name).strip() or call.name
    trailer = f"{TRAILER}: {call.key}"
    # A line `---` is the author's text, and no beginning of a patch.
    message = git.say("interpret-trailers", "--no-divider", "--trailer", trailer, text=f"{text}\n")
    # `--only` keeps out what somebody stages right now. Git forbids it where it brings commits together, and takes up
    # again by it what was removed from the index.
    together = any(git.find(head) for head in ("MERGE_HEAD", "CHERRY_PICK_HEAD"))
    how = "--include" if together or git.removed(paths) else "--only"
    git.tell("commit", "--quiet", "--cleanup=whitespace", "--file=-", how, "--", *paths, text=message)


def _listed(paths: Collection[str]) -> str:
    return ", ".join(sorted(paths)[:5]) + (", ..." if len(paths) > 5 else "")


def _tag(git: _Git, call: Call, wanted: Mapping[str, Any]) -> dict[str, str]:
    commit = _target(git, wanted)
    name, message = wanted["name"], wanted.get("message")
    if message:
        git.check_identity()
        git.say("tag", "--annotate", "--cleanup=whitespace", "--file=-", name, commit, text=message)
    else:
        git.say("tag", name, commit)
    return {"commit": commit, "tag": name}


def _branch(git: _Git, call: Call, wanted: Mapping[str, Any]) -> dict[str, str]:
    commit = _target(git, wanted)
    name = wanted["name"]
    if git.find(f"refs/heads/{name}") is None:
        git.say("branch", "--no-track", name, commit)
    if wanted.get("switch"):
        git.say("switch", "--quiet", "--no-guess", name)
    return {"commit": commit, "branch": name}


def _inside(root: Path, path: str) -> str:
    if path == ".":
        return path
    try:
        safe_path(root, path)
    except SecurityError as error:
        raise GitError(f"{path}: {error}") from error
    return path


class _Git:
    """Runs git in one folder: by arguments, never through a shell, with nothing on its standard input but
    `text`.
    """

    def __init__(self, root: Path) -> None:
        program = shutil.which("git")
        if program is None:
            raise GitError("Git is not installed, or not on the PATH")
        self._start = [
            program,
            "-C",
            str(root),
            "-c",
            "user.useConfigOnly=true",
            "-c",
            "core.quotePath=false",
            "-c",
            "diff.relative=false",
            # Where another one comes first, it stands in the trailer.
            "-c",
            "trailer.separators=:",
            # A clone may hold, as plain files, another repository whose configuration names programs.
            "-c",
            "safe.bareRepository=explicit",
        ]
        # What a hook or another git left behind would lead to another repository or index than the one here.
        self._env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(_KEPT)
        } | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": "false",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C.UTF-8",
        }

    def ask(self, *words: str) -> str | None:
        """What git answers, without the last line ending; None when it says no."""
        done = self._run(words, "")
        return _text(done.stdout).rstrip("\n") if done.returncode == 0 else None

    def say(self, *words: str, text: str = "", otherwise: str = "") -> str:
        """What git answers. Raises GitError with its own words, or with `otherwise`."""
        done = self._run(words, text)
        if done.returncode != 0:
            raise GitError(otherwise or _refusal(words, done.stderr.strip() or done.stdout, done.returncode))
        return _text(done.stdout).rstrip("\n")

    def tell(self, *words: str, text: str) -> None:
        """Let git do what runs hooks; what they write is shown as it comes. Raises GitError with all of it."""
        said = []
        with tempfile.TemporaryFile() as given:
            given.write(_bytes(text))
            given.seek(0)
            with subprocess.Popen(
                [*self._start, *words],
                env=self._env,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as process:
                for line in process.stdout or ():
                    sys.stdout.buffer.write(line)
                    sys.stdout.buffer.flush()
                    said.append(line)
        if process.returncode != 0:
            raise GitError(_refusal(words, b"".join(said), process.returncode))

    def find(self, name: str) -> str | None:
        """The id of what a name stands for; None when there is nothing."""
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", name)

    def conflicts(self) -> set[str]:
        """The paths that a merge left for a person to bring together, from the top of the repository."""
        return set(self._differing("--diff-filter=U"))

    def staged(self, paths: list[str] | None = None) -> list[str]:
        """The paths whose staged content differs from HEAD, from the top of the repository."""
        limit = ["--", *paths] if paths is not None else []
        return self._differing("--cached", "--no-renames", *limit)

    def removed(self, paths: list[str]) -> set[str]:
        """The paths in HEAD that are no longer in the index, from the root."""
        return set(self._differing("--cached", "--relative", "--no-renames", "--diff-filter=D", "--", *paths))

    def untracked(self, paths: list[str]) -> set[str]:
        """The files of which git knows nothing, and which it is not to ignore, from the root."""
        return set(_names(self.say("ls-files", "--others", "--exclude-standard", "-z", "--", *paths)))

    def changed(self, paths: list[str]) -> list[str]:
        """The paths that differ from HEAD, where git knows their names; before the first commit, all that it knows."""
        head = "HEAD" if self.find("HEAD") else self.say("hash-object", "-t", "tree", "--stdin")
        return self._differing("--no-renames", "--ignore-submodules=dirty", head, "--", *paths)

    def forget_named(self, paths: list[str]) -> None:
        """Let git know no more of new files of which it knows nothing but the name (`add --intent-to-add`)."""
        if named := self._differing("--relative", "--diff-filter=A", "--", *paths):
            self.say("update-index", "--force-remove", "-z", "--stdin", text="\0".join(named))

    def _differing(self, *words: str) -> list[str]:
        return _names(self.say("diff", "--name-only", "-z", *words))

    def check_repository(self) -> None:
        done = self._run(("rev-parse", "--is-inside-work-tree"), "")
        if done.stdout.strip() == b"true":
            return
        if done.returncode == 0 or b"not a git repository" in done.stderr:
            raise GitError("The project is not in a git working tree. `git init` makes one")
        raise GitError(_refusal(("rev-parse",), done.stderr, done.returncode))

    def check_identity(self) -> None:
        for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            if self.ask("var", variable) is None:
                raise GitError(
                    "Git does not know who commits. Set it once: `git config --global user.name NAME` and"
                    " `git config --global user.email EMAIL`"
                )

    def _run(self, words: tuple[str, ...], text: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self._start, *words], input=_bytes(text), capture_output=True, env=self._env, check=False
        )


def _names(text: str) -> list[str]:
    return [name for name in text.split("\0") if name]


def _refusal(words: tuple[str, ...], said: bytes, status: int) -> str:
    reason = _text(said).strip().removeprefix("fatal: ").removeprefix("error: ") or f"exit status {status}"
    return f"git {words[0]}: {reason}"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


_KEPT = (
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_CONFIG",
    "GIT_SSH",
    "GIT_ASKPASS",
    "GIT_EXEC_PATH",
    "GIT_CEILING",
)
