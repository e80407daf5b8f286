"""Many files as one tree: references and what is wrong with them, addresses, the tree as a whole."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import StateError, UnknownAddressError, UnsupportedFileError
from engine.flows import Loader, Tree
from engine.status import Plan, Task, apply, begin, done, settle
from engine.storage import Plans, Snapshot, Store

Project = Callable[[Mapping[str, str]], Loader]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    def make(files: Mapping[str, str]) -> Loader:
        for name, text in files.items():
            path = tmp_path / ".flow" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        (tmp_path / ".flow").mkdir(exist_ok=True)
        return Loader(Plans(Store(tmp_path)))

    return make


def outline(tree: Tree) -> list[str]:
    return [f"{task.address} {task.name}" for task in tree.walk()]


def problem_of(task: Task) -> str:
    (problem,) = task.problems
    assert problem.file == task.plan.file
    assert problem.line == task.line
    return problem.message


def test_t1_03_no_plan_file(project: Project) -> None:
    tree = project({}).load()
    assert tree.root.tasks == []
    assert tree.root.problems == []
    assert tree.cursor() is None
    assert tree.progress().total == 0
    assert tree.snapshots == {}
    assert list(tree.plans) == ["status.md"]


def test_a_tree_through_files(project: Project) -> None:
    tree = project(
        {
            "status.md": "- [x] A\n- [/] [Build](sub/b.md)\n    note\n- [ ] C\n",
            "sub/b.md": "- [/] One\n    - [ ] Deep @ sub/d.md\n- [ ] Two\n",
            "sub/d.md": "- [ ] End\n",
        }
    ).load()
    assert outline(tree) == ["1 A", "2 Build", "2/1 One", "2/1.1 Deep", "2/1.1/1 End", "2/2 Two", "3 C"]
    assert tree.problems() == []
    assert list(tree.plans) == ["status.md", "sub/b.md", "sub/d.md"]
    assert set(tree.snapshots) == set(tree.plans)
    cursor = tree.cursor()
    assert cursor is not None
    assert cursor.address == "2/1.1/1"
    assert tree.progress().total == 4
    assert tree.progress(tree.find("2")).total == 2


def test_t1_08_a_file_outside_of_the_folder_counts_as_missing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("- [ ] X\n")
    tree = project({"status.md": "- [ ] A @ b.md\n"}).load()
    assert "missing" in problem_of(tree.root.tasks[0])


@pytest.mark.parametrize(("mark", "name"), [("/", None), (" ", "Rest"), ("x", "Rest")])
def test_t2_07_beside_a_broken_one_that_is_active_nothing_is_next(
    project: Project, mark: str, name: str | None
) -> None:
    plans = {"status.md": f"- [ ] Group\n    - [{mark}] Broken @ bad.md\n- [ ] Rest\n", "bad.md": "- [?] X\n"}
    plans["status.md"] = (
        plans["status.md"].replace("[ ] Group", "[/] Group") if mark == "/" else plans["status.md"]
    )
    cursor = project(plans).load().cursor()
    assert (cursor.name if cursor is not None else None) == name


def test_t2_07_the_rest_of_the_tree_loads_and_runs(project: Project) -> None:
    tree = project(
        {
            "status.md": "- [ ] Missing @ no.md\n- [ ] Broken @ bad.md\n- [ ] Itself @ status.md\n- [ ] First @ ok.md\n"
            "- [ ] Second @ ./ok.md\n- [ ] Circle @ one.md\n- [ ] Rest\n",
            "bad.md": "- [?] X\n",
            "ok.md": "- [x] Y\n",
            "one.md": "- [x] Z\n- [ ] Back @ two.md\n",
            "two.md": "- [ ] Again @ one.md\n- [ ] Fine\n",
        }
    ).load()
    missing, broken, itself, first, second, circle, rest = tree.root.tasks
    assert "missing" in problem_of(missing)
    assert missing.subflow is None
    assert "unknown marker" in problem_of(broken)
    assert broken.subflow is tree.plans["bad.md"], "it is shown as far as it can be read"
    assert "circular: status.md -> status.md" in problem_of(itself)
    assert "second one" in problem_of(second)
    assert "line 4" in problem_of(second)
    assert "circular: one.md -> two.md -> one.md" in problem_of(tree.find("6/2/1"))
    assert not (first.problems or circle.problems or rest.problems)
    assert not tree.root.problems
    cursor = tree.cursor()
    assert cursor is not None
    assert cursor.address == "6/2/2", "first.md is done in all but its referrer"
    assert {problem.line for problem in tree.problems() if problem.file == "status.md"} == {1, 2, 3, 5}
    tree.validate_state()


@pytest.mark.parametrize("ref", ["../b.md", "/etc/passwd", "C:\\x.md", "CON", "a/PRN.txt", "x" * 5000])
def test_t2_10_nothing_is_opened_outside(project: Project, ref: str) -> None:
    tree = project({"status.md": f"- [ ] A @ {ref}\n- [ ] B\n"}).load()
    assert len(tree.root.tasks[0].problems) == 1
    assert list(tree.plans) == ["status.md"]
    cursor = tree.cursor()
    assert cursor is not None
    assert cursor.name == "B"


def test_t2_12_a_symlink_that_leads_out(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out.md").write_text("- [ ] X\n")
    loader = project({"status.md": "- [ ] A @ link.md\n"})
    (tmp_path / ".flow" / "link.md").symlink_to(tmp_path / "out.md")
    tree = loader.load()
    assert "refused" in problem_of(tree.root.tasks[0])
    assert list(tree.plans) == ["status.md"]


def test_a_symlink_inside_is_the_file_it_leads_to(project: Project, tmp_path: Path) -> None:
    loader = project({"status.md": "- [ ] A @ b.md\n- [ ] B @ link.md\n", "b.md": "- [ ] X\n"})
    (tmp_path / ".flow" / "link.md").symlink_to("b.md")
    assert "second one" in problem_of(loader.load().root.tasks[1])


def test_a_folder_is_a_broken_reference(project: Project, tmp_path: Path) -> None:
    loader = project({"status.md": "- [ ] A @ folder.md\n"})
    (tmp_path / ".flow" / "folder.md").mkdir()
    assert "broken" in problem_of(loader.load().root.tasks[0])


def test_a_root_that_cannot_be_read_raises(project: Project, tmp_path: Path) -> None:
    loader = project({})
    (tmp_path / ".flow" / "status.md").mkdir()
    with pytest.raises(UnsupportedFileError):
        loader.load()


def test_operation_files_are_no_flows_but_must_exist(project: Project) -> None:
    tree = project({"status.md": "- [ ] [Loom] A @ a.json\n- [ ] [Loom] B @ b.toml\n", "a.json": "{}"}).load()
    assert tree.root.tasks[0].subflow is None
    assert not tree.root.tasks[0].problems
    assert "missing" in problem_of(tree.root.tasks[1])


def test_metadata_makes_any_file_a_flow(project: Project) -> None:
    tree = project({"status.md": "- [ ] A @ plan.txt <!-- type: flow -->\n", "plan.txt": "- [ ] X\n"}).load()
    assert outline(tree) == ["1 A", "1/1 X"]


def test_a_finished_task_with_an_unfinished_flow(project: Project) -> None:
    tree = project({"status.md": "- [x] A @ b.md\n- [ ] B\n", "b.md": "- [x] X\n- [ ] Y\n"}).load()
    assert "logic conflict" in problem_of(tree.root.tasks[0])
    assert not tree.root.problems


def test_t7_09_files_that_refer_to_each_other(project: Project) -> None:
    tree = project(
        {
            "status.md": "- [ ] A @ a.md\n",
            "a.md": "- [ ] B @ b.md\n",
            "b.md": "- [ ] C @ a.md\n- [ ] D @ status.md\n",
        }
    ).load()
    assert [problem.line for problem in tree.problems()] == [1, 2]
    assert tree.cursor() is None


def test_t7_15_a_thousand_files_in_a_chain(project: Project) -> None:
    files = {f"c{number}.md": f"- [ ] t{number} @ c{number + 1}.md\n" for number in range(1000)}
    loader = project({"status.md": "- [ ] go @ c0.md\n", **files, "c1000.md": "- [ ] end\n"})
    tree = loader.load()
    assert tree.problems() == []
    end = tree.cursor()
    assert end is not None
    assert end.name == "end"
    assert tree.find(end.address) is end
    assert len(apply(done(end))) == 1002
    tree.validate_state()
    assert tree.progress().done == 1


def test_a_plan_with_the_same_bytes_keeps_its_tasks(project: Project, tmp_path: Path) -> None:
    loader = project({"status.md": "- [ ] A @ b.md\n- [ ] B @ c.md\n", "b.md": "- [ ] X\n"})
    first = loader.load()
    again = loader.load()
    assert again.root is first.root
    (tmp_path / ".flow" / "c.md").write_text("- [ ] Z\n")
    third = loader.load()
    assert third.root is first.root
    assert not third.root.tasks[1].problems
    assert outline(third) == ["1 A", "1/1 X", "2 B", "2/1 Z"]
    (tmp_path / ".flow" / "c.md").unlink()
    (tmp_path / ".flow" / "status.md").write_text("- [ ] New @ b.md\n")
    fourth = loader.load()
    assert fourth.root is not first.root
    assert fourth.plans["b.md"] is first.plans["b.md"]
    assert fourth.find("X").address == "1/1"


class Rewriting(Plans):
    """Plans which another program writes anew: the next reading comes in between, and then it goes on."""

    def __init__(self, store: Store, rest: Callable[[], object]) -> None:
        super().__init__(store)
        self.rest = rest

    def read(self, file: str) -> Snapshot | None:
        snapshot = super().read(file)
        if file == "b.md" and (snapshot is None or not snapshot.data):
            self.rest()
        return snapshot


@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("way", ["cut", "renamed away"])
def test_a_plan_that_is_just_written_anew_is_neither_empty_nor_missing(
    tmp_path: Path, way: str, begins: bool
) -> None:
    """Neither for whoever has read it before, nor for who `begins`, if it is known that there was something in it."""
    flow = tmp_path / ".flow"
    flow.mkdir()
    (flow / "status.md").write_text("- [ ] [Build](b.md)\n- [ ] Publish\n")
    build = flow / "b.md"
    build.write_text("- [ ] One\n")
    plans = Rewriting(Store(tmp_path), lambda: build.write_text("- [x] One\n- [ ] Two\n"))
    loader = Loader(plans)
    loader.load()
    if begins:
        plans.accept("b.md")
        loader = Loader(plans)
    if way == "cut":
        build.write_text("")
    else:
        build.rename(flow / "b.md~")
    task = loader.load().cursor()
    assert task is not None
    assert task.name == "Two"


def test_a_plan_that_is_just_written_piece_by_piece_is_not_taken_for_its_first_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.flows.loader._QUIET", 60_000_000_000)
    monkeypatch.setattr("engine.flows.loader._REST", 60.0)
    flow = tmp_path / ".flow"
    flow.mkdir()
    (flow / "status.md").write_text("- [ ] [Build](b.md)\n- [ ] Publish\n")
    build = flow / "b.md"
    build.write_text("- [ ] One\n")

    class Writing(Plans):
        pieces: tuple[str, ...] = ()

        def read(self, file: str) -> Snapshot | None:
            if file == "b.md" and self.pieces:
                piece, *rest = self.pieces
                self.pieces = tuple(rest)
                build.write_text(piece)
                if not rest:
                    os.utime(build, (0, 0))  # long ago: it is written
            return super().read(file)

    plans = Writing(Store(tmp_path))
    loader = Loader(plans)
    loader.load()
    plans.pieces = ("- [x] One\n", "- [x] One\n- [ ] Two\n")
    task = loader.load().cursor()
    assert task is not None
    assert task.name == "Two"


@pytest.mark.parametrize("way", ["emptied", "removed"])
def test_a_plan_that_stays_empty_or_missing_is_so(project: Project, tmp_path: Path, way: str) -> None:
    loader = project({"status.md": "- [ ] [Build](b.md)\n- [ ] Publish\n", "b.md": "- [ ] One\n"})
    loader.load()
    build = tmp_path / ".flow/b.md"
    if way == "emptied":
        build.write_text("")
    else:
        build.unlink()
    assert outline(loader.load()) == ["1 Build", "2 Publish"]


def test_addresses_first_then_names(project: Project) -> None:
    tree = project(
        {
            "status.md": "- [ ] A @ b.md\n- [ ] 1\n- [ ] [Script] Same\n- [ ] [Git] Same\n",
            "b.md": "- [ ] X\n    - [ ] Y\n",
        }
    ).load()
    assert tree.find("1").name == "A"
    assert tree.find(" 1/1.1 ").name == "Y"
    assert tree.find("Y").address == "1/1.1"
    assert tree.find("[Git] Same").address == "4"
    with pytest.raises(UnknownAddressError, match="Give an address: 3, 4"):
        tree.find("Same")
    with pytest.raises(UnknownAddressError, match="1/1"):
        tree.find("1/9")
    with pytest.raises(UnknownAddressError, match="'Same'"):
        tree.find("Smae")
    with pytest.raises(UnknownAddressError, match="Did you mean 3 or 4"):
        tree.find("5")
    for far in ("99", "9/1", "9" * 5_000):
        with pytest.raises(UnknownAddressError, match="shows all of them"):
            tree.find(far)
    for odd in ("", "2/1", "1/1.1.1", "0", "../..", "9" * 500, "/".join("1" * 500)):
        with pytest.raises(UnknownAddressError):
            tree.find(odd)


def test_t3_09_two_active_tasks_in_two_files(project: Project) -> None:
    tree = project({"status.md": "- [/] A\n- [ ] B @ b.md\n", "b.md": "- [/] X\n"}).load()
    with pytest.raises(StateError, match=r"status\.md:1.*b\.md:1"):
        tree.validate_state()


def test_t4_11_activation_across_files(project: Project) -> None:
    tree = project({"status.md": "- [/] A\n- [ ] B @ b.md\n", "b.md": "- [ ] X\n"}).load()
    with pytest.raises(StateError, match="'A'"):
        begin(tree.find("X"))


def test_t5_04_after_a_crash_between_two_files(project: Project) -> None:
    tree = project({"status.md": "- [/] A @ b.md\n", "b.md": "- [x] X\n"}).load()
    assert [plan.file for plan in apply(settle(tree.root))] == ["status.md"]
    assert tree.root.text == "- [x] A @ b.md\n"


def test_a_sub_flow_with_problems_is_never_run(project: Project) -> None:
    tree = project({"status.md": "- [ ] A @ b.md\n- [ ] B\n", "b.md": "- [ ] X\n- [ ] X\n"}).load()
    cursor = tree.cursor()
    assert cursor is not None
    assert cursor.name == "B"
    assert outline(tree) == ["1 A", "1/1 X", "1/2 X", "2 B"]


@pytest.mark.parametrize("data", [b"\0\0", b"\xff\xfe", b"- [ ] X\r- [ ] Y"])
def test_t2_13_a_sub_flow_that_is_no_text(project: Project, tmp_path: Path, data: bytes) -> None:
    loader = project({"status.md": "- [ ] A @ b.md\n"})
    (tmp_path / ".flow" / "b.md").write_bytes(data)
    tree = loader.load()
    assert "broken" in problem_of(tree.root.tasks[0])
    assert (tmp_path / ".flow" / "b.md").read_bytes() == data


def test_the_next_task_is_the_one_after_what_is_complete_is_marked(project: Project) -> None:
    tree = project(
        {
            "status.md": "- [ ] Before\n- [/] A\n    - [ ] Q\n    - [/] P @ p.md\n- [ ] C\n    - [x] 1\n    - [-] 2\n",
            "p.md": "- [/] R\n    - [x] S\n",
        }
    ).load()
    first = tree.cursor()
    assert [task.name for task in tree.complete()] == ["P", "R", "C"]
    apply(settle(tree.root))
    assert tree.complete() == []
    assert tree.cursor() is first
    assert first is not None
    assert first.name == "Q"


def test_a_task_and_a_plan_name_themselves_in_a_word(project: Project) -> None:
    tree = project({"status.md": "- [ ] A\n- [ ] B @ b.md\n", "b.md": "- [ ] C\n    - [ ] D\n"}).load()
    assert [repr(task) for task in tree.walk()] == [
        "<Task 1 'A'>",
        "<Task 2 'B'>",
        "<Task 2/1 'C'>",
        "<Task 2/1.1 'D'>",
    ]
    assert repr(tree.plans["b.md"]) == "<Plan b.md>"


REFERENCES = st.sampled_from(
    ["", " @ a.md", " @ b.md", " @ c.md", " @ status.md", " @ gone.md", " @ ../out.md"]
)
PLANS = st.lists(st.tuples(st.sampled_from(["A", "B", "C", "D"]), REFERENCES, st.booleans()), max_size=6)


@given(st.lists(PLANS, min_size=4, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_problems_are_those_of_all_plans_and_of_all_their_tasks(
    project: Project, plans: list[list[tuple[str, str, bool]]]
) -> None:
    texts = [
        "".join(f"- [{'x' if done else ' '}] {name}{ref}\n" for name, ref, done in plan) for plan in plans
    ]
    tree = project(dict(zip(("status.md", "a.md", "b.md", "c.md"), texts, strict=True))).load()
    every = [
        problem
        for plan in tree.plans.values()
        for problem in (*plan.problems, *(problem for task in plan.walk() for problem in task.problems))
    ]
    assert sorted(map(str, tree.problems())) == sorted(map(str, every))


def test_few_versions_of_a_large_plan_that_is_rewritten_all_the_time_stay_in_memory(
    project: Project, tmp_path: Path
) -> None:
    lines = 20_000
    text = "".join(f"- [ ] Task {number}\n" for number in range(lines))
    loader = project({"status.md": text})
    most = 0
    gc.disable()  # what is counted is what the loader itself gives back
    try:
        for number in range(20):
            (tmp_path / ".flow/status.md").write_text(f"{text}- [ ] Another {number}\n")
            loader.load()
            known = gc.get_objects()
            most = max(most, sum(isinstance(one, Plan) and len(one.lines) >= lines for one in known))
            del known
    finally:
        gc.enable()
    assert most < 9


def test_what_is_forgotten_is_read_anew_and_what_is_above_it_counts_it_right(project: Project) -> None:
    files = {"status.md": "- [/] [Build](b.md)\n- [ ] C\n", "b.md": "- [/] One\n- [ ] Two\n"}
    loader = project(files)
    tree = loader.load()
    root = tree.root
    plans = apply(done(tree.find("1/1")))
    assert tree.progress().done == 1
    loader.forget(plan.file for plan in plans)
    tree = loader.load()
    assert tree.root is root
    assert tree.progress().done == 0
    assert str(tree.find("1/1").status) == "active"
