"""Makes the picture of the README, `tests/data/flow.svg`, from the real app: `python -m tests.tui.picture`."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path

from engine import Engine
from tests.conftest import BUILT_IN
from tests.tui.conftest import Person
from tui.app import FlowApp

TARGET = Path(__file__).parents[1] / "data" / "flow.svg"

PLAN = """\
Project: Orbit 2.0
Owner: release team

# Release

- [x] Freeze the branch
- [/] [Build](build.md)
- [ ] [Script] Publish the wheel
    ```sh
    twine upload dist/*
    ```
- [ ] Announce
    - [ ] Changelog
    - [-] Tweet

# Afterwards

- [ ] [Docs](docs.md)
- [ ] Thank everybody
"""

BUILD = """\
- [x] Compile
- [/] Check
    - [x] Lint
    - [/] [Script] Run the tests

        The **whole** suite, on both databases. It may take a while:

        - SQLite
        - PostgreSQL

        ```sh timeout=600
        ./run-tests --all
        ```
    - [ ] Wheel installs
    - [ ] Docs build
- [ ] Sign
- [-] Mirror
"""

TESTS = """\
#!/bin/sh
for share in 12 25 37 50 62; do printf '\\033[32m................................\\033[0m  [ %s%%]\\n' $share; done
while [ ! -e gate ]; do sleep 0.05; done
"""


async def paint(root: Path) -> str:
    """Opens the app on the plan, runs its tests, and takes a picture in the middle."""
    app = FlowApp(Engine.open(root), watch=False)
    async with app.run_test(size=(112, 30)) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: person.main.reading is not None)
        await person.press("s")
        await person.sees("62%", "running 2/2.2 Run the tests · 00:01")
        picture = app.export_screenshot()
        (root / "gate").touch()
        await person.until(lambda: person.status("2/2.2") == "done")
        return picture


def main() -> None:
    os.environ["FLOW_TRUST"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        flow = root / ".flow"
        flow.mkdir()
        (flow / "flow.registry.json").write_text(json.dumps(BUILT_IN))
        for name, text in {
            "status.md": PLAN,
            "build.md": BUILD,
            "docs.md": "- [ ] Write\n- [ ] Print\n",
        }.items():
            (flow / name).write_text(text)
        script = root / "run-tests"
        script.write_text(TESTS)
        script.chmod(0o755)
        TARGET.write_text(asyncio.run(paint(root)), "utf-8")


if __name__ == "__main__":
    main()
