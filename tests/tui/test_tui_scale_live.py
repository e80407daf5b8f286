"""A large plan changed elsewhere: it is on the screen again with selection, folds and scroll where they were."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.tui.conftest import Sit

MakeProject = Callable[[Mapping[str, str]], Path]
FILES, EACH = 20, 500


@pytest.fixture
def large(make_project: MakeProject) -> Path:
    """Ten thousand tasks in twenty files, half of them nested."""
    files = {"status.md": "".join(f"- [ ] [Part {one:02}](part{one:02}.md)\n" for one in range(1, FILES))}
    files["status.md"] += "".join(f"- [ ] Task {one:05}\n    - [ ] Child {one:05}\n" for one in range(EACH))
    for file in range(1, FILES):
        files[f"part{file:02}.md"] = "".join(f"- [ ] Step {file:02}-{one:03}\n" for one in range(EACH))
    return make_project(files)


async def test_a_change_elsewhere_keeps_selection_folds_and_scroll(sit: Sit, large: Path) -> None:
    async with sit(large, watch=True) as person:
        tree = person.main.flow_tree
        await person.press("space")  # opens Part 01
        await person.sees("Step 01-000")
        for at in (600, 800):
            tree.select(at)
            await person.press("space")  # folds the task that is selected, or the one around it
        tree.select(700)
        await person.settled()
        chosen, top, count = person.selected, tree.scroll_offset.y, len(tree.rows)
        file = large / ".flow/part01.md"
        file.write_text(file.read_text().replace("[ ] Step 01-007", "[x] Step 01-007"))
        await person.until(lambda: person.status("1/8") == "done", "the change")
        assert (person.selected, tree.scroll_offset.y, len(tree.rows)) == (chosen, top, count)
        status = large / ".flow/status.md"
        status.write_text("- [ ] A new first task\n" + status.read_text())
        await person.until(
            lambda: person.main.find("1") is not None and len(tree.rows) == count + 1, "the task"
        )
        task = tree.chosen
        assert task is not None
        head, dot, rest = chosen.partition(".")
        assert task.address == f"{int(head) + 1}{dot}{rest}"


async def test_the_run_of_another_engine_is_followed(sit: Sit, make_project: MakeProject, gate: Path) -> None:
    script = f"printf 'said elsewhere\\n'; while [ ! -e '{gate}' ]; do sleep 0.05; done"
    root = make_project({"status.md": f"- [ ] [Script] Work\n    ```sh\n    {script}\n    ```\n- [ ] Next\n"})
    async with sit(root, watch=True) as person:
        other = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tui", "step"), cwd=root, stdout=DEVNULL, stderr=DEVNULL
        )
        await person.sees("viewer: another engine", "1 Work", "said elsewhere")
        gate.touch()
        await person.until(lambda: person.status("1") == "done", "its end")
        assert await other.wait() == 0
