"""How sure a swap can be that it overwrote nobody."""

from __future__ import annotations

from enum import StrEnum


class Guarantee(StrEnum):
    """From the strongest to the weakest; `means` says it for people."""

    LEASED = "lease and exchange"
    EXCHANGED = "exchange"
    COMPARED = "compare and replace"

    @property
    def means(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Guarantee.LEASED: (
        "No writer loses a byte to another: the file is watched while it is edited, and exchanged in one step."
    ),
    Guarantee.EXCHANGED: (
        "The file is exchanged in one step and compared afterwards; a program that holds it open and writes "
        "later may write into the old version."
    ),
    Guarantee.COMPARED: (
        "The file is compared right before it is replaced; a program that replaces it in the microseconds "
        "between is overwritten."
    ),
}
