"""How much of what can be turned up is tried: a little by default, N times as much with `FLOW_TORTURE=N`, all of it
with `FLOW_TORTURE=full`.
"""

from __future__ import annotations

import os

_WANTED = os.environ.get("FLOW_TORTURE", "1")
SHARE = None if _WANTED == "full" else max(1, int(_WANTED))
"""How many times the little; None is all."""
_ALL = 20


def times(few: int) -> int:
    """The number of random examples, where there is no all of them."""
    return few * (SHARE or _ALL)
