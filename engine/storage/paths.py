"""Where a project is, and which paths may be touched in it."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from engine.errors import NoProjectError, SecurityError
from engine.storage.disk import failure

FLOW = ".flow"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}
_LONGEST, _LONGEST_PART = 1024, 255


class SafePath(NamedTuple):
    """A path that was checked: `relative` as it was asked for, `path` with all symbolic links resolved.

    `path` is inside `base`, which is resolved too. Whoever opens it goes down from `base` again, folder by
    folder, following no link: one that was put there after the check is refused.
    """

    base: Path
    relative: str
    path: Path

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders between base and file, and the file."""
        return self.path.parts[len(self.base.parts) :]


def folder_at(path: Path) -> str:
    """What tells the folder at a path from every other, also when it is moved within its file system; empty when there
    is none to be seen."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # the path may have come with a clone, and be anything
        return ""
    return f"{status.st_dev}:{status.st_ino}" if stat.S_ISDIR(status.st_mode) else ""


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (the working directory) that has a `.flow/` folder.

    Raises NoProjectError: none up to the top, `.flow` is something else, or a folder on the way cannot be
    looked into.
    """
    try:
        here = Path(os.path.realpath(start if start is not None else Path.cwd(), strict=True))
        if not here.is_dir():
            here = here.parent
    except FileNotFoundError as error:
        what = "The working directory was deleted." if start is None else f"There is no {str(start)!r}."
        raise NoProjectError(what, hint="Change to a folder that exists.") from error
    except OSError as error:
        raise NoProjectError(
            f"Cannot look into {str(start or '.')!r}: {error.strerror}.",
            hint="Check its permissions and symbolic links.",
        ) from error
    for folder in (here, *here.parents):
        if _has_flow(folder):
            return folder
    raise NoProjectError(
        f"There is no {FLOW}/ folder in {str(here)!r} or above it.",
        hint="`flow init` makes one here, `flow demo` shows one.",
        path=str(here),
    )


def _has_flow(folder: Path) -> bool:
    flow = folder / FLOW
    try:
        mode = flow.stat().st_mode
    except FileNotFoundError:
        if flow.is_symlink():
            raise _not_a_folder(flow, "a symbolic link to nowhere") from None
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _not_a_folder(flow, "a symbolic link that leads in a circle") from error
        raise NoProjectError(
            f"Cannot look into {str(folder)!r}: {error.strerror}.",
            hint="Check its permissions.",
            path=str(flow),
        ) from error
    if not stat.S_ISDIR(mode):
        raise _not_a_folder(flow, "a file")
    return True


def _not_a_folder(flow: Path, what: str) -> NoProjectError:
    return NoProjectError(
        f"{str(flow)!r} is {what}, and a folder was expected.",
        hint="Move it away, then `flow init` makes the folder.",
        path=str(flow),
    )


def safe_path(base: Path, relative: str) -> SafePath:
    """The path `base`/`relative`, if nothing about it can lead out of `base` (DESIGN section 3).

    `relative` uses forward slashes. The file need not exist. Raises SecurityError, before anything is opened,
    for absolute paths, `..`, drives, protocols, UNC and device names, control characters, over-long names,
    symbolic links that leave `base`, and names that differ in case from what is on the disk. StorageError when the
    disk does not let it be found out.
    """
    if reason := _refusal(relative):
        raise _forbidden(relative, reason)
    try:
        root = os.path.realpath(base)
        path = os.path.realpath(os.path.join(root, relative))  # noqa: PTH118 - pathlib takes four times as long
        if path == root:
            raise _forbidden(relative, "it names no file")
        inside = os.path.join(root, "")  # noqa: PTH118
        if not path.startswith(inside):
            raise _forbidden(relative, f"it leads out of {root!r}")
        _check_case(root, Path(path.removeprefix(inside)).parts, relative)
    except ValueError as error:
        raise _forbidden(relative, str(error)) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EINVAL):
            raise _forbidden(relative, error.strerror or str(error)) from error
        raise failure(relative, "look for", error) from error
    return SafePath(Path(root), relative, Path(path))


def _refusal(relative: str) -> str:
    """Why this text can be no path inside a project, or nothing."""
    if not relative or relative.strip() in ("", "."):
        return "it names no file"
    if any(ord(character) < 32 or ord(character) == 127 for character in relative):
        return "it holds control characters"
    if len(relative) > _LONGEST or any(
        len(os.fsencode(part)) > _LONGEST_PART for part in relative.split("/")
    ):
        return "it is too long"
    if "\\" in relative:
        return "it holds backslashes; folders are separated by forward slashes"
    if relative.startswith("/"):
        return "it is absolute"
    if _SCHEME.match(relative):
        return "it names a drive or a protocol"
    parts = relative.split("/")
    if ".." in parts:
        return "`..` leads out of a folder"
    for part in parts:
        if part.split(".")[0].rstrip(" ").lower() in _DEVICES:
            return f"{part!r} is the name of a device on Windows"
    return ""


def _check_case(root: str, parts: tuple[str, ...], relative: str) -> None:
    """On a file system that ignores case, a name must still be spelled as it is on the disk."""
    folder = root
    for part in parts:
        other, here = f"{folder}{os.sep}{part.swapcase()}", f"{folder}{os.sep}{part}"
        if other != here and os.path.exists(other) and os.path.exists(here) and os.path.samefile(other, here):  # noqa: PTH110, PTH121
            names = os.listdir(folder)  # noqa: PTH208
            if part not in names:
                near = next((name for name in names if name.lower() == part.lower()), part)
                raise _forbidden(relative, f"on the disk it is spelled {near!r}")
        folder = here


def other_spelling(path: SafePath) -> str | None:
    """The name beside a missing file that differs from it in case only, if there is one."""
    wanted = path.path.name.casefold()
    try:
        names = [entry.name for entry in path.path.parent.iterdir()]
    except OSError:
        return None
    return next((name for name in names if name.casefold() == wanted and name != path.path.name), None)


def _forbidden(relative: str, reason: str) -> SecurityError:
    shown = relative if len(relative) <= 80 else relative[:77] + "..."
    return SecurityError(
        f"The path {shown!r} is refused: {reason}.",
        hint="Give a path inside the project, relative, with forward slashes.",
        path=shown,
    )
