"""Many files as one fractal tree: references, addresses, cursor, progress."""

from engine.flows.loader import ROOT, Loader
from engine.flows.tree import Tree

__all__ = ["ROOT", "Loader", "Tree"]
