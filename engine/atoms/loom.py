"""The Loom atom: one surgical edit of one file, or several of the same one.

    - [ ] [Loom] Changelog
        ```toml
        op = "insert"
        path = "CHANGELOG.md"
        after = "## Unreleased"
        text = "- Orbit 2.0 is out."
        ```

The settings stand in a fenced `toml` or `json` block, or in the `.toml` or `.json` file that the task refers
to, as `engine.loom.parse_edits` reads them. It runs inside the engine: an edit is one durable swap, which
happened or did not. The intent holds the path and the revisions before and after, by which recovery knows
which of the two it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.atoms.base import Atom, AtomResult, Call, Effect
from engine.atoms.configuration import complain
from engine.atoms.settings import settings
from engine.errors import ConfigurationError

if TYPE_CHECKING:
    from engine.loom import FileEdit, Loom, Preview


class LoomAtom(Atom):
    """Plans and writes the edit of a task. The runtime brings the `Loom` with the project's rules."""

    effect = Effect.ONCE

    def edits(self, call: Call) -> list[FileEdit]:
        """The edits that the task asks for. Raises ConfigurationError."""
        return _edits(call.config, call.root / ".flow")

    def check(self, config: Mapping[str, Any]) -> None:
        if not config.get("ref"):
            _edits(config, None)

    def preview(self, call: Call, loom: Loom, *, reload: bool = False) -> Preview:
        """What would be written; with `reload`, to whatever is there now. Raises what the Loom raises."""
        return loom.preview(_for_any_base(self.edits(call)) if reload else self.edits(call))

    def intended(self, preview: Preview) -> dict[str, Any]:
        """What the intent has to hold of an edit before it is written."""
        return {"path": preview.path, "base": preview.revision, "new": preview.after_revision}

    def write(self, call: Call, loom: Loom, *, base: str | None = None, force: bool = False) -> AtomResult:
        """Write the edit.

        `base` is the revision for which a person approved the preview, `force` takes whatever is there now;
        either counts more than the base that the task itself names. Raises ContentChangedError, AnchorError, ...
        """
        edits = self.edits(call)
        if force or base is not None:
            edits = _for_any_base(edits)
        written = loom.write(edits, base=None if force else base)
        return AtomResult.success(
            f"Edited {written.path}" if written.changed else f"{written.path} was like that already"
        )

    def is_complete(self, call: Call, loom: Loom, intended: Mapping[str, Any] | None) -> bool:
        """Whether an interrupted edit is in the file: by its revision, else because its text is there."""
        if intended is not None and loom.read(str(intended["path"])).revision == intended["new"]:
            return True
        return self.preview(call, loom, reload=True).already


def _for_any_base(edits: list[FileEdit]) -> list[FileEdit]:
    return [replace(edit, base=None) for edit in edits]


def _edits(config: Mapping[str, Any], flow: Path | None) -> list[FileEdit]:
    from engine.loom import parse_edits  # only for Loom tasks

    wanted = settings(config, what="This Loom task", flow=flow)
    try:
        found = parse_edits(wanted)
    except ConfigurationError as error:
        raise complain(config, error.message, hint=error.hint) from error
    if len({one.path for one in found}) > 1:
        raise complain(
            config, "A Loom task edits one file, this one several.", hint="Make a task of each file."
        )
    return found
