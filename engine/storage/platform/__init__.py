"""What is special to a platform, chosen here and nowhere else.

Use it as `platform.system.exchange(...)`, so that tests can put the class of another system in its place.
`FLOW_PLATFORM=portable` leaves out all that only some systems have: it shows how things go on Windows.
"""

from __future__ import annotations

import os
import sys

from engine.storage.platform.portable import Portable


def choose(name: str = sys.platform) -> Portable:
    """The best class for a value of `sys.platform`."""
    if os.environ.get("FLOW_PLATFORM") == "portable":
        return Portable()
    if name.startswith("linux"):
        from engine.storage.platform.linux import Linux

        return Linux()
    if name == "darwin":
        from engine.storage.platform.darwin import Darwin

        return Darwin()
    return Portable()


system: Portable = choose()

__all__ = ["Portable", "choose", "system"]
