"""From a registry's entry to an atom, without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.atoms import BUILT_IN, Flow, Hosted, LoomAtom, Manual, Script, atom_for, inspect_target
from engine.atoms.base import Call, Outcome
from engine.errors import ConfigurationError


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "atoms" / "deep").mkdir(parents=True)
    return tmp_path


def test_the_built_in_atoms(flow: Path) -> None:
    kinds = {name: type(atom_for(target, flow)) for name, target in BUILT_IN.items()}
    assert kinds == {"Manual": Manual, "Script": Script, "Git": Hosted, "Loom": LoomAtom, "Flow": Flow}


@pytest.mark.parametrize(
    ("file", "text", "target"),
    [
        ("a.py", "class A: pass", "a:A"),
        ("a.py", "if True:\n    class A: pass", "a:A"),
        ("a.py", "from elsewhere import A", "a:A"),
        ("a.py", "from elsewhere import B as A", "a:A"),
        ("a.py", "A = make()", "a:A"),
        ("deep/b.py", "class A: pass", "deep.b:A"),
        ("deep/__init__.py", "class A: pass", "deep:A"),
    ],
)
def test_what_may_be_an_atom(flow: Path, file: str, text: str, target: str) -> None:
    (flow / "atoms" / file).write_text(text)
    inspect_target(target, flow)
    assert isinstance(atom_for(target, flow), Hosted)


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("", "a:A", "has no class A"),
        ("class B: pass", "a:A", "has no class A"),
        ("class A:", "a:A", "a.py:1: "),
        ("\0", "a:A", "null bytes"),
        ("class A: pass", "subprocess:Popen", "there is no .flow/atoms/subprocess.py"),
        ("class A: pass", "engine.atoms.script:Other", "there is no"),
        ("class A: pass", "a", "module:Class"),
        ("class A: pass", "../a:A", "module:Class"),
        ("class A: pass", "a:A()", "module:Class"),
        ("class A: pass", "", "module:Class"),
    ],
)
def test_t1_35_what_cannot_be_an_atom_says_why(flow: Path, text: str, target: str, reason: str) -> None:
    (flow / "atoms" / "a.py").write_text(text)
    with pytest.raises(ConfigurationError, match="is broken") as error:
        atom_for(target, flow)
    assert reason in str(error.value)


def test_t1_37_nothing_is_imported(flow: Path) -> None:
    trace = flow / "trace"
    (flow / "atoms" / "a.py").write_text(f"open({str(trace)!r}, 'w')\nclass A: pass\n")

    atom_for("a:A", flow)

    assert not trace.exists()
    assert not list(flow.rglob("__pycache__"))


@pytest.mark.parametrize("atom", [Manual(), Flow()])
def test_a_person_is_waited_for(atom: Manual | Flow, flow: Path) -> None:
    result = atom.run(Call(name="Sign", address="2/1", root=flow))
    assert result.outcome is Outcome.WAITING
    assert "2/1 Sign" in result.reason
