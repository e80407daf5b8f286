"""Calls a person who is not looking: bell, a desktop notice (OSC 9) and the title of the terminal."""

from __future__ import annotations

from textual.app import App

from tui.text import one_line

_KEEP_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"


class Attention:
    """Serves one app. The title is that of the terminal again as soon as somebody looks, and when the app ends."""

    def __init__(self, app: App[int], *, wanted: bool) -> None:
        self._app = app
        self._wanted = wanted
        self._called = False

    def call(self, text: str) -> None:
        """Says `text` outside the screen, unless somebody looks at it. Control characters in it are symbols."""
        if not self._wanted or self._app.app_focus:
            return
        words = one_line(text, 200)
        self._app.bell()
        self._write(f"\x1b]9;{words}\x07")
        self._write(f"{'' if self._called else _KEEP_TITLE}\x1b]2;! {words}\x07")
        self._called = True

    def rest(self) -> None:
        """Takes the call out of the title again."""
        if self._called:
            self._called = False
            self._write(f"\x1b]2;Flow Manager\x07{_RESTORE_TITLE}")

    def _write(self, codes: str) -> None:
        driver = self._app._driver
        if driver is not None and not driver.is_headless:
            driver.write(codes)
