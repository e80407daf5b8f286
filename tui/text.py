"""Text that others wrote, made safe to show: control characters become symbols, colours of scripts become styles.

Plans, files and the output of scripts are data. Nothing in them may reach the terminal as a control sequence, and
nothing in them is markup: callers put the results into `Text` or `Content` objects, never into markup strings.
"""

from __future__ import annotations

import re

from rich.ansi import AnsiDecoder
from rich.segment import Segment
from rich.text import Text
from textual.color import Color
from textual.filter import LineFilter

# C0 controls have pictures of their own from U+2400 on; DEL has one too. C1 controls and the marks that reorder or
# hide text have none, and become the sign for an unknown symbol.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)}
_PICTURES[0x7F] = "␡"
_UNSEEN = [
    *range(0x80, 0xA0),
    0x61C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
]
_PICTURES.update(dict.fromkeys([*_UNSEEN, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000)], "�"))
# Joiners belong to many scripts and to emoji; alone they can do nothing.
for _joiner in (0x200C, 0x200D):
    del _PICTURES[_joiner]

_ONE_LINE = dict(_PICTURES)
_ONE_LINE[0x09] = " "
_MANY_LINES = {code: picture for code, picture in _PICTURES.items() if code not in (0x09, 0x0A)}

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def one_line(text: str, limit: int = 5_000) -> str:
    """`text` on one line, at most `limit` characters, with a symbol for every control character."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text.translate(_ONE_LINE)


class Harmless(LineFilter):
    """The last gate before the terminal: whatever a widget forgot to make safe is shown, and obeyed by nothing."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.control or (segment.text.isascii() and segment.text.isprintable())
            else Segment(segment.text.translate(_ONE_LINE), segment.style)
            for segment in segments
        ]


HARMLESS = Harmless()


def lines(text: str) -> str:
    """`text` with its line breaks, and a symbol for every other control character. Tabs become spaces."""
    return text.replace("\r\n", "\n").translate(_MANY_LINES).expandtabs(4)


def colours_after(active: str, line: str) -> str:
    """The colour sequences that still hold after `line`, of those that held before it. Cheap for plain lines."""
    if "\x1b[" not in line:
        return active
    for found in _COLOUR.finditer(line):
        code = found.group()
        active = "" if code in ("\x1b[m", "\x1b[0m") else (active + code)[-200:]
    return active


def output_line(text: str, active: str = "") -> Text:
    """One line of what a script printed, without its line break, as styled text.

    `active` are the colour sequences that hold where it begins. Only colours are obeyed; after a carriage return
    inside the line only what follows it is shown, as a terminal would have drawn over the rest.
    """
    text = active + last_drawn(text)
    parts: list[str] = []
    end = 0
    for found in _COLOUR.finditer(text):
        parts.append(text[end : found.start()].translate(_ONE_LINE))
        parts.append(found.group())
        end = found.end()
    parts.append(text[end:].translate(_ONE_LINE))
    return AnsiDecoder().decode_line("".join(parts))


def plain_line(text: str) -> str:
    """What `output_line` shows, without its styles. Cheap: a search asks it of every line."""
    if text.isprintable():
        return text
    return _COLOUR.sub("", last_drawn(text)).translate(_ONE_LINE)


def last_drawn(text: str) -> str:
    """What stands behind the last carriage return of a line."""
    text = text.rstrip("\r")
    return text[text.rfind("\r") + 1 :].expandtabs(8)
