"""A task becomes a flow of its own."""

from __future__ import annotations

import pytest

from engine.errors import PlanError, StateError
from engine.status import find_in, flow_file, parse, slug, zoom

PLAN = """Project: X

- [x] Freeze
- [/] [Phase] Build & test <!-- why -->
    a note

    - [x] one
        body

      between
    - [/] two
        - [/] deep

    ## After

- [ ] Ship
"""


def test_children_move_into_the_new_file() -> None:
    task = parse(PLAN).tasks[1]
    zoomed = zoom(task, flow_file(task))
    assert zoomed.file == "sub_flows/build-test.md"
    assert zoomed.text == (
        "# Build & test\n\n- [x] one\n    body\n\n  between\n- [/] two\n    - [/] deep\n\n## After\n"
    )
    assert zoomed.plan.text == (
        "Project: X\n\n- [x] Freeze\n"
        "- [/] [Phase] [Build & test](sub_flows/build-test.md) <!-- why -->\n    a note\n\n- [ ] Ship\n"
    )
    assert not zoomed.plan.problems
    assert zoomed.plan.tasks[1].ref == zoomed.file
    assert [task.name for task in parse(zoomed.text).walk()] == ["one", "two", "deep"]


def test_a_leaf_gets_an_empty_flow() -> None:
    zoomed = zoom(find_in(parse("- [ ] A\n"), "1"), "sub_flows/a.md")
    assert (zoomed.text, zoomed.plan.text) == ("# A\n", "- [ ] [A](sub_flows/a.md)\n")


@pytest.mark.parametrize(
    ("file", "line", "path", "expected"),
    [
        ("sub_flows/x.md", "- [ ] A\n", "sub_flows/a.md", "- [ ] A @ sub_flows/a.md\n"),
        (
            "status.md",
            "- [ ] A [x] b <!-- type: flow -->\n",
            "a.md",
            "- [ ] A [x] b @ a.md <!-- type: flow -->\n",
        ),
        ("status.md", "- [ ] A (b)\n", "my file.md", '- [ ] A (b) @ "my file.md"\n'),
        ("status.md", "- [ ] A\n", "my file.md", "- [ ] [A](<my file.md>)\n"),
    ],
)
def test_how_the_reference_is_written(file: str, line: str, path: str, expected: str) -> None:
    assert zoom(parse(line, file).tasks[0], path).plan.text == expected


def test_what_cannot_become_a_flow() -> None:
    with pytest.raises(StateError, match="already"):
        zoom(parse("- [ ] A @ b.md\n").tasks[0], "c.md")
    with pytest.raises(StateError, match="code"):
        zoom(parse("- [ ] [Script] A\n    ```\n    x\n    ```\n").tasks[0], "c.md")
    with pytest.raises(PlanError):
        zoom(parse("- [ ] A\n- [?] B\n").tasks[0], "c.md")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Build & test", "build-test"),
        ("  Éclair №1 ", "éclair-no1"),
        ("日本語", "日本語"),
        ("🎉", "flow"),
        ("a/../b", "a-b"),
        ("x" * 99, "x" * 60),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_namesakes_get_numbers() -> None:
    task = parse("- [ ] A\n").tasks[0]
    assert [flow_file(task), flow_file(task, 2)] == ["sub_flows/a.md", "sub_flows/a-2.md"]
