"""What commands print: data on stdout, narration on stderr, and never a byte that a terminal would obey.

Names, notes, paths and what scripts print come from elsewhere. On their way to a terminal every control
character in them becomes a symbol that can be seen, so that a plan can neither move the cursor nor hide what
it says.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import click

VERSION = 1
"""The version of every JSON shape (DESIGN section 8)."""

# C0 and DEL have pictures of their own in Unicode; C1 (0x9b is a whole escape sequence), the marks that
# reorder text and the line separators have none and show their number.
_NUMBERED = [
    *range(0x80, 0xA0),
    0x61C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    0xFEFF,
]
_LINE = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "␡",
    **{code: f"‹U+{code:04X}›" for code in _NUMBERED},
}
_BLOCK = {code: seen for code, seen in _LINE.items() if chr(code) not in "\n\t"}
_JSON_UNSAFE = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"


def line(text: str) -> str:
    """Untrusted text as one line that a terminal shows and does not obey."""
    return text if text.isprintable() else text.translate(_LINE)


def block(text: str) -> str:
    """Untrusted text of several lines; line ends and tabs stay."""
    return text.replace("\r\n", "\n").translate(_BLOCK)


def say(text: str = "", *, newline: bool = True) -> None:
    """Narration, on stderr."""
    click.echo(text, err=True, nl=newline, color=wants_colour())


def put(text: str = "", *, newline: bool = True) -> None:
    """Data, on stdout."""
    click.echo(text, nl=newline, color=wants_colour())


def put_json(value: dict[str, Any] | None) -> None:
    """One JSON object on a line of its own, with the version in front; `None` becomes `null`."""
    shape = None if value is None else {"version": VERSION, **value}
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(shape, ensure_ascii=encoding != "utf8")
    put(re.sub(_JSON_UNSAFE, lambda found: f"\\u{ord(found[0]):04x}", text))


def wants_colour() -> bool | None:
    """False when the person asked for none; None leaves it to whether a terminal is there."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


def dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m"


def prepare_streams() -> None:
    """Make the standard streams such that they cannot surprise.

    A character that the terminal's encoding lacks is printed as its number; it never ends the program. A stream that
    was closed (`flow done 1 >&-`) leads nowhere; left closed, its number would go to the next file that is opened.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is its own.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
