"""Runs jobs on this machine, each under a supervisor of its own (`engine.atoms.supervisor`).

The files of a run belong to its supervisor and its work, which may do anything to them; so they are read here as they
are, many times a second, and never through `engine.storage`, whose promises nobody could keep for them.
"""

from __future__ import annotations

import json
import marshal
import math
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from engine.atoms import processes, supervisor
from engine.atoms.runner import (
    DEFAULT_GRACE,
    EXIT,
    EXPORTS,
    EXPORTS_LIMIT,
    READY,
    RESULT,
    SUFFIXES,
    Ended,
    Job,
    ProcessId,
)
from engine.errors import SecurityError, StorageError
from engine.storage import Store, platform
from engine.storage.folder import Folder

_COMMAND = [sys.executable, "-I", "-S", str(Path(supervisor.__file__).absolute())]
_PORTABLE = [sys.executable, "-P", "-m", "engine.atoms.portable"]
_CHUNK = 1 << 16
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_FILE = re.compile(rf"{_RUN.pattern}(\.[a-z]+)?")
_ATTEMPT = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
"""An attempt at a task; probes and clean-ups have a word behind that."""
_PLACE = ("logs", "output")
KEPT = 200
"""Runs whose output is kept."""
_PATIENCE = 5.0
_GOODBYE = 1.0
_PRUNE_EVERY = 50
_EXIT_TYPES = {one.name: type(one.default) for one in fields(Ended) if one.name not in ("result", "exports")}
_RECORD_LIMIT = 8 * EXPORTS_LIMIT
"""Bytes of JSON that an answer may have, with every character of its exports escaped."""


class _Supervisor(subprocess.Popen[bytes]):
    """A process that is meant to outlive us, so that letting go of it is nothing to warn about."""

    def __del__(self) -> None:
        if self.stdin is not None:
            self.stdin.close()


class LocalRunner:
    """The `Runner` of this machine. Everything of a run is in `.flow/logs/output/`: `<run>`, the output, and
    beside it files with further suffixes.
    """

    def __init__(self, store: Store) -> None:
        self._flow = store.flow
        self.folder = store.flow.joinpath(*_PLACE)
        self._children: dict[str, _Supervisor] = {}
        self._starts = count()

    # -- running --

    def start(self, run: str, *, tty: bool = False) -> ProcessId:
        """See `Runner.start`. Raises StorageError when no process can be started, SecurityError when its files would go
        where a symbolic link leads.
        """
        if not _RUN.fullmatch(run):
            raise ValueError(f"{run!r} is no run id")
        try:
            if next(self._starts) % _PRUNE_EVERY == 0:
                self.prune()
            with self._open_folder(make=True) as folder:
                os.close(folder.open(f"{run}{READY}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            child = _Supervisor(
                _COMMAND if platform.system.has_groups else _PORTABLE,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "FLOW_RUN": run},
                cwd="/",
                # With the terminal it has to stay in our session, since that is the terminal's.
                **({"process_group": 0} if tty and platform.system.has_groups else platform.system.session()),
            )
        except OSError as error:
            raise StorageError(f"The supervisor of the task could not be started: {error}.") from error
        self._children[run] = child
        identity = processes.identify(child.pid)
        if identity is None:
            raise StorageError("The supervisor of the task ended at once.")
        return identity

    def release(self, job: Job) -> None:
        child = self._children[job.run]
        order = {
            "run": job.run,
            "folder": os.fsencode(self.folder.absolute()),
            "argv": [_encoded(word) for word in job.argv],
            "cwd": _encoded(job.cwd),
            "env": {_encoded(name): _encoded(value) for name, value in job.env.items()},
            "files": {suffix: text.encode("utf-8", "surrogateescape") for suffix, text in job.files.items()},
            "timeout": job.timeout,
            "grace": job.grace,
            "tty": job.tty,
        }
        assert child.stdin is not None
        try:
            with child.stdin as pipe:
                pipe.write(marshal.dumps(order))
        except BrokenPipeError as error:
            raise StorageError("The supervisor of the task is gone; nothing was run.") from error

    def abandon(self, run: str) -> None:
        """Take back a `start` that is not going to be released: the supervisor ends without having run
        anything.
        """
        child = self._children.get(run)
        if child is not None and child.stdin is not None and not child.stdin.closed:
            child.stdin.close()
            child.wait()
            del self._children[run]

    # -- what became of it --

    def ended(self, run: str) -> Ended | None:
        self._reap(run)
        status = self._record(run, EXIT)
        if status is not None and _is_exit(status):
            known = {name: value for name, value in status.items() if name in _EXIT_TYPES}
            return Ended(**known, result=self._record(run, RESULT), exports=self._exports(run))
        result = self._record(run, RESULT)
        if result is not None and not processes.of_run(run, None):
            return Ended(code=0, result=result)  # the supervisor was killed between the two records
        return None

    def began(self, run: str) -> bool:
        try:
            with self._open_folder() as folder:
                return f"{run}{READY}" not in folder.names()
        except (OSError, SecurityError):
            return True

    def is_alive(self, supervisor: ProcessId) -> bool:
        return processes.is_alive(supervisor)

    def alive(self, run: str, supervisor: ProcessId | None) -> list[ProcessId]:
        self._reap(run)
        return processes.of_run(run, supervisor)

    def end(self, run: str, supervisor: ProcessId | None, *, grace: float = DEFAULT_GRACE) -> list[ProcessId]:
        self.abandon(run)
        asked = False

        def work() -> list[ProcessId]:
            return [one for one in self.alive(run, supervisor) if one != supervisor]

        def gone() -> bool:
            nonlocal asked
            left = self.alive(run, supervisor)
            if left and not asked and supervisor not in left:
                asked = True
                processes.send(left, hard=False)
            return not left

        # The supervisor passes it on and says in the exit status that it was asked to; without one, we ask
        # ourselves.
        if supervisor is not None:
            processes.send([supervisor], hard=False)
        if not processes.wait_for(gone, grace):
            until = time.monotonic() + _PATIENCE
            while (left := work()) and time.monotonic() < until:
                processes.send(left, hard=True)
                processes.wait_for(lambda: not work(), 0.2)
            if supervisor is not None and not processes.wait_for(gone, _PATIENCE):
                processes.send([supervisor], hard=True)
                processes.wait_for(gone, _PATIENCE)
        return self.alive(run, supervisor)

    def helpers(self, run: str) -> list[ProcessId]:
        return processes.of_run(run, None, helpers=True)

    def end_helpers(self, run: str) -> None:
        for hard in (False, True):
            processes.send(self.helpers(run), hard=hard)
            if processes.wait_for(lambda: not self.helpers(run), _PATIENCE):
                return

    # -- its output --

    def output(self, run: str) -> Path:
        return self.folder / run

    def read(self, run: str, offset: int) -> tuple[bytes, int]:
        file = self._open(run)
        if file is None:
            return b"", offset
        with file:
            size = os.fstat(file.fileno()).st_size
            if offset > size:  # somebody truncated it
                return b"", size
            begin = offset
            # The second time further in: what grows fast loses its oldest bytes while they are read.
            for kept in (supervisor.TAIL, supervisor.TAIL // 2):
                gone = _left_out(size)
                if begin in gone:
                    begin = size - kept
                file.seek(begin)
                data = file.read(min(_CHUNK, gone.start - begin) if gone and begin < gone.start else _CHUNK)
                size = os.fstat(file.fileno()).st_size
                if begin not in _left_out(size):
                    break
            else:
                return b"", offset
            if len(data) == _CHUNK:  # a character that goes on behind it is left to the next call
                data = data[: _CHUNK - _begun(data)]
            note = f"\n[... {begin - offset} bytes left out ...]\n".encode() if begin > offset else b""
            return note + data, begin + len(data)

    def tail(self, run: str, lines: int) -> str:
        file = self._open(run)
        if file is None:
            return ""
        with file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _CHUNK))
            text = file.read(_CHUNK).decode("utf-8", "replace")
        return "".join(text.splitlines(keepends=True)[-lines:]) if lines > 0 else ""

    # -- what it leaves behind --

    def forget(self, run: str) -> None:
        child = self._children.get(run)
        if child is not None:
            # It has written its last record and is about to be gone; without this it would be left as a zombie.
            with suppress(subprocess.TimeoutExpired):
                child.wait(_GOODBYE)
            self._reap(run)
        self._remove(f"{run}{suffix}" for suffix in (READY, *SUFFIXES))

    def unsettled(self) -> str | None:
        """The last run that began and was not forgotten, whatever became of it."""
        names = self._names()
        open_runs = {run for run, dot, _ in (name.partition(".") for name in names) if dot}
        return max((run for run in open_runs.intersection(names) if _ATTEMPT.fullmatch(run)), default=None)

    def tidy(self) -> None:
        """Remove everything of all runs but their outputs: what a crash kept `forget` from. Nothing may be running,
        and no result may be wanted any more.
        """
        self._remove(name for name in self._names() if "." in name)

    def prune(self, keep: int = KEPT) -> None:
        """Remove everything of all but the last runs. `start` does this from time to time."""
        ages: dict[str, float] = {}
        files: dict[str, list[str]] = {}
        for name in self._names():
            run = name.partition(".")[0]
            files.setdefault(run, []).append(name)
            with suppress(FileNotFoundError):
                ages[run] = max(ages.get(run, 0.0), (self.folder / name).lstat().st_mtime)
        for run in sorted(ages, key=ages.__getitem__)[: max(0, len(ages) - keep)]:
            self._remove(files[run])

    def _record(self, run: str, suffix: str) -> dict[str, Any] | None:
        try:
            record = json.loads(self._bytes(run, suffix, _RECORD_LIMIT) or b"")
        except (ValueError, RecursionError):
            return None
        return record if isinstance(record, dict) else None

    def _exports(self, run: str) -> str:
        return (self._bytes(run, EXPORTS, EXPORTS_LIMIT + 1) or b"").decode("utf-8", "surrogateescape")

    def _bytes(self, run: str, suffix: str, limit: int = -1) -> bytes | None:
        """What is in one of the files of a run."""
        file = self._open(f"{run}{suffix}")
        if file is None:
            return None
        with file:
            return file.read(limit)

    def _open_folder(self, *, make: bool = False) -> Folder:
        """The open folder, reached without following links: it may have come with a clone. Raises SecurityError where
        one is on the way, and OSError.
        """
        return Folder.within(self._flow.parent, self._flow.name).below(*_PLACE, make=make)

    def _open(self, name: str) -> BinaryIO | None:
        """One of the files, open to be read. None when there is none: in its place may be anything, a link to a file
        of somebody else's, or a pipe, on which we would wait for ever.
        """
        if not _FILE.fullmatch(name):
            return None
        try:
            with self._open_folder() as folder:
                descriptor = folder.open(name)
        except (OSError, SecurityError):
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")

    def _names(self) -> list[str]:
        try:
            with self._open_folder() as folder:
                return folder.names()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _remove(self, names: Iterable[str]) -> None:
        with suppress(FileNotFoundError, NotADirectoryError), self._open_folder() as folder:
            for name in names:
                with suppress(FileNotFoundError, IsADirectoryError):
                    folder.unlink(name)

    def _reap(self, run: str) -> None:
        child = self._children.get(run)
        if child is not None and child.poll() is not None:
            del self._children[run]


def _encoded(word: str) -> bytes:
    """A path or a text of the plan, for another program; where the locale knows only ASCII, the text is UTF-8 still."""
    try:
        return os.fsencode(word)
    except UnicodeEncodeError:
        return word.encode("utf-8", "surrogateescape")


def _is_exit(status: dict[str, Any]) -> bool:
    """Whether this is what a supervisor writes: the work may have put anything into the place of it."""
    for name, kind in _EXIT_TYPES.items():
        value = status.get(name)
        if kind is type(None):  # a number, or none
            sound = value is None or type(value) is int
        elif kind is float:
            sound = type(value) is int or (type(value) is float and math.isfinite(value))
        else:
            sound = type(value) is kind
        if name in status and not sound:
            return False
    return True


def _begun(data: bytes) -> int:
    """How many bytes at the end are the beginning of a UTF-8 character that is not all there."""
    for back in range(1, 4):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            break
    return 0


def _left_out(size: int) -> range:
    """The offsets that the supervisor may have taken out of an output of this size."""
    end = size - supervisor.TAIL
    return range(supervisor.HEAD, end if end - supervisor.HEAD >= supervisor.SLACK else supervisor.HEAD)
