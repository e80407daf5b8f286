"""The Loom: edits of a project's files, guarded against every other writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import (
    AnchorError,
    ConfigurationError,
    ContentChangedError,
    SecurityError,
    StorageError,
    UnsupportedFileError,
    UsageError,
)
from engine.loom.edits import FileEdit
from engine.loom.globs import matches
from engine.loom.lines import BOM
from engine.loom.operations import apply_all
from engine.storage import (
    Guarantee,
    SafePath,
    Snapshot,
    Store,
    diff,
    other_spelling,
    read,
    safe_path,
)

LIMIT = 10_000_000
"""Bytes that a file may have."""
ALLOWED = ("**",)
REFUSED = ("**/.flow/**", "**/.flow", "**/.git/**", "**/.git")
_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class LoomText:
    """A file's text, without a byte-order mark, and the revision (SHA-256 in hexadecimal) of its bytes."""

    path: str
    revision: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What edits would make of a file. Already: they stand there, nothing would be written."""

    path: str
    before: str
    after: str
    revision: str
    after_revision: str
    diff: str
    already: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What edits did to a file. Not `changed`: they stood there already, and nothing was written."""

    path: str
    before_revision: str
    after_revision: str
    changed: bool
    guarantee: Guarantee


class Loom:
    """Reads, previews and writes the files of one project that its globs allow.

    All methods raise SecurityError for a path that may not be edited, UnsupportedFileError for what is no text in
    UTF-8 of at most 10 MB, UsageError for a file that is not there, and for new text that is none, StorageError for
    what the disk refuses.
    """

    def __init__(
        self, store: Store, allowed: Sequence[str] = ALLOWED, refused: Sequence[str] = REFUSED
    ) -> None:
        self._store = store
        self._allowed = tuple(allowed)
        self._refused = tuple(refused)
        self._seen: dict[str, bytes] = {}

    def read(self, path: str) -> LoomText:
        """The text of a file as it is now."""
        safe = self.locate(path)
        snapshot = self._load(safe)
        return LoomText(path, snapshot.revision, _decode(path, snapshot.data).removeprefix(BOM))

    def preview(self, edits: Iterable[FileEdit]) -> Preview:
        """What the edits would make of their file; nothing is written. Raises AnchorError, ContentChangedError."""
        path, base, listed = _together(edits, None)
        snapshot = self._load(self.locate(path))
        after = self._edited(path, base, listed, snapshot)
        new = Snapshot.of(after)
        return Preview(
            path=path,
            before=snapshot.text,
            after=new.text,
            revision=snapshot.revision,
            after_revision=new.revision,
            diff=diff(path, snapshot, new),
            already=new.revision == snapshot.revision,
        )

    def write(self, edits: Iterable[FileEdit], base: str | None = None) -> Written:
        """Makes the edits, all or none, in one swap (DESIGN section 4).

        `base` is the revision that the edits were made for, if it matters. ContentChangedError with the three texts
        when the file is another one, or another program wrote in between; AnchorError when an anchor does not fit;
        FileBusyError while another program has the file open for writing. In each case nothing was written.
        """
        path, wanted, listed = _together(edits, base)
        safe = self.locate(path)

        def edit(snapshot: Snapshot) -> bytes:
            self._remember(snapshot)
            return self._edited(path, wanted, listed, snapshot)

        try:
            swapped = self._store.swap(safe, edit, limit=LIMIT)
        except StorageError as error:
            raise self._missing(safe, error) from error
        return Written(
            path, swapped.before.revision, swapped.after_revision, swapped.changed, swapped.guarantee
        )

    def locate(self, path: str) -> SafePath:
        """The checked path of a file that may be edited. Raises SecurityError."""
        safe = safe_path(self._store.root, path)
        real = "/".join(safe.parts)
        for name in dict.fromkeys(
            ("/".join(part for part in path.split("/") if part not in ("", ".")), real)
        ):
            if matches(name, self._refused, ignore_case=True) or not matches(name, self._allowed):
                raise SecurityError(
                    f"{path!r} may not be edited here"
                    + (f" (it is {real!r})." if name == real != path else "."),
                    hint="`[loom]` in flow.toml lists what may.",
                    path=path,
                )
        return safe

    def _load(self, safe: SafePath) -> Snapshot:
        try:
            snapshot = read(safe, limit=LIMIT)
        except StorageError as error:
            raise self._missing(safe, error) from error
        self._remember(snapshot)
        return snapshot

    def _edited(self, path: str, base: str | None, edits: list[FileEdit], snapshot: Snapshot) -> bytes:
        """The new bytes. Edits that stand there already fit every base: there is nothing to overwrite."""
        text = _decode(path, snapshot.data)
        if base is None or base == snapshot.revision:
            return self._apply(path, edits, text)
        try:
            if self._apply(path, edits, text) == snapshot.data:
                return snapshot.data
        except AnchorError:
            pass  # the file is another one: that is the news, not that the anchor is gone
        raise self._other_base(path, base, edits, snapshot)

    def _other_base(
        self, path: str, base: str, edits: list[FileEdit], snapshot: Snapshot
    ) -> ContentChangedError:
        made_for = self._seen.get(base)
        edit: str | None = None
        if made_for is not None:
            try:
                edit = self._apply(path, edits, _decode(path, made_for)).decode()
            except AnchorError:
                edit = None
        return ContentChangedError(
            f"{path!r} is not the revision that the edit was made for; nothing was written.",
            hint="Read it again and make the edit for what is there now.",
            path=path,
            base=None if made_for is None else made_for.decode(),
            disk=snapshot.text,
            edit=edit,
            base_revision=base,
            disk_revision=snapshot.revision,
        )

    @staticmethod
    def _apply(path: str, edits: list[FileEdit], text: str) -> bytes:
        return apply_all((one.edit for one in edits), text, path).text.encode()

    def _remember(self, snapshot: Snapshot) -> None:
        """Keeps the last texts, so that a conflict can show what an edit was made for."""
        self._seen.pop(snapshot.revision, None)
        self._seen[snapshot.revision] = snapshot.data
        while len(self._seen) > _REMEMBERED:
            self._seen.pop(next(iter(self._seen)))

    def _missing(self, safe: SafePath, error: StorageError) -> StorageError | SecurityError | UsageError:
        """The error for a file that is not there; one that is there in another case is refused by name."""
        if error.fields.get("errno") != "ENOENT":
            return error
        near = other_spelling(safe)
        if near is None:
            return UsageError(
                f"There is no {safe.relative!r} to edit.",
                hint="The path counts from the project's root, and is case-exact.",
                path=safe.relative,
            )
        return SecurityError(
            f"There is no {safe.relative!r}; on the disk it is spelled {near!r}.",
            hint="Names are case-exact.",
            path=safe.relative,
        )


def _together(edits: Iterable[FileEdit], base: str | None) -> tuple[str, str | None, list[FileEdit]]:
    """The one path and the one base of all edits."""
    listed = list(edits)
    paths = {one.path for one in listed}
    bases = {one.base for one in listed if one.base is not None} | ({base} if base is not None else set())
    if len(paths) != 1:
        names = ", ".join(repr(path) for path in sorted(paths))
        raise ConfigurationError(
            f"Edits that belong together edit one file, these edit {names or 'none'}.",
            hint="Give each file its own list.",
        )
    if len(bases) > 1:
        raise ConfigurationError("The edits were made for different revisions.", hint="Read the file again.")
    for one in listed:
        _refuse_text(one)
    return paths.pop(), bases.pop() if bases else None, listed


def _refuse_text(one: FileEdit) -> None:
    """Raise UsageError for text that would make the file one that is edited no more."""
    try:
        one.edit.text.encode()
    except UnicodeEncodeError as error:
        what = f"{one.edit.text[error.start]!r}, which is no character"
    else:
        if "\0" not in one.edit.text:
            return
        what = "a NUL"
    raise UsageError(
        f"The text for {one.path!r} holds {what}; nothing was written.",
        hint="Only text in UTF-8 goes into files.",
        path=one.path,
    )


def _decode(path: str, data: bytes) -> str:
    if b"\0" in data:
        raise UnsupportedFileError(f"{path!r} is binary (it holds NUL bytes).", path=path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnsupportedFileError(
            f"{path!r} is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}.",
            hint="Convert it first; it was left as it is.",
            path=path,
            line=line,
        ) from error
