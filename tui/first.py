"""The app of the first use: it asks how to begin, and begins. Then the app of the project takes over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.app import App
from textual.filter import LineFilter

from engine import FlowError, Taken, init_project, init_project_from
from tui import themes
from tui.nearby import markdown_with_tasks
from tui.preferences import Preferences
from tui.screens.first import FirstPrompt, ImportPrompt
from tui.terminal import leave_on_signals
from tui.text import HARMLESS


@dataclass(frozen=True, slots=True)
class Begun:
    """How it begins: `root` is a new project, None the demonstration. `notices`: what a person should know of it."""

    root: Path | None
    notices: tuple[str, ...] = ()


class FirstApp(App[Begun], inherit_bindings=False):
    """On a folder without a plan. It exits with how to begin, or with nothing when the person quits."""

    TITLE = "Flow Manager"
    CSS = themes.STYLES
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, folder: Path, mine: Preferences) -> None:
        super().__init__()
        self.folder = folder
        themes.put_on(self, themes.load(*mine.theme_folders), mine.theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), HARMLESS]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.VARIABLES

    def on_mount(self) -> None:
        leave_on_signals(self)
        self._ask()

    def _ask(self) -> None:
        top = _repository(self.folder)
        nearby = markdown_with_tasks(self.folder)
        self.push_screen(FirstPrompt(self.folder, top, nearby), self._answered)

    def _answered(self, answer: str | None) -> None:
        match answer:
            case "make":
                self._make(self.folder)
            case "top":
                self._make(_repository(self.folder) or self.folder)
            case "import":
                self._ask_import()
            case "demo":
                self.exit(Begun(None))
            case _:
                self.exit()

    def _make(self, root: Path) -> None:
        def make() -> Begun:
            init_project(root)
            return Begun(root)

        self._begin(make, self._complain)

    def _ask_import(self, text: str = "", problem: str = "") -> None:
        def answered(path: str | None) -> None:
            if path is None:
                self._ask()
            else:
                self._begin(lambda: self._import(path), lambda problem: self._ask_import(path, problem))

        self.push_screen(ImportPrompt(markdown_with_tasks(self.folder), text, problem), answered)

    def _import(self, path: str) -> Begun:
        source = Path(path).expanduser()
        source = source if source.is_absolute() else self.folder / source
        return Begun(self.folder, _notices(path, init_project_from(self.folder, source)))

    def _begin(self, begin: Callable[[], Begun], refused: Callable[[str], None]) -> None:
        try:
            begun = begin()
        except FlowError as error:
            refused(str(error))
        except OSError as error:
            refused(f"{error.filename or self.folder}: {error.strerror}.")
        else:
            self.exit(begun)

    def _complain(self, problem: str) -> None:
        self.notify(problem, severity="error", timeout=12, markup=False)
        self._ask()


def _notices(path: str, taken: Taken) -> tuple[str, ...]:
    made = f"Made .flow/{taken.file} with {taken.tasks} task{'s' * (taken.tasks != 1)} of {path}."
    lost = [f"Line {problem.line}: {problem.message}" for problem in taken.lost[:5]]
    if len(taken.lost) > 5:
        lost.append(f"and {len(taken.lost) - 5} more.")
    return (made, *(["What could not be kept:"] if lost else []), *lost)


def _repository(folder: Path) -> Path | None:
    """The top of the git repository around a folder, if that is another folder."""
    for place in folder.parents:
        if (place / ".git").exists():
            return place if not (folder / ".git").exists() else None
    return None


def run(folder: Path, mine: Preferences) -> Begun | None:
    """Asks on a terminal how to begin. None: the person quit. Raises SystemExit when a signal or a defect ended it."""
    app = FirstApp(folder, mine)
    begun = app.run()
    if begun is None and app.return_code:
        sys.exit(app.return_code)
    return begun
