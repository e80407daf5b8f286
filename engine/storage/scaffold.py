"""Makes new files, and leaves alone whatever is there already; and replaces those of the user, outside of projects."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from engine.errors import SecurityError
from engine.storage.disk import close, disk, put
from engine.storage.folder import Folder


def scaffold(files: Mapping[str, bytes], target: Path) -> list[Path]:
    """Durably writes files (paths relative to `target`, forward slashes) that do not exist yet; returns
    those.

    The target and folders on the way are made. A file that is there, of any kind, is never overwritten; a
    symbolic link on the way is refused with SecurityError.
    """
    made: list[Path] = []
    with disk(target, "make"):
        target.mkdir(parents=True, exist_ok=True)
        base = Path(os.path.realpath(target))
        for relative, data in files.items():
            parts = PurePosixPath(relative).parts
            if not parts or ".." in parts or relative.startswith("/"):
                raise SecurityError(f"The path {relative!r} is refused.", path=relative)
            *folders, name = parts
            with Folder.within(base, *folders, make=True) as folder:
                if _make(folder, name, data):
                    made.append(base / relative)
    return made


def replace_file(path: Path, data: bytes) -> None:
    """Durably puts a whole new content in place of a file outside of any project, whose folders are made.

    Call it under a lock that all writers of the file take.
    """
    with disk(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with Folder.within(Path(os.path.realpath(path.parent))) as folder:
            part = f".{path.name}.{os.getpid():x}.part"
            fd = folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                try:
                    put(fd, data)
                finally:
                    close(fd)
                folder.replace(part, folder, path.name)
            except OSError:
                folder.discard(part)
                raise
            folder.sync()


def _make(folder: Folder, name: str, data: bytes) -> bool:
    if folder.exists(name):
        return False
    part = f".{name}.{os.getpid():x}.part"
    fd = folder.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        try:
            put(fd, data)
        finally:
            close(fd)
        folder.move_new(part, folder, name)
    except FileExistsError:
        folder.discard(part)
        return False
    except OSError:
        folder.discard(part)
        raise
    folder.sync()
    return True
