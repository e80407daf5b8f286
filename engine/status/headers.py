"""The headers of a plan: leading `Key: Value` lines, or the same as YAML front matter."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"([^\W\d_][\w .-]*+):(?:[ \t]+(.*))?\Z")
_EDGE = re.compile(r"---[ \t]*\Z")
_END = re.compile(r"(?:---|\.\.\.)[ \t]*\Z")


def read_headers(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """The headers, and how many leading lines are front matter (0 when there is none); the last of a key
    wins.

    `lines` may keep their line ends; the first may begin with a byte-order mark.
    """
    headers: dict[str, str] = {}
    position = 0
    while position < len(lines) and not _text(lines, position).strip():
        position += 1
    if position == 0 and lines and _EDGE.match(_text(lines, 0)):
        end = _front_matter_end(lines)
        for index in range(1, end - 1):
            match = _HEADER.match(_text(lines, index))
            if match is not None:
                headers[match[1].strip()] = _unquoted((match[2] or "").strip())
        return headers, end
    while position < len(lines) and (match := _HEADER.match(_text(lines, position))) is not None:
        headers[match[1].strip()] = (match[2] or "").strip()
        position += 1
    return headers, 0


def _text(lines: Sequence[str], index: int) -> str:
    text = lines[index].rstrip("\n")
    return text.removeprefix("\ufeff") if index == 0 else text


def _front_matter_end(lines: Sequence[str]) -> int:
    """The number of lines from `---` to the `---` or `...` that closes it; 0 if this is a thematic break."""
    known = False  # to be front matter: the first line that says something is a header
    for index in range(1, len(lines)):
        text = _text(lines, index)
        if _END.match(text):
            return index + 1 if known else 0
        if not known and text.strip() and not text.startswith("#"):
            if not _HEADER.match(text):
                return 0
            known = True
    return 0


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
