"""Everything that touches a disk: safe paths, durable writes, compare-and-swap, integrity, backups."""

from engine.storage.disk import Snapshot, is_full, revision_of
from engine.storage.folder import module_in
from engine.storage.guarantee import Guarantee
from engine.storage.integrity import Plans, Restored, diff
from engine.storage.journal import Journal
from engine.storage.paths import FLOW, SafePath, find_root, folder_at, other_spelling, safe_path
from engine.storage.scaffold import replace_file, scaffold
from engine.storage.settle import Kept
from engine.storage.store import Store, is_filled, read, read_if_exists
from engine.storage.swap import Swapped

Revision = str

__all__ = [
    "FLOW",
    "Guarantee",
    "Journal",
    "Kept",
    "Plans",
    "Restored",
    "Revision",
    "SafePath",
    "Snapshot",
    "Store",
    "Swapped",
    "diff",
    "find_root",
    "folder_at",
    "is_filled",
    "is_full",
    "module_in",
    "other_spelling",
    "read",
    "read_if_exists",
    "replace_file",
    "revision_of",
    "safe_path",
    "scaffold",
]
