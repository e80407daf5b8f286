"""The flat list of rows against a plain walk of the tree, whatever is folded, opened, filtered and zoomed into."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Engine, Task, Tree
from tui.widgets.rows import Rows

Shape = list["Shape"]

NOTHING: Shape = []
SHAPES: st.SearchStrategy[Shape] = st.recursive(
    st.just(NOTHING), lambda inner: st.lists(inner, max_size=4), max_leaves=25
)


def text_of(shape: Shape, headings: bool, *files: str) -> str:
    """A plan of this shape: some tasks with a note, headings at the top; its first leaves refer to `files`."""
    lines: list[str] = []
    references = list(files)

    def write(tasks: Shape, level: int) -> None:
        for number, inner in enumerate(tasks, 1):
            if headings and level == 0 and number % 2:
                lines.append(f"# Heading {number}")
            reference = f" @ {references.pop(0)}" if references and not inner else ""
            lines.append(f"{'    ' * level}- [ ] Task {len(lines)}{reference}")
            if len(lines) % 3 == 0 and not reference:
                lines.append(f"{'    ' * level}    A note.")
            write(inner, level + 1)

    write(shape, 0)
    return "".join(f"{line}\n" for line in lines) + ("\n# The end\n" if headings else "")


def read(outer: Shape, middle: Shape, inner: Shape) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        flow = Path(folder) / ".flow"
        flow.mkdir()
        (flow / "status.md").write_text(text_of(outer, True, "middle.md"))
        (flow / "middle.md").write_text(text_of(middle, False, "inner.md"))
        (flow / "inner.md").write_text(text_of(inner, True))
        return Engine(Path(folder)).tree()


def plain(rows: Rows) -> Iterator[str]:
    """What `rows` has to show, by the plainest of walks."""

    def inside(task: Task | None, depth: int, prefix: str) -> Iterator[str]:
        plan = rows.root if task is None else task.subflow
        headings = list(plan.headings) if plan is not None and rows.keep is None else []
        for one in plan.tasks if plan is not None else task.children if task is not None else ():
            while headings and headings[0].line < one.line:
                yield f"{depth} {headings.pop(0).text}"
            if rows.keep is not None and not rows.keep(one):
                continue
            id = f"{prefix}{one.number}"
            yield f"{depth} {id} {one.name}"
            if rows.is_open(one):
                yield from inside(one, depth + 1, f"{id}{'/' if one.subflow is not None else '.'}")

    zoom = rows.zoom
    prefix = f"{zoom.id}." if zoom is not None and zoom.subflow is None else ""
    return inside(zoom, 0, prefix)


def shown(rows: Rows) -> list[str]:
    return [
        f"{row.depth} {row.id} {row.task.name}" if row.task else f"{row.depth} {row.text}" for row in rows
    ]


@given(st.data(), SHAPES, SHAPES, SHAPES)
@settings(max_examples=150)
def test_the_rows_are_those_of_a_plain_walk(
    data: st.DataObject, outer: Shape, middle: Shape, inner: Shape
) -> None:
    tree = read(outer, middle, inner)
    plan, every = tree.root, list(tree.walk())
    rows = Rows()
    rows.show(plan, None)
    assert shown(rows) == list(plain(rows))
    for _ in range(data.draw(st.integers(1, 12))):
        step = data.draw(
            st.sampled_from(["toggle", "toggle", "toggle", "reveal", "zoom", "filter", "all", "same"])
        )
        if step == "toggle" and len(rows):
            rows.toggle(data.draw(st.integers(0, len(rows) - 1)))
        elif step == "reveal" and every:
            task = data.draw(st.sampled_from(every))
            at = rows.reveal(task)
            kept = rows.keep is None or rows.keep(task)
            assert (at is not None) == (rows.contains(task) and kept)
            assert at is None or rows[at].task is task
        elif step == "zoom":
            rows.show(plan, data.draw(st.sampled_from([None, *(task for task in every if task.inside)])))
        elif step == "filter":
            rows.keep = data.draw(st.sampled_from([None, keep_with_parents(every)]))
            rows.rebuild()
        elif step == "all":
            rows.fold_all()
        else:
            rows.rebuild()
        assert shown(rows) == list(plain(rows))
        assert all(len(row.id) <= rows.id_width for row in rows)
        for number, row in enumerate(rows):
            if row.task is not None:
                assert rows.index(row.task) == number


def keep_with_parents(tasks: list[Task]) -> Callable[[Task], bool]:
    """A filter as the app makes them: every third leaf, and what is around it."""
    kept: set[Task] = set()
    for task in [task for task in tasks if not task.inside][::3]:
        above: Task | None = task
        while above is not None:
            kept.add(above)
            above = above.above
    return kept.__contains__
