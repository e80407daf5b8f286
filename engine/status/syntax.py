"""The line patterns of a plan: its task lines, and the block starts of CommonMark.

All of them run in linear time on any line. White space is space and tab alone, as in CommonMark; `\\s` would
take in characters that are text there.
"""

from __future__ import annotations

import re
from functools import cache

from engine.status.model import Status

#: What stands in the brackets of a task, and what it means.
STATUSES: dict[str, Status] = {
    " ": Status.PENDING,
    "/": Status.ACTIVE,
    "x": Status.DONE,
    "X": Status.DONE,
    "v": Status.DONE,
    "-": Status.SKIPPED,
    "!": Status.FAILED,
}

#: What a reader takes for a task, whether or not it is a well-formed one: after it comes a blank or the end.
BOX = re.compile(r"\[([^\]\n]{0,2})\](?=[ \t]|\n?\Z)")
#: A line that looks like a task under any bullet.
TASK_LIKE = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[^\]\n]{0,2}\](?=[ \t]|\n?\Z)")

BULLET = re.compile(r"(?:[-*+]|(\d{1,9})[.)])(?=[ \t]|\Z)")
ATX = re.compile(r"(#{1,6})(?=[ \t]|\Z)")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*\Z")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})\Z")
FENCE = re.compile(r"(`{3,})([^`]*)\Z|(~{3,})(.*)\Z")
#: The beginning of what may be a link reference definition.
DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.)*+(?:\]:|\\?\Z)")

_ATTRIBUTE = (
    r"""[ \t]+[a-zA-Z_:][a-zA-Z0-9:._-]*+(?:[ \t]*=[ \t]*(?:[^"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+"))?"""
)
_BLOCK_NAMES = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)


@cache
def html_blocks() -> tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...]:
    """The seven kinds of raw HTML blocks: how one begins, what ends it (None: a blank line). Made for the first line
    that may begin one: compiling them takes longer than reading a small plan."""
    return (
        (
            re.compile(r"<(?:script|pre|style|textarea)(?=\s|>|\Z)", re.IGNORECASE | re.ASCII),
            re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE | re.ASCII),
        ),
        (re.compile(r"<!--"), re.compile(r"-->")),
        (re.compile(r"<\?"), re.compile(r"\?>")),
        (re.compile(r"<![A-Za-z]"), re.compile(r">")),
        (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
        (re.compile(rf"</?(?:{_BLOCK_NAMES})(?=\s|/?>|\Z)", re.IGNORECASE | re.ASCII), None),
        (
            re.compile(
                rf"(?:<[A-Za-z][A-Za-z0-9-]*+(?:{_ATTRIBUTE})*[ \t]*/?>|</[A-Za-z][A-Za-z0-9-]*+[ \t]*>)\s*\Z"
            ),
            None,
        ),
    )


#: The kind that cannot interrupt a paragraph.
HTML_INLINE_TAG = 6

#: Characters without width; a tag is read as if they were not there.
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u180e\u00ad"
ZERO_WIDTH_TABLE = dict.fromkeys(map(ord, ZERO_WIDTH))


def column_of(text: str, position: int, start: int = 0, column: int = 0) -> int:
    """The column (from 0, tabs reach to the next multiple of four) of `position`, counted on from `start`."""
    if "\t" not in text:
        return column + position - start
    for index in range(start, position):
        column += 4 - column % 4 if text[index] == "\t" else 1
    return column
