"""The seam between an engine and the place where work runs.

A job is data, and so is everything that comes back; `LocalRunner` runs jobs on this machine, and a runner for
other machines needs to be no more than another class with these methods. All of them block briefly (`end` and
`probe` as long as they say) and know nothing of asyncio.

How an engine runs one job::

    pid = runner.start(run, tty=job.tty)      # a supervisor waits; nothing has run
    ...                                       # the intent gets pid, durably
    runner.release(job)                       # now it runs
    while (ended := runner.ended(run)) is None:
        data, offset = runner.read(run, offset)
        ...                                   # sleep a little; if not runner.is_alive(pid): look for
        survivors
    result = atom.result(call, ended)         # then make the result durable in the intent, and commit
    runner.forget(run)                        # after the intent is cleared: everything but the output goes

and how one finds out, after a crash, what became of it: `ended(run)` has its status, or `alive(run, pid)`
what still runs, or `began(run)` is False and it never ran (ask in this order, and `began` only when nothing
is alive), or it vanished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

DEFAULT_GRACE = 5.0
EXIT, EXPORTS, RESULT, CALL, SCRIPT, CONTEXT = SUFFIXES = (
    ".exit",
    ".exports",
    ".result",
    ".call",
    ".script",
    ".context",
)
"""What there may be of a run beside its output."""
READY = ".ready"
"""The name of an output that waits for its run to begin: its supervisor takes it away before anything runs."""
EXPORTS_LIMIT = 8 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work for a supervisor.

    `argv[0]` is an absolute path. `env` is added to the environment of the engine. `files` are written before
    it starts, each at `<output folder>/<run><suffix>`, by suffix. `timeout` and `grace` (between TERM and
    KILL) are in seconds. With `tty` it gets the terminal, and its output is not recorded.
    """

    run: str
    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    grace: float = DEFAULT_GRACE
    tty: bool = False


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be confused with a later one of the same number. `started` is what
    `engine.atoms.processes` says of its start; it compares within one boot of one machine."""

    pid: int
    started: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: `code`, or the number of the `signal` that ended it, or `error` when it could not be
    started.

    `timed_out` and `stopped` (the supervisor was asked to end it) say who ended it. `captured` is False when it
    had the terminal. Times are seconds (since the epoch). `result` is what a hosted atom answered (see
    `engine.atoms.host`), `exports` the text of the file `<run>.exports` that a script wrote, cut after
    EXPORTS_LIMIT bytes; bytes that are not UTF-8 stand in it as lone surrogates.
    """

    code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    stopped: bool = False
    error: str = ""
    captured: bool = True
    seconds: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    result: Mapping[str, Any] | None = None
    exports: str = ""


class Runner(Protocol):
    """Runs jobs. A run id is a name of letters, digits, `-` and `_`, used once."""

    def start(self, run: str, *, tty: bool = False) -> ProcessId:
        """Make ready to run; nothing runs until `release`, and nothing ever does when the engine dies before
        that.
        """

    def release(self, job: Job) -> None:
        """Hand the job over: from now on it runs. Raises StorageError when what `start` made is gone."""

    def abandon(self, run: str) -> None:
        """Take back a `start` that is not going to be released. Without effect on one that was."""

    def ended(self, run: str) -> Ended | None:
        """How it ended, or None: it runs still, never ran, or vanished."""

    def began(self, run: str) -> bool:
        """Whether the work may have begun. Reliable once nothing of the run is alive. Only what `start` left says that
        it has not: where that is gone with all the rest, it may have."""

    def is_alive(self, supervisor: ProcessId) -> bool:
        """Whether this very process runs (cheap, where `alive` looks at every process of the machine)."""

    def alive(self, run: str, supervisor: ProcessId | None) -> list[ProcessId]:
        """All processes of this run, its supervisor included."""

    def end(self, run: str, supervisor: ProcessId | None, *, grace: float = DEFAULT_GRACE) -> list[ProcessId]:
        """End all of it: TERM, after `grace` seconds KILL. Returns once it is gone, with what could not be
        ended.
        """

    def helpers(self, run: str) -> list[ProcessId]:
        """All processes of what was run for this run besides its work: probes and clean-ups, whose run ids are its own
        with `-` and a word behind it."""

    def end_helpers(self, run: str) -> None:
        """End all of these: TERM, and KILL for what stays."""

    def output(self, run: str) -> Path:
        """The file with its output."""

    def read(self, run: str, offset: int) -> tuple[bytes, int]:
        """Output from `offset` on, bounded, and the offset after it. The bytes name what was left out."""

    def tail(self, run: str, lines: int) -> str:
        """The last lines of its output, decoded; control sequences are still in it."""

    def forget(self, run: str) -> None:
        """Remove everything of this run but its output."""

    def unsettled(self) -> str | None:
        """The last run that began and was not forgotten, whatever became of it; for when the intent cannot be read."""

    def tidy(self) -> None:
        """Remove everything of all runs but their outputs. Nothing may be running, no result be wanted."""
