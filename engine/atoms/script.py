"""The Script atom: a fenced block that a shell or Python runs.

    - [ ] [Script] Publish the wheel
        ```sh timeout=10m retries=2 backoff=5s env.STAGE=prod
        twine upload dist/*
        ```
        ```sh verify
        pip download --no-deps orbit==2.0
        ```

The block's language is `sh`, `bash` or `python`. Options:

- `timeout=10m`: the time limit of the whole (seconds, or with `ms`, `s`, `m`, `h`, `d`); there is none
  otherwise
- `cwd=packages/core`: its folder, below the project's root, which is the default
- `env.NAME=VALUE`: an environment variable, as many as wanted
- `retries=2`, `backoff=5s`: a script that fails is run again, after 5, then 10 seconds
- `effect=idempotent`: it may be run again, unasked, when it was interrupted (`once`, the default: it may not)
- `tty`: it gets the terminal; its output is not recorded

A second block with the flag `verify` (and `timeout`, `cwd`, `env.NAME`) tells whether the work is done
already: exit status 0 means yes. It is asked after an interruption, and has a minute.

In its environment a script finds FLOW_ROOT, FLOW_TASK (the name), FLOW_ADDRESS, FLOW_ATTEMPT, FLOW_KEY (the
same for every attempt), FLOW_CONTEXT (a JSON file with what earlier tasks exported) and FLOW_EXPORTS, a file
into which it may write a JSON object of its own. Its standard input is empty. Its output goes to a file:
write `>&2`, not `> /dev/stderr`, which empties the file.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.atoms.base import AtomResult, Call, Effect
from engine.atoms.configuration import complain, count, fences, seconds
from engine.atoms.exports import read_exports
from engine.atoms.runner import CONTEXT, EXPORTS, SCRIPT, Ended, Job
from engine.atoms.supervised import PROBE_LIMIT, Retries, Supervised, mishap
from engine.errors import ConfigurationError, SecurityError
from engine.storage import module_in, safe_path

LANGS = ("sh", "bash", "python")

_OPTIONS = {"timeout", "cwd", "retries", "backoff", "effect"}
_PROBE_OPTIONS = {"timeout", "cwd"}
_FLAGS = {"tty"}


class Script(Supervised):
    """Runs the script of a task. See the module for its options."""

    effect = Effect.ONCE

    def check(self, config: Mapping[str, Any]) -> None:
        fence, probe = _blocks(config)
        _check_options(config, fence, _OPTIONS, _FLAGS)
        seconds(config, fence, "timeout")
        self.retries(config)
        _effect(config, fence)
        if probe is not None:
            _check_options(config, probe, _PROBE_OPTIONS, {"verify"})
            seconds(config, probe, "timeout")

    def check_call(self, call: Call) -> None:
        self.check(call.config)
        for fence in _blocks(call.config):
            if fence is not None:
                _place(call, fence)

    def effect_of(self, call: Call) -> Effect:
        fence, _ = _blocks(call.config)
        return _effect(call.config, fence)

    def line_of(self, config: Mapping[str, Any]) -> int:
        """The line of the block that runs, on which its options stand. Raises ConfigurationError."""
        fence, _ = _blocks(config)
        return int(fence["line"])

    def retries(self, config: Mapping[str, Any]) -> Retries:
        fence, _ = _blocks(config)
        return Retries(count(config, fence, "retries", 100), seconds(config, fence, "backoff") or 1.0)

    def job(self, call: Call, run: str) -> Job:
        self.check_call(call)
        fence, _ = _blocks(call.config)
        return _job(call, run, fence, seconds(call.config, fence, "timeout"), tty="tty" in fence["flags"])

    def probe(self, call: Call, run: str) -> Job | None:
        self.check(call.config)
        _, fence = _blocks(call.config)
        if fence is None:
            return None
        return _job(call, run, fence, seconds(call.config, fence, "timeout") or PROBE_LIMIT)

    def result(self, call: Call, ended: Ended) -> AtomResult:
        fence, _ = _blocks(call.config)
        if reason := mishap(ended, seconds(call.config, fence, "timeout")):
            return AtomResult.failure(f"{reason}.")
        return read_exports(ended.exports)


def _blocks(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """The block to run and the block that verifies."""
    blocks = fences(config, LANGS)
    probes = [fence for fence in blocks if "verify" in fence["flags"]]
    scripts = [fence for fence in blocks if "verify" not in fence["flags"]]
    if not scripts:
        raise complain(
            config,
            "This Script task has no script.",
            hint="Indent a fenced block under it whose first line is ```sh, ```bash or ```python.",
        )
    for extra, what in ((scripts[1:], "script"), (probes[1:], "`verify` block")):
        if extra:
            raise complain(
                config,
                f"This Script task has more than one {what}.",
                line=extra[0]["line"],
                hint="Put them into one, or make two tasks of it.",
            )
    return scripts[0], probes[0] if probes else None


def _check_options(
    config: Mapping[str, Any], fence: Mapping[str, Any], options: set[str], flags: set[str]
) -> None:
    for name, value in fence["options"].items():
        if name.startswith("env."):
            if not name[4:].isidentifier() or not name.isascii() or "\0" in value:
                raise complain(config, f"`{name}` does not name an environment variable.", line=fence["line"])
        elif name not in options:
            raise _unknown(config, fence, name, options | flags)
    for flag in fence["flags"]:
        if flag not in flags:
            raise _unknown(config, fence, flag, options | flags)


def _unknown(
    config: Mapping[str, Any], fence: Mapping[str, Any], name: str, known: set[str]
) -> ConfigurationError:
    words = ", ".join(sorted(known | {"env.NAME"}))
    return complain(
        config, f"A script has no option `{name}`.", line=fence["line"], hint=f"There are: {words}."
    )


def _effect(config: Mapping[str, Any], fence: Mapping[str, Any]) -> Effect:
    text = fence["options"].get("effect", Effect.ONCE.value)
    try:
        return Effect(text)
    except ValueError:
        raise complain(
            config, f"`effect={text}` is not known.", line=fence["line"], hint="Write `once` or `idempotent`."
        ) from None


def _folder(call: Call) -> Path:
    return call.root / ".flow" / "logs" / "output"


def _job(call: Call, run: str, fence: Mapping[str, Any], timeout: float | None, *, tty: bool = False) -> Job:
    folder = _folder(call)
    lang = fence["lang"].lower()
    if lang == "python":
        _refuse_modules(folder)
    return Job(
        run=run,
        argv=(_interpreter(call.config, fence, lang), str(folder / f"{run}{SCRIPT}")),
        cwd=str(_cwd(call, fence)),
        env={
            # Python would hold its output back until the end, as it does for every file.
            **({"PYTHONUNBUFFERED": "1"} if lang == "python" else {}),
            **{name[4:]: value for name, value in fence["options"].items() if name.startswith("env.")},
            "FLOW_ROOT": str(call.root),
            "FLOW_TASK": call.name,
            "FLOW_ADDRESS": call.address,
            "FLOW_ATTEMPT": str(call.attempt),
            "FLOW_KEY": call.key,
            "FLOW_CONTEXT": str(folder / f"{run}{CONTEXT}"),
            "FLOW_EXPORTS": str(folder / f"{run}{EXPORTS}"),
        },
        files={SCRIPT: fence["text"], CONTEXT: json.dumps(dict(call.context)), EXPORTS: ""},
        timeout=timeout,
        tty=tty,
    )


def _refuse_modules(folder: Path) -> None:
    """Raise SecurityError for what Python would import from beside its script: nobody was shown that."""
    module = module_in(folder)
    if module is not None:
        raise SecurityError(
            f"{module!r} does not belong into .flow/logs/output: a Python script would import it.",
            hint="Look where it comes from, and remove it. Nothing was run.",
        )


def _interpreter(config: Mapping[str, Any], fence: Mapping[str, Any], lang: str) -> str:
    names = ("python", "python3") if lang == "python" else (lang,)
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None and lang == "python":
        return sys.executable
    if found is None:
        raise complain(config, f"There is no `{lang}` on this machine's PATH.", line=fence["line"])
    return str(Path(found).absolute())


def _cwd(call: Call, fence: Mapping[str, Any]) -> Path:
    path, wanted = _place(call, fence), fence["options"].get("cwd")
    if wanted is not None and not path.is_dir():
        raise complain(call.config, f"`cwd={wanted}`: there is no such folder.", line=fence["line"])
    return path


def _place(call: Call, fence: Mapping[str, Any]) -> Path:
    """The folder that a block asks for, which need not be there yet."""
    wanted = fence["options"].get("cwd")
    if wanted is None or wanted == ".":
        return call.root
    try:
        return safe_path(call.root, wanted).path
    except SecurityError as error:
        raise complain(call.config, f"`cwd={wanted}`: {error.message}", line=fence["line"]) from error
