"""The Loom atom: from a task to an edited file, and what an interrupted edit left."""

from __future__ import annotations

import json

import pytest

from engine.atoms import LoomAtom
from engine.errors import AnchorError, ConfigurationError, ContentChangedError
from engine.loom import Loom
from engine.storage import Store
from tests.integration.atoms.conftest import Bench

EDIT = """
- [ ] [Loom] Changelog
    ```toml
    op = "insert"
    path = "CHANGELOG.md"
    after = "## Unreleased"
    text = "- Orbit 2.0 is out."
    ```
"""
BEFORE = "# Changes\n\n## Unreleased\n"
AFTER = "# Changes\n\n## Unreleased\n- Orbit 2.0 is out.\n"


@pytest.fixture
def loom(bench: Bench) -> Loom:
    (bench.root / "CHANGELOG.md").write_text(BEFORE)
    return Loom(Store(bench.root))


@pytest.mark.parametrize("form", ["fence", "json", "toml"])
def test_an_edit_from_a_fence_or_a_file(bench: Bench, loom: Loom, form: str) -> None:
    edit = {"op": "insert", "path": "CHANGELOG.md", "after": "## Unreleased", "text": "- Orbit 2.0 is out."}
    toml = "".join(f"{name} = {json.dumps(value)}\n" for name, value in edit.items())
    plan = EDIT if form == "fence" else f"- [ ] [Loom] Changelog @ edits.{form}\n"
    (bench.root / ".flow" / "edits.json").write_text(json.dumps([edit]))
    (bench.root / ".flow" / "edits.toml").write_text(toml)
    call = bench.call(plan)
    LoomAtom().check(call.config)

    preview = LoomAtom().preview(call, loom)
    assert (preview.before, preview.after, preview.already) == (BEFORE, AFTER, False)
    assert (bench.root / "CHANGELOG.md").read_text() == BEFORE
    intended = LoomAtom().intended(preview)
    assert not LoomAtom().is_complete(call, loom, intended)

    result = LoomAtom().write(call, loom, base=preview.revision)

    assert result.outcome.value == "success" and result.reason.startswith("Edited CHANGELOG.md")
    assert (bench.root / "CHANGELOG.md").read_text() == AFTER
    assert loom.read("CHANGELOG.md").revision == intended["new"]
    assert LoomAtom().is_complete(call, loom, intended)
    assert "already" in LoomAtom().write(call, loom).reason


def test_t6_10_a_file_that_changed_since_the_preview_is_a_conflict_unless_forced(
    bench: Bench, loom: Loom
) -> None:
    call = bench.call(EDIT)
    preview = LoomAtom().preview(call, loom)
    (bench.root / "CHANGELOG.md").write_text(BEFORE + "\nA line of mine.\n")

    with pytest.raises(ContentChangedError):
        LoomAtom().write(call, loom, base=preview.revision)
    assert not LoomAtom().is_complete(call, loom, LoomAtom().intended(preview))

    LoomAtom().write(call, loom, base=preview.revision, force=True)
    assert (bench.root / "CHANGELOG.md").read_text() == AFTER + "\nA line of mine.\n"


def test_an_edit_that_was_edited_further_counts_by_its_text(bench: Bench, loom: Loom) -> None:
    call = bench.call(EDIT)
    intended = LoomAtom().intended(LoomAtom().preview(call, loom))
    LoomAtom().write(call, loom)
    (bench.root / "CHANGELOG.md").write_text(AFTER + "\nMore.\n")

    assert LoomAtom().is_complete(call, loom, intended)


def test_an_anchor_that_is_not_there(bench: Bench, loom: Loom) -> None:
    (bench.root / "CHANGELOG.md").write_text("nothing\n")
    with pytest.raises(AnchorError):
        LoomAtom().preview(bench.call(EDIT), loom)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("- [ ] [Loom] X\n", "has no settings"),
        ("- [ ] [Loom] X @ nowhere.toml\n", "There is no .flow/nowhere.toml"),
        ("- [ ] [Loom] X @ edits.yaml\n", "neither a .toml nor a .json"),
        ("- [ ] [Loom] X @ bad.json\n", "This is not JSON (.flow/bad.json)"),
        ("- [ ] [Loom] X\n    ```toml\n    op = 'burn'\n    ```\n", "status.md:1: "),
        ("- [ ] [Loom] X\n    ```toml\n    op = \n    ```\n", "status.md:2: This is not TOML"),
        (EDIT + "    ```toml\n    op = 'append'\n    ```\n", "more than one block"),
        (
            '- [ ] [Loom] X\n    ```json\n    [{"op": "append", "path": "a", "text": "x"},'
            ' {"op": "append", "path": "b", "text": "x"}]\n    ```\n',
            "one file",
        ),
    ],
)
def test_settings_that_cannot_be_understood(bench: Bench, loom: Loom, plan: str, words: str) -> None:
    (bench.root / ".flow" / "bad.json").write_text("{")
    (bench.root / ".flow" / "edits.yaml").write_text("a: 1")
    with pytest.raises(ConfigurationError) as error:
        LoomAtom().edits(bench.call(plan))
    assert words in str(error.value)
