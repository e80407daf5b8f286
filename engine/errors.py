"""What can go wrong, for the person who meets it: what, where, and how to mend it.

One base and flat subclasses. `code` is the stable word for programs (`--json`), `exit_code` what a command ends
with (DESIGN section 8). Extra keyword arguments become fields of the JSON error. All of them can be pickled.
"""

from __future__ import annotations

from typing import Any, ClassVar


class FlowError(Exception):
    """The base of every error that this program raises on purpose.

    `message` says what and where in one sentence, `hint` how to mend it, `fields` holds JSON values for programs.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.fields))

    def as_json(self) -> dict[str, Any]:
        """The `error` object of `--json`."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.fields}


def _rebuild(kind: type[FlowError], message: str, hint: str, fields: dict[str, Any]) -> FlowError:
    return kind(message, hint=hint, **fields)


class UsageError(FlowError):
    """The request itself is off: an option, a name, a missing file."""

    code, title, exit_code = "usage", "That cannot be asked", 2


class UnknownAddressError(UsageError):
    """No task has this address or name, or several have the name."""

    code, title = "unknown_address", "No such task"


class StaleIdError(UsageError):
    """A virtual id was used after the structure of its file changed, before it was indexed again."""

    code, title = "stale_id", "The plan has moved on"


class NeedsPersonError(FlowError):
    """A person has to decide: a manual task, an interrupted task, code that nobody approved."""

    code, title, exit_code = "needs_person", "A person is needed", 3


class TrustError(NeedsPersonError):
    """A task would run code that its person has not approved."""

    code, title = "trust", "Not approved yet"


class PlanError(FlowError):
    """A plan breaks the grammar or the rules. `problems` holds `engine.status.Problem` as JSON objects."""

    code, title, exit_code = "invalid_plan", "The plan needs mending", 4


class StateError(FlowError):
    """A rule forbids this state or this change of it (DESIGN section 2)."""

    code, title, exit_code = "state", "A rule forbids this", 4


class SecurityError(FlowError):
    """A path leads, or could lead, out of the place it must stay in."""

    code, title, exit_code = "forbidden_path", "This path is not allowed", 4


class UnsupportedFileError(FlowError):
    """A file that may not be edited: not UTF-8, binary, too large, several hard links, a mount point."""

    code, title, exit_code = "unsupported_file", "This file cannot be edited", 4


class ConfigurationError(FlowError):
    """A registry, a settings file or a task's configuration that cannot be understood."""

    code, title, exit_code = "configuration", "The configuration needs mending", 4


class BlockError(ConfigurationError):
    """What stands under a task is nothing that its atom can run."""

    title = "The task's block needs mending"


class NameMismatchError(FlowError):
    """`--expect` names another task than the one that stands at the address."""

    code, title, exit_code = "name_mismatch", "Another task stands there", 5


class AnchorError(FlowError):
    """An anchor was not found, or found more than once; `lines` and `candidates` are among the fields."""

    code, title, exit_code = "anchor", "The anchor does not fit", 5


class ContentChangedError(FlowError):
    """A file is no longer what the edit was made for. Nothing was written.

    `path` is relative to the project. The texts are `base` (what was read), `disk` (what is there now) and `edit`
    (what the edit would have made of the base); each is None where it is not known.
    """

    code, title, exit_code = "content_changed", "The file was changed meanwhile", 5

    @property
    def path(self) -> str:
        return str(self.fields.get("path", ""))

    @property
    def base(self) -> str | None:
        return self.fields.get("base")

    @property
    def disk(self) -> str | None:
        return self.fields.get("disk")

    @property
    def edit(self) -> str | None:
        return self.fields.get("edit")


class BusyError(FlowError):
    """Another engine is at work here."""

    code, title, exit_code = "busy", "Another engine is at work", 6


class FileBusyError(BusyError):
    """Another program has a file open for writing, or keeps replacing it; nothing was written."""

    title = "The file is in use"


class NoProjectError(FlowError):
    """There is no `.flow/` folder here or above."""

    code, title, exit_code = "no_project", "No plan here", 7


class ChangedOutsideError(FlowError):
    """In a strict project, a plan was changed by another program and nobody has accepted that yet."""

    code, title, exit_code = "changed_outside", "Changed outside", 8


class StorageError(FlowError, OSError):
    """The disk or a permission failed. What was there before is intact."""

    code, title, exit_code = "storage", "The disk refused", 74

    def __str__(self) -> str:
        return FlowError.__str__(self)
