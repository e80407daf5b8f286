"""The settings of a project: `.flow/flow.toml`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ConfigurationError, StorageError, UnsupportedFileError
from engine.status import Problem
from engine.storage import read_if_exists


class Settings(NamedTuple):
    """What a project may set. `strict`: plans changed outside wait for a person. Globs are relative to the root."""

    strict: bool = False
    editable: tuple[str, ...] = ("**",)


def settings_problem(flow: Path) -> Problem | None:
    """What is wrong with the settings below the folder `flow`: nothing can be changed until that is mended."""
    try:
        load_settings(flow)
    except (ConfigurationError, StorageError, UnsupportedFileError) as error:
        line, column = error.fields.get("line", 1), error.fields.get("column", 1)
        return Problem("flow.toml", line, column, error.message, error.hint, error.code)
    return None


def load_settings(flow: Path) -> Settings:
    """Read `flow.toml` below the folder `flow`; a missing file means the defaults.

    Raises ConfigurationError where the file cannot be understood or holds an unknown key.
    """
    snapshot = read_if_exists(flow / "flow.toml")
    if snapshot is None:
        return Settings()
    if all(line[:1] in (b"", b"#") for line in map(bytes.strip, snapshot.data.split(b"\n"))):
        return Settings()  # as `flow init` makes it, and as most stay
    import tomllib

    try:
        data = tomllib.loads(snapshot.data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        raise ConfigurationError(
            f".flow/flow.toml cannot be read: {error}.",
            hint="Mend the line that it names.",
            **({"line": int(place[1]), "column": int(place[2])} if place else {}),
        ) from error
    unknown = sorted(set(data) - {"integrity", "loom"})
    if unknown:
        raise ConfigurationError(
            f".flow/flow.toml has an unknown key: {unknown[0]!r}.",
            hint='Known are "integrity" and "[loom] edit".',
        )
    return Settings(strict=_strict(data.get("integrity", "adopt")), editable=_globs(data.get("loom", {})))


def _strict(value: Any) -> bool:
    if value not in ("adopt", "strict"):
        raise ConfigurationError(
            f".flow/flow.toml: integrity is {value!r}.", hint='It must be "strict" or "adopt".'
        )
    return bool(value == "strict")


def _globs(table: Any) -> tuple[str, ...]:
    globs = table.get("edit", ["**"]) if isinstance(table, dict) and set(table) <= {"edit"} else None
    if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
        raise ConfigurationError(
            ".flow/flow.toml: [loom] cannot be understood.", hint='Write: edit = ["src/**", "CHANGELOG.md"].'
        )
    return tuple(globs)
