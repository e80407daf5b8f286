from __future__ import annotations

import re
from pathlib import Path

import pytest

from tui.commands.group import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_key_table_is_the_one_of_the_actions() -> None:
    from tui.actions import key_table

    found = re.search(r"<!-- keys -->\n(.*?)<!-- /keys -->", README, re.DOTALL)
    assert found is not None
    assert found[1] == key_table(), "run: python -m tests.unit.house.test_readme"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme(name: str) -> None:
    section = README.partition("## Commands")[2].partition("## How")[0]
    assert re.search(rf"`flow [^`]*\b{name}\b|`{name}[ `]", section)


def test_every_exit_code_is_in_the_readme() -> None:
    rows = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert rows == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "70", "74"]


def test_what_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        if target not in ("build.md",):  # in the example of a plan
            assert (ROOT / target).exists(), target


def write_key_table() -> None:
    from tui.actions import key_table

    text = re.sub(
        r"<!-- keys -->\n.*?<!-- /keys -->",
        lambda _: f"<!-- keys -->\n{key_table()}<!-- /keys -->",
        README,
        flags=re.DOTALL,
    )
    (ROOT / "README.md").write_text(text, "utf-8")


if __name__ == "__main__":
    write_key_table()
