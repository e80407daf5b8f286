"""Every test here runs twice: see `tests.unit.on_disk`."""

from tests.unit.on_disk import plans, root, store, system

__all__ = ["plans", "root", "store", "system"]
