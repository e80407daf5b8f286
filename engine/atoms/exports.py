"""What work hands on to later tasks: one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from engine.atoms.base import AtomResult, Outcome
from engine.atoms.runner import EXPORTS_LIMIT

DEPTH_LIMIT = 100
"""How deep exports may be nested: whoever reads them, in whatever language, has to follow."""
_REASON_LIMIT = 4_000


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
    """The value after a trip through JSON. Raises ValueError when it is no object, no JSON, too large, nested too
    deeply, or has text in it that no file can hold (half of a surrogate pair)."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"it is {type(value).__name__}, not an object with names")
    try:
        copy = json.loads(json.dumps(dict(value), allow_nan=False))
        size = len(json.dumps(copy, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise ValueError("there is half of a surrogate pair in it, which is no text") from error
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    assert isinstance(copy, dict)
    if size > EXPORTS_LIMIT:
        raise ValueError(f"it is larger than {EXPORTS_LIMIT >> 20} MiB")
    if _is_deep(copy):
        raise ValueError(f"it is nested more than {DEPTH_LIMIT} levels deep")
    return copy


def as_reason(value: object) -> str:
    """A reason as a text of bounded length that any file can hold."""
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _REASON_LIMIT else f"{text[:_REASON_LIMIT]} ..."


def _is_deep(value: dict[str, Any]) -> bool:
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
