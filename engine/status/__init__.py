"""The status domain: the text of a plan, the tree of tasks that it means, and the rules the tree obeys. No
disk.
"""

from engine.status.body import body
from engine.status.changes import Change, apply, begin, done, fail, reopen, reset, set_marker, settle, skip
from engine.status.cursor import cursor, find_in, progress, validate_state, walk
from engine.status.model import Body, Comment, Fence, Heading, Plan, Problem, Progress, Status, Task
from engine.status.scanner import parse

__all__ = [
    "Body",
    "Change",
    "Comment",
    "Fence",
    "Heading",
    "Plan",
    "Problem",
    "Progress",
    "Status",
    "Task",
    "apply",
    "begin",
    "body",
    "cursor",
    "done",
    "fail",
    "find_in",
    "parse",
    "progress",
    "reopen",
    "reset",
    "set_marker",
    "settle",
    "skip",
    "validate_state",
    "walk",
]
