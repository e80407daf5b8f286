"""Atoms that run in a process of their own, `engine.atoms.host`: the users', and Git."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.atoms.base import AtomResult, Call, Effect, Outcome
from engine.atoms.configuration import seconds
from engine.atoms.exports import as_object, as_reason
from engine.atoms.git import Git
from engine.atoms.runner import CALL, RESULT, Ended, Job
from engine.atoms.supervised import PROBE_LIMIT, Supervised, mishap
from engine.errors import ConfigurationError

_INSIDE = {"engine.atoms.git:Git": Git}


class Hosted(Supervised):
    """Stands here for the atom `target` (`module:Class`), whose code is never imported into this process.

    What its class says (effect, time limit, whether it is an atom at all) has to be asked of the host before its
    first run: `question` is the job, `learn` takes its end. Only for trusted code. The time limit is `timeout=`
    of the first fence that has one, else the `timeout` of the class.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        built_in = _INSIDE.get(target)
        self._known: Git | None = built_in() if built_in is not None else None
        self._effect: Effect | None = self._known.effect if self._known is not None else None
        self._limit: float | None = None

    def question(self, root: Path, run: str) -> Job | None:
        """The job that imports the atom and says what it is; None when that is known."""
        if self._effect is not None:
            return None
        return self._job(Call(name="", address="", root=root), run, "describe", PROBE_LIMIT)

    def learn(self, ended: Ended | None) -> None:
        """Take in the answer (None: there was none in time). Raises ConfigurationError when the atom is broken."""
        answer = ended.result if ended is not None else None
        if answer is None or answer.get("problem"):
            reason = mishap(ended, PROBE_LIMIT) if ended is not None else "it takes too long to import"
            problem = answer["problem"] if answer else reason or "it ends its process when it is imported"
            raise ConfigurationError(
                f"The atom {self.target!r} is broken: {problem}.",
                hint="Mend it, or its entry in .flow/flow.registry.json.",
                target=self.target,
            )
        self._effect = Effect(answer["effect"])
        self._limit = answer["timeout"]

    def effect_of(self, call: Call) -> Effect:
        return self._effect or Effect.ONCE

    def check(self, config: Mapping[str, Any]) -> None:
        if self._known is not None:
            self._known.check(config)
        self._timeout(config)

    def check_call(self, call: Call) -> None:
        self.check(call.config)
        if self._known is not None:
            self._known.check_paths(call)

    def job(self, call: Call, run: str) -> Job:
        self.check_call(call)
        return self._job(call, run, "run", self._timeout(call.config))

    def probe(self, call: Call, run: str) -> Job | None:
        return self._job(call, run, "check_completion", PROBE_LIMIT)

    def cleaner(self, call: Call, run: str) -> Job | None:
        return self._job(call, run, "cleanup", PROBE_LIMIT)

    def description(self, root: Path, run: str) -> Job:
        """The job that imports the atom and says what it is; `Description` reads its end."""
        return self._job(Call(name="", address="", root=root), run, "describe", PROBE_LIMIT)

    def is_complete(self, ended: Ended) -> bool:
        return ended.result is not None and ended.result.get("complete") is True

    def result(self, call: Call, ended: Ended) -> AtomResult:
        if ended.result is None:
            reason = mishap(ended, self._timeout(call.config))
            return AtomResult.failure(f"{reason or 'It ended its process without a result'}.")
        return read_result(ended.result)

    def _timeout(self, config: Mapping[str, Any]) -> float | None:
        for fence in config.get("fences", ()):
            if "timeout" in fence["options"]:
                return seconds(config, fence, "timeout")
        return self._limit

    def _job(self, call: Call, run: str, method: str, timeout: float | None) -> Job:
        import platformdirs  # only for what is about to run

        folder = call.root / ".flow" / "logs" / "output"
        data = {
            "method": method,
            "target": self.target,
            "atoms": str(call.root / ".flow" / "atoms"),
            "cache": str(Path(platformdirs.user_cache_dir("flow-manager")) / "atoms"),
            "result": str(folder / f"{run}{RESULT}"),
            "call": {
                "name": call.name,
                "address": call.address,
                "root": str(call.root),
                "config": dict(call.config),
                "context": dict(call.context),
                "attempt": call.attempt,
                "key": call.key,
            },
        }
        return Job(
            run=run,
            argv=(sys.executable, "-P", "-m", "engine.atoms.host", str(folder / f"{run}{CALL}")),
            cwd=str(call.root),
            env={"PYTHONUNBUFFERED": "1", "FLOW_KEY": call.key, "FLOW_ATTEMPT": str(call.attempt)},
            files={CALL: json.dumps(data)},
            timeout=timeout,
        )


def read_result(answer: Mapping[str, Any]) -> AtomResult:
    """An `AtomResult` from its JSON. What is no such JSON is a failure that says so."""
    try:
        return AtomResult(
            Outcome(answer["outcome"]),
            as_reason(answer.get("reason", "")),
            as_object(answer.get("exports", {})),
        )
    except (KeyError, ValueError) as error:
        return AtomResult.failure(f"Its result cannot be read: {error}.")


def write_result(result: AtomResult) -> dict[str, Any]:
    """An `AtomResult` as JSON. Raises ValueError when its exports are none."""
    return {
        "outcome": result.outcome.value,
        "reason": as_reason(result.reason),
        "exports": as_object(result.exports),
    }
