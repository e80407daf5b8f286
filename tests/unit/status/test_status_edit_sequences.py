"""Any sequence of edits leaves a plan that reads back as the tree it should be, or was refused with nothing touched."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FlowError
from engine.status import Index, Plan, Status, Task, body, parse
from tests.amount import times

EXAMPLES = times(5)


@dataclass(eq=False)
class Node:
    """The tree as it should be, kept without any text."""

    name: str
    status: Status
    notes: str
    children: list[Node] = field(default_factory=list)

    def walk(self) -> list[Node]:
        return [self, *(each for child in self.children for each in child.walk())]


Shape = tuple[str, Status, str, tuple[object, ...]]


def shape_of_node(node: Node) -> Shape:
    return node.name, node.status, node.notes, tuple(shape_of_node(child) for child in node.children)


def shape_of_task(task: Task) -> Shape:
    return task.name, task.status, body(task).notes, tuple(shape_of_task(child) for child in task.children)


def node_of(task: Task) -> Node:
    return Node(task.name, task.status, body(task).notes, [node_of(child) for child in task.children])


NOTES = [
    "",
    "",
    "",
    "a note",
    "- a bullet",
    "> quote",
    "<!-- x -->",
    "text\n\nmore",
    "* star\n\n      code",
    "# head",
]


@st.composite
def starting_plans(draw: st.DrawFn) -> Plan:
    width = draw(st.sampled_from([2, 4]))
    lines = ["Project: X\n", "\n"] if draw(st.booleans()) else []
    level = -1
    for number in range(draw(st.integers(0, 8))):
        level = draw(st.integers(0, min(level + 1, 3)))
        lines.append(f"{' ' * width * level}- [{draw(st.sampled_from(' xv-!/'))}] T{number}\n")
        for note in draw(st.sampled_from(NOTES)).splitlines():
            lines.append(f"{' ' * width * (level + 1)}{note}\n" if note else "\n")
        if draw(st.integers(0, 5)) == 0:
            lines.append("\n")
        if draw(st.integers(0, 12)) == 0:
            lines.extend(["\n", "# Heading\n", "\n"])
            level = -1
    return parse("".join(lines))


@given(starting_plans().filter(lambda plan: not plan.problems), st.data())
@settings(max_examples=EXAMPLES)
def test_fifty_edits(plan: Plan, data: st.DataObject) -> None:
    index = Index(plan)
    roots = [node_of(task) for task in plan.tasks]
    count = 0
    for _ in range(50):
        count += 1
        before = index.plan.text
        nodes = [node for root in roots for node in root.walk()]
        ids = [task.id for task in index.reindex().walk()]
        pick = data.draw(st.integers(0, max(len(ids) - 1, 0)))
        under = data.draw(st.integers(-1, len(ids) - 1))
        to = ids[under] if under >= 0 else None
        kind = data.draw(st.sampled_from("aarmm") if ids else st.just("a"))
        siblings = nodes[under].children if under >= 0 else roots
        try:
            if kind == "a":
                at = data.draw(st.integers(1, len(siblings) + 1))
                status = data.draw(
                    st.sampled_from([Status.PENDING, Status.PENDING, Status.DONE, Status.ACTIVE])
                )
                index.add(
                    f"- [{status.marker}] N{count}\n  note {count}\n  - [{status.marker}] M\n", to=to, at=at
                )
                siblings.insert(at - 1, Node(f"N{count}", status, f"note {count}", [Node("M", status, "")]))
                continue
            owner = next((node.children for node in nodes if nodes[pick] in node.children), roots)
            if kind == "r":
                index.remove(ids[pick])
                owner.remove(nodes[pick])
            else:
                rest = [node for node in siblings if node is not nodes[pick]]
                at = data.draw(st.integers(1, len(rest) + 1))
                index.move(ids[pick], to=to, at=at)
                owner.remove(nodes[pick])
                siblings.insert(at - 1, nodes[pick])
        except FlowError:
            assert index.plan.text == before
        finally:
            read = parse(index.plan.text)
            assert not read.problems
            assert [shape_of_task(task) for task in read.tasks] == [shape_of_node(root) for root in roots]
