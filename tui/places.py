"""Where a person was: the zooms that were on the screen, each with its selection and scroll, to go back and forth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine import Plan, Task
from tui.widgets.rows import carry

_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Place:
    """One picture: what was zoomed into (None: the whole plan), what was selected, which row was the first."""

    zoom: Task | None
    selected: Task | None
    scroll: float


class Places:
    """Two stacks, as in a browser. Going somewhere new forgets what was ahead."""

    def __init__(self) -> None:
        self._behind: list[Place] = []
        self._ahead: list[Place] = []

    def leave(self, place: Place) -> None:
        """Remembers a place that is left for a new one."""
        self._behind = [*self._behind[1 - _LIMIT :], place]
        self._ahead.clear()

    def back(self, here: Place) -> Place | None:
        """The place before; `here` becomes the one ahead."""
        if not self._behind:
            return None
        self._ahead.append(here)
        return self._behind.pop()

    def forward(self, here: Place) -> Place | None:
        """The place that was gone back from."""
        if not self._ahead:
            return None
        self._behind.append(here)
        return self._ahead.pop()

    def around(self, zoom: Task) -> Place | None:
        """The last place from which `zoom` was zoomed into."""
        return next((place for place in reversed(self._behind) if place.selected is zoom), None)

    def carry(self, new: Plan) -> None:
        """Brings every place over to a new reading; the ones that are gone are forgotten."""
        self._behind = [place for each in self._behind if (place := carried(each, new)) is not None]
        self._ahead = [place for each in self._ahead if (place := carried(each, new)) is not None]


def carried(place: Place, new: Plan) -> Place | None:
    """A place in a new reading; None if what was zoomed into is gone."""
    zoom = carry(place.zoom, new) if place.zoom is not None else None
    if place.zoom is not None and (zoom is None or not (zoom.inside or zoom.subflow)):
        return None
    selected = carry(place.selected, new) if place.selected is not None else None
    return replace(place, zoom=zoom, selected=selected)
