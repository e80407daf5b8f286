"""The engine of Flow Manager: what a plan is and how it runs, without a screen.

Everything that an interface needs is offered here; the packages below are the engine's own business. A name's module
is imported when the name is first asked for.
"""

from typing import TYPE_CHECKING

from engine.lazy import exports

if TYPE_CHECKING:
    from engine.atoms import Atom, AtomResult, Call, Effect, Outcome
    from engine.errors import (
        AnchorError,
        BusyError,
        ChangedOutsideError,
        ConfigurationError,
        ContentChangedError,
        FlowError,
        NameMismatchError,
        NeedsPersonError,
        NoProjectError,
        PlanError,
        SecurityError,
        StaleIdError,
        StateError,
        StorageError,
        TrustError,
        UnknownAddressError,
        UnsupportedFileError,
        UsageError,
    )
    from engine.flows import Tree
    from engine.loom import Append, Edit, FileEdit, Insert, Loom, Preview, ReplaceBlock, ReplaceLine
    from engine.runtime.checking import Unreachable
    from engine.runtime.code import Code
    from engine.runtime.conversion import Mended, Taken, init_project_from
    from engine.runtime.engine import Engine
    from engine.runtime.events import (
        Conflict,
        Event,
        Finished,
        Output,
        PlanChanged,
        Started,
        StepOutcome,
        Warned,
    )
    from engine.runtime.findings import Recovery, Resume
    from engine.runtime.hands import Changed
    from engine.runtime.identity import headings_of
    from engine.runtime.narration import describe
    from engine.runtime.running import Running
    from engine.runtime.scaffold import init_project
    from engine.runtime.sections import Section, drop_section, put_section
    from engine.runtime.structure import Restructured
    from engine.runtime.timeline import Attempt
    from engine.runtime.undo import Undone
    from engine.status import (
        Body,
        Comment,
        Fence,
        Heading,
        Plan,
        Problem,
        Progress,
        Status,
        Task,
        body,
        parse,
    )
    from engine.status.merging import Merged, merge_plans
    from engine.storage import Guarantee, find_root, scaffold
else:
    # The same once more, for when the program runs; a test holds the two together.
    __getattr__ = exports(
        __name__,
        {
            "engine.atoms": "Atom AtomResult Call Effect Outcome",
            "engine.errors": (
                "AnchorError BusyError ChangedOutsideError ConfigurationError ContentChangedError FlowError "
                "NameMismatchError NeedsPersonError NoProjectError PlanError SecurityError StaleIdError "
                "StateError StorageError TrustError UnknownAddressError UnsupportedFileError UsageError"
            ),
            "engine.flows": "Tree",
            "engine.loom": "Append Edit FileEdit Insert Loom Preview ReplaceBlock ReplaceLine",
            "engine.runtime.checking": "Unreachable",
            "engine.runtime.code": "Code",
            "engine.runtime.conversion": "Mended Taken init_project_from",
            "engine.runtime.engine": "Engine",
            "engine.runtime.events": "Conflict Event Finished Output PlanChanged Started StepOutcome Warned",
            "engine.runtime.hands": "Changed",
            "engine.runtime.identity": "headings_of",
            "engine.runtime.narration": "describe",
            "engine.runtime.findings": "Recovery Resume",
            "engine.runtime.running": "Running",
            "engine.runtime.scaffold": "init_project",
            "engine.runtime.sections": "Section drop_section put_section",
            "engine.runtime.structure": "Restructured",
            "engine.runtime.timeline": "Attempt",
            "engine.runtime.undo": "Undone",
            "engine.status": "Body Comment Fence Heading Plan Problem Progress Status Task body parse",
            "engine.status.merging": "Merged merge_plans",
            "engine.storage": "Guarantee find_root scaffold",
        },
    )


def __dir__() -> list[str]:
    return [*globals(), *__all__]


__all__ = [
    "AnchorError",
    "Append",
    "Atom",
    "AtomResult",
    "Attempt",
    "Body",
    "BusyError",
    "Call",
    "Changed",
    "ChangedOutsideError",
    "Code",
    "Comment",
    "ConfigurationError",
    "Conflict",
    "ContentChangedError",
    "Edit",
    "Effect",
    "Engine",
    "Event",
    "Fence",
    "FileEdit",
    "Finished",
    "FlowError",
    "Guarantee",
    "Heading",
    "Insert",
    "Loom",
    "Mended",
    "Merged",
    "NameMismatchError",
    "NeedsPersonError",
    "NoProjectError",
    "Outcome",
    "Output",
    "Plan",
    "PlanChanged",
    "PlanError",
    "Preview",
    "Problem",
    "Progress",
    "Recovery",
    "ReplaceBlock",
    "ReplaceLine",
    "Restructured",
    "Resume",
    "Running",
    "Section",
    "SecurityError",
    "StaleIdError",
    "Started",
    "StateError",
    "Status",
    "StepOutcome",
    "StorageError",
    "Taken",
    "Task",
    "Tree",
    "TrustError",
    "Undone",
    "UnknownAddressError",
    "Unreachable",
    "UnsupportedFileError",
    "UsageError",
    "Warned",
    "body",
    "describe",
    "drop_section",
    "find_root",
    "headings_of",
    "init_project",
    "init_project_from",
    "merge_plans",
    "parse",
    "put_section",
    "scaffold",
]
