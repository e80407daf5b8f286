"""Edits from TOML or JSON."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import ConfigurationError
from engine.loom.edits import Append, Edit, FileEdit, Insert, ReplaceBlock, ReplaceLine

_FIELDS = {
    "insert": {"after", "before", "text", "indent"},
    "replace_block": {"start", "end", "text", "indent"},
    "append": {"text"},
    "replace_line": {"line", "expect", "text", "indent"},
}
_SHARED = {"op", "path", "base"}
_REVISION = re.compile(r"[0-9a-f]{64}")


def parse_edits(config: Mapping[str, Any] | Sequence[Any]) -> list[FileEdit]:
    """The edits of a parsed TOML or JSON document.

    One edit is a table with `op` and `path`; several are a list of such tables, alone or under `edits`, where `path`
    and `base` may stand once for all of them. Raises ConfigurationError that says which edit lacks what.
    """
    shared: Mapping[str, Any] = {}
    if isinstance(config, Mapping):
        if "edits" not in config:
            return [_file_edit(config, "The edit")]
        shared = {key: value for key, value in config.items() if key != "edits"}
        unknown = set(shared) - {"path", "base"}
        if unknown:
            raise _wrong(
                f"Beside `edits`, {_quoted(unknown)} is not known.", "Only `path` and `base` go there."
            )
        listed = config["edits"]
    else:
        listed = config
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes) or not listed:
        raise _wrong("`edits` must be a list of at least one edit.", 'Begin each with `op = "..."`.')
    found: list[FileEdit] = []
    for number, item in enumerate(listed, 1):
        if not isinstance(item, Mapping):
            raise _wrong(f"Edit {number} is no table.", 'Begin it with `op = "..."`.')
        found.append(_file_edit({**shared, **item}, f"Edit {number}"))
    return found


def _file_edit(item: Mapping[str, Any], which: str) -> FileEdit:
    op = item.get("op")
    if not isinstance(op, str) or op not in _FIELDS:
        near = difflib.get_close_matches(str(op), _FIELDS, 1, 0.4)
        says = "has no `op`" if op is None else f"asks for `op = {op!r}`, which is not known"
        help_ = (
            f"Did you mean {near[0]!r}?" if near and op is not None else f"It is one of {', '.join(_FIELDS)}."
        )
        raise _wrong(f"{which} {says}.", help_)
    unknown = set(item) - _FIELDS[op] - _SHARED
    if unknown:
        raise _wrong(
            f"{which} ({op}) has {_quoted(unknown)}, which it does not know.",
            f"It knows {', '.join(sorted(_FIELDS[op] | _SHARED))}.",
        )
    path = _text(item, "path", which)
    base = item.get("base")
    if base is not None and (not isinstance(base, str) or not _REVISION.fullmatch(base)):
        raise _wrong(f"`base` of {which.lower()} is no revision.", "`flow loom read PATH` prints it.")
    return FileEdit(path, _edit(op, item, which), base)


def _edit(op: str, item: Mapping[str, Any], which: str) -> Edit:
    text = _text(item, "text", which, may_be_empty=True)
    if op == "append":
        return Append(text)
    indent = item.get("indent", True)
    if not isinstance(indent, bool):
        raise _wrong(f"`indent` of {which.lower()} must be true or false.")
    if op == "replace_block":
        return ReplaceBlock(_text(item, "start", which), _text(item, "end", which), text, indent)
    if op == "replace_line":
        line = item.get("line")
        if not isinstance(line, int) or isinstance(line, bool) or line < 1:
            raise _wrong(f"`line` of {which.lower()} must be a line number from 1.")
        return ReplaceLine(line, _text(item, "expect", which, may_be_empty=True), text, indent)
    if ("after" in item) == ("before" in item):
        raise _wrong(
            f"{which} (insert) needs either `after` or `before`.", "Give the anchor with one of them."
        )
    if "after" in item:
        return Insert(_text(item, "after", which), text, "after", indent)
    return Insert(_text(item, "before", which), text, "before", indent)


def _text(item: Mapping[str, Any], key: str, which: str, *, may_be_empty: bool = False) -> str:
    value = item.get(key)
    if value is None:
        raise _wrong(f"{which} has no `{key}`.")
    if not isinstance(value, str):
        raise _wrong(f"`{key}` of {which.lower()} must be text.", "Put it in quotes.")
    if not value.strip() and not may_be_empty:
        raise _wrong(f"`{key}` of {which.lower()} is empty.")
    return value


def _quoted(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(map(str, names)))


def _wrong(message: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError(message, hint=hint)
