"""Progress is kept up to date: whatever happens, it is what counting everything afresh gives."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FlowError
from engine.flows import Loader, Tree
from engine.status import (
    Plan,
    Progress,
    Status,
    Task,
    apply,
    begin,
    done,
    fail,
    parse,
    progress,
    reopen,
    reset,
    set_marker,
    skip,
)
from engine.storage import Plans, Store, revision_of
from tests.amount import times

EXAMPLES = times(25)
VERBS = [begin, done, skip, fail, reopen, reset]


def afresh(tasks: Sequence[Task]) -> Progress:
    """Counted the plain way."""
    done = skipped = failed = total = 0
    for task in tasks:
        leaf = {Status.DONE: (1, 0, 0, 1), Status.SKIPPED: (0, 1, 0, 1), Status.FAILED: (0, 0, 1, 1)}
        one = afresh(task.inside) if task.inside else Progress(*leaf.get(task.status, (0, 0, 0, 1)))
        if task.status is Status.SKIPPED:
            one = Progress(one.done, one.total - one.done, 0, one.total)
        done, skipped = done + one.done, skipped + one.skipped
        failed, total = failed + one.failed, total + one.total
    return Progress(done, skipped, failed, total)


def check(tree: Tree) -> None:
    """All counts are what counting afresh gives."""
    assert tree.progress() == afresh(tree.root.tasks)
    for task in tree.walk():
        assert tree.progress(task) == afresh([task]), task.address
    for plan in tree.plans.values():
        assert tree.progress(plan) == afresh(plan.tasks)


FILES = ["status.md", "a.md", "b.md", "c.md"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Any tasks with any status, some of which refer to other files, in a circle or twice or to none."""
    lines: list[str] = []
    level = -1
    for number in range(draw(st.integers(0, 6))):
        level = draw(st.integers(0, min(level + 1, 2)))
        ref = draw(st.sampled_from(["", "", "", " @ a.md", " @ b.md", " @ c.md", " @ status.md", " @ no.md"]))
        mark = draw(st.sampled_from("   x-!/?"))
        lines.append(f"{'    ' * level}- [{mark}] {number}{ref}\n")
    return "".join(lines)


@given(st.data())
@settings(max_examples=EXAMPLES)
def test_whatever_is_written_and_changed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        flow = Path(folder) / ".flow"
        flow.mkdir()
        for file in FILES:
            (flow / file).write_text(data.draw(texts()))
        loader = Loader(Plans(Store(Path(folder))))
        check(loader.load())
        for _ in range(12):
            tree = loader.load()
            tasks = list(tree.walk())
            kind = data.draw(st.sampled_from("wdccs" if tasks else "w"))
            if kind == "w":
                (flow / data.draw(st.sampled_from(FILES))).write_text(data.draw(texts()))
            elif kind == "d":
                (flow / data.draw(st.sampled_from(FILES[1:]))).unlink(missing_ok=True)
            else:
                task = data.draw(st.sampled_from(tasks))
                if kind == "s":
                    set_marker(task, data.draw(st.sampled_from(list(Status))))
                    plans: list[Plan] = [task.plan]
                else:
                    try:
                        plans = apply(data.draw(st.sampled_from(VERBS))(task))
                    except FlowError:
                        continue
                check(tree)
                for plan in plans:
                    (flow / plan.file).write_text(plan.text)
                    loader.wrote(plan, revision_of(plan.text.encode()))
            check(loader.load())


def test_what_stood_in_the_way_of_a_sub_flow_is_counted_with_it(tmp_path: Path) -> None:
    """The task that refers to a flow first takes it over from the one that did, with what is inside of that flow."""
    flow = tmp_path / ".flow"
    flow.mkdir()
    (flow / "status.md").write_text("- [ ] A @ a.md\n- [ ] B @ b.md\n")
    (flow / "a.md").write_text("- [ ] 1\n")
    (flow / "b.md").write_text("- [ ] 2 @ c.md\n")
    (flow / "c.md").write_text("- [x] 3\n- [-] 4\n- [!] 5\n")
    loader = Loader(Plans(Store(tmp_path)))
    tree = loader.load()
    assert tree.progress() == Progress(1, 1, 1, 4)
    (flow / "a.md").write_text("- [ ] 1 @ c.md\n")
    (flow / "c.md").write_text("- [x] 3\n- [x] 4\n")
    tree = loader.load()
    assert (tree.progress(tree.find("1")), tree.progress(tree.find("2"))) == (
        Progress(2, 0, 0, 2),
        Progress(total=1),
    )
    check(tree)


def test_a_plan_on_its_own_is_counted_when_it_is_asked_for() -> None:
    plan = parse("- [-] A\n    - [ ] B\n    - [x] C\n- [ ] D\n")
    assert progress(plan.tasks[0]) == Progress(1, 1, 0, 2)
    set_marker(plan.tasks[0].children[1], Status.FAILED)
    set_marker(plan.tasks[1], Status.DONE)
    assert progress(plan) == Progress(1, 2, 0, 3)
    set_marker(plan.tasks[0], Status.PENDING)
    assert progress(plan) == Progress(1, 0, 1, 3)


def test_very_many_changes_at_once(tmp_path: Path) -> None:
    flow = tmp_path / ".flow"
    flow.mkdir()
    many = "".join(f"- [ ] {number}\n" for number in range(150))
    (flow / "status.md").write_text("- [ ] A @ a.md\n- [ ] Other\n")
    (flow / "a.md").write_text(f"{many}- [ ] B @ b.md\n")
    (flow / "b.md").write_text(many)
    loader = Loader(Plans(Store(tmp_path)))
    tree = loader.load()
    for plan in apply(skip(tree.find("A"))):
        (flow / plan.file).write_text(plan.text)
        loader.wrote(plan, revision_of(plan.text.encode()))
    (flow / "status.md").write_text("- [-] A @ a.md\n- [x] Another\n")
    tree = loader.load()
    check(tree)
    assert tree.progress() == Progress(done=1, skipped=300, total=301)
    apply(reset(tree.root))
    check(tree)
