"""What commands print: data on stdout, narration on stderr, and never a byte that a terminal would obey.

Names, notes, paths and what scripts print come from elsewhere. On their way to a terminal every control
character in them becomes a symbol that can be seen, so that a plan can neither move the cursor nor hide what
it says.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from typing import IO, Any

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
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "grey": 90}
_COLOUR = r"\x1b\[\d+m"
_JSON_UNSAFE = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"


def line(text: str) -> str:
    """Untrusted text as one line that a terminal shows and does not obey."""
    return text if text.isprintable() else text.translate(_LINE)


def block(text: str) -> str:
    """Untrusted text of several lines; line ends and tabs stay."""
    return text.replace("\r\n", "\n").translate(_BLOCK)


def say(text: str = "", *, newline: bool = True) -> None:
    """Narration, on stderr."""
    _print(sys.stderr, text, newline)


def put(text: str = "", *, newline: bool = True) -> None:
    """Data, on stdout."""
    _print(sys.stdout, text, newline)


def _print(stream: IO[str], text: str, newline: bool) -> None:
    """At once, and without colours where nobody sees them."""
    if "\x1b" in text and not (wants_colour() and stream.isatty()):
        text = re.sub(_COLOUR, "", text)
    if not text.isascii() and _is_ascii(stream) and isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")  # a locale that knows ASCII only was never set
    stream.write(f"{text}\n" if newline else text)
    stream.flush()


def local_time(when: object) -> str:
    """A time of a record (ISO 8601, untrusted) on the clock of whoever reads it."""
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(str(when)).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return line(str(when))


def put_json(value: dict[str, Any] | None) -> None:
    """One JSON object on a line of its own, with the version in front; `None` becomes `null`."""
    shape = None if value is None else {"version": VERSION, **value}
    text = json.dumps(shape, ensure_ascii=_encoding(sys.stdout) != "utf8")
    put(re.sub(_JSON_UNSAFE, lambda found: f"\\u{ord(found[0]):04x}", text))


def _encoding(stream: IO[str]) -> str:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")


def _is_ascii(stream: IO[str]) -> bool:
    return _encoding(stream) in ("ascii", "usascii", "646", "ansi_x3.41968")


def wants_colour() -> bool:
    """Whether a terminal may get colours: not when the person asked for none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


def dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m"


def coloured(text: str, colour: str) -> str:
    """In one of the colours that every terminal has."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


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
