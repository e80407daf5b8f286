"""A person at a real app on a real project: presses keys, waits for what must come, reads the screen."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from textual import events
from textual.app import App
from textual.keys import _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot

from engine import Engine
from tests.conftest import MakeProject
from tui.app import FlowApp
from tui.preferences import Preferences
from tui.screens.main import MainScreen

SECONDS = 60.0

AnyApp = TypeVar("AnyApp", bound=App[Any])


class Hands(Generic[AnyApp]):
    """Keys and eyes on any app."""

    def __init__(self, app: AnyApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """Everything on the screen, without colours."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def press(self, *keys: str) -> None:
        """Presses keys as fast as the app takes them in, and waits until it has."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
            printable = key if len(key) == 1 else {"space": " "}.get(key) or _printed(name)
            driver = self.app._driver
            assert driver is not None
            driver.send_message(events.Key(name, printable))
            await self.settled()

    async def settled(self) -> None:
        """Waits until every widget has handled what it was sent."""
        for _ in range(3):
            await self.pilot._wait_for_screen()

    def types_at_once(self, *keys: str) -> None:
        """Sends keys in one piece, as a slow connection brings them."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            character = " " if key == "space" else key if len(key) == 1 else None
            driver.send_message(events.Key(_character_to_key(key) if len(key) == 1 else key, character))

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Waits until a condition holds; fails with the screen when it does not come true in time."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{what or 'the condition'} did not come true on this screen:\n{self.text}"
                )
            await asyncio.sleep(0.02)
        await self.settled()

    async def sees(self, *words: str) -> None:
        """Waits until all these words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"seeing {words}")

    async def told(self, words: str) -> None:
        """Waits for a message in the corner with these words."""
        await self.until(
            lambda: any(words in f"{one.title}\n{one.message}" for one in self.app._notifications),
            f"a message with {words!r}",
        )


class Person(Hands[FlowApp]):
    """At the app of a project."""

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def selected(self) -> str:
        """The address of the selected task, or nothing."""
        task = self.main.flow_tree.chosen
        return task.address if task is not None else ""

    @property
    def prompt(self) -> str:
        """The title of the prompt on the screen, or nothing."""
        return str(getattr(self.app.screen, "TITLE_WORD", ""))

    async def asked(self, title: str) -> None:
        """Waits for the prompt with this title."""
        await self.until(lambda: self.prompt == title, f"the prompt {title}")

    async def unasked(self) -> None:
        """Waits until no prompt is on the screen."""
        await self.until(lambda: self.prompt == "", "the end of the prompt")

    async def fail(self, key: str = "s") -> None:
        """Lets the first task, whose script fails, run by this key, and presses it again, which asks about it."""
        await self.press(key)
        await self.until(lambda: self.status("1") == "failed", "the failure")
        await self.idle()
        await self.press(key)
        await self.asked("Failed")

    async def idle(self) -> None:
        """Waits until the engine is at rest and the screen shows the latest reading."""
        await self.until(lambda: not self.main.session.busy and not self.main.session.is_reading, "rest")

    def status(self, address: str) -> str:
        """The status of a task in the reading on the screen."""
        task = self.main.find(address)
        assert task is not None, address
        return str(task.status)

    def name(self, address: str) -> str:
        """The name of a task in the reading on the screen; empty if there is none."""
        task = self.main.find(address)
        return task.name if task is not None else ""


def _printed(key: str) -> str | None:
    try:
        return unicodedata.lookup(_get_unicode_name_from_key(key))
    except KeyError:
        return None


def free_port() -> int:
    """A port of this machine for a server that is about to start. It is none of those that the system gives to
    connections: one of them could have it before the server does."""
    while True:
        port = random.randrange(10_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


Sit = Callable[..., AbstractAsyncContextManager[Person]]


@pytest.fixture
def sit(make_project: Callable[[Mapping[str, str]], Path]) -> Sit:
    """Opens the app on a project with these plan files (or on one that is there already)."""

    @asynccontextmanager
    async def sitting(
        files: Mapping[str, str] | Path,
        *,
        size: tuple[int, int] = (104, 28),
        readonly: bool = False,
        watch: bool = False,
        mine: Preferences | None = None,
    ) -> AsyncIterator[Person]:
        root = files if isinstance(files, Path) else make_project(files)
        app = FlowApp(Engine.open(root, readonly=readonly), mine, watch=watch)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot)
            await person.until(
                lambda: person.main.reading is not None or person.main.error is not None, "a reading"
            )
            try:
                yield person
            finally:
                # As the app does where it ends by itself: nothing may draw on widgets that are taken away.
                app.workers.cancel_all()

    return sitting


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file that scripts of a test wait for; it comes at the latest when the test ends, so that none stays behind."""
    path = tmp_path / "gate"
    yield path
    path.touch()


PLAN = """\
Project: Orbit 2.0
Owner: release team

# Release

- [x] Freeze the branch
- [/] [Build](build.md)
- [ ] [Script] Publish the wheel
    - Runs only **after** the build is green.
    ```sh timeout=120
    echo published
    ```
- [ ] Announce
    - [ ] Changelog
    - [-] Tweet <!-- remember the link -->

# Afterwards

- [ ] [Docs](docs.md)
- [ ] Thank everybody
"""

BUILD = """\
- [x] Compile
- [/] Check
    - [x] Lint
    - [ ] Run the tests

        The whole suite, on *both* databases:

        - SQLite
        - PostgreSQL

    - [ ] Wheel installs
- [ ] Sign
- [-] Mirror
"""

ORBIT = {"status.md": PLAN, "build.md": BUILD, "docs.md": "- [ ] Write\n- [ ] Print\n"}


@pytest.fixture
def orbit() -> dict[str, str]:
    """The plan of the pictures: two sub-flows, nesting, every status but failed."""
    return dict(ORBIT)


ENGINE = """
import asyncio
from engine import Engine
async def main():
    async for _ in Engine.open().step():
        pass
asyncio.run(main())
"""


def kill_an_engine(root: Path, wait_for: Callable[[Callable[[], object]], None], begun: Path) -> None:
    """Starts a step in a process of its own and kills that engine once its script has begun."""
    process = subprocess.Popen([sys.executable, "-c", ENGINE], cwd=root)
    wait_for(begun.exists)
    process.send_signal(signal.SIGKILL)
    process.wait()


def long_script(folder: Path) -> str:
    """Counts a line, then waits for the file `gate`."""
    return (
        "- [ ] [Script] Long work\n    ```sh\n"
        f"    echo line >> {folder}/count; echo at work; touch {folder}/begun\n"
        f"    while [ ! -e {folder}/gate ]; do sleep 0.02; done\n    ```\n- [ ] After\n"
    )


@pytest.fixture
def interrupted(
    make_project: MakeProject, wait_for: Callable[[Callable[[], object]], None], tmp_path: Path, gate: Path
) -> Path:
    """A project whose engine was killed while its script runs on."""
    root = make_project({"status.md": "- [ ] [Build](build.md)\n", "build.md": long_script(tmp_path)})
    kill_an_engine(root, wait_for, tmp_path / "begun")
    return root
