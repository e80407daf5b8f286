"""Foreign Markdown as CommonMark reads it: which list items are tasks, and what each line stands in.

markdown-it-py reads the file; what is made here from its tokens knows, for each line, the containers it is in, and how
to take their prefixes off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import PlanError
from engine.status.layout import unindented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

#: What GitHub takes for a task, and the marks of plans.
_TASK = re.compile(r"\[([ xX/!v-])\][ \t]+(?=\S)")
_MARKER = re.compile(r" *(?:[-*+]|\d{1,9}[.)])")
_PREFIX = re.compile(r"(?:[ \t]|[-*+>](?=[ \t>])|\d{1,9}[.)](?=[ \t]))*+")
#: Deeper nesting than any person writes, and less than markdown-it-py can recurse into.
_DEEPEST = 100_000


#: How raw HTML that may hold blank lines begins and ends.
_RAW = (
    ("<!--", "-->"),
    ("<?", "?>"),
    ("<![cdata[", "]]>"),
    ("<!", ">"),
    *((f"<{tag}", f"</{tag}>") for tag in ("script", "pre", "style", "textarea")),
)


_SHUT = re.compile(r"</(?:script|pre|style|textarea)>")


class Literal(NamedTuple):
    """Code or raw HTML: its lines (from 0, `end` excluded), and what closes it where nothing does."""

    start: int
    end: int
    closer: str


@dataclass(slots=True, eq=False)
class Container:
    """A list item or block quote: its lines (from 0, `end` excluded), what it is in, and what it is.

    `mark` is that of a task; `holds_tasks` says that a container, not a task itself, has tasks inside.
    """

    start: int
    end: int
    parent: Container | None
    is_quote: bool = False
    bullet: str = ""
    mark: str | None = None
    content: int = 0  # columns to take off its lines after the first
    holds_tasks: bool = False
    path: list[Container] = field(default_factory=list)


def read_foreign(text: str) -> tuple[list[Container], list[Literal]]:
    """The containers of a Markdown text in the order in which they begin, and its code and raw HTML.

    Raises `PlanError` where it nests too deeply to be read.
    """
    from markdown_it import MarkdownIt  # slow to import; only foreign files need it

    reader = MarkdownIt("commonmark", {"maxNesting": _DEEPEST})
    reader.core.ruler.disable("inline")
    try:
        tokens = reader.parse(text)
    except RecursionError as error:
        raise PlanError(
            "The file nests its lists too deeply to be imported.", hint="Take a part of it."
        ) from error
    return _containers(tokens), _literals(tokens, text.split("\n"))


def _containers(tokens: Sequence[Token]) -> list[Container]:
    found: list[Container] = []
    stack: list[Container] = []
    for index, token in enumerate(tokens):
        if token.type in ("list_item_open", "blockquote_open"):
            assert token.map is not None
            parent = stack[-1] if stack else None
            container = Container(token.map[0], token.map[1], parent)
            container.path = [*parent.path, container] if parent is not None else [container]
            container.is_quote = token.type == "blockquote_open"
            container.bullet = token.info + token.markup
            follower = tokens[index + 1]
            if not container.is_quote and follower.type == "paragraph_open" and follower.map is not None:
                match = _TASK.match(tokens[index + 2].content)
                if match is not None and follower.map[0] == token.map[0]:
                    container.mark = match[1]
            stack.append(container)
            found.append(container)
        elif token.type in ("list_item_close", "blockquote_close"):
            stack.pop()
    for container in found:
        if container.mark is not None:
            for above in container.path[:-1]:
                above.holds_tasks = above.mark is None
    return found


def _literals(tokens: Sequence[Token], lines: Sequence[str]) -> list[Literal]:
    found: list[Literal] = []
    for token in tokens:
        if token.map is None or token.type not in ("fence", "code_block", "html_block"):
            continue
        start, end = token.map
        closer = ""
        if token.type == "fence":
            last = lines[end - 1].strip(" \t>") if end - 1 > start else ""
            if not last.startswith(token.markup) or last.strip(token.markup[0]):
                closer = token.markup
        elif token.type == "html_block":
            text = token.content.lstrip().lower()
            closer = next((shut for begin, shut in _RAW if text.startswith(begin)), "")
            if closer in text or (closer.startswith("</") and _SHUT.search(text)):
                closer = ""
        found.append(Literal(start, end, closer))
    return found


def without_prefix_tabs(line: str) -> str:
    """The line with the tabs among its bullets, quote marks and indentation spread to spaces."""
    match = _PREFIX.match(line)
    assert match is not None
    return match[0].expandtabs(4) + line[match.end() :] if "\t" in match[0] else line


def is_lazy(line: str, number: int, path: Sequence[Container]) -> bool:
    """Whether a line that is not blank goes on with a paragraph without the indentation of the items it is in."""
    columns = 0
    for container in path:
        if container.is_quote or number == container.start:
            return False
        columns += container.content
    return bool(line.strip()) and len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip(" ")) < columns


def stripped(line: str, number: int, path: Sequence[Container]) -> str:
    """The line (number from 0) without the prefixes of the containers in `path`, from the outermost in.

    Notes for each container that begins here where its content does.
    """
    columns = 0  # of items, taken off together: tabs in code keep their stops
    for container in path:
        if not container.is_quote and number != container.start:
            columns += container.content
            continue
        line, columns = unindented(line, columns), 0
        if container.is_quote:
            bare = line.lstrip(" ")
            if bare.startswith(">"):
                line = unindented(bare[1:], 1)
        elif (match := _MARKER.match(line)) is not None:
            rest = line[match.end() :]
            gap = len(rest) - len(rest.lstrip(" "))
            if not rest.strip() or gap > 4:
                gap = 1
            container.content = match.end() + gap
            line = rest[gap:] or "\n"
    return unindented(line, columns)
