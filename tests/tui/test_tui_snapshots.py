"""Pictures of the screen, accepted by eye. `pytest tests/tui/test_tui_snapshots.py --snapshot-update` renews them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Markdown

from engine import Attempt, Conflict, Engine, Recovery, Resume
from tests.tui.conftest import Person
from tui.app import FlowApp
from tui.history import History
from tui.nearby import Nearby
from tui.preferences import Preferences
from tui.screens.conflict import ConflictPrompt
from tui.screens.evidence import diff_of
from tui.screens.first import FirstPrompt, ImportPrompt
from tui.screens.interrupted import InterruptedPrompt
from tui.screens.leave import StopPrompt
from tui.screens.outside import OutsidePrompt
from tui.screens.timeline import TimelineScreen

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
        # The notes are mounted after their page is chosen, by a task of their own.
        await person.until(lambda: not person.main.query_one("#notes", Markdown).lock.is_locked, "the notes")
        _hold_still(pilot)
        await pilot.pause()

    return press


def _hold_still(pilot: Pilot[Any]) -> None:
    """Lets no cursor blink: a picture must not depend on the moment in which it is taken."""
    for line in pilot.app.screen.query(Input):
        line.cursor_blink = False


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


def over(screen: Callable[[], Screen[Any]]) -> Before:
    """Puts a screen over the plan, and waits until it is drawn."""

    async def show(pilot: Pilot[Any]) -> None:
        await after("g")(pilot)
        pilot.app.push_screen(screen())
        await pilot.pause()
        _hold_still(pilot)
        await pilot.pause()

    return show


ALL = [(120, 40), (80, 24), (40, 15)]
SIZES = ["120x40", "80x24", "40x15"]


@pytest.mark.parametrize("size", ALL, ids=SIZES)
def test_first_use(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int]
) -> None:
    nearby = [Nearby("docs/TODO.md", 12), Nearby("README.md", 3)]
    first = over(lambda: FirstPrompt(Path("/srv/orbit/src"), Path("/srv/orbit"), nearby))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=size, run_before=first)


def test_first_use_import(snap_compare: Compare, make_project: Make, orbit: dict[str, str]) -> None:
    nearby = [Nearby("docs/TODO.md", 12), Nearby("README.md", 3)]
    screen = over(lambda: ImportPrompt(nearby, "gone.md", "There is no file gone.md."))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=(80, 24), run_before=screen)


class Told(History):
    """A story that was told already."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        self._all = attempts

    def update(self) -> bool:
        return False


def story() -> Told:
    rows = [
        ("02T16:00:00", "2/1", "Compile", 14.2, "done", ""),
        ("02T16:00:20", "2/2.2", "Run the tests", 125.0, "failed", "Exit status 1."),
        ("02T16:03:10", "2/2.2", "Run the tests", 131.0, "done", ""),
        ("03T09:00:00", "4.1", "Mirror to the other registry, with a long name", 61.0, "stopped", "By hand."),
        ("03T09:05:00", "3", "Publish the wheel", 4.1, "vanished", ""),
    ]
    return Told(
        tuple(
            Attempt(
                number, f"r{number}", address, name, "build.md", "Script", 1 + (number == 3), "anna",
                f"2026-01-{when}+00:00", seconds, outcome, message,
            )
            for number, (when, address, name, seconds, outcome, message) in enumerate(rows, 1)
        )
    )  # fmt: skip


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times on the screen are those of this place: here that is everywhere the same."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_utc")
@pytest.mark.parametrize("size", ALL, ids=SIZES)
def test_the_timeline(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int]
) -> None:
    timeline = over(lambda: TimelineScreen(story()))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=size, run_before=timeline)


@pytest.mark.usefixtures("in_utc")
def test_the_timeline_without_colours(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    timeline = over(lambda: TimelineScreen(story()))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=(80, 24), run_before=timeline)


@pytest.mark.parametrize("size", [(80, 24), (40, 15)], ids=["80x24", "40x15"])
def test_the_palette(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int]
) -> None:
    app = app_on(make_project(orbit))
    assert snap_compare(app, terminal_size=size, run_before=after("g", "ctrl+p", *"wh"))


def test_the_list_of_themes(snap_compare: Compare, make_project: Make, orbit: dict[str, str]) -> None:
    app = app_on(make_project(orbit))
    assert snap_compare(app, terminal_size=(104, 24), run_before=after("g", "T", "down", "down", "down"))


def test_the_help(snap_compare: Compare, make_project: Make, orbit: dict[str, str]) -> None:
    assert snap_compare(app_on(make_project(orbit)), terminal_size=(80, 24), run_before=after("g", "?"))


@pytest.mark.parametrize("size", [(80, 24), (40, 15)], ids=["80x24", "40x15"])
def test_the_prompt_changed_outside(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], size: tuple[int, int]
) -> None:
    build = orbit["build.md"]
    files = {"build.md": diff_of(build, build.replace("Wheel installs", "The wheel installs"), "build.md")}
    outside = over(lambda: OutsidePrompt(files, ".flow/build.md was changed by another program.", {}))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=size, run_before=outside)


def test_the_prompt_stop(
    snap_compare: Compare, make_project: Make, orbit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.leave.monotonic", lambda: 200.0)
    stop = over(lambda: StopPrompt("2/2.2", "Run the tests", 77.0, goes_on=True))
    assert snap_compare(app_on(make_project(orbit)), terminal_size=(80, 24), run_before=stop)
