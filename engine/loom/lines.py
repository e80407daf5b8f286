"""A text as lines that keep their endings."""

from __future__ import annotations

import re
from dataclasses import dataclass

BOM = "\ufeff"
_BLANKS = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Lines:
    """`contents` without endings, `endings` ("\\n", "\\r\\n", or "" at the end of the file) of the same length."""

    mark: str
    contents: list[str]
    endings: list[str]

    @classmethod
    def of(cls, text: str) -> Lines:
        mark = BOM if text.startswith(BOM) else ""
        contents: list[str] = []
        endings: list[str] = []
        for line in text.removeprefix(BOM).split("\n"):
            has_return = line.endswith("\r")
            contents.append(line[:-1] if has_return else line)
            endings.append("\r\n" if has_return else "\n")
        # What stands behind the last line feed is a line only if it is not empty, and it has no ending.
        if contents[-1] == "" and endings[-1] == "\n":
            contents.pop()
            endings.pop()
        else:
            contents[-1] += "\r" if endings[-1] == "\r\n" else ""
            endings[-1] = ""
        return cls(mark, contents, endings)

    @property
    def text(self) -> str:
        parts = [part for pair in zip(self.contents, self.endings, strict=True) for part in pair]
        return self.mark + "".join(parts)

    def ending_near(self, index: int) -> str:
        """The ending that a new line at this index should have: its neighbour's."""
        for near in (index - 1, index):
            if 0 <= near < len(self.endings) and self.endings[near]:
                return self.endings[near]
        return next((ending for ending in self.endings if ending), "\n")

    def splice(self, start: int, end: int, new: list[str]) -> str:
        """The text with the lines `start` to `end` (not included) replaced. The final newline stays as it was."""
        ending = self.ending_near(start)
        kept_endings = [ending] * len(new)
        common = min(len(new), end - start)
        kept_endings[:common] = self.endings[start : start + common]
        contents = [*self.contents[:start], *new, *self.contents[end:]]
        endings = [*self.endings[:start], *kept_endings, *self.endings[end:]]
        # An empty last line without an ending would be no line.
        had_final = not self.endings or self.endings[-1] != "" or not contents[-1:] or contents[-1] == ""
        last = len(endings) - 1
        endings = [
            item or self.ending_near(index) if index < last or had_final else ""
            for index, item in enumerate(endings)
        ]
        return Lines(self.mark, contents, endings).text


def as_lines(text: str) -> list[str]:
    """The lines that a text stands for: one line feed at its end is only the end of its last line."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def indented(lines: list[str], like: str) -> list[str]:
    """The lines, moved to the indentation of another line, if they start without any."""
    first = next((line for line in lines if line.strip()), "")
    prefix = indentation(like)
    if not prefix or indentation(first):
        return lines
    return [prefix + line if line.strip() else line for line in lines]


def loosely(line: str) -> str:
    """The line as the lenient match sees it: any run of blanks is one blank, none at the end."""
    return _BLANKS.sub(" ", line).rstrip()
