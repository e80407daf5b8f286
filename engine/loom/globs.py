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
            out.append(f"(?!/){_one_of(glob[at + 1 : end])}")
            at = end + 1
        else:
            out.append(re.escape(glob[at]))
            at += 1
    return re.compile("".join(out), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _one_of(inside: str) -> str:
    """The pattern for what stands between brackets. A range that runs backwards holds nothing."""
    is_other = inside[0] in "!^"
    found: list[str] = []
    for first, last, one in re.findall(r"(.)-(.)|(.)", inside[is_other:], re.DOTALL):
        if one:
            found.append(re.escape(one))
        elif first <= last:
            found.append(f"{re.escape(first)}-{re.escape(last)}")
    if not found:
        return "." if is_other else "(?!)"
    return f"[{'^' * is_other}{''.join(found)}]"
