"""The process in which a user's atom runs: `python -P -m engine.atoms.host CALL`.

`CALL` is a JSON file: `target` (`module:Class`, a built-in module or one below the folder `atoms`), `method`,
the `call`, and `cache`, a folder for compiled code. The answer goes, whole and durable, to the file `result`, where
the disk is full as soon as there is room:

- `run`: `outcome`, `reason`, `exports`, an `AtomResult`
- `check_completion`: `complete`; what it raises counts as not complete
- `cleanup`: nothing more
- `describe`: `problem` (why the atom is broken, or empty), `timeout`

and always `effect`. Whatever the atom does to this process (it raises, exits, is killed) is its own failure;
where it leaves no answer, the exit status of the process tells.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.atoms.base import Atom, AtomResult, Call, Effect, Outcome
from engine.atoms.hosted import write_result
from engine.atoms.supervisor import keep
from engine.errors import FlowError

# What a user's code may throw at us, short of ending the process by other means.
_ANYTHING = BaseException


class BrokenAtomError(Exception):
    """The entry of the registry does not lead to an atom; the message says why."""


def main(path: str) -> int:
    order = json.loads(Path(path).read_bytes())
    answer = answer_to(order)
    keep(os.fsencode(order["result"]), json.dumps(answer).encode())
    return 0


def answer_to(order: dict[str, Any]) -> dict[str, Any]:
    """Do what was asked, and say how it went."""
    call = Call(**{**order["call"], "root": Path(order["call"]["root"])})
    try:
        atom = load(order["target"], order["atoms"], order["cache"])
    except BrokenAtomError as error:
        return {"problem": str(error), "complete": False, **write_result(AtomResult.failure(f"{error}."))}
    answer: dict[str, Any] = {"problem": "", "effect": atom.effect.value, "timeout": atom.timeout}
    match order["method"]:
        case "run":
            answer |= _run(atom, call)
        case "check_completion":
            answer["complete"] = _asked(lambda: atom.check_completion(call)) is True
        case "cleanup":
            _asked(lambda: atom.cleanup(call))
    return answer


def load(target: str, atoms: str, cache: str) -> Atom:
    """Import `module:Class` and make one. Raises BrokenAtomError with the reason when that cannot be done."""
    module_name, _, kind_name = target.partition(":")
    if not module_name.startswith("engine.atoms."):
        # Compiled code is not read from the project, where it could be other code than the source that a person
        # has approved, and not put there.
        sys.pycache_prefix = cache
        sys.path.insert(0, atoms)
    try:
        module = importlib.import_module(module_name)
    except _ANYTHING as error:
        traceback.print_exc()
        raise BrokenAtomError(f"{target} cannot be imported: {_words(error)}") from error
    origin = Path(getattr(module, "__file__", None) or "")
    if module_name.startswith("engine.atoms."):
        pass
    elif not origin.is_relative_to(atoms):
        raise BrokenAtomError(f"{target} is not one of .flow/atoms, but {origin}")
    kind = getattr(module, kind_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Atom)):
        raise BrokenAtomError(f"{target} is no Atom")
    try:
        atom = kind()
    except _ANYTHING as error:
        traceback.print_exc()
        raise BrokenAtomError(f"{target} cannot be made: {_words(error)}") from error
    if not isinstance(atom.effect, Effect):
        raise BrokenAtomError(f"{target} has the effect {atom.effect!r}, which is no Effect")
    if atom.timeout is not None and not (isinstance(atom.timeout, int | float) and atom.timeout > 0):
        raise BrokenAtomError(f"{target} has the timeout {atom.timeout!r}, which is no number of seconds")
    return atom


def _run(atom: Atom, call: Call) -> dict[str, Any]:
    """What `run` gives back, as JSON; anything that is no result is a failure that says what it was."""
    run: Callable[[Call], object] = atom.run
    try:
        result = run(call)
    except SystemExit as error:
        return write_result(
            AtomResult.failure(f"It called sys.exit({'' if error.code is None else error.code}).")
        )
    except FlowError as error:  # says all of it in words that are meant for people
        return write_result(AtomResult.failure(f"{_words(error)}."))
    except _ANYTHING as error:
        traceback.print_exc()
        return write_result(AtomResult.failure(f"{_words(error)}."))
    if not isinstance(result, AtomResult):
        return write_result(AtomResult.failure(f"It gave back {type(result).__name__}, not an AtomResult."))
    outcome: object = result.outcome
    if not isinstance(outcome, Outcome):
        return write_result(AtomResult.failure(f"It gave back the outcome {outcome!r}, which is none."))
    try:
        return write_result(result)
    except _ANYTHING as error:  # in there, code of the atom's own objects runs
        why = error if isinstance(error, ValueError) else _words(error)
        return write_result(AtomResult.failure(f"Its exports are not a JSON object: {why}."))


def _asked(question: Callable[[], object]) -> object:
    """The answer, or None where it raises; what it raised goes to the output."""
    try:
        return question()
    except _ANYTHING:
        traceback.print_exc()
        return None


def _words(error: BaseException) -> str:
    if isinstance(error, FlowError):
        return str(error).rstrip(".")
    try:
        text = str(error).rstrip(".")
    except _ANYTHING:
        text = ""  # its own class cannot say what it is
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


if __name__ == "__main__":
    # Imported under its real name, so that the classes are those that the atom's module sees.
    from engine.atoms import host

    sys.exit(host.main(sys.argv[1]))
