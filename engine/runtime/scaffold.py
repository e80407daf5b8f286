"""What `flow init` writes: a `.flow/` folder with a starter plan, the built-in atoms, and a `.gitignore`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from engine.atoms import BUILT_IN
from engine.errors import NoProjectError, StorageError
from engine.runtime.log import Log
from engine.runtime.trust import Trust
from engine.storage import Plans, Store, is_filled, read_if_exists, scaffold

STARTER = """\
Project: {project}

- [ ] [Script] Say hello
    ```sh
    echo "Hello from $FLOW_TASK, in $PWD"
    ```
- [ ] Look at what it printed, mark this done, and make the plan your own
"""

SETTINGS = """\
# integrity = "strict"    # a plan that another program changed waits for `flow accept` or `flow restore`

# [loom]
# edit = ["src/**", "CHANGELOG.md"]    # what surgical edits may touch; everything but .flow/ and .git/ unless set
"""

EXAMPLE = """\
# An atom of your own: a unit of work in Python. Without its entry in .flow/flow.registry.json it does not exist:
#
#     "Deploy": "example:Deploy"
#
# Then `- [ ] [Deploy] To production` is a task that runs it, in a process of its own, from the project's root.
#
# import subprocess
#
# from engine import Atom, AtomResult, Call, Effect
#
#
# class Deploy(Atom):
#     effect = Effect.ONCE  # IDEMPOTENT: it may run again, unasked, when it was interrupted
#     timeout = 600.0  # seconds; `timeout=` on a fence of the task has the last word
#
#     def run(self, call: Call) -> AtomResult:
#         # call.config holds the task's notes and fences, call.context what earlier tasks exported, and call.key is
#         # the same for every attempt. What is printed is the task's output; an exception is a failure.
#         done = subprocess.run(["./deploy", "--key", call.key, call.name])
#         if done.returncode == 2:
#             return AtomResult.waiting("The deployment needs an approval")
#         if done.returncode:
#             return AtomResult.failure(f"deploy ended with {done.returncode}")
#         return AtomResult.success("deployed", target=call.name)  # target is exported
#
#     def check_completion(self, call: Call) -> bool:
#         # Whether it is done already; asked when an attempt vanished without a result.
#         return subprocess.run(["./deploy", "--status", call.key]).returncode == 0
#
#     def cleanup(self, call: Call) -> None:
#         # After a person stopped it.
#         subprocess.run(["./deploy", "--abort", call.key])
"""

IGNORED = """\
# Plans, registry, settings and atoms belong into git; what the engine notes for itself does not.
*
!*/
!*.md
!/.gitignore
!/flow.registry.json
!/flow.toml
!/atoms/**
__pycache__/
/artifacts/
/backups/
/logs/
/swap/
*.flow-conflict-*
"""


def init_project(root: Path, files: Mapping[str, bytes] | None = None) -> list[str]:
    """Make `.flow/` in the folder `root`; returns the files that were written, relative to it.

    `files` (by path relative to the root) are written too, before: a plan among them takes the place of the starter.
    What is there already stays. A `.flow/` that is made here, or was empty, is trusted. Raises StorageError, and
    NoProjectError where the working directory is gone.
    """
    try:
        root.absolute()
    except FileNotFoundError as error:
        raise NoProjectError(
            "The working directory was deleted.", hint="Change to a folder that exists."
        ) from error
    is_new = not is_filled(root / ".flow")
    own = {
        ".flow/.gitignore": IGNORED,
        ".flow/flow.registry.json": json.dumps(BUILT_IN, indent=2) + "\n",
        ".flow/flow.toml": SETTINGS,
        ".flow/atoms/example.py": EXAMPLE,
    }
    made = scaffold({**(files or {}), **{name: text.encode() for name, text in own.items()}}, root)
    store = Store(root)
    written = [path.relative_to(store.root).as_posix() for path in made]
    if read_if_exists(store.flow / "status.md") is None:
        Plans(store).write("status.md", None, _starter(store.root).encode())
        written.append(".flow/status.md")
    if is_new:
        with suppress(
            StorageError
        ):  # a home that cannot be written: its code is asked about, as if from elsewhere
            Trust(store.root).own()
    if written:
        Log(store).write("initialised", files=written)
    return written


def _starter(root: Path) -> str:
    """The starter plan, named after the project's folder: as far as that is text on one line, and no comment."""
    name = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in root.name)
    return STARTER.format(project=name.replace("<!--", "").strip() or "My project")
