"""Tasks of one text or of one name: what ran is marked under its new name or place, and no other one is, ever."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from engine import Engine, NeedsPersonError, StateError
from engine.runtime.identity import as_json, from_json, path_at_work
from engine.status import parse
from tests.conftest import MakeProject
from tests.integration.conftest import StartEngine, WaitFor, finish
from tests.integration.test_never_twice import ATOM


def task(name: str, mark: str = " ", *, says: str = "run", note: str = "") -> str:
    waits = "touch started-$FLOW_ATTEMPT\n    while [ ! -e go ]; do sleep 0.02; done"
    return f"- [{mark}] [Script] {name}\n{note}    ```sh\n    echo {says} >> runs\n    {waits}\n    ```\n"


def within(name: str, text: str, mark: str = " ") -> str:
    return f"- [{mark}] {name}\n{indent(text, '    ')}"


def under(heading: str, text: str) -> str:
    return f"# {heading}\n\n{text}\n"


def marks(root: Path) -> str:
    """The marks of all tasks, in their order."""
    return "".join(re.findall(r"^ *- \[(.)\]", (root / ".flow/status.md").read_text(), re.MULTILINE))


NOTE = "    - looks fine\n"
NEW = task("X", says="new")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (task("X") + task("Y"), task("X") + task("Y", "/"), "x/"),
        (task("X") + task("Y"), task("Y", "/"), "/"),
        (task("X") + task("Y"), task("X2", "/") + task("Y"), "x "),
        (task("X") + task("Y"), task("X2", "/") + task("Y") + task("X"), "x  "),
        (
            under("A", task("X")) + under("B", task("X")),
            under("A", task("X")) + under("B", task("X", "/")),
            "x/",
        ),
        (under("A", task("X")), under("B", NEW), " "),
        (
            under("A", task("X")),
            under("B", task("X", "/", note=NOTE)) + under("A", NEW),
            "x ",
        ),
        (under("A", task("X")), under("B", task("X", "/", note=NOTE)), "x"),
        (within("A", task("X")) + within("B", NEW), within("B", task("X", "/", says="new"), "/"), "//"),
        (within("A", task("X")) + within("B", NEW), task("X", "/", note=NOTE) + within("B", NEW), "x  "),
        (task("X"), within("A", task("X", "/"), "/") + task("X"), "xx "),
        (task("X"), task("X2", "/", says="new") + task("X"), "/ "),
    ],
    ids=[
        "another one of its text is begun",
        "and it is gone",
        "it is renamed beside another one of its text",
        "and a newcomer has its name",
        "another one of its name and text is begun under another heading",
        "a newcomer of its name stands under another heading",
        "and it is under another heading with another text",
        "it has another heading and another text",
        "another one of its name is begun elsewhere",
        "it is moved, and has another text",
        "it is moved, and a newcomer has its place",
        "it has another name and another text, and a newcomer those that it had",
    ],
)
def test_what_runs_is_marked_and_no_other_one(
    make_project: MakeProject,
    start_engine: StartEngine,
    wait_for: WaitFor,
    before: str,
    after: str,
    expected: str,
) -> None:
    root = make_project({"status.md": before})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    (root / ".flow/status.md").write_text(after)
    (root / "go").touch()
    process.communicate()
    assert marks(root) == expected
    assert (root / "runs").read_text() == "run\n"


async def test_one_with_another_name_and_text_is_asked_about_beside_a_newcomer(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": task("X")})
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    (root / ".flow/status.md").write_text(task("X2", "/", says="new") + task("X"))
    (root / "go").touch()
    process.communicate()
    with pytest.raises(NeedsPersonError, match="X2"):
        await finish(Engine.open(root).step())


def with_atom(root: Path) -> None:
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/nightly.py").write_text(ATOM)
    registry = root / ".flow/flow.registry.json"
    registry.write_text(registry.read_text().replace("{", '{"Nightly": "nightly:Nightly", ', 1))


async def test_one_without_a_text_that_was_renamed_is_asked_about_and_so_is_a_newcomer_of_its_name(
    make_project: MakeProject, start_engine: StartEngine, wait_for: WaitFor
) -> None:
    root = make_project({"status.md": "- [ ] [Nightly] Backup\n"})
    with_atom(root)
    process = start_engine(root)
    wait_for((root / "started-1").exists)
    (root / ".flow/status.md").write_text("- [/] [Nightly] Backup eu\n- [ ] [Nightly] Backup\n")
    (root / "go").touch()
    process.communicate()
    assert marks(root) == "/ "
    with pytest.raises(NeedsPersonError, match="Backup eu"):
        await finish(Engine.open(root).step())
    Engine.open(root).change("done", "1")
    assert (root / "runs").read_text() == "run\n"


async def test_one_does_not_run_again_beside_an_active_one_of_its_text(make_project: MakeProject) -> None:
    root = make_project({"status.md": task("One") + task("Two")})
    (root / "go").touch()
    engine = Engine.open(root)
    await finish(engine.step())
    await finish(engine.step())
    for _ in range(3):
        engine.undo()
    with pytest.raises(StateError, match="cannot become active"):
        await finish(engine.retry("2"))
    assert marks(root) == "/ "
    assert (root / "runs").read_text() == "run\nrun\n"


def test_a_path_knows_what_has_its_name_or_its_text() -> None:
    plan = parse(task("X") + task("Y") + task("Z", says="z") + within("A", task("X", says="new")))
    path = path_at_work(plan.tasks[0])
    assert path[-1].twins == ("status.md#A\x1f[Script] X", "status.md#[Script] Y")
    assert from_json(as_json(path))[-1].twins == path[-1].twins
    assert not path_at_work(plan.tasks[2])[-1].twins
