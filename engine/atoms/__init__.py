"""The units of work: what they are, the ones that come with the program, and the place where they run.

`atom_for` turns an entry of the registry into an atom. What is `Supervised` becomes a `Job` for a `Runner`
(see `engine.atoms.runner` for the steps); the others run inside the engine.
"""

from typing import TYPE_CHECKING

from engine.atoms.configuration import configuration  # not late: its module has the same name
from engine.lazy import exports

if TYPE_CHECKING:
    from engine.atoms.base import Atom, AtomResult, Call, Effect, Outcome
    from engine.atoms.flow import Flow
    from engine.atoms.hosted import Hosted, read_result, write_result
    from engine.atoms.loading import BUILT_IN, atom_for, inspect_target
    from engine.atoms.local import LocalRunner
    from engine.atoms.loom import LoomAtom
    from engine.atoms.manual import Manual
    from engine.atoms.processes import identify
    from engine.atoms.runner import Ended, Job, ProcessId, Runner
    from engine.atoms.script import Script
    from engine.atoms.supervised import PROBE_LIMIT, Retries, Supervised
else:
    # The same once more, for when the program runs; a test holds the two together.
    __getattr__ = exports(
        __name__,
        {
            "engine.atoms.base": "Atom AtomResult Call Effect Outcome",
            "engine.atoms.flow": "Flow",
            "engine.atoms.hosted": "Hosted read_result write_result",
            "engine.atoms.loading": "BUILT_IN atom_for inspect_target",
            "engine.atoms.local": "LocalRunner",
            "engine.atoms.loom": "LoomAtom",
            "engine.atoms.manual": "Manual",
            "engine.atoms.processes": "identify",
            "engine.atoms.runner": "Ended Job ProcessId Runner",
            "engine.atoms.script": "Script",
            "engine.atoms.supervised": "PROBE_LIMIT Retries Supervised",
        },
    )

__all__ = [
    "BUILT_IN",
    "PROBE_LIMIT",
    "Atom",
    "AtomResult",
    "Call",
    "Effect",
    "Ended",
    "Flow",
    "Hosted",
    "Job",
    "LocalRunner",
    "LoomAtom",
    "Manual",
    "Outcome",
    "ProcessId",
    "Retries",
    "Runner",
    "Script",
    "Supervised",
    "atom_for",
    "configuration",
    "identify",
    "inspect_target",
    "read_result",
    "write_result",
]
