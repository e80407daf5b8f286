"""Globs of paths, as `flow.toml` lists them: `*` within a folder, `**` through folders, `?`, `[...]`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


def matches(path: str, globs: Iterable[str], *, ignore_case: bool = False) -> bool:
    """Whether a relative path (forward slashes) matches one of the globs. A glob ending in `/` means all below."""
    return any(_compiled(glob, ignore_case).fullmatch(path) for glob in globs)


@functools.lru_cache(maxsize=256)
def _compiled(glob: str, ignore_case: bool) -> re.Pattern[str]:
    if glob.endswith("/"):
        glob += "**"
    out: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            out.append("(?:[^/]+/)*")
            at += 3
        elif glob.startswith("**", at):
            out.append(".*")
            at += 2
        elif glob[at] == "*":
            out.append("[^/]*")
            at += 1
        elif glob[at] == "?":
            out.append("[^/]")
            at += 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inside = glob[at + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            out.append(f"(?!/)[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            at = end + 1
        else:
            out.append(re.escape(glob[at]))
            at += 1
    return re.compile("".join(out), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
