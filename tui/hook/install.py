"""Sets up, and takes away, what git runs of Flow Manager: the hook files, the merge driver, and who uses it."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from engine import ConfigurationError, Section, drop_section, put_section
from tui.hook.git import git, line, require_repository
from tui.hook.index import PLANS

_SIGN = "# Flow Manager: checks the plans of a commit."
_HOOKS = ("pre-commit", "pre-merge-commit")
"""Git asks the second one before it commits a merge: files that merged well each by itself may not fit each other."""
_BEFORE = ".before-flow"
_ATTRIBUTES = Section(".gitattributes", "# flow-manager", "# /flow-manager")
_SCRIPT = """\
#!/bin/sh
{sign} `flow hook uninstall` removes this.
before="$0{before}"
if [ -x "$before" ]; then
    "$before" "$@" || exit
fi
if git diff --cached --quiet -- {plans}; then
    exit 0
fi
if {python} -P -c "import tui.hook" 2>/dev/null; then
    exec {python} -P -m tui hook check
fi
if command -v flow >/dev/null 2>&1; then
    exec flow hook check
fi
echo "flow: Flow Manager was not found; the plans of this commit were not checked." >&2
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What was written: the hooks, those that they run first, git's settings, files of the project."""

    hooks: tuple[Path, ...]
    before: tuple[Path, ...]
    settings: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


def driver() -> str:
    """The command by which git merges plans."""
    return f"{shlex.quote(sys.executable)} -P -m tui merge-driver -- %O %A %B %P"


def install(root: Path, *, force: bool = False) -> Installed:
    """Set up hooks and merge driver for the repository that the project is in; again and again.

    Other hooks that are there already are refused, or with `force` kept and run first. ConfigurationError then, and
    where there is no repository.
    """
    hooks = _hooks(root)
    others = [hook for hook in hooks if os.path.lexists(hook) and not _is_ours(hook)]
    if others and not force:
        raise ConfigurationError(
            f"There is a {others[0].name} hook already: {others[0]}.",
            hint="Add this line to it: "
            f"`{shlex.quote(sys.executable)} -P -m tui hook check || exit 1`. "
            "Or keep it and have it run first: `flow hook install --force`.",
            path=str(others[0]),
        )
    for hook in others:
        if os.path.lexists(_before(hook)):
            raise ConfigurationError(f"{_before(hook)} is there already.", hint="Move it away first.")
    for hook in others:
        hook.rename(_before(hook))
    hooks[0].parent.mkdir(parents=True, exist_ok=True)
    for hook in hooks:
        _write(hook, _script())
    settings = (
        ("merge.flow.name", "plans of Flow Manager, task by task"),
        ("merge.flow.driver", driver()),
    )
    for name, value in settings:
        git("config", name, value, at=root)
    put_section(root, _ATTRIBUTES, ".flow/**/*.md merge=flow")
    kept = tuple(_before(hook) for hook in hooks if os.path.lexists(_before(hook)))
    return Installed(hooks, kept, settings, (_ATTRIBUTES.file,))


def uninstall(root: Path) -> Installed:
    """Take all of it away; hooks that were kept come back (`before`). What was never there is fine."""
    gone: list[Path] = []
    restored: list[Path] = []
    for hook in _hooks(root):
        if os.path.lexists(hook) and _is_ours(hook):
            hook.unlink()
            gone.append(hook)
            if os.path.lexists(_before(hook)):
                _before(hook).rename(hook)
                restored.append(hook)
    known = tuple(name for name in ("merge.flow.name", "merge.flow.driver") if _is_set(root, name))
    for name in known:
        git("config", "--unset-all", name, at=root)
    dropped = drop_section(root, _ATTRIBUTES)
    if dropped:
        _drop_if_empty(root)
    settings = tuple((name, "") for name in known)
    return Installed(tuple(gone), tuple(restored), settings, (_ATTRIBUTES.file,) if dropped else ())


def _drop_if_empty(root: Path) -> None:
    """Removes the attributes where nothing is left in them, unless git knows the file: that is a person's to do."""
    file = root / _ATTRIBUTES.file
    if not file.is_symlink() and not file.read_bytes() and not line("ls-files", "--", file.name, at=root):
        file.unlink()


def _hooks(root: Path) -> tuple[Path, ...]:
    """Where git looks for them: `core.hooksPath`, else the hooks of the repository, which its worktrees share."""
    require_repository(root)
    folder = Path(os.path.realpath(root / line("rev-parse", "--git-path", "hooks", at=root)))
    return tuple(folder / name for name in _HOOKS)


def _before(hook: Path) -> Path:
    return hook.with_name(hook.name + _BEFORE)


def _is_set(root: Path, name: str) -> bool:
    return bool(git("config", "--local", "--get-all", name, at=root, fails=True))


def _is_ours(hook: Path) -> bool:
    if hook.is_symlink():
        return False
    return _SIGN.encode() in hook.read_bytes()


def _script() -> str:
    return _SCRIPT.format(
        sign=_SIGN, before=_BEFORE, plans=shlex.quote(PLANS), python=shlex.quote(sys.executable)
    )


def _write(hook: Path, text: str) -> None:
    part = hook.with_name(f"{hook.name}.{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.chmod(0o755)
    part.replace(hook)
