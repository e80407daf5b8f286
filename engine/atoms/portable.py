"""The supervisor of systems without process groups (Windows): `python -P -m engine.atoms.portable`.

It keeps the same promises with weaker means: what belongs to the work is found by its environment and its
parents, nothing can be asked to end politely unless it listens, and a script cannot have the terminal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from engine.atoms import processes
from engine.atoms.supervisor import TICK, Supervision, main


class PortableSupervision(Supervision):
    """A run whose processes have nothing in common but `FLOW_RUN`."""

    def listen(self) -> None:
        """Nothing wakes us but the clock; a wish to end the work ends us, and whoever wished it goes on."""

    def take_terminal(self, output: int) -> None:
        raise OSError(None, "on this system, a script cannot have the terminal")

    def spawn(self, output: int) -> int:
        self.prepare()
        self._process = subprocess.Popen(
            [os.fsdecode(word) for word in self.job["argv"]],
            cwd=os.fsdecode(self.job["cwd"]),
            env={
                **os.environ,
                **{os.fsdecode(name): os.fsdecode(value) for name, value in self.job["env"].items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        return self._process.pid

    def watch(self, child: int, output: int, began: float) -> tuple[int | None, int | None]:
        limit = self.job["timeout"]
        while self._process.poll() is None:
            self.bound(output)
            if limit is not None and time.monotonic() - began > limit:
                self.timed_out = True
                self._end_all()
                break
            time.sleep(TICK / 4)
        status = self._process.wait()
        self.bound(output)
        return (status, None) if status >= 0 else (None, -status)

    def _end_all(self) -> None:
        """Ask everything of this run to end; after the grace, end it."""
        run = os.fsdecode(self.run_id)

        def over() -> bool:
            self._process.poll()
            return not processes.of_run(run, None)

        processes.send(processes.of_run(run, None), hard=False)
        until = time.monotonic() + float(self.job["grace"])
        while not over() and time.monotonic() < until:
            time.sleep(TICK)
        while not over() and time.monotonic() < until + 5:
            processes.send(processes.of_run(run, None), hard=True)
            time.sleep(TICK / 4)


if __name__ == "__main__":
    sys.exit(main(PortableSupervision))
