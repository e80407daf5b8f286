"""The programs of the races, each a process of its own.

    python writers.py engine PLATFORM ROOT NAME COUNT       edits through the storage, retried at a conflict
    python writers.py naive - ROOT NAME COUNT               stat, write, stat: the control that must lose
    python writers.py KIND - ROOT NAME COUNT                another program: append, rename, truncate, same_size, hold

All edit ROOT/source.txt. An engine goes on until ROOT/stop exists and it has made COUNT edits, and so does the naive
one, which begins when ROOT/go exists.
"""

from __future__ import annotations

import os
import sys
import time
import types
from functools import partial
from pathlib import Path

if __name__ == "__main__":  # the storage alone, without the rest of the engine: it starts faster
    package = types.ModuleType("engine")
    package.__path__ = [str(Path(__file__).parents[3] / "engine")]
    sys.modules["engine"] = package

from engine.errors import BusyError, ContentChangedError
from engine.storage import Snapshot, Store, platform, safe_path

SLOT = 12


def add(now: Snapshot, line: bytes) -> bytes:
    return now.data + line


def say(number: int, conflicts: int, guarantees: set[str]) -> None:
    sys.stdout.write(f"{number} {conflicts} {','.join(sorted(guarantees)) or 'none'}\n")


def engine(root: Path, name: str, count: int) -> None:
    store = Store(root)
    path = safe_path(root, "source.txt")
    number = 0
    (root / f"ready.{name}").touch()
    guarantees: set[str] = set()
    conflicts = 0
    while number < count or not (root / "stop").exists():
        edit = partial(add, line=f"{name}.{number}\n".encode())
        try:
            guarantees.add(store.swap(path, edit).guarantee.name)
        except (ContentChangedError, BusyError):
            conflicts += 1
            continue
        number += 1
    say(number, conflicts, guarantees)


def naive(root: Path, name: str, count: int) -> None:
    """What most programs do: look at the stamps, edit, look again, write."""
    path = root / "source.txt"
    (root / f"ready.{name}").touch()
    while not (root / "go").exists():
        time.sleep(0.0005)
    number = 0
    while number < count or not (root / "stop").exists():
        while True:
            before = path.stat()
            data = path.read_bytes() + f"{name}.{number}\n".encode()
            now = path.stat()
            if (before.st_mtime_ns, before.st_size, before.st_ino) == (
                now.st_mtime_ns,
                now.st_size,
                now.st_ino,
            ):
                part = path.with_name(f"naive.{name}")
                part.write_bytes(data)
                part.replace(path)
                number += 1
                break
    say(number, 0, set())


def append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)


def rename(path: Path, line: bytes) -> None:
    part = path.with_name("foreign.tmp")
    part.write_bytes(path.read_bytes() + line)
    part.replace(path)


def truncate(path: Path, line: bytes) -> None:
    data = path.read_bytes()
    with path.open("wb") as file:
        file.write(data + line)


def same_size(path: Path, line: bytes) -> None:
    """Writes into a slot of its own at the start of the file, and puts the modification time back."""
    number = int(line.split(b".")[1])
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(number * SLOT)
        file.write(line.rstrip(b"\n").ljust(SLOT - 1) + b"\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def hold(path: Path, line: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        time.sleep(0.002)
        file.write(line)


FOREIGN = {"append": append, "rename": rename, "truncate": truncate, "same_size": same_size, "hold": hold}


def foreign(kind: str, root: Path, name: str, count: int) -> None:
    for number in range(count):
        FOREIGN[kind](root / "source.txt", f"{name}.{number}\n".encode())
        time.sleep(0.0005)
    say(count, 0, set())


def main() -> int:
    kind, chosen, root, name, count = sys.argv[1:]
    if chosen == "portable":
        platform.system = platform.Portable()
    elif chosen == "no-exchange":
        platform.system.exchange = platform.Portable().exchange  # type: ignore[method-assign]
    if kind == "engine":
        engine(Path(root), name, int(count))
    elif kind == "naive":
        naive(Path(root), name, int(count))
    else:
        foreign(kind, Path(root), name, int(count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
