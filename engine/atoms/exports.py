"""What work hands on to later tasks: one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from engine.atoms.base import AtomResult, Outcome
from engine.atoms.runner import EXPORTS_LIMIT


def read_exports(text: str) -> AtomResult:
    """Success with what a script wrote to FLOW_EXPORTS, or the failure that it is no JSON object (T3.24)."""
    try:
        if len(text.encode()) > EXPORTS_LIMIT:
            return AtomResult.failure(f"Its exports are larger than {EXPORTS_LIMIT >> 20} MiB.")
        if not text.strip():
            return AtomResult.success()
        return AtomResult(Outcome.SUCCESS, exports=as_object(json.loads(text, parse_constant=_no_constant)))
    except UnicodeEncodeError:
        return AtomResult.failure("Its exports are not UTF-8.")
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
