"""Calls a person who is not looking: bell, a desktop notice (OSC 9) and the title of the terminal."""

from __future__ import annotations

from textual.app import App

from tui.text import one_line


def call(app: App[int], text: str) -> None:
    """Says `text` outside the screen, if the terminal is not the one in use. Control characters in it are symbols."""
    driver = app._driver
    if app.app_focus or driver is None or driver.is_headless:
        return
    words = one_line(text, 200)
    app.bell()
    driver.write(f"\x1b]9;{words}\x07")
    driver.write(f"\x1b]2;! {words}\x07")


def rest(app: App[int]) -> None:
    """Takes the call out of the title again."""
    driver = app._driver
    if driver is not None and not driver.is_headless:
        driver.write("\x1b]2;Flow Manager\x07")
