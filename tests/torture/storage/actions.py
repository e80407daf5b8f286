"""What the kill and fault matrices run in a process of its own, under strace.

Between two marks (a look for a file that is not there) it does the work, and says on stdout what is done. It reads
lines `ACTION ROOT SHORTEN` (see `shorten`) and answers each with the pid of a fork that does it, then with its exit
status. The fork says what is done in ROOT.said, and begins when ROOT.go exists, so that strace can be attached.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":  # the storage alone, without the rest of the engine: it starts faster
    package = types.ModuleType("engine")
    package.__path__ = [str(Path(__file__).parents[3] / "engine")]
    sys.modules["engine"] = package

import filelock  # noqa: F401 - imported before the mark, so that the matrix meets storage, not imports
import psutil  # noqa: F401

from engine.errors import FlowError, StorageError
from engine.loom import Append, FileEdit, Loom
from engine.storage import Plans, Snapshot, Store, safe_path

OLD_PLAN, NEW_PLAN = b"- [ ] one\n- [ ] two\n", b"- [x] one\n- [ ] two\n"
OLD_TEXT, NEW_TEXT = b"source\n", b"source\nours\n"
FOREIGN = b"foreign\n"
_write = os.write


def mark(name: str) -> None:
    os.access(f"/flow-torture-{name}", os.F_OK)


def shorten(how: str) -> Callable[[], int]:
    """Makes writes come up short, and returns a function that counts them: every one that the system is asked for.

    N: the Nth takes half of what it is given, N+: so does every later one, N!: the disk is full behind that half.
    """
    first, then = int(how.rstrip("+!")), how[-1]
    number = 0

    def write(fd: int, data: memoryview | bytes) -> int:
        nonlocal number
        number += 1
        if number > first and then == "!":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        half = number == first or (number > first and then == "+")
        return _write(fd, data[: max(1, len(data) // 2)] if half else data)

    os.write = write  # type: ignore[assignment]
    return lambda: number


def say(text: str) -> None:
    try:
        _write(1, f"{text}\n".encode())
    except OSError:
        return  # the fault was meant for the storage, and met us


def commit(root: Path) -> None:
    """A plan and a source file, each written once."""
    store = Store(root)
    plans = Plans(store)
    store.settle()
    base = plans.read("status.md")
    if base is None or base.data != NEW_PLAN:
        plans.write("status.md", base, NEW_PLAN)
    say("plan")
    Loom(store).write([FileEdit("source.txt", Append("ours"))])
    say("source")


def foreign(root: Path) -> None:
    """A swap that meets another program, which opens the file between reading and writing.

    It goes on when the other one is there, however slow that is, so that the same calls are made every time: when that
    has written, or waits for our lease. A third program looks, as a look takes no telling how many calls.
    """
    script = f"printf 'foreign\\n' >> {root}/source.txt; : > {root}/written"
    waits = f"grep -q 'LEASE *BREAKING.*:{(root / 'source.txt').stat().st_ino} ' /proc/locks"
    look = f"for i in $(seq 2000); do [ -e {root}/written ] || {waits} && exit; sleep 0.005; done"

    def edit(now: Snapshot) -> bytes:
        os.posix_spawn("/bin/sh", ["sh", "-c", script], {})
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", look], os.environ), 0)
        return now.data + b"ours\n"

    Store(root).swap(safe_path(root, "source.txt"), edit)
    say("source")


def recover(root: Path) -> None:
    Store(root).settle()
    say("settled")


def run(action: str, root: Path, how: str) -> int:
    work = {"commit": commit, "foreign": foreign, "recover": recover}[action]
    count = None if how == "no" else shorten(how)
    mark("begin")
    try:
        work(root)
    except StorageError as error:
        say(f"error {error.fields.get('errno')}")
        code = error.exit_code
    except FlowError as error:
        say(f"refused {error.code}")
        code = error.exit_code
    else:
        code = 0
    mark("end")
    if count is not None:
        say(f"writes {count()}")
    return code


def main() -> int:
    library = ctypes.CDLL(None, use_errno=True)
    for line in sys.stdin:
        action, root, how = line.split()
        # Opened out here: once the fork may be traced, its calls are counted.
        said = os.open(f"{root}.said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        child = os.fork()
        if child == 0:
            library.prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: our tracer is no ancestor of ours
            os.dup2(said, 1)
            while not os.access(f"{root}.go", os.F_OK):
                time.sleep(0.001)
            os._exit(run(action, Path(root), how))
        os.close(said)
        say(str(child))
        say(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    return 0


if __name__ == "__main__":
    os._exit(main())
