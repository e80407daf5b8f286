"""What work hands on to later tasks: one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from engine.atoms.base import AtomResult, Outcome

EXPORTS = ".exports"
LIMIT = 8 << 20


def read_exports(folder: Path, run: str) -> AtomResult:
    """Success with what the script of this run wrote to FLOW_EXPORTS, or the failure that it is no JSON
    object.
    """
    try:
        with (folder / f"{run}{EXPORTS}").open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        return AtomResult.success()
    except OSError as error:
        return AtomResult.failure(f"Its exports cannot be read: {error.strerror}.")
    if len(data) > LIMIT:
        return AtomResult.failure(f"Its exports are larger than {LIMIT >> 20} MiB.")
    if not data.strip():
        return AtomResult.success()
    try:
        return AtomResult(Outcome.SUCCESS, exports=as_object(json.loads(data, parse_constant=_no_constant)))
    except (ValueError, RecursionError) as error:
        return AtomResult.failure(f"Its exports are not a JSON object: {error}.")


def as_object(value: Any) -> dict[str, Any]:
    """The value after a trip through JSON. Raises ValueError when it is no object, or no JSON."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"it is {type(value).__name__}, not an object with names")
    try:
        copy = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    assert isinstance(copy, dict)
    return copy


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
