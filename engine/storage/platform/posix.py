"""What Linux and macOS share: folders as descriptors, process groups, sessions."""

from __future__ import annotations

import os
import signal
from typing import Any

from engine.storage.platform.portable import Portable


class Posix(Portable):
    name = "posix"
    has_folders = True
    has_groups = True

    def session(self) -> dict[str, Any]:
        return {"start_new_session": True}

    def group_of(self, pid: int) -> int | None:
        return os.getpgid(pid)

    def signal_group(self, leader: int, *, hard: bool) -> bool:
        try:
            os.killpg(leader, signal.SIGKILL if hard else signal.SIGTERM)
        except ProcessLookupError:
            return False
        return True
