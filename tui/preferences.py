"""What a person prefers everywhere: `config.toml` in the user's configuration folder (XDG).

    theme = "light"
    [keys]
    step = "s,f8"

Themes of their own are TOML files in the folder `themes` beside it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from engine import ConfigurationError


@dataclass(frozen=True, slots=True)
class Preferences:
    """`theme` is a theme's name, `keymap` maps an action's id to its keys, separated by commas."""

    theme: str | None = None
    keymap: dict[str, str] = field(default_factory=dict)
    theme_folder: Path = Path()


def folder() -> Path:
    """Where `config.toml` and `themes/` are, if a person has made them."""
    return platformdirs.user_config_path("flow-manager")


def load() -> Preferences:
    """Read them; a missing file means the defaults. Raises ConfigurationError that names the file and the fault."""
    path = folder() / "config.toml"
    themes = folder() / "themes"
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return Preferences(theme_folder=themes)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="Mend it, or move it away."
        ) from error
    return Preferences(_theme(path, data), _keymap(path, data), themes)


def _theme(path: Path, data: dict[str, Any]) -> str | None:
    theme = data.get("theme")
    if theme is not None and not isinstance(theme, str):
        raise ConfigurationError(f"{path}: theme is {theme!r}.", hint='Write a name: theme = "light".')
    return theme


def _keymap(path: Path, data: dict[str, Any]) -> dict[str, str]:
    keys = data.get("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise ConfigurationError(f"{path}: [keys] cannot be understood.", hint='Write: step = "s,f8".')
    return keys
