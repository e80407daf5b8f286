"""The tasks whose steps are killed: what each does to the world outside, and how often it may."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import BUILT_IN

_ONCE = """\
- [ ] [Script] Migrate
    ```sh
    echo run >> runs
    ```
"""
_VERIFY = """\
- [ ] [Script] Publish
    ```sh
    echo run >> runs
    ```
    ```sh verify
    test -e runs
    ```
"""
_GIT = """\
- [ ] [Git] Commit the notes
    ```toml
    op = "commit"
    paths = ["notes.txt"]
    ```
"""
_LOOM = """\
- [ ] [Loom] Changelog
    ```toml
    op = "insert"
    path = "CHANGELOG.md"
    after = "## Unreleased"
    text = "- An entry."
    ```
"""
_IDEMPOTENT = """\
    ```sh effect=idempotent
    echo run >> runs
    ```
"""
_DEEP = {
    "status.md": "Owner: me\n\n- [ ] [Child](child.md)\n",
    "child.md": "- [x] Earlier\n- [ ] Stage\n    - [ ] [Grandchild](sub/grandchild.md)\n",
    "sub/grandchild.md": "- [-] Before\n- [ ] [Script] Work\n" + _IDEMPOTENT,
}


def _lines(root: Path) -> int:
    path = root / "runs"
    return path.read_text().count("run\n") if path.exists() else 0


def _commits(root: Path) -> int:
    found = subprocess.run(
        ["git", "log", "--format=%B"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    return found.count("Flow-Task: ")


def _entries(root: Path) -> int:
    text = (root / "CHANGELOG.md").read_text()
    assert text in ("## Unreleased\n", "## Unreleased\n- An entry.\n"), text
    return text.count("- An entry.")


def _no_preparation(root: Path) -> None:
    pass


def _repository(root: Path) -> None:
    for words in (
        ["init", "-q", "-b", "main", "--template="],
        ["config", "user.name", "T"],
        ["config", "user.email", "t@example.org"],
        ["commit", "-q", "--allow-empty", "-m", "before"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "notes.txt").write_text("notes\n")


def _source(root: Path) -> None:
    (root / "CHANGELOG.md").write_text("## Unreleased\n")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan with one task left. `effects` counts what it did to the world; `repeats`: it may do so more than once
    unasked; `asks`: a person may have to decide when its supervisor dies; `supervised`: it has one."""

    name: str
    plans: Mapping[str, str]
    effects: Callable[[Path], int] = _lines
    prepare: Callable[[Path], None] = _no_preparation
    repeats: bool = False
    asks: bool = True
    supervised: bool = True

    def make(self, root: Path) -> Path:
        flow = root / ".flow"
        flow.mkdir(parents=True)
        (flow / "flow.registry.json").write_text(json.dumps(BUILT_IN))
        for name, text in self.plans.items():
            path = flow / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.prepare(root)
        return root

    def finished(self) -> dict[str, str]:
        """The plans when all is done."""
        return {name: text.replace("[ ]", "[x]") for name, text in self.plans.items()}


SCENARIOS = (
    Scenario("once", {"status.md": _ONCE}),
    Scenario("verify", {"status.md": _VERIFY}),
    Scenario("git", {"status.md": _GIT}, _commits, _repository),
    Scenario("loom", {"status.md": _LOOM}, _entries, _source, asks=False, supervised=False),
    Scenario("deep", _DEEP, repeats=True, asks=False),
)
