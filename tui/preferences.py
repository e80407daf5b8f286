"""What a person prefers everywhere: `config.toml` in the user's configuration folder (XDG).

    theme = "light"
    bell = false
    trust = "ask"
    [keys]
    step = "s,f8"

Themes of their own are TOML files in the folder `themes` beside it. What cannot be understood is reported when the app
starts, and everything else counts.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from engine import ConfigurationError

FILE = "config.toml"
_SETTINGS = ("theme", "bell", "trust", "keys")
_THEME = re.compile(r"""^(\s*theme\s*=\s*)("[^"\\]*"|'[^']*')(\s*(?:#.*)?)$""")


@dataclass(frozen=True, slots=True)
class Preferences:
    """`theme` is a theme's name, `bell`: whether the app calls a person who is needed, `keymap` maps an action's id to
    its keys, separated by commas. `problems` says what else is in the file and counts for nothing.

    Without a `folder` nothing is ever kept.
    """

    theme: str | None = None
    bell: bool = True
    keymap: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def theme_folders(self) -> list[Path]:
        """Where themes of the person's own are."""
        return [self.folder / "themes"] if self.folder is not None else []


def folder() -> Path:
    """Where `config.toml` and `themes/` are, if a person has made them."""
    return platformdirs.user_config_path("flow-manager")


def load() -> Preferences:
    """Read them; a missing file means the defaults. Raises ConfigurationError for what is no TOML at all."""
    path = folder() / FILE
    if path.is_fifo():
        raise ConfigurationError(f"{path} is a pipe and no file.", hint="Move it away.")
    try:
        data = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return Preferences(folder=folder())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="Mend it, or move it away."
        ) from error
    except RecursionError as error:
        raise ConfigurationError(
            f"{path} cannot be read: there are too many brackets inside brackets.",
            hint="Mend it, or move it away.",
        ) from error
    problems: list[str] = []
    if data.get("trust", "ask") != "ask":
        problems.append(f'trust is {data["trust"]!r}. Write: trust = "ask", or leave it out')
    return Preferences(
        theme=_text(data, "theme", 'theme = "light"', problems),
        bell=_yes_or_no(data, "bell", problems),
        keymap=_keymap(data, problems),
        problems=tuple(f"{FILE}: {problem}" for problem in [*_unknown(data), *problems]),
        folder=folder(),
    )


def keep_theme(place: Path, name: str) -> None:
    """Writes the theme into `config.toml` in the folder `place`, and changes nothing else there.

    Raises ConfigurationError where that line cannot be found or made without touching more, OSError.
    """
    path = Path(os.path.realpath(place / FILE))
    text = path.read_bytes().decode() if path.exists() else ""
    changed = _with_theme(text, name)
    if changed == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(changed)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            Path(temporary).chmod(path.stat().st_mode & 0o777)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _with_theme(text: str, name: str) -> str:
    line = f'theme = "{name}"'
    lines = text.splitlines(keepends=True)
    tables = next((number for number, one in enumerate(lines) if one.lstrip().startswith("[")), len(lines))
    at = next((number for number in range(tables) if _THEME.match(lines[number].rstrip("\r\n"))), None)
    if at is not None:
        body = lines[at].rstrip("\r\n")
        lines[at] = _THEME.sub(lambda found: f'{found[1]}"{name}"{found[3]}', body) + lines[at][len(body) :]
    else:
        settings = [number for number in range(tables) if lines[number].strip()[:1] not in ("", "#")]
        at = settings[-1] + 1 if settings else 0 if tables < len(lines) else len(lines)
        if at and not lines[at - 1].endswith("\n"):
            lines[at - 1] += "\n"
        lines.insert(at, line + "\n" + ("\n" if at == tables < len(lines) and not settings else ""))
    changed = "".join(lines)
    try:
        sound = tomllib.loads(changed) == {**tomllib.loads(text), "theme": name}
    except tomllib.TOMLDecodeError:
        sound = False
    if not sound:
        raise ConfigurationError(
            f"{FILE} is written in a way that this cannot change safely.", hint=f"Write there: {line}"
        )
    return changed


def _unknown(data: dict[str, Any]) -> list[str]:
    names = ", ".join(_SETTINGS)
    return [f"there is no setting {key!r}: these are {names}." for key in data if key not in _SETTINGS]


def _text(data: dict[str, Any], key: str, example: str, problems: list[str]) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        problems.append(f"{key} is {value!r}. Write: {example}")
        return None
    return value


def _yes_or_no(data: dict[str, Any], key: str, problems: list[str]) -> bool:
    value = data.get(key, True)
    if not isinstance(value, bool):
        problems.append(f"{key} is {value!r}. Write: {key} = false")
        return True
    return value


def _keymap(data: dict[str, Any], problems: list[str]) -> dict[str, str]:
    keys = data.get("keys", {})
    if not isinstance(keys, dict):
        problems.append('keys is a table. Write: [keys] and below it step = "s,f8"')
        return {}
    wrong = [name for name, value in keys.items() if not isinstance(value, str)]
    problems += [f'keys.{name} is {keys[name]!r}. Write: {name} = "s,f8"' for name in wrong]
    return {name: value for name, value in keys.items() if name not in wrong}
