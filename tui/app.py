"""The full-screen app."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.notifications import Notify
from textual.screen import Screen

from engine import Engine, FlowError
from tui import actions, behind, preferences, themes
from tui.attention import Attention
from tui.preferences import Preferences
from tui.presses import Presses
from tui.screens.main import MainScreen
from tui.terminal import leave_on_signals
from tui.text import HARMLESS
from tui.watching import Watch
from tui.widgets.field import Field

_TWO_FIT = 20
"""Lines of a screen that has room for two messages above its last lines."""


class FlowApp(App[int], inherit_bindings=False):
    """Flow Manager on one project. It exits with a process exit code."""

    TITLE = "Flow Manager"
    CSS = themes.STYLES
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        engine: Engine,
        mine: Preferences | None = None,
        *,
        watch: bool = True,
        notices: Sequence[str] = (),
    ) -> None:
        no_color = os.environ.get("NO_COLOR")
        super().__init__()
        if no_color is not None:
            os.environ["NO_COLOR"] = no_color  # Textual takes it away, and scripts have a right to it
        self.engine = engine
        self.mine = mine or Preferences()
        self.attention = Attention(self, wanted=self.mine.bell)
        self._watches = watch
        loaded = themes.load(*self.mine.theme_folders)
        self.theme_titles = loaded.titles
        themes.put_on(self, loaded, self.mine.theme)
        self._actions, problems = actions.with_keymap(self.mine.keymap)
        self.troubles = [*self.mine.problems, *loaded.problems, *problems]
        """What is wrong with the settings: the first is said at the start, and the help lists them all."""
        self._notices = notices
        self.presses = Presses()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), HARMLESS]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.VARIABLES

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self.engine, self._actions, self.troubles)

    @property
    def main(self) -> MainScreen:
        """The screen of the project, also while a prompt is on top of it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            if not event.is_forwarded and not self.presses.pressed():
                return
            if event.is_forwarded and self._is_typed(event):
                return
        await super().on_event(event)

    def _is_typed(self, event: events.Key) -> bool:
        """Hands a key to the line that a key before it has opened: keys that come at once, as over a slow connection,
        went to what had the focus until then, and come up here because it had no use for them."""
        screen, line = self.screen, self.focused
        if isinstance(line, Field) and event.is_printable and event.character:
            line.take(event.character)
        elif line is None and screen.AUTO_FOCUS == "Field":
            screen.call_later(self.post_message, events.Key(event.key, event.character))
        else:
            return False
        return True

    def on_app_focus(self) -> None:
        self.attention.rest()

    def on_unmount(self) -> None:
        self.attention.rest()

    def on_notify(self, event: Notify) -> None:
        """A message in the corner takes the place of the last one of its kind.

        At most two are there, the latest; one where a second would reach down to the lines that say what goes on.
        """
        new = event.notification
        shown = list(self._notifications)
        others = [one for one in shown if (one.title, one.severity) != (new.title, new.severity)]
        for old in shown:
            if old not in (others[-1:] if self.size.height >= _TWO_FIT else []):
                self._unnotify(old, refresh=False)

    def keep_theme(self) -> str:
        """Keeps the theme of now for the next start; answers with what to say about that."""
        title = self.theme_titles[self.theme]
        if self.mine.folder is None:
            return f"Theme: {title}"
        try:
            preferences.keep_theme(self.mine.folder, self.theme)
        except FlowError as error:
            return str(error)
        except OSError as error:
            return f"Theme: {title}, for this time only: config.toml: {error.strerror}."
        return f"Theme: {title}, kept in config.toml"

    def on_mount(self) -> None:
        leave_on_signals(self)
        if self.troubles:
            first, *others = self.troubles
            more = (
                f"\nand {len(others)} more: {self.main.actions['help'].shown_key} lists them."
                if others
                else ""
            )
            self.notify(f"{first}{more}", title="Settings", severity="warning", timeout=12, markup=False)
        if self._notices:
            self.notify("\n".join(self._notices), timeout=20, markup=False)
        if self._watches:
            behind.start(self, Watch(self.engine.root, self.main.session.read, self.main.session.compare).run)


def run(engine: Engine, mine: Preferences, *, notices: Sequence[str] = ()) -> int:
    """Runs the app on a terminal until a person quits it. Returns the exit code of the process.

    `notices` are shown when it starts.
    """
    app = FlowApp(engine, mine, notices=notices)
    result = app.run()
    return result if result is not None else app.return_code or 0
