"""The text of a plan before it is read as tasks: its lines, and what may be wrong with its encoding or by a merge left
open."""

from __future__ import annotations

import io
import re

from engine.status.blocks import LONGEST_LINE
from engine.status.model import Plan, Problem

#: What git writes around the two sides of a conflict.
_OURS = re.compile(r"^<{7} ", re.MULTILINE)
_THEIRS = re.compile(r"^>{7} ", re.MULTILINE)
#: Lines of so many characters on average, as far as this many in the middle tell, are cut out one by one: a reader of
#: lines would keep four bytes for each.
_LONG, _SAMPLE = 256, 1 << 14


def decode(data: bytes, plan: Plan) -> str:
    """The text of a plan; the first byte that is not UTF-8 is a problem of it."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        begin = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[begin : error.start].decode(errors="replace")) + 1
        message = f"The byte 0x{data[error.start]:02x} is not UTF-8."
        plan.problems.append(Problem(plan.file, line, column, message, "Save the file as UTF-8.", "encoding"))
        return data.decode(errors="replace")


def split_lines(text: str) -> list[str]:
    """The lines, each with its line feed; nothing else ends a line."""
    begin = max(0, len(text) - _SAMPLE) // 2
    if min(len(text), _SAMPLE) < _LONG * text.count("\n", begin, begin + _SAMPLE):
        return list(io.StringIO(text, newline="\n"))
    lines = []
    begin = 0
    while end := text.find("\n", begin) + 1:
        lines.append(text[begin:end])
        begin = end
    if begin < len(text):
        lines.append(text[begin:])
    return lines


def refuse_text(text: str, plan: Plan) -> None:
    """Adds the problems that the text has as a text, whatever tasks are in it."""
    _refuse_characters(text, plan)
    _refuse_conflicts(text, plan)


def _refuse_characters(text: str, plan: Plan) -> None:
    """Problems of characters that a reader takes for something else, and of endless lines."""
    for character, message, hint in (
        ("\0", "A NUL byte.", "Remove it: plans are text."),
        (
            "\r",
            "A carriage return inside of a line; readers end the line there.",
            "Put a line feed in its place.",
        ),
    ):
        if character in text:
            for number, line in enumerate(plan.lines, 1):
                column = line.find(character) + 1
                if column:
                    plan.problems.append(Problem(plan.file, number, column, message, hint, "encoding"))
    if len(text) > LONGEST_LINE:
        for number, line in enumerate(plan.lines, 1):
            if len(line) > LONGEST_LINE:
                message = f"The line is too long: {len(line):,} characters of at most {LONGEST_LINE:,}."
                plan.problems.append(Problem(plan.file, number, 1, message, "Break it up.", "encoding"))


def _refuse_conflicts(text: str, plan: Plan) -> None:
    """A merge that nobody has resolved: one side of it would be as good a plan as the other."""
    if "<" not in text or "<<<<<<<" not in text or not (end := _THEIRS.search(text)):
        return
    for match in _OURS.finditer(text, 0, end.start()):
        line = text.count("\n", 0, match.start()) + 1
        hint = "Keep what is right of both sides and remove the three marks; indent it if it is an example."
        plan.problems.append(Problem(plan.file, line, 1, "A merge conflict begins here.", hint, "conflict"))
