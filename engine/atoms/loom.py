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
from typing import Any

from engine.atoms.base import Atom, AtomResult, Call, Effect
from engine.atoms.configuration import complain
from engine.atoms.settings import settings
from engine.loom import FileEdit, Loom, Preview, parse_edits


class LoomAtom(Atom):
    """Plans and writes the edit of a task. The runtime brings the `Loom` with the project's rules."""

    effect = Effect.ONCE

    def edits(self, call: Call) -> list[FileEdit]:
        """The edits that the task asks for. Raises ConfigurationError."""
        found = parse_edits(settings(call.config, what="This Loom task", flow=call.root / ".flow"))
        if len({one.path for one in found}) > 1:
            raise complain(
                call.config, "A Loom task edits one file, this one several.", hint="Make a task of each file."
            )
        return found

    def preview(self, call: Call, loom: Loom) -> Preview:
        """What would be written. Raises what the Loom raises (AnchorError, SecurityError, ...)."""
        return loom.preview(self.edits(call))

    def intended(self, preview: Preview) -> dict[str, Any]:
        """What the intent has to hold of an edit before it is written."""
        return {"path": preview.path, "base": preview.revision, "new": preview.after_revision}

    def write(self, call: Call, loom: Loom, *, base: str | None = None, force: bool = False) -> AtomResult:
        """Write the edit, made for the revision `base` if one is given; with `force`, to whatever is there now,
        also where the task itself names a base. Raises ContentChangedError, AnchorError, ...
        """
        edits = self.edits(call)
        if force:
            base, edits = None, [replace(one, base=None) for one in edits]
        written = loom.write(edits, base=base)
        return AtomResult.success(
            f"Edited {written.path}" if written.changed else f"{written.path} was like that already"
        )

    def is_complete(self, call: Call, loom: Loom, intended: Mapping[str, Any] | None) -> bool:
        """Whether an interrupted edit is in the file: by its revision, else because its text is there."""
        if intended is not None and loom.read(str(intended["path"])).revision == intended["new"]:
            return True
        return self.preview(call, loom).already
