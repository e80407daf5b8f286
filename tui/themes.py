"""Themes from TOML files: the built-in ones of the package `themes`, and those of a user's folder.

A theme with a colour that is none would only fail when it is chosen, and then take the screen with it. So every colour
is checked here, a theme that fails is left out, and all that is wrong is said in one message.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

FALLBACK = "dark"
READABLE = 4.5
"""The least contrast of text with what is behind it, as WCAG 2 (level AA) has it."""

_COLORS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
_STATUS = ("pending", "active", "done", "skipped", "failed")
_SCREEN = ("muted", "faint", "edge", "edge-focus", "selected", "selected-idle", "selected-text")

# The variables that the styles of this app use, for a theme that does not set them.
DEFAULTS = {
    "status-pending": "#9aa3b2",
    "status-active": "#e5b567",
    "status-done": "#8fc98b",
    "status-skipped": "#6c7483",
    "status-failed": "#f07f86",
    "muted": "#7c8494",
    "faint": "#5a6170",
    "edge": "#333944",
    "edge-focus": "#82aaff",
    "selected": "#2a3350",
    "selected-idle": "#22262f",
}

VARIABLES = {**DEFAULTS, "selected-text": "#d5d9e2"}

STYLES = """
ToastRack {
    dock: top;
    align: right top;
    margin: 1 1 0 0;
}
Toast {
    width: 64;
    max-width: 100%;
    margin: 0 0 1 0;
    padding: 0 1;
    background: $panel;
    color: $foreground;
    max-height: 40vh;
    border: round $edge-focus;

    &.-warning { border: round $warning; }
    &.-error { border: round $error; }
}
.-short Toast {
    max-height: 70vh;
}
Toast.-information .toast--title { color: $primary; }
Toast.-warning .toast--title { color: $warning; }
Toast.-error .toast--title { color: $error; }
"""
"""Of what Textual draws by itself. Messages stand at the top: the last lines of the screen say what goes on and what
can be pressed, and the choices of a prompt are below its evidence."""


@dataclass(slots=True)
class Loaded:
    """Themes by name, in the order of the list of themes, their titles, and what was wrong with the others."""

    themes: dict[str, Theme] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def choose(self, wanted: str | None) -> str:
        """The theme to start with: the one that is asked for, or the fallback and a problem that says so."""
        if wanted is None or wanted in self.themes:
            return wanted or FALLBACK
        self.problems.append(f"There is no theme {wanted!r}: these are {', '.join(self.themes)}.")
        return FALLBACK


def load(*folders: Path) -> Loaded:
    """The built-in themes, and those of `folders`, of which the later win over the earlier."""
    loaded = Loaded()
    _read(loaded, resources.files("themes").iterdir())
    for folder in folders:
        if folder.is_dir():
            _read(loaded, folder.iterdir())
    order = sorted(loaded.themes, key=lambda name: (name not in ("dark", "light"), name))
    loaded.themes = {name: loaded.themes[name] for name in order}
    loaded.titles = {name: loaded.titles[name] for name in order}
    return loaded


def put_on(app: App[Any], loaded: Loaded, wanted: str | None) -> None:
    """Gives an app these themes and no others, and the one to start with."""
    for one in loaded.themes.values():
        app.register_theme(one)
    app.theme = loaded.choose(wanted)
    for name in set(app.available_themes) - set(loaded.themes):
        app.unregister_theme(name)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    parts = (value / 255 for value in color.rgb)
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def on_selection(style: Style, ground: Style) -> Style:
    """A style for text on the row of the selection, `ground` being that row's own.

    A colour that is too near to the background goes as far towards the selection's own text as it needs. What the
    sixteen colours of a terminal look like nobody knows: on a background of theirs all text is the selection's own.
    """
    behind, text = ground.bgcolor, ground.color
    if (
        style.color is None
        or style.bgcolor is not None
        or behind is None
        or text is None
        or behind.is_default
    ):
        return style
    if behind.triplet is None:
        return style + Style(color=text, dim=False)
    color, goal, back = (Color.from_rich_color(one) for one in (style.color, text, behind))
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        readable = color.blend(goal, share)
        if contrast(readable, back) >= READABLE:
            break
    return style + Style(color=readable.rich_color, dim=False)


def _read(loaded: Loaded, files: Iterable[Traversable]) -> None:
    for file in sorted(files, key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        name = file.name.removesuffix(".toml")
        if not file.is_file():  # a pipe, for one, would be waited for
            loaded.problems.append(f"{file.name}: this is no regular file.")
            continue
        try:
            theme, title = _theme(name, tomllib.loads(file.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as problem:
            loaded.problems.append(f"{file.name}: {problem}")
        except RecursionError:
            loaded.problems.append(f"{file.name}: there are too many brackets inside brackets.")
        else:
            loaded.themes[name] = theme
            loaded.titles[name] = title


def _theme(name: str, data: dict[str, Any]) -> tuple[Theme, str]:
    """Raises ValueError with everything that is wrong."""
    wrong: list[str] = []
    known = {"title", "dark", "ansi", "colors", "status", "screen"}
    wrong += [f"unknown key {key!r}" for key in data if key not in known]
    colors = _table(data, "colors", _COLORS, wrong)
    status = _table(data, "status", _STATUS, wrong)
    screen = _table(data, "screen", _SCREEN, wrong)
    for key in ("primary", "foreground", "background"):
        if "colors" in data and key not in colors:
            wrong.append(f"[colors] needs {key!r}")
    if "colors" not in data:
        wrong.append("there is no [colors]")
    title = data.get("title", name)
    if not isinstance(title, str) or not isinstance(data.get("dark", True), bool):
        wrong.append("title is text, dark is true or false")
    if wrong:
        raise ValueError("; ".join(wrong))
    ansi = data.get("ansi") is True
    variables = {**{f"status-{key}": value for key, value in status.items()}, **screen}
    variables.setdefault("selected-text", "ansi_default" if ansi else colors["foreground"])
    variables |= _textual(variables, ansi, colors["background"])
    primary = colors.pop("primary")
    theme = Theme(name, primary, dark=data.get("dark", True), ansi=ansi, variables=variables)
    for key, value in colors.items():
        setattr(theme, key, value)
    return theme, title


def _table(data: dict[str, Any], table: str, known: tuple[str, ...], wrong: list[str]) -> dict[str, str]:
    values = data.get(table, {})
    if not isinstance(values, dict):
        wrong.append(f"{table} is not a table")
        return {}
    for key, value in values.items():
        if key not in known:
            wrong.append(f"unknown color {table}.{key}")
            continue
        try:
            Color.parse(value)
        except (ColorParseError, TypeError, AttributeError):
            wrong.append(f"{table}.{key} is no color: {value!r}")
    return values


def _textual(own: dict[str, str], ansi: bool, background: str) -> dict[str, str]:
    """What Textual's own widgets (input, palette, scrollbars) take from our names."""
    get = {**DEFAULTS, **own}
    variables = {
        "border": get["edge-focus"],
        "border-blurred": get["edge"],
        "block-cursor-background": get["selected"],
        "block-cursor-foreground": get["selected-text"],
        "block-cursor-text-style": "none",
        "scrollbar": get["edge"],
        "scrollbar-hover": get["faint"],
        "scrollbar-active": get["edge-focus"],
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
    }
    if ansi:
        variables |= {
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "input-cursor-background": "ansi_white",
            "input-cursor-foreground": "ansi_black",
        }
    return variables
