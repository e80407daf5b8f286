"""A terminal for a program under test: a pseudo-terminal of which every byte is kept, and nothing is interpreted."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_CHUNK = 1 << 16


class Terminal:
    """Runs `argv` as the leader of a session of its own; use it in a `with`, which ends the program.

    `raw` is everything it has written. `send` answers with the place in `raw` from which an answer would stand.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.raw = bytearray()
        self.started = time.monotonic()
        self._alive = True
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # These would win over the size of the terminal; some runners of tests set them.
            mine = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            self._become(argv, cwd, {**mine, "TERM": "xterm-256color", **(env or {})})
        columns, rows = size
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self._fd, False)

    @staticmethod
    def _become(argv: Sequence[str], cwd: Path | None, env: dict[str, str]) -> None:
        try:
            if cwd is not None:
                os.chdir(cwd)
            os.execvpe(argv[0], list(argv), env)
        finally:
            os._exit(127)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alive:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def send(self, keys: str | bytes) -> int:
        """Types; answers with the number of bytes written so far by the program."""
        data = keys.encode() if isinstance(keys, str) else keys
        self.read(0)
        at = len(self.raw)
        os.write(self._fd, data)
        return at

    def read(self, seconds: float) -> bool:
        """Takes in what there is, waiting for it at most so long. False: there was nothing."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # the program has closed it: EIO
            return False
        self.raw += data
        return bool(data)

    def wait_for(self, text: str | bytes, *, since: int = 0, seconds: float = 60.0) -> float:
        """Waits until this text was written behind `since`; answers with the moment (monotonic) at which it was seen.

        Raises TimeoutError with the last of what was written.
        """
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + seconds
        looked = since
        while True:
            if self.raw.find(wanted, looked) >= 0:
                return time.monotonic()
            looked = max(since, len(self.raw) - len(wanted))
            if time.monotonic() > deadline:
                tail = bytes(self.raw[max(since, len(self.raw) - 3_000) :])
                raise TimeoutError(f"{text!r} was not written; the last of what was: {tail!r}")
            self.read(0.2)

    def settle(self, quiet: float = 0.15, seconds: float = 30.0) -> None:
        """Reads until the program has written nothing for a moment."""
        deadline = time.monotonic() + seconds
        while self.read(quiet) and time.monotonic() < deadline:
            pass

    def wait(self, seconds: float = 60.0) -> int:
        """Waits for the program to end, taking in what it writes; answers with its exit code."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._alive = False
                while self.read(0):
                    pass
                return os.waitstatus_to_exitcode(status)
        raise TimeoutError(f"it goes on; the last of what was written: {bytes(self.raw[-3_000:])!r}")

    def modes(self) -> list[object]:
        """What `stty -a` would say of it: how it treats what is typed and printed."""
        return list(termios.tcgetattr(self._fd))

    def processor(self) -> float:
        """The seconds of processor time that all threads of the program have used so far (Linux)."""
        used = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                used += int((thread / "schedstat").read_text().split()[0])
        return used / 1e9

    def memory(self) -> int:
        """The most memory that the program has held at once so far, in bytes (Linux)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise OSError("the kernel does not say")
