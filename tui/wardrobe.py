"""Choosing the colours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from tui.screens.picker import Entry, Picker

if TYPE_CHECKING:
    from tui.screens.main import MainScreen


def choose_theme(screen: MainScreen) -> None:
    """Shows each theme as the selection comes to it; escape brings back the one that was there."""
    from tui.app import FlowApp

    app = screen.app
    assert isinstance(app, FlowApp)
    before = app.theme
    entries = [
        Entry(
            title,
            hint="dark" if app.available_themes[name].dark else "light",
            take=partial(_wear, app, name),
        )
        for name, title in app.theme_titles.items()
    ]

    def find(query: str) -> list[Entry]:
        return [entry for entry in entries if query.casefold() in entry.text.casefold()]

    def chosen(entry: Entry | None) -> None:
        if entry is None:
            app.theme = before
        else:
            entry.take()
            screen.say(app.keep_theme(), "$foreground")

    at = list(app.theme_titles).index(before)
    app.push_screen(
        Picker("Theme", "part of a name", find, moved=lambda entry: entry.take(), selected=at, aside=True),
        chosen,
    )


def _wear(app: App[int], theme: str) -> None:
    """Puts a theme on an app."""
    app.theme = theme
