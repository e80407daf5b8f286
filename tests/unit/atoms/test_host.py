"""What the host answers for atoms that behave in every way an atom can."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.atoms import read_result
from engine.atoms.host import answer_to

HEAD = "import os, sys\nfrom engine.atoms import Atom, AtomResult, Effect\n"
_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def same_interpreter() -> Iterator[None]:
    path, prefix, modules = list(sys.path), sys.pycache_prefix, set(sys.modules)
    yield
    sys.path[:], sys.pycache_prefix = path, prefix
    for name in set(sys.modules) - modules:
        if name.startswith(("mine_", "helper_")):
            del sys.modules[name]


def answer(
    folder: Path, body: str, method: str = "run", *, whole: bool = False, kind: str = "Mine"
) -> Mapping[str, Any]:
    """What the host says of an atom whose class has this body, or whose module is this text."""
    name = f"mine_{next(_NUMBERS)}"
    text = body if whole else f"class Mine(Atom):\n    {body}\n"
    (folder / f"{name}.py").write_text(HEAD + text.replace("SELF", name))
    call = {"name": "n", "address": "1", "root": str(folder), "key": "k"}
    return answer_to(
        {
            "target": f"{name}:{kind}",
            "method": method,
            "atoms": str(folder),
            "cache": str(folder / "cache"),
            "call": call,
        }
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "def run(self, call): raise RuntimeError('the disk is on fire')",
            "RuntimeError: the disk is on fire.",
        ),
        ("def run(self, call): raise KeyboardInterrupt", "KeyboardInterrupt."),
        ("def run(self, call): sys.exit()", "It called sys.exit()."),
        ("def run(self, call): sys.exit('over')", "It called sys.exit(over)."),
        ("def run(self, call): return None", "It gave back NoneType, not an AtomResult."),
        ("def run(self, call): return AtomResult.success(when={1, 2})", "not a JSON object"),
        ("def run(self, call): return AtomResult.success(x=float('nan'))", "not a JSON object"),
        ("def run(self, call): a = []; a.append(a); return AtomResult.success(a=a)", "not a JSON object"),
        ("def run(self, call): return AtomResult('good')", "the outcome 'good', which is none"),
        ("def run(self): pass", "TypeError"),
        ("pass", "does not define run"),
    ],
)
def test_t3_24_a_run_that_goes_wrong_is_a_failure(tmp_path: Path, body: str, reason: str) -> None:
    found = read_result(answer(tmp_path, body))

    assert found.outcome.value == "failure"
    assert reason in found.reason


def test_an_error_meant_for_people_needs_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "def run(self, call):\n        from engine import UsageError\n        raise UsageError('No.', hint='Yes.')"
    assert read_result(answer(tmp_path, body)).reason == "No. Yes."
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ("def check_completion(self, call): return call.key == 'k'", True),
        ("def check_completion(self, call): return False", False),
        ("def check_completion(self, call): return 'yes'", False),
        ("def check_completion(self, call): raise OSError('no net')", False),
        ("def check_completion(self, call): sys.exit(0)", False),
        ("pass", False),
    ],
)
def test_t3_28_only_true_is_complete(tmp_path: Path, body: str, complete: bool) -> None:
    assert answer(tmp_path, body, "check_completion")["complete"] is complete


def test_a_class_says_what_it_is(tmp_path: Path) -> None:
    found = answer(tmp_path, "effect, timeout = Effect.IDEMPOTENT, 2.5", "describe")

    assert found == {"problem": "", "effect": "idempotent", "timeout": 2.5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nonsense_that_is_not_there", "nonsense_that_is_not_there"),
        ("from subprocess import Popen as Mine", "is no Atom"),
        ("def Mine(): pass", "is no Atom"),
        ("Mine = Atom()", "is no Atom"),
        ("pass", "is no Atom"),
        ("class Mine(Atom):\n    def __init__(self): raise ValueError('bad')", "ValueError: bad"),
        ("class Mine(Atom):\n    def __init__(self, x): pass", "TypeError"),
        ("class Mine(Atom):\n    def __init__(self): sys.exit(1)", "SystemExit: 1"),
        ("class Mine(Atom): effect = 'twice'", "no Effect"),
        ("class Mine(Atom): timeout = 'long'", "no number"),
        ("class Mine(Atom): timeout = -1", "no number"),
        ("sys.exit(0)", "SystemExit"),
        ("from helper_circle import B\nclass Mine(B): pass", "ImportError"),
    ],
)
def test_t1_35_a_broken_atom_says_why(tmp_path: Path, text: str, reason: str) -> None:
    name = f"mine_{next(_NUMBERS) + 1}"
    (tmp_path / "helper_circle.py").write_text(f"from {name} import Mine\nclass B(Mine): pass\n")

    found = answer(tmp_path, text, "describe", whole=True)

    assert reason in found["problem"]
    assert found["complete"] is False


def test_a_module_from_elsewhere_is_no_atom_of_the_project(tmp_path: Path) -> None:
    order = {
        "target": "json:JSONDecoder",
        "method": "describe",
        "atoms": str(tmp_path),
        "cache": str(tmp_path),
    }

    found = answer_to({**order, "call": {"name": "", "address": "", "root": str(tmp_path)}})

    assert "not one of .flow/atoms" in found["problem"]
