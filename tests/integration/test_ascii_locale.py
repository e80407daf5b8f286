"""A machine whose locale knows nothing but ASCII, and a plan that does."""

from __future__ import annotations

import os
import subprocess
import sys

from engine import Engine
from tests.conftest import MakeProject

DRIVER = """\
import asyncio, sys
from engine import Engine

async def main():
    async for event in Engine.open().step():
        pass

assert sys.getfilesystemencoding() == "ascii", sys.getfilesystemencoding()
asyncio.run(main())
"""


def test_a_script_gets_the_name_of_its_task_as_it_stands_in_the_plan(make_project: MakeProject) -> None:
    text = (
        '- [ ] [Script] Größe messen\n    ```sh env.WO=Köln\n    printf %s "$FLOW_TASK $WO" > name\n    ```\n'
    )
    root = make_project({"status.md": text})
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", DRIVER], cwd=root, env=env, check=True, timeout=60)
    assert (root / "name").read_text("utf-8") == "Größe messen Köln"
    assert Engine.open(root).find("1").status.value == "done"
