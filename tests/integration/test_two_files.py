"""Changes of more than one plan file: all of it or nothing, whoever writes in between and whenever the engine dies."""

from __future__ import annotations

import itertools
import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, FlowError
from engine.storage import Plans, Store
from tests.conftest import MakeProject

FILES = {
    "status.md": "- [ ] [A](a.md)\n- [ ] [B](b.md)\n- [ ] C\n    - [ ] c1\n    - [ ] c2\n- [ ] D\n\n# Log\n",
    "a.md": "- [ ] a1\n- [ ] a2\n    - [ ] a3\n\n# Log\n",
    "b.md": "- [ ] b1\n\n# Log\n",
}
LEAVES = ("a1", "a3", "b1", "c1", "c2", "D")

Change = Callable[[Engine], object]


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project(FILES)


def texts(root: Path) -> dict[str, str]:
    flow = root / ".flow"
    names = ["status.md", "a.md", "b.md", *(f"sub_flows/{path.name}" for path in flow.glob("sub_flows/*"))]
    return {name: (flow / name).read_text() for name in names}


def statuses(engine: Engine) -> dict[str, str]:
    return {task.name: str(task.status) for task in engine.tree().walk()}


def move(engine: Engine) -> None:
    engine.move("a1", to="B")


def zoom(engine: Engine) -> None:
    engine.zoom("C")


def undo(engine: Engine) -> None:
    engine.undo()


def done(engine: Engine) -> None:
    engine.change("done", "a3")


def nothing(engine: Engine) -> None:
    """What was there before the change is what `FILES` say."""


def all_but_one_done(engine: Engine) -> None:
    engine.change("done", "a1")


def all_done(engine: Engine) -> None:
    engine.change("done", "a1")
    engine.change("done", "a3")


@pytest.mark.parametrize(
    ("before", "change", "file"),
    [
        (nothing, move, "a.md"),
        (nothing, zoom, "status.md"),
        (zoom, undo, "status.md"),
        (move, undo, "a.md"),
        (all_but_one_done, done, "status.md"),
        (all_done, undo, "a.md"),
    ],
)
def test_another_program_that_writes_the_second_file_meanwhile_leaves_no_half_change(
    root: Path, monkeypatch: pytest.MonkeyPatch, before: Change, change: Change, file: str
) -> None:
    engine = Engine.open(root)
    before(engine)
    was, plan = texts(root), statuses(engine)
    path = root / ".flow" / file
    swap, meanwhile = Plans._swap, iter([f"{path.read_text()}a note\n"])

    def late(plans: Plans, target: Any, *words: Any) -> Any:
        if target.path == path and (text := next(meanwhile, None)) is not None:
            beside = path.with_suffix(".new")
            beside.write_text(text)
            beside.rename(path)
        return swap(plans, target, *words)

    monkeypatch.setattr(Plans, "_swap", late)
    refused = False
    try:
        change(engine)
    except FlowError:
        refused = True
    monkeypatch.undo()
    assert next(meanwhile, None) is None, "another program has written"
    assert "a note\n" in (root / ".flow" / file).read_text()
    assert Counter(task.name for task in engine.tree().walk() if task.is_leaf).most_common(1)[0][1] == 1
    assert not engine.check()
    assert not engine.unreachable()
    if refused:
        assert {**texts(root), file: ""} == {**was, file: ""}
    elif change is not undo:
        engine.undo()
        assert statuses(engine) == plan
        assert not engine.unreachable()


@pytest.mark.parametrize(("before", "change"), [(nothing, move), (nothing, zoom), (zoom, undo), (move, undo)])
def test_an_engine_that_dies_between_two_files_has_changed_all_or_nothing(
    make_project: MakeProject, tmp_path: Path, before: Change, change: Change
) -> None:
    for point in itertools.count():
        root = make_project(FILES).rename(tmp_path / f"killed at {point}")
        engine = Engine.open(root)
        before(engine)
        was = statuses(engine)
        died = _dies(root, change, point)
        after = Engine.open(root)
        after.change("begin", "D")
        assert Counter(task.name for task in after.tree().walk() if task.is_leaf) == Counter(LEAVES), point
        assert not after.check()
        assert before is zoom or not after.unreachable()  # a flow whose task is none any more may stay
        after.undo()  # of D, and then of the change if it has happened
        if statuses(after) != was and change is not undo:
            after.undo()
            assert statuses(after) == was, point
        if not died:
            assert point > 3
            return


def _dies(root: Path, change: Change, point: int) -> bool:
    """Makes the change in a process that is killed before the write of this number. Whether it was."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            left = itertools.count(point, -1)
            for name in ("append", "create", "rename", "replace", "swap"):
                setattr(Store, name, _killing(getattr(Store, name), left))
            change(Engine.open(root))
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _killing(write: Callable[..., Any], left: itertools.count[int]) -> Callable[..., Any]:
    def killing(*words: Any, **named: Any) -> Any:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(*words, **named)

    return killing
