"""What tasks have exported: `.flow/context.json`, later ones win (DESIGN section 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import ConfigurationError
from engine.storage import Store, read_if_exists

RESERVED = frozenset({"config", "root", "task"})


class Context:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = store.flow / "context.json"

    def read(self) -> dict[str, Any]:
        """All exports so far. Raises ConfigurationError when the file is not a JSON object."""
        snapshot = read_if_exists(self.path)
        if snapshot is None or not snapshot.data.strip():
            return {}
        try:
            data = json.loads(snapshot.data)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise ConfigurationError(
                f".flow/context.json is not JSON: {reason}.",
                hint="Mend it, or delete it to forget all exports.",
            ) from error
        if not isinstance(data, dict):
            raise ConfigurationError(".flow/context.json is not a JSON object.", hint="Mend or delete it.")
        return data

    def merge(self, exports: Mapping[str, Any]) -> list[str]:
        """Add `exports` durably; returns the reserved keys that were left out (T3.25)."""
        refused = sorted(RESERVED & exports.keys())
        merged = self.read() | {key: value for key, value in exports.items() if key not in RESERVED}
        if exports.keys() - RESERVED:
            text = json.dumps(merged, ensure_ascii=False, indent=1, sort_keys=True)
            self._store.replace(self.path, text.encode() + b"\n")
        return refused
