"""What a task's body says to its atom, as data, and how to read the options of its fences."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import BlockError
from engine.status import Task, body

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def configuration(task: Task) -> dict[str, Any]:
    """The `config` of a call: JSON with `notes`, `ref`, `file` and `line` of the task, and `fences`.

    Each fence has `lang`, `flags`, `options`, `text` and `line`.
    """
    found = body(task)
    return {
        "notes": found.notes,
        "ref": task.ref,
        "file": task.plan.file,
        "line": task.line,
        "fences": [
            {
                "lang": fence.lang,
                "flags": list(fence.flags),
                "options": dict(fence.options),
                "text": fence.text,
                "line": fence.line,
            }
            for fence in found.fences
        ],
    }


def complain(
    config: Mapping[str, Any], message: str, *, line: int | None = None, hint: str = ""
) -> BlockError:
    """The error for a task's configuration, with its place: `line`, from 1, or that of the task."""
    file, line = config.get("file", ""), line or config.get("line", 0)
    where = f"{file}:{line}: " if file else ""
    return BlockError(f"{where}{message}", hint=hint, file=file, line=line)


def fences(config: Mapping[str, Any], langs: Sequence[str], *, flag: str = "") -> list[Mapping[str, Any]]:
    """The fences in one of these languages, with this flag if one is named."""
    return [
        fence
        for fence in config.get("fences", ())
        if fence["lang"].lower() in langs and (not flag or flag in fence["flags"])
    ]


def seconds(config: Mapping[str, Any], fence: Mapping[str, Any], option: str) -> float | None:
    """A duration among the options of a fence, in seconds: `90`, `1.5s`, `10m`, `2h`. None when it is not
    there.
    """
    text = fence["options"].get(option)
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    value = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not match or value <= 0 or not math.isfinite(value):
        raise complain(
            config,
            f"`{option}={text}` is no length of time.",
            line=fence["line"],
            hint=f"Write seconds, or a unit: `{option}=90`, `{option}=10m`.",
        )
    return value


def count(config: Mapping[str, Any], fence: Mapping[str, Any], option: str, most: int) -> int:
    """A whole number from 0 to `most` among the options of a fence; 0 when it is not there."""
    text = fence["options"].get(option, "0")
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > most:
        raise complain(
            config,
            f"`{option}={text}` is not a whole number from 0 to {most}.",
            line=fence["line"],
        )
    return int(text)
