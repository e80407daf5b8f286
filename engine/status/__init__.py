"""The status domain: the text of a plan, the tree of tasks that it means, and the rules the tree obeys. No
disk.
"""

from typing import TYPE_CHECKING

from engine.lazy import exports
from engine.status.body import body
from engine.status.changes import Change, apply, begin, done, fail, reopen, reset, set_marker, settle, skip
from engine.status.cursor import cursor, find_in, validate_state, walk
from engine.status.model import RULES, Body, Comment, Fence, Heading, Plan, Problem, Progress, Status, Task
from engine.status.progress import count, progress, set_subflow
from engine.status.scanner import parse

if TYPE_CHECKING:
    from engine.status.edits import add, move, remove, rename
    from engine.status.fixing import Fixed, fix
    from engine.status.importing import Imported, import_markdown
    from engine.status.index import Index
    from engine.status.zooming import Zoomed, flow_file, slug, zoom
else:
    # What reading a plan does not need. The same once more, for when the program runs; a test holds the two together.
    __getattr__ = exports(
        __name__,
        {
            "engine.status.edits": "add move remove rename",
            "engine.status.fixing": "Fixed fix",
            "engine.status.importing": "Imported import_markdown",
            "engine.status.index": "Index",
            "engine.status.zooming": "Zoomed flow_file slug zoom",
        },
    )

__all__ = [
    "RULES",
    "Body",
    "Change",
    "Comment",
    "Fence",
    "Fixed",
    "Heading",
    "Imported",
    "Index",
    "Plan",
    "Problem",
    "Progress",
    "Status",
    "Task",
    "Zoomed",
    "add",
    "apply",
    "begin",
    "body",
    "count",
    "cursor",
    "done",
    "fail",
    "find_in",
    "fix",
    "flow_file",
    "import_markdown",
    "move",
    "parse",
    "progress",
    "remove",
    "rename",
    "reopen",
    "reset",
    "set_marker",
    "set_subflow",
    "settle",
    "skip",
    "slug",
    "validate_state",
    "walk",
    "zoom",
]
