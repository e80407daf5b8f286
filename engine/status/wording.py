"""The text of a task line: its tag, its reference, its metadata, and the name that remains."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from engine.status.syntax import ZERO_WIDTH, ZERO_WIDTH_TABLE

_TAG = re.compile(rf"[{ZERO_WIDTH} ]*\[([^\[\]\s]+)\][{ZERO_WIDTH}]*(?=\s|\Z)")
#: Compiled for the first name that may be a link: most plans have none.
_LINK = (
    r"\[((?:[^\[\]\\]|\\.)+)\]\([ \t]*(?:<([^<>]*)>|([^\s()<>]+))(?:[ \t]+(?:\"[^\"]*\"|'[^']*'))?[ \t]*\)\Z"
)
_FLOW = re.compile(r"<!--\s*+type\s*+:\s*+flow\s*+-->")
_TOKEN = re.compile(r"`++|\"|<!--|-->")
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Wording(NamedTuple):
    """What the text of a task line says. `comments` are (offset in the text, comment) of hidden comments."""

    name: str
    tag: str | None = None
    ref: str | None = None
    is_flow: bool = False
    comments: tuple[tuple[int, str], ...] = ()


def read_wording(text: str) -> Wording:
    """Reads what follows `- [ ] ` on a task line (DESIGN section 2: atom tag, reference, metadata)."""
    is_flow = False
    hidden: list[tuple[int, str]] = []
    if "<!--" in text:
        shown: list[str] = []
        end = 0
        for start, stop in comment_spans(text):
            comment = text[start:stop]
            if _FLOW.fullmatch(comment):
                is_flow = True
            else:
                hidden.append((start, comment))
            shown.append(text[end:start])
            end = stop
        text = "".join([*shown, text[end:]])
    tag = None
    match = _TAG.match(text) if "[" in text else None
    if match is not None:
        tag = match[1].translate(ZERO_WIDTH_TABLE) or None
        if tag:
            text = text[match.end() :]
    text = text.strip()
    name, ref = _split_reference(text)
    return Wording(name, tag, ref, is_flow, tuple(hidden))


def tag_and_name(text: str) -> tuple[str, str]:
    """The tag and the name of a task whose text has nothing else of a meaning; of any other text, no tag."""
    tag, gap, name = text[1:].partition("] ")
    name = name.strip()
    if not (name and gap and text[0] == "[" and tag.isalnum()) or "[" in name or "@" in name or "<" in name:
        return "", text
    return tag, name


def comment_spans(text: str) -> list[tuple[int, int]]:
    """Where the comments of one line are, outside of code spans and double quotes. Linear."""
    tokens = list(_TOKEN.finditer(text))
    last = {match[0]: match.start() for match in tokens}
    spans: list[tuple[int, int]] = []
    closer = ""
    start = 0
    for match in tokens:
        token = match[0]
        if closer:
            if token == closer:
                if closer == "-->":
                    spans.append((start, match.end()))
                closer = ""
        elif token != "-->":
            wanted = "-->" if token == "<!--" else token
            if last.get(wanted, -1) > match.start():
                closer, start = wanted, match.start()
    return spans


def _split_reference(text: str) -> tuple[str, str | None]:
    """The name, and the path behind ` @ ` at the end or in a link that is the whole text."""
    if "@" in text:
        if text.endswith('"'):
            start = text.rfind('"', 0, -1)
            head = text[:start].rstrip() if start >= 0 else ""
            if head == "@" or head.endswith((" @", "\t@")):
                return head[:-1].strip(), text[start + 1 : -1]
        parts = text.rsplit(None, 2)
        if len(parts) >= 2 and parts[-2] == "@" and "`" not in parts[-1]:
            return (parts[0] if len(parts) == 3 else ""), parts[-1]
    if text.startswith("["):
        match = re.match(_LINK, text)
        if match is not None:
            target = match[2] or unquote(match[3] or "")
            if target.lower().endswith(".md") and not _PROTOCOL.match(target):
                return match[1].strip(), target
    return text, None


#: Folders below `.flow/` that Flow Manager keeps for itself, and git does not see.
OWN_FOLDERS = frozenset({"artifacts", "backups", "logs", "swap"})


def reference_problem(ref: str) -> str | None:
    """Why a reference can be no path inside `.flow/`, from its text alone; None when it can."""
    if not ref.strip() or "\0" in ref:
        return "The reference has no path."
    if re.match(r"[A-Za-z]:", ref):
        return f"The reference {ref!r} starts with a drive."
    if _PROTOCOL.match(ref):
        return f"The reference {ref!r} is an address with a protocol, not a file."
    if ref.startswith(("/", "\\", "~")):
        return f"The reference {ref!r} is an absolute path."
    if "\\" in ref:
        return f"The reference {ref!r} has backslashes."
    if ".." in ref.split("/"):
        return f"The reference {ref!r} leads out of its folder."
    first = next((part for part in ref.split("/") if part not in ("", ".")), "")
    if first in OWN_FOLDERS:
        return f"The reference {ref!r} leads into a folder that Flow Manager keeps for itself."
    return None
