"""The supervisor: a small process that runs one piece of work, and outlives the engine that asked for it.

A script of its own, started as `python -I -S supervisor.py` with `FLOW_RUN` in its environment; it imports
nothing of the engine, and next to nothing before the work has started, because its start-up is part of every
step.

Therefore it writes its files by itself, with the same care, where everything else of the engine goes through
`engine.storage`: to import that would take longer than all that it does before the work has started.

It reads one job from the pipe on its standard input (a `marshal`led dict, made by `engine.atoms.local`) until
the pipe closes. Anything less than a whole job means that the engine died before the intent was durable: it
ends and has run nothing. Otherwise, in the folder of the job, all durable, in this order:

1. `<run>`, the output, is created. It must not exist: a run happens once. Then `<run>.ready` is removed, which the
   engine made: where that is still there and the supervisor is gone, the work never began.
2. the work runs, in a process group of its own, its input empty, its output in that file;
3. `<run>.exit` says how it ended, in JSON: `code` or `signal`, `timed_out`, `stopped`, `error` (it could not
   be started), `captured` (false: it had the terminal), `seconds`, `started_at`, `ended_at` (seconds since
   the epoch). It goes into the folder that was opened in the beginning, wherever that was moved to meanwhile; where
   that was removed (`git clean -X`), into a new one.

The work holds the output file itself, so that it can go on printing when everything else was killed. A file
that grows past HEAD + TAIL gets its middle taken out while the work goes on: as a hole, offsets stay what
they were; on a file system without holes by folding the tail onto the head.

Exit status: 0 the work ended and its status is on the disk, or there was no job; 74 the disk refused.
"""

# pathlib and contextlib would double the start-up
# ruff: noqa: PTH102, PTH108, PTH118, PTH119, PTH120, PTH123, PTH208, SIM105

import errno
import marshal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any
else:
    import _signal as signal  # `signal` adds enums to it, which take as long to import as the interpreter

HEAD = 1 << 20
TAIL = 4 << 20
SLACK = 1 << 20
_BLOCK = 4096
TICK = 0.1
_FOLD = b"\n[... output left out ...]\n"

# What the work must find at its default: what Python ignores, and what whoever started us may have ignored.
_RESET = [
    getattr(signal, name)
    for name in (
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGPIPE",
        "SIGTERM",
        "SIGXFSZ",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
    )
    if hasattr(signal, name)
]
_KEYBOARD = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU")


def main(kind: "type[Supervision] | None" = None) -> int:
    data = bytearray()
    while chunk := os.read(0, 1 << 16):
        data += chunk
    try:
        job = marshal.loads(bytes(data))
    except (EOFError, ValueError, TypeError):
        return 0
    try:
        return (kind or Supervision)(job).run()
    except OSError:
        return 74


class Supervision:
    """One run, from its job to its exit status."""

    def __init__(self, job: "dict[str, Any]") -> None:
        self.job = job
        self.run_id = os.fsencode(job["run"])
        self.path = os.path.join(job["folder"], self.run_id)
        self.terminal = -1
        self.former_group = 0
        self.stopped = False
        self.timed_out = False
        self.punched = HEAD

    def listen(self) -> None:
        """Let the end of the work, and the wish to end it, wake us; leave everything else to the work."""
        self.wake, notify = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(notify, False)
        signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopped", True))
        for name in _KEYBOARD:
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def run(self) -> int:
        output = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.folder = open_folder(self.job["folder"])
        try:
            # From here on, nobody takes this run for one that never began (`READY` of `engine.atoms.runner`).
            os.unlink(self.path + b".ready")
        except FileNotFoundError:
            pass  # somebody clears up: they do not
        if self.folder is not None:
            os.fsync(self.folder)
        self.listen()
        started_at, began = time.time(), time.monotonic()
        code, number, error = None, None, ""
        try:
            if self.job["tty"]:
                self.take_terminal(output)
            child = self.spawn(output)
        except OSError as reason:
            where = f": {os.fsdecode(reason.filename)}" if reason.filename else ""
            error = f"{reason.strerror}{where}"
        else:
            code, number = self.watch(child, output, began)
        finally:
            if self.terminal >= 0:
                self.give_terminal_back()
        status = {
            "code": code,
            "signal": number,
            "timed_out": self.timed_out,
            "stopped": self.stopped,
            "error": error,
            "captured": not self.job["tty"],
            "seconds": round(time.monotonic() - began, 3),
            "started_at": started_at,
            "ended_at": time.time(),
        }
        keep(self.path + b".exit", as_json(status), self.folder)
        return 0

    def prepare(self) -> None:
        """Write the files of the job. Raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        for suffix, text in self.job["files"].items():
            with os.fdopen(os.open(self.path + os.fsencode(suffix), flags, 0o600), "wb") as file:
                file.write(text)

    def spawn(self, output: int) -> int:
        """Start the work. Raises OSError when its folder or its program is not there."""
        self.prepare()
        os.chdir(self.job["cwd"])
        argv = self.job["argv"]
        env = {**os.environb, **self.job["env"]}
        if self.terminal >= 0:
            return self.spawn_on_terminal(argv, env)
        streams: list[Any] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ]
        return os.posix_spawn(
            argv[0], argv, env, file_actions=streams, setpgroup=0, setsigmask=[], setsigdef=_RESET
        )

    def spawn_on_terminal(self, argv: "list[bytes]", env: "dict[bytes, bytes]") -> int:
        """Start the work as a shell would: it takes the terminal itself, before its program runs, so that a key pressed
        right then is its own already."""
        child = os.fork()
        if child:
            try:
                os.setpgid(child, child)  # whoever comes first: from here on the group can be signalled
            except OSError:
                pass  # the work did so itself, and runs its program by now
            return child
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(self.terminal, os.getpid())
            for number in (0, 1, 2):
                os.dup2(self.terminal, number)
            for number in _RESET:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)

    # -- watching --

    def watch(self, child: int, output: int, began: float) -> "tuple[int | None, int | None]":
        """Wait for the work, within its time limit, and keep its output in bounds.

        Returns its exit status, or the number of the signal that ended it.
        """
        import select

        adopt_orphans()
        limit, grace = self.job["timeout"], float(self.job["grace"])
        ending_at, killed_at, status = 0.0, 0.0, None
        while True:
            status = self.collect(child, status)
            self.bound(output)
            now = time.monotonic()
            if status is None and not self.stopped and limit is not None and now - began > limit:
                self.timed_out = True
            if not ending_at and (self.stopped or self.timed_out):
                if status is not None:
                    break
                ending_at = now
                self.signal_all(child, signal.SIGTERM)
                self.signal_all(child, signal.SIGCONT)
            elif ending_at and now - ending_at > grace:
                # Again and again: what forks and leaves the group may be a new process every time one looks.
                killed_at = killed_at or now
                self.signal_all(child, signal.SIGKILL)
            if status is not None and (not ending_at or not self.anyone(child)):
                break
            if status is not None and killed_at and now - killed_at > 2:
                break  # what is left cannot be ended: another user's, or stuck in the kernel
            select.select([self.wake], [], [], 0.001 if killed_at else 0.02 if ending_at else TICK)
            try:
                os.read(self.wake, 512)
            except BlockingIOError:
                pass
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status), None
        return None, os.WTERMSIG(status)

    def signal_all(self, group: int, number: int) -> None:
        """Send a signal to the group of the work, and to those of its processes that left the group."""
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            pass
        for pid in [*self.strays(group), *adopted()]:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def anyone(self, group: int) -> bool:
        if adopted():
            return True
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return bool(self.strays(group))
        return True

    def collect(self, child: int, status: "int | None") -> "int | None":
        """Take note of what has ended, adopted orphans too. Returns the wait status of the work, if it has."""
        while True:
            try:
                pid, how = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return status
            if not pid:
                return status
            if not os.WIFSTOPPED(how):
                status = how if pid == child else status
            elif self.terminal >= 0 and pid == child:
                # By ctrl+z, where no shell could resume it, or by touching the terminal before it owned it.
                os.killpg(child, signal.SIGCONT)

    def strays(self, group: int) -> "list[int]":
        """Processes of this run outside its group, by their environment, where the system shows it (Linux)."""
        mark = b"\0FLOW_RUN=" + self.run_id + b"\0"
        found = []
        try:
            names = os.listdir("/proc")
        except OSError:
            return []
        for name in names:
            if name.isdigit() and int(name) != os.getpid():
                try:
                    with open(f"/proc/{name}/environ", "rb") as file:
                        if mark in b"\0" + file.read() and os.getpgid(int(name)) != group:
                            found.append(int(name))
                except OSError:
                    continue
        return found

    # -- output --

    def bound(self, output: int) -> None:
        """Take out the middle of an output that has grown past its bounds."""
        size = os.fstat(output).st_size
        end = (size - TAIL) // _BLOCK * _BLOCK
        if end - self.punched < SLACK:
            return
        try:
            if punch(output, self.punched, end - self.punched):
                self.punched = end
            else:
                tail = os.pread(output, TAIL, size - TAIL)
                os.ftruncate(output, HEAD)
                os.write(output, _FOLD + tail)
        except OSError:
            pass  # an output past its bounds is no reason to let go of the work

    # -- the terminal --

    def take_terminal(self, output: int) -> None:
        """Open the terminal that the engine has. Raises OSError when it has none."""
        import termios

        try:
            self.terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError as reason:
            raise OSError(reason.errno, "it needs a terminal, and there is none") from reason
        self.former_group = os.tcgetpgrp(self.terminal)
        self.modes = termios.tcgetattr(self.terminal)
        os.write(output, b"(This script had the terminal; its output was not recorded.)\n")

    def hand_terminal(self, group: int) -> None:
        try:
            os.tcsetpgrp(self.terminal, group)
        except OSError:
            pass  # it has ended already, or the terminal is gone

    def give_terminal_back(self) -> None:
        import termios

        self.hand_terminal(self.former_group)
        try:
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, self.modes)
        except termios.error:
            pass


def adopt_orphans() -> None:
    """Become the parent of what the work leaves behind (Linux), so that its end can be seen everywhere: in a
    container, the first process may not care for orphans."""
    if sys.platform.startswith("linux"):
        try:
            import ctypes

            set_child_subreaper = 36
            ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass  # a Python without ctypes: the work runs already, and that comes first


def adopted() -> "list[int]":
    """The children of this process (Linux): the work, and what it left behind, as soon as that has no other parent. To
    ask is so quick that a process has no time to become another one."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def as_json(values: "dict[str, Any]") -> bytes:
    """JSON of plain numbers, and of texts only where there are some: importing `json` takes a while."""
    if any(isinstance(value, str) and value for value in values.values()):
        import json

        return json.dumps(values).encode()
    words = {None: "null", True: "true", False: "false", "": '""'}
    parts = (
        f'"{name}": {words[value] if value in ("", None) or isinstance(value, bool) else repr(value)}'
        for name, value in values.items()
    )
    return f"{{{', '.join(parts)}}}".encode()


def punch(file: int, offset: int, length: int) -> bool:
    """Free these bytes of a file without moving the others. False where the file system cannot (or not like
    this).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        libc = ctypes.CDLL(None)
    except (ImportError, OSError):
        return False
    fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", None)
    if fallocate is None:
        return False
    keep_size, punch_hole = 1, 2
    ok: bool = (
        fallocate(file, keep_size | punch_hole, ctypes.c_longlong(offset), ctypes.c_longlong(length)) == 0
    )
    return ok


def keep(path: bytes, data: bytes, folder: "int | None" = None) -> None:
    """Durably put `data`, a result, at `path`; with `folder` into that open one, wherever it was moved to. A disk that
    refuses may recover, so try again, with a new file; a full one as long as it takes: the result is worth more than
    this process. A folder that somebody removed is made anew. Raises OSError.
    """
    waits = [3.0, 1.0, 0.3, 0.1]
    is_missing = False
    while True:
        try:
            if is_missing:
                make_folder(os.path.dirname(path))
            replace(path if folder is None else os.path.basename(path), data, folder)
            return
        except OSError as reason:
            if not waits and reason.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            if reason.errno == errno.ENOENT:
                is_missing, folder = True, None
            time.sleep(waits.pop() if waits else 3.0)


def make_folder(path: bytes) -> None:
    """Make a folder, and the one that it is in. Raises OSError where the project is gone as well."""
    for folder in (os.path.dirname(path), path):
        try:
            os.mkdir(folder)
        except FileExistsError:
            pass


def replace(path: bytes, data: bytes, folder: "int | None" = None) -> None:
    """Durably put `data` at `path`: whole, or not at all. With `folder`, an open one, `path` is a name in there,
    wherever the folder is by now."""
    temporary = b"%s.%d" % (path, os.getpid())
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=folder)
        try:
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, path, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        try:
            os.unlink(temporary, dir_fd=folder)
        except OSError:
            pass
        raise
    opened = open_folder(os.path.dirname(path)) if folder is None else None
    try:
        for one in (folder, opened):
            if one is not None:
                os.fsync(one)
    finally:
        if opened is not None:
            os.close(opened)


def open_folder(path: bytes) -> "int | None":
    """The open folder; None where folders cannot be opened (Windows)."""
    return None if os.name == "nt" else os.open(path, os.O_RDONLY)


if __name__ == "__main__":
    os._exit(main())  # taking an interpreter apart takes longer than everything it has to say
