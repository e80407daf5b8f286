"""Surgical edits: pure text operations, and their guarded application to a file."""

from engine.loom.edits import Append, Edit, FileEdit, Insert, ReplaceBlock, ReplaceLine
from engine.loom.loom import ALLOWED, LIMIT, REFUSED, Loom, LoomText, Preview, Written
from engine.loom.operations import Applied, apply, apply_all
from engine.loom.parsing import parse_edits

__all__ = [
    "ALLOWED",
    "LIMIT",
    "REFUSED",
    "Append",
    "Applied",
    "Edit",
    "FileEdit",
    "Insert",
    "Loom",
    "LoomText",
    "Preview",
    "ReplaceBlock",
    "ReplaceLine",
    "Written",
    "apply",
    "apply_all",
    "parse_edits",
]
