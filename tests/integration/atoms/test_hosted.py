"""Users' atoms: each in a process of its own, whatever they do to it."""

from __future__ import annotations

import sys

import pytest

from engine.atoms import AtomResult, Effect, Hosted, Outcome, Supervised, atom_for
from engine.errors import ConfigurationError
from tests.integration.atoms.conftest import Bench

HEAD = """\
import os, signal, subprocess, sys, time
from engine.atoms import Atom, AtomResult, Effect
open("imported", "a").write("x")
"""

PLAN = """
    - [ ] [Mine] Do it
        some notes
        ```toml
        color = "red"
        ```
"""


def write(bench: Bench, body: str, *, base: str = "Atom", name: str = "mine") -> Hosted:
    """An atom whose class has this body."""
    text = f"{HEAD}\nclass Mine({base}):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    (bench.root / ".flow" / "atoms" / f"{name}.py").write_text(text)
    atom = atom_for(f"{name}:Mine", bench.root / ".flow")
    assert isinstance(atom, Hosted)
    return atom


def ask(bench: Bench, atom: Hosted) -> None:
    job = atom.question(bench.root, bench.new_run())
    assert job is not None
    atom.learn(bench.finish(job))


def run(bench: Bench, body: str, plan: str = PLAN, **fields: object) -> AtomResult:
    return bench.run(write(bench, body), bench.call(plan, **fields))


def test_an_atom_gets_its_call_and_gives_its_result(bench: Bench) -> None:
    body = """\
def run(self, call):
    print("working on", call.name)
    import helper
    return AtomResult.success("well done", seen=[call.address, call.attempt, call.key, call.context["a"],
        call.config["notes"], call.config["fences"][0]["text"], str(call.root), helper.VALUE])"""
    (bench.root / ".flow" / "atoms" / "helper.py").write_text("VALUE = 7\n")

    result = run(bench, body, attempt=2, context={"a": "ü"})

    assert result.outcome is Outcome.SUCCESS, result
    assert result.reason == "well done"
    assert result.exports["seen"] == [
        "1",
        2,
        "key-1",
        "ü",
        "some notes",
        'color = "red"\n',
        str(bench.root),
        7,
    ]
    assert "working on Do it" in bench.runner.tail(list(bench.started)[-1], 5)
    assert not list((bench.root / ".flow" / "atoms").glob("**/__pycache__"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('the disk is on fire')", "RuntimeError: the disk is on fire."),
        ("sys.exit(3)", "It called sys.exit(3)."),
        ("os._exit(0)", "It ended its process without a result."),
        ("os._exit(4)", "Exit status 4."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "It was killed by SIGKILL."),
        ("return 'fine'", "It gave back str, not an AtomResult."),
    ],
)
def test_t3_24_what_an_atom_does_wrong_is_its_reason(bench: Bench, body: str, reason: str) -> None:
    result = run(bench, f"def run(self, call): {body}")

    assert result == AtomResult.failure(reason)


def test_t3_24_an_atom_that_takes_too_long_fails(bench: Bench) -> None:
    """Its class or its task limits the time."""
    atom = write(bench, "timeout = 0.3\ndef run(self, call): time.sleep(60)")
    ask(bench, atom)
    assert bench.run(atom, bench.call(PLAN)).reason == "It took longer than 0.3 s and was ended."

    plan = PLAN.replace("```toml", "```toml timeout=200ms")
    assert bench.run(atom, bench.call(plan)).reason == "It took longer than 0.2 s and was ended."


def test_an_atom_may_wait_for_a_person(bench: Bench) -> None:
    assert run(bench, "def run(self, call): return AtomResult.waiting('sign it')") == AtomResult.waiting(
        "sign it"
    )


def test_a_result_outlives_the_folder_that_was_for_it(bench: Bench) -> None:
    """As `git clean -X` removes it."""
    body = """\
def run(self, call):
    import shutil
    shutil.rmtree(".flow/logs")
    return AtomResult.success("kept")"""
    assert run(bench, body) == AtomResult.success("kept")


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ("return call.key == 'key-1'", True),
        ("raise OSError('no net')", False),
        ("os._exit(0)", False),
    ],
)
def test_t3_28_only_a_clear_yes_is_complete(bench: Bench, body: str, complete: bool) -> None:
    atom = write(bench, f"def check_completion(self, call): {body}")
    job = atom.probe(bench.call(PLAN), bench.new_run())
    assert job is not None

    assert atom.is_complete(bench.finish(job)) is complete


def test_cleanup_is_called(bench: Bench) -> None:
    atom = write(bench, "def cleanup(self, call): open('cleaned', 'w').write(call.key)")
    job = atom.cleaner(bench.call(PLAN), bench.new_run())
    assert job is not None

    bench.finish(job)

    assert (bench.root / "cleaned").read_text() == "key-1"


def test_a_class_says_what_it_is(bench: Bench) -> None:
    atom = write(bench, "effect = Effect.IDEMPOTENT")
    assert atom.effect_of(bench.call(PLAN)) is Effect.ONCE

    ask(bench, atom)

    assert atom.effect_of(bench.call(PLAN)) is Effect.IDEMPOTENT
    assert atom.question(bench.root, "again") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from subprocess import Popen as Mine", "is no Atom"),
        ("import os; os._exit(0)\nclass Mine: pass", "ends its process"),
    ],
)
def test_t1_35_a_broken_atom_says_why(bench: Bench, text: str, reason: str) -> None:
    (bench.root / ".flow" / "atoms" / "mine.py").write_text(text)
    atom = atom_for("mine:Mine", bench.root / ".flow")
    assert isinstance(atom, Hosted)

    with pytest.raises(ConfigurationError, match="is broken") as error:
        ask(bench, atom)

    assert reason in str(error.value)


def test_t1_37_looking_at_an_atom_imports_nothing(bench: Bench) -> None:
    atom = write(bench, "def run(self, call): return AtomResult.success()")
    assert isinstance(atom, Supervised)
    atom.check(bench.call(PLAN).config)
    atom.job(bench.call(PLAN), "looking")

    assert not (bench.root / "imported").exists()
    assert "mine" not in sys.modules


def test_a_compiled_file_in_the_project_is_not_believed(bench: Bench) -> None:
    """A `__pycache__` that came with a cloned project could hold other code than the source that was shown."""
    import py_compile

    atoms = bench.root / ".flow" / "atoms"
    source = atoms / "mine.py"
    good = f"{HEAD}\nclass Mine(Atom):\n    def run(self, call): return AtomResult.success('good')\n"
    source.write_text(good.replace("good", "evil"))
    py_compile.compile(
        str(source),
        cfile=str(atoms / "__pycache__" / f"mine.{sys.implementation.cache_tag}.pyc"),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    source.write_text(good)

    assert bench.run(Hosted("mine:Mine"), bench.call(PLAN)).reason == "good"
