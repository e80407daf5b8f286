"""First use: a folder without a plan, and every way to begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine import Engine
from tests.tui.conftest import Hands
from tui.first import Begun, FirstApp
from tui.nearby import Nearby, markdown_with_tasks
from tui.preferences import Preferences

TODO = "# Release\n\n- [x] Freeze\n- [ ] Build\n  - [ ] Lint\n\n1. [ ] Publish\n"


@asynccontextmanager
async def first(folder: Path, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Hands[FirstApp]]:
    app = FirstApp(folder, Preferences())
    async with app.run_test(size=size) as pilot:
        person = Hands(app, pilot)
        await person.sees("There is no plan here yet")
        yield person


async def begun(person: Hands[FirstApp]) -> Begun | None:
    await person.until(lambda: person.app._exit, "the end")
    return person.app.return_value


async def test_a_plan_is_made_here(tmp_path: Path) -> None:
    async with first(tmp_path) as person:
        await person.sees("make a plan", "import", "demo", "quit")
        await person.press("m")
        assert await begun(person) == Begun(tmp_path)
    assert next(task.name for task in Engine.open(tmp_path).tree().walk()) == "Say hello"


async def test_a_plan_is_made_at_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inside = tmp_path / "src" / "deep"
    inside.mkdir(parents=True)
    async with first(inside) as person:
        await person.sees("make it at the top")
        await person.press("t")
        assert await begun(person) == Begun(tmp_path)
    assert (tmp_path / ".flow" / "status.md").is_file()
    assert not (inside / ".flow").exists()


@pytest.mark.parametrize(("key", "root"), [("q", None), ("escape", None)])
async def test_leaving_writes_nothing(tmp_path: Path, key: str, root: Path | None) -> None:
    async with first(tmp_path) as person:
        await person.press(key)
        assert await begun(person) is None
    assert not list(tmp_path.iterdir())


async def test_the_demonstration_is_one_key_away(tmp_path: Path) -> None:
    async with first(tmp_path) as person:
        await person.press("d")
        assert await begun(person) == Begun(None)


async def test_a_file_nearby_is_picked_and_becomes_the_plan(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "TODO.md").write_text(TODO)
    (tmp_path / "README.md").write_text("# Nothing to do\n\n- [a link](x)\n")
    (tmp_path / "few.md").write_text("* [ ] One\n\n<div>\n- [ ] not a task\n</div>\n")
    async with first(tmp_path) as person:
        await person.sees("docs/TODO.md has 4 tasks, 1 more nearby")
        await person.press("i")
        await person.sees("docs/TODO.md  4 tasks", "few.md  2 tasks")
        assert "README" not in person.text
        await person.press("down", "up", "enter")
        result = await begun(person)
    assert result is not None
    assert result.root == tmp_path
    assert result.notices == (
        "Made .flow/status.md with 4 tasks of docs/TODO.md.",
        "What could not be kept:",
        "Line 7: The number 1. of a task.",
    )
    assert [task.name for task in Engine.open(tmp_path).tree().walk()] == [
        "Freeze",
        "Build",
        "Lint",
        "Publish",
    ]
    assert (tmp_path / "docs" / "TODO.md").read_text() == TODO


async def test_a_path_is_typed_and_an_error_keeps_the_line(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text(TODO)
    async with first(tmp_path, size=(40, 15)) as person:
        await person.press("i", *"gone.md", "enter")
        await person.sees("⚠", "gone.md")
        assert not (tmp_path / ".flow").exists()
        await person.press("escape")
        await person.sees("There is no plan here yet")
        await person.press("i", *"elsewhere.txt", "enter")
        result = await begun(person)
    assert result is not None
    assert len(list(Engine.open(tmp_path).tree().walk())) == 4


async def test_a_file_with_nul_bytes_is_refused_and_the_line_kept(tmp_path: Path) -> None:
    (tmp_path / "noise.md").write_bytes(b"- [ ] One\n- [ ] T\0wo\n")
    async with first(tmp_path) as person:
        await person.press("i", *"noise.md", "enter")
        await person.sees("⚠", "noise.md", "line 2 holds a NUL byte")
        assert not (tmp_path / ".flow").exists()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".flow").write_text("in the way")
    async with first(tmp_path) as person:
        await person.press("m")
        await person.told(".flow")
        await person.sees("There is no plan here yet")


def test_files_nearby_are_those_with_tasks_and_none_of_other_peoples(tmp_path: Path) -> None:
    for name in ("a.md", "node_modules/x/b.md", ".hidden/c.md", "one/two/three/d.markdown", "1/2/3/4/far.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("- [ ] One\n")
    assert markdown_with_tasks(tmp_path) == [Nearby("a.md", 1), Nearby("one/two/three/d.markdown", 1)]
