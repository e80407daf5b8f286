"""The settings of an atom that come as TOML or JSON: in a fenced block of the task, or in the file it refers
to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.atoms.configuration import complain, fences
from engine.storage import read_if_exists, safe_path


def settings(config: Mapping[str, Any], *, what: str, flow: Path | None = None) -> Any:
    """The settings of a task: a table, unless its JSON is something else.

    They stand in its one fenced `toml` or `json` block or, with `flow`, in the `.toml` or `.json` file below that
    folder that it refers to. `what` names the task in errors ("This Git task").

    Raises ConfigurationError when there are none, or two, or when they cannot be read.
    """
    blocks = fences(config, ("toml", "json"))
    ref = config.get("ref") if flow is not None else None
    if len(blocks) + bool(ref) > 1:
        raise complain(config, f"{what} has more than one block of settings.", hint="Make two tasks of it.")
    if blocks:
        fence = blocks[0]
        return _parse(config, fence["text"], fence["lang"].lower() == "json", "its settings", fence["line"])
    if ref and flow is not None:
        return _referenced(config, ref, flow)
    raise complain(
        config, f"{what} has no settings.", hint="Indent a fenced block under it that begins with ```toml."
    )


def _referenced(config: Mapping[str, Any], ref: str, flow: Path) -> Any:
    if not ref.endswith((".toml", ".json")):
        raise complain(config, f"{ref!r} is neither a .toml nor a .json file.")
    snapshot = read_if_exists(safe_path(flow, ref))
    if snapshot is None:
        raise complain(config, f"There is no .flow/{ref}.")
    try:
        text = snapshot.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise complain(config, f".flow/{ref} is not UTF-8.") from None
    return _parse(config, text, ref.endswith(".json"), f".flow/{ref}", None)


def _parse(config: Mapping[str, Any], text: str, is_json: bool, where: str, line: int | None) -> Any:
    import tomllib  # only for tasks with settings

    kind = "JSON" if is_json else "TOML"
    try:
        return json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise complain(config, f"This is not {kind} ({where}): {error}.", line=line) from error
