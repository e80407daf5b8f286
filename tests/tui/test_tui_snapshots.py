"""Pictures of the screen, accepted by eye. `pytest tests/tui/test_tui_snapshots.py --snapshot-update` renews them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Conflict, Engine, Recovery, Resume
from tests.tui.conftest import Person
from tui.app import FlowApp
from tui.preferences import Preferences
from tui.screens.conflict import ConflictPrompt
from tui.screens.interrupted import InterruptedPrompt

Make = Callable[[Mapping[str, str]], Path]
Compare = Callable[..., bool]
Before = Callable[[Pilot[Any]], Awaitable[None]]


def app_on(root: Path, theme: str | None = None) -> FlowApp:
    return FlowApp(Engine.open(root), Preferences(theme=theme), watch=False)


def after(*keys: str) -> Before:
    """Waits for the first picture, presses keys, and waits until the page of the selection is drawn."""

    async def press(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, FlowApp)
        person = Person(app, pilot)
        await person.until(lambda: person.main.reading is not None and not person.main.session.is_reading)
        await person.press(*keys)
        task = person.main.flow_tree.chosen
        await person.until(
            lambda: task is None or (person.main.detail.page or _NO_PAGE).title.startswith(f"{task.address} ")
        )
        await asyncio.sleep(0.1)  # the notes are mounted after their page is chosen
        await pilot.pause()

    return press


class _NoPage:
    title = ""


_NO_PAGE = _NoPage()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 15)], ids=["120x40", "80x24", "40x15"])
def test_the_plan(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int], theme: str
) -> None:
    app = app_on(make_project(orbit), theme)
    assert snap_compare(app, terminal_size=size, run_before=after("g", "j", "j"))


def test_inside_a_subflow(snap_compare: Compare, make_project: Make, orbit: dict[str, str]) -> None:
    orbit["build.md"] = orbit["build.md"].replace("- [ ] Run the tests", "- [!] Run the tests")
    app = app_on(make_project(orbit))
    assert snap_compare(app, terminal_size=(104, 28), run_before=after("enter"))


def test_details_on_a_narrow_screen(snap_compare: Compare, make_project: Make, orbit: dict[str, str]) -> None:
    assert snap_compare(
        app_on(make_project(orbit)), terminal_size=(80, 24), run_before=after("g", "j", "j", "tab")
    )


def test_an_empty_plan(snap_compare: Compare, make_project: Make) -> None:
    app = app_on(make_project({"status.md": ""}))
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())


@pytest.mark.parametrize("theme", ["ansi", "colour-blind", "contrast", "forest", "midnight", "paper"])
def test_themes(snap_compare: Compare, make_project: Make, orbit: dict[str, str], theme: str) -> None:
    orbit["build.md"] = orbit["build.md"].replace("- [ ] Wheel", "- [!] Wheel")
    app = app_on(make_project(orbit), theme)
    assert snap_compare(app, terminal_size=(104, 24), run_before=after("g", "j", "space", "j", "j"))


def test_no_color(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(app_on(make_project(orbit)), terminal_size=(80, 24), run_before=after("g", "j"))


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
def test_the_prompt_conflict(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int]
) -> None:
    base = "# Changelog\n\nAll changes that matter.\n\n## Unreleased\n\n## 1.0\n\n- First release.\n"
    conflict = Conflict(
        "4.1",
        "Changelog",
        "CHANGELOG.md",
        base,
        base.replace("that matter", "that users notice").replace("First", "The very first"),
        base.replace("## Unreleased\n", "## Unreleased\n\n- Orbit 2.0 is out.\n"),
        "",
    )

    async def show(pilot: Pilot[Any]) -> None:
        await after("g")(pilot)
        pilot.app.push_screen(ConflictPrompt(conflict))
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(app_on(make_project(orbit)), terminal_size=size, run_before=show)


@pytest.mark.parametrize("size", [(104, 30), (80, 24), (40, 15)], ids=["104x30", "80x24", "40x15"])
def test_the_prompt_interrupted(
    snap_compare: Compare,
    make_project: Make,
    orbit: dict[str, str],
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.screens.interrupted.when", lambda started: "at 14:03:22, 3 min 5 s ago")
    recovery = Recovery(
        address="2/2.2",
        file="build.md",
        name="Run the tests",
        names=("Build", "Check", "Run the tests"),
        atom="Script",
        effect="once",
        attempt=2,
        interruptions=1,
        limit=3,
        started_at="2026-01-01T14:03:22+00:00",
        resume=Resume.FOLLOW,
        children=(4711, 4712),
        output="collected 31 items\n\x1b[32m.................\x1b[0m  [ 61%]\n",
        stopped=False,
        gone=False,
    )

    async def show(pilot: Pilot[Any]) -> None:
        await after("g")(pilot)
        pilot.app.push_screen(InterruptedPrompt(recovery, ("Orbit 2.0", "Build", "Check")))
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(app_on(make_project(orbit)), terminal_size=size, run_before=show)
