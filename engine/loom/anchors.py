"""Where an anchor stands. Literal text, never a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.errors import AnchorError
from engine.loom.lines import Lines, as_lines, loosely

_NEAR_ENOUGH = 0.6
_COMPARED = 20_000
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Place:
    """Lines, counted from 0: from `first` up to and with `last`."""

    first: int
    last: int


def find(lines: Lines, anchor: str, *, after: int = -1) -> list[Place]:
    """Every place of the anchor behind line `after`, by the strictest reading that finds any."""
    return next(readings(lines, anchor, after=after), [])


def readings(lines: Lines, anchor: str, *, after: int = -1) -> Iterator[list[Place]]:
    """The places of the anchor behind line `after` by each reading that finds any; what a stricter one finds is among
    those of a more lenient one.

    From strict to lenient: whole lines, a part of a line; the same with white space compared loosely (tabs against
    spaces, trailing blanks). An anchor of several lines is found across lines.
    """
    contents = lines.contents[after + 1 :]
    wanted = "\n".join(as_lines(anchor))
    if not wanted.strip():
        raise AnchorError(
            "An anchor must not be empty.", hint="Give a part of a line that is there.", anchor=anchor
        )
    for loosen in (str, _loosen):
        for found in _search(contents, wanted, loosen):
            if found:
                yield [Place(place.first + after + 1, place.last + after + 1) for place in found]


def find_one(lines: Lines, anchor: str, path: str = "", *, after: int = -1) -> Place:
    """The one place of the anchor. AnchorError when there is none, or more than one."""
    places = find(lines, anchor, after=after)
    if len(places) != 1:
        raise refusal(lines, anchor, places, path)
    return places[0]


def _loosen(text: str) -> str:
    return "\n".join(loosely(line) for line in text.split("\n"))


def _search(
    contents: list[str], wanted: str, loosen: Callable[[str], str]
) -> tuple[list[Place], list[Place]]:
    """Where it stands as whole lines, and where at all."""
    needle = loosen(wanted)
    text = "\n".join(loosen(line) for line in contents)
    whole: list[Place] = []
    partly: list[Place] = []
    number = counted = 0
    at = text.find(needle)
    while at >= 0:
        number += text.count("\n", counted, at)
        counted = at
        place = Place(number, number + needle.count("\n"))
        end = at + len(needle)
        if (at == 0 or text[at - 1] == "\n") and (end == len(text) or text[end] == "\n"):
            whole.append(place)
        if not partly or partly[-1] != place:
            partly.append(place)
        at = text.find(needle, at + 1)
    return whole, partly


def refusal(lines: Lines, anchor: str, places: Iterable[Place], path: str = "") -> AnchorError:
    """The error for an anchor that was found nowhere, or in several places."""
    numbers = [place.first + 1 for place in places]
    where = f" in {path}" if path else ""
    shown = repr(anchor if len(anchor) <= _SHOWN else anchor[: _SHOWN - 3] + "...")
    if numbers:
        return AnchorError(
            f"The anchor {shown} stands {len(numbers)} times{where}: lines {_listed(numbers)}.",
            hint="Give a longer anchor that stands there once.",
            path=path,
            anchor=anchor,
            lines=numbers,
            candidates=[_candidate(lines, number - 1) for number in numbers[:20]],
        )
    near = nearest(lines, anchor)
    hint = "Nothing there is like it."
    if near:
        hint = (
            "Did you mean "
            + " or ".join(f"line {one['line']}: {one['text'].strip()!r}" for one in near)
            + "?"
        )
    return AnchorError(
        f"The anchor {shown} was not found{where}.",
        hint=hint,
        path=path,
        anchor=anchor,
        lines=[],
        candidates=near,
    )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:20])
    return shown if len(numbers) <= 20 else f"{shown}, ..."


def nearest(lines: Lines, anchor: str, count: int = 3) -> list[dict[str, Any]]:
    """The lines most like the anchor's first line, best first: `{"line": from 1, "text": ...}`."""
    from difflib import SequenceMatcher  # only for an error

    wanted = loosely(as_lines(anchor)[0] if anchor else "").strip()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    rated: list[tuple[float, int]] = []
    for index, content in enumerate(lines.contents[:_COMPARED]):
        matcher.set_seq1(loosely(content).strip()[: 4 * len(wanted) + 80])
        if (
            matcher.real_quick_ratio() >= _NEAR_ENOUGH
            and matcher.quick_ratio() >= _NEAR_ENOUGH
            and (ratio := matcher.ratio()) >= _NEAR_ENOUGH
        ):
            rated.append((-ratio, index))
    return [_candidate(lines, index) for _, index in sorted(rated)[:count]]


def _candidate(lines: Lines, index: int) -> dict[str, Any]:
    return {"line": index + 1, "text": lines.contents[index][:_SHOWN]}
