"""The words that are answered without click get the answer that click gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tui.commands import plain
from tui.commands.plain import VERBS

PLAN = "- [x] One\n- [ ] [Script] Two\n    ```sh\n    true\n    ```\n- [!] Three\n- [ ] Four\n"
ADDRESSES = ("1", "2", "3", "Four", "9", "Nobody", "[Script] Two", "-x", "- [ ] Four", "")
ASKED = [
    ["status"],
    ["next"],
    *([verb, address] for verb in VERBS for address in ADDRESSES),
    *(["done", address, "--expect", name] for address in ("2", "4") for name in ("Two", "Four", "-x", "")),
]


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_click_would_say_the_same(
    flow: Flow, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, as_json: list[str], tmp_path: Path
) -> None:
    template = make_project({"status.md": PLAN})
    project = tmp_path / "copy"
    answered = 0
    for words in ASKED:
        said = []
        for short in (True, False):
            shutil.rmtree(project, ignore_errors=True)
            shutil.copytree(template, project)
            with monkeypatch.context() as patch:
                if not short:
                    patch.setattr(plain, "answer", lambda arguments: False)
                ran = flow(*words, *as_json, cwd=project)
            said.append((ran.code, ran.out, ran.err, (project / ".flow" / "status.md").read_text()))
        assert said[0] == said[1], words
        answered += said[0][0] == 0
    assert answered > 10


def test_other_words_are_left_to_click(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_project({"status.md": PLAN}))
    for words in (
        [],
        ["status", "1"],
        ["next", "--help"],
        ["done"],
        ["done", "--note", "x"],
        ["--json"],
        ["run"],
    ):
        assert not plain.answer(words), words
