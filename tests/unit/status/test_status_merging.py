"""Merging: what two branches made of one plan becomes one plan, by the rules of tasks."""

from __future__ import annotations

import pytest
from hypothesis import given

from engine import PlanError
from engine.status import Status, parse
from engine.status.layout import rows
from engine.status.merging import Merged, merge_plans, winner
from tests.branches import BRANCHES, DISJOINT, STATES_ONLY, Branches, halved, texts

PLAN = """\
Project: Orbit

# Build

- [ ] Lint
- [ ] Compile
    - Needs a compiler.
- [ ] Test
    - [ ] Unit
    - [ ] Whole

# Ship

- [ ] Publish
- [ ] Announce
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def merged(ours: str, theirs: str, base: str = PLAN) -> Merged:
    return merge_plans(base.encode(), ours.encode(), theirs.encode())


def clean(ours: str, theirs: str, base: str = PLAN) -> str:
    found = merged(ours, theirs, base)
    assert found.is_clean, found
    assert not parse(found.text).problems
    return found.text


def test_neighbouring_tasks_do_not_conflict() -> None:
    ours = changed(PLAN, ("- [ ] Lint", "- [x] Lint everything"))
    theirs = changed(PLAN, ("- [ ] Compile", "- [x] Compile"), ("    - Needs", "    - It needs"))
    assert clean(ours, theirs) == changed(
        PLAN,
        ("- [ ] Lint", "- [x] Lint everything"),
        ("- [ ] Compile", "- [x] Compile"),
        ("    - Needs", "    - It needs"),
    )


def test_what_both_sides_added_is_kept_in_order() -> None:
    ours = changed(PLAN, ("- [ ] Announce\n", "- [ ] Announce\n- [ ] Celebrate\n"))
    theirs = changed(
        PLAN, ("- [ ] Announce\n", "- [ ] Announce\n- [ ] Tweet\n"), ("# Ship\n", "# Ship\n\n- [ ] Tag")
    )
    text = clean(ours, theirs)
    names = [task.name for task in parse(text).walk()]
    assert names[-5:] == ["Tag", "Publish", "Announce", "Celebrate", "Tweet"]


def test_a_task_added_before_a_new_section_stays_in_its_own() -> None:
    ours = changed(PLAN, ("- [ ] Announce\n", "- [ ] Announce\n\n# After\n\n- [ ] Rest\n"))
    theirs = changed(PLAN, ("- [ ] Announce\n", "- [ ] Announce\n- [ ] Tweet\n"))
    text = clean(ours, theirs)
    assert text.endswith("- [ ] Announce\n- [ ] Tweet\n\n# After\n\n- [ ] Rest\n")
    assert clean(theirs, ours) == text


def test_the_same_addition_stands_once_and_other_bodies_conflict() -> None:
    ours = changed(PLAN, ("- [ ] Publish\n", "- [ ] Sign\n- [ ] Publish\n"))
    theirs = changed(PLAN, ("- [ ] Publish\n", "- [x] Sign\n- [ ] Publish\n"))
    assert clean(ours, theirs).count("- [x] Sign\n") == 1
    ours = changed(PLAN, ("- [ ] Publish\n", "- [ ] Sign\n    - with my key\n- [ ] Publish\n"))
    theirs = changed(PLAN, ("- [ ] Publish\n", "- [ ] Sign\n    - with the key of the team\n- [ ] Publish\n"))
    found = merged(ours, theirs)
    assert found.conflicts == 1
    assert (
        "- [ ] Sign\n<<<<<<< ours\n    - with my key\n=======\n    - with the key of the team\n>>>>>>> theirs\n"
    ) in found.text


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (" ", "x", " ", "x"),
        (" ", "/", "x", "x"),
        (" ", "!", "x", "x"),
        (" ", "-", "x", "x"),
        (" ", "!", "-", "-"),
        ("/", "!", " ", "!"),
        ("x", " ", "x", " "),
        ("x", " ", "-", " "),
        ("x", "-", "/", "/"),
        ("!", " ", "x", " "),
        ("!", "/", "x", "x"),
        ("/", " ", "/", " "),
        ("-", "x", " ", " "),
    ],
)
def test_the_more_advanced_state_wins_unless_one_side_reopened(
    base: str, ours: str, theirs: str, expected: str
) -> None:
    def plan(mark: str) -> str:
        return f"- [{mark}] One\n- [ ] Two\n"

    assert clean(plan(ours), plan(theirs), plan(base)) == plan(expected)
    assert clean(plan(theirs), plan(ours), plan(base)) == plan(expected)


def test_a_renamed_task_takes_the_state_of_the_other_side() -> None:
    ours = changed(PLAN, ("- [ ] Publish", "- [ ] Publish the wheel"))
    theirs = changed(PLAN, ("- [ ] Publish", "- [x] Publish"))
    assert clean(ours, theirs) == changed(PLAN, ("- [ ] Publish", "- [x] Publish the wheel"))


def test_a_replaced_task_does_not_take_the_state_of_the_one_before() -> None:
    base = "- [ ] Deploy to eu\n- [ ] Step 1\n"
    ours = "- [ ] Deploy to us\n- [ ] Step 2\n"
    theirs = "- [x] Deploy to eu\n- [x] Step 1\n"
    found = merged(ours, theirs, base)
    assert found.conflicts == 2
    assert "[x] Deploy to us" not in found.text
    assert "[x] Step 2" not in found.text
    assert "- [ ] Deploy to us\n" in found.text


def test_two_names_conflict_as_text_does() -> None:
    ours = changed(PLAN, ("- [ ] Announce", "- [ ] Announce it"))
    theirs = changed(PLAN, ("- [ ] Announce", "- [x] Announce to all"))
    found = merged(ours, theirs)
    assert found.conflicts == 1
    assert found.text.endswith(
        "<<<<<<< ours\n- [x] Announce it\n=======\n- [x] Announce to all\n>>>>>>> theirs\n"
    )


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("A B C", "A B1 C", "A B2 C", "A <B1|B2> C"),
        ("B", "B1", "B2", "<B1|B2>"),
        ("A B", "A B1", "A B2", "A <B1|B2>"),
        ("A B C", "C A B1", "A B2 C", "C A <B1|B2>"),  # one side also moved a neighbour, or removed it
        ("A B C", "A B1", "B2 C", "<B1|B2>"),
        ("A B C D", "A B1 C1 D", "A B2 C2 D", "A <B1|B2> <C1|C2> D"),
        ("A B C", "A B1 N1 C", "A B2 C", "A <B1|B2> N1 C"),
        ("A B C", "A Q C", "A Q C R", "A Q C R"),  # both agree
        ("A B C", "A Q N1 C", "A N2 Q C", "A N2 Q N1 C"),
        ("A B C", "A N1 B C", "A N2 B C", "A N1 N2 B C"),  # only added
        ("A B C", "A N1 C", "A C N2", "A N1 C N2"),  # elsewhere
        ("A B C", "A N1 C", "A C", "A N1 C"),
    ],
)
def test_a_task_that_both_sides_renamed_is_a_conflict(
    base: str, ours: str, theirs: str, expected: str
) -> None:
    def plan(names: str) -> str:
        return "".join(f"- [ ] {name}\n" for name in names.split())

    def lines(names: str) -> str:
        return "".join(
            f"<<<<<<< ours\n{plan(mine)}=======\n{plan(other)}>>>>>>> theirs\n" if other else plan(mine)
            for mine, _, other in (name.strip("<>").partition("|") for name in names.split())
        )

    found = merged(plan(ours), plan(theirs), plan(base))
    assert found.text == lines(expected)
    assert found.conflicts == expected.count("|")
    assert merged(plan(theirs), plan(ours), plan(base)).conflicts == found.conflicts


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("A B C", "N B C", "A N C"),
        ("A B C", "N B C", "A B N"),
        ("A B C", "B N", "A N C"),
        ("A B", "A N", "A B N"),  # renamed by one side alone, or taken away
    ],
)
def test_two_tasks_that_got_one_name_take_a_person(base: str, ours: str, theirs: str) -> None:
    def plan(names: str) -> str:
        return "".join(f"- [ ] {name}\n" for name in names.split())

    for found in (
        merged(plan(ours), plan(theirs), plan(base)),
        merged(plan(theirs), plan(ours), plan(base)),
    ):
        assert [problem.code for problem in found.problems] == ["duplicate"]
        assert found.text.count("- [ ] N\n") == 2


def test_two_other_tasks_in_the_place_of_one_keep_their_states_and_all_that_is_in_them() -> None:
    ours = changed(PLAN, ("- [ ] Lint", "- [x] Formatting\n    - [x] Imports"))
    theirs = changed(PLAN, ("- [ ] Lint", "- [ ] Types\n    - Strict."))
    assert merged(ours, theirs).text == changed(
        PLAN,
        (
            "- [ ] Lint\n",
            "<<<<<<< ours\n- [x] Formatting\n    - [x] Imports\n=======\n- [ ] Types\n    - Strict.\n>>>>>>> theirs\n",
        ),
    )


def test_removed_here_and_changed_there_is_a_conflict() -> None:
    ours = changed(PLAN, ("- [ ] Compile\n    - Needs a compiler.\n", ""))
    theirs = changed(PLAN, ("- [ ] Compile", "- [x] Compile"))
    for found in (merged(ours, theirs), merged(theirs, ours)):
        assert found.conflicts == 1
        assert "- [x] Compile\n    - Needs a compiler.\n" in found.text
    assert merged(ours, theirs).text == changed(
        PLAN,
        (
            "- [ ] Compile\n    - Needs a compiler.\n",
            "<<<<<<< ours\n=======\n- [x] Compile\n    - Needs a compiler.\n>>>>>>> theirs\n",
        ),
    )
    assert clean(ours, changed(PLAN, ("- [ ] Lint", "- [x] Lint"))) == changed(
        ours, ("- [ ] Lint", "- [x] Lint")
    )


def test_parents_are_what_their_children_are() -> None:
    base = changed(PLAN, ("- [ ] Test", "- [/] Test"))
    ours = changed(base, ("- [ ] Unit", "- [x] Unit"))
    theirs = changed(base, ("- [ ] Whole", "- [x] Whole"))
    assert clean(ours, theirs, base) == changed(
        base, ("- [/] Test", "- [x] Test"), ("- [ ] Unit", "- [x] Unit"), ("- [ ] Whole", "- [x] Whole")
    )
    ours = changed(
        PLAN, ("- [ ] Test", "- [x] Test"), ("- [ ] Unit", "- [x] Unit"), ("- [ ] Whole", "- [x] Whole")
    )
    theirs = changed(PLAN, ("    - [ ] Whole\n", "    - [ ] Whole\n    - [ ] Slow ones\n"))
    assert "- [/] Test\n    - [x] Unit\n    - [x] Whole\n    - [ ] Slow ones\n" in clean(ours, theirs)


def test_one_focus_is_left_that_of_this_branch() -> None:
    ours = changed(PLAN, ("- [ ] Publish", "- [/] Publish"))
    theirs = changed(PLAN, ("- [ ] Test", "- [/] Test"), ("- [ ] Unit", "- [/] Unit"))
    assert clean(ours, theirs) == ours
    assert clean(theirs, ours) == theirs
    failed = changed(PLAN, ("- [ ] Test", "- [!] Test"))
    assert clean(failed, theirs) == failed


def test_moved_tasks_stay_whole() -> None:
    ours = changed(
        PLAN,
        (
            "- [ ] Lint\n- [ ] Compile\n    - Needs a compiler.\n",
            "- [ ] Compile\n    - Needs a compiler.\n- [ ] Lint\n",
        ),
    )
    theirs = changed(
        PLAN, ("- [ ] Lint", "- [x] Lint"), ("    - [ ] Unit", "    - [x] Unit"), ("- [ ] Test", "- [/] Test")
    )
    text = clean(ours, theirs)
    assert "- [ ] Compile\n    - Needs a compiler.\n- [x] Lint\n- [/] Test\n    - [x] Unit\n" in text


def test_children_against_a_reference_take_a_person() -> None:
    ours = changed(PLAN, ("- [ ] Lint\n", "- [ ] Lint\n    - [ ] Names\n"))
    theirs = changed(PLAN, ("- [ ] Lint\n", "- [ ] Lint @ lint.md\n"))
    found = merged(ours, theirs)
    assert not found.is_clean
    assert [problem.code for problem in found.problems] == ["mixed"]
    ours = changed(PLAN, ("- [ ] Lint\n", "- [ ] Lint @ one.md\n"))
    theirs = changed(PLAN, ("- [ ] Compile\n", "- [ ] Compile @ one.md\n"))
    assert [problem.code for problem in merged(ours, theirs).problems] == ["reference", "reference"]


def test_both_sides_made_the_file() -> None:
    assert (
        clean("- [ ] One\n- [x] Two\n", "- [x] One\n- [ ] Three\n", "")
        == "- [x] One\n- [x] Two\n- [ ] Three\n"
    )


def test_byte_order_mark_carriage_returns_and_the_last_line() -> None:
    base = "\ufeff- [ ] One\r\n- [ ] Two\r\n"
    assert clean(base.replace("[ ] One", "[x] One"), base.replace("[ ] Two", "[x] Two"), base) == (
        "\ufeff- [x] One\n- [x] Two\n"
    )
    assert (
        clean("- [x] One\n- [ ] Two\n", base.replace("[ ] Two", "[x] Two"), base) == "- [x] One\n- [x] Two\n"
    )
    assert (
        clean("- [x] One\n- [ ] Two", "- [ ] One\n- [x] Two", "- [ ] One\n- [ ] Two")
        == "- [x] One\n- [x] Two"
    )


@pytest.mark.parametrize("bad", [b"- [ ] One\0\n", b"- [ ] \xff\n"])
def test_what_is_no_text_is_refused(bad: bytes) -> None:
    with pytest.raises(PlanError):
        merge_plans(b"- [ ] One\n", b"- [x] One\n", bad)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (
            "- [ ] A\n- [ ] B\n",
            "- [ ] A\n  - [ ] Of the editor\n- [ ] B\n",
            "- [ ] A\n    - [ ] Of flow\n- [ ] B\n",
            "- [ ] A\n  - [ ] Of the editor\n  - [ ] Of flow\n- [ ] B\n",
        ),
        (
            "- [ ] A\n    - [ ] A1\n",
            "- [ ] A\n  - [ ] A1\n",
            "- [/] A\n    - [x] A1\n    - [ ] A2\n        - A note.\n",
            "- [/] A\n  - [x] A1\n  - [ ] A2\n    - A note.\n",
        ),
        (  # nothing is left of the width of the base
            "- [ ] A\n    - [ ] A1\n- [ ] B\n",
            "- [ ] A\n- [ ] B\n",
            "- [ ] A\n  - [ ] A1\n- [ ] B\n  - [ ] B1\n",
            "- [ ] A\n- [ ] B\n  - [ ] B1\n",
        ),
        (
            "- [ ] A\n- [ ] B\n    - [ ] B1\n",
            "- [ ] A\n  - A note.\n  - [ ] A1\n- [ ] B\n  - [ ] B1\n",
            "- [ ] A\n- [/] B\n    - [x] B1\n    - [ ] B2\n",
            "- [ ] A\n  - A note.\n  - [ ] A1\n- [/] B\n  - [x] B1\n  - [ ] B2\n",
        ),
        (
            "- [ ] A\n  - [ ] A1\n",
            "- [ ] A\n  - A note.\n  - [ ] A1\n",
            "- [ ] A\n    - [ ] A1\n- [ ] B\n",
            "- [ ] A\n    - A note.\n    - [ ] A1\n- [ ] B\n",
        ),
        (  # what is behind a child and not in it
            "- [ ] A\n    - [ ] A1\n    - A note.\n\n      ```sh\n        x\n      ```\n",
            "- [x] A\n    - [x] A1\n    - A note.\n\n      ```sh\n        x\n      ```\n",
            "- [ ] A\n  - [ ] A1\n  - A note.\n\n    ```sh\n      x\n    ```\n- [ ] B\n",
            "- [x] A\n  - [x] A1\n  - A note.\n\n    ```sh\n      x\n    ```\n- [ ] B\n",
        ),
    ],
)
def test_copies_that_indent_differently(base: str, ours: str, theirs: str, expected: str) -> None:
    assert clean(ours, theirs, base) == expected


def test_a_text_that_bears_no_other_width_is_one_conflict() -> None:
    base = "- [ ] A\n      <div>\n    - [ ] A1\n"  # nearer to A, the tag would hide the task
    ours = changed(base, ("    - [ ] A1\n", "    - [ ] A1\n    - [ ] A2\n"))
    theirs = "- [ ] A\n  - [ ] A1\n- [ ] B\n"
    assert not parse(ours).problems
    found = merged(ours, theirs, base)
    assert found.conflicts == 1
    assert found.text == f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"


def test_what_is_no_plan_merges_line_by_line() -> None:
    base = "- [?] One\n\ntext\n\n- [ ] Two\n"
    found = merged(base.replace("text", "a"), base.replace("[ ] Two", "[x] Two"), base)
    assert (found.text, found.conflicts) == ("- [?] One\n\na\n\n- [x] Two\n", 0)
    found = merged(base.replace("text", "a"), base.replace("text", "b"), base)
    assert found.conflicts == 1
    assert "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n" in found.text


def test_blank_lines_of_a_script_are_kept() -> None:
    base = "- [ ] [Script] Run\n    ```sh\n    a\n    b\n    c\n    ```\n"
    theirs = base.replace("    a\n", "    a\n\n")
    assert clean(base.replace("[ ]", "[x]"), theirs, base) == theirs.replace("[ ]", "[x]")


def test_a_thousand_levels_and_ten_thousand_siblings() -> None:
    deep = "".join(f"{'  ' * level}- [ ] Level {level}\n" for level in range(1000))
    assert "- [x] Level 999" in clean(
        deep.replace("[ ] Level 999", "[x] Level 999"), deep + "- [ ] New\n", deep
    )
    wide = "".join(f"- [ ] Task {number}\n\n" for number in range(10_000))
    text = clean(
        wide.replace("[ ] Task 7\n", "[x] Task 7\n"), wide.replace("[ ] Task 8\n", "[x] Task 8\n"), wide
    )
    assert text.count("[x]") == 2


# Laws, for whatever two branches do.


@given(BRANCHES)
def test_what_merges_cleanly_is_a_plan_with_everything_in_it(branches: Branches) -> None:
    base, ours, theirs = texts(branches)
    found = merged(ours, theirs, base)
    assert merged(ours, base, base).text == ours
    assert merged(base, theirs, base).text == theirs
    assert merged(ours, ours, base).text == ours
    names = {task.name for text in (ours, theirs) for task in parse(text).walk() if "new" in task.name}
    for name in names:
        assert name in found.text
    if found.is_clean:
        assert not parse(found.text).problems
        other = merged(theirs, ours, base)
        assert other.is_clean
        assert sorted(task.name for task in parse(other.text).walk()) == sorted(
            task.name for task in parse(found.text).walk()
        )


@given(STATES_ONLY)
def test_states_alone_never_conflict_and_merge_by_the_rule(branches: Branches) -> None:
    base, ours, theirs = texts(branches)
    text = clean(ours, theirs, base)
    for old, mine, other, now in zip(
        *(parse(each).walk() for each in (base, ours, theirs, text)), strict=True
    ):
        if now.is_leaf:
            wanted = winner(old.status, mine.status, other.status)
            # Of two that are active one is left.
            assert now.status is wanted or (wanted is Status.ACTIVE and now.status is Status.PENDING)


@given(DISJOINT)
def test_branches_that_changed_different_tasks_do_not_conflict(branches: Branches) -> None:
    base, ours, theirs = texts(branches)
    clean(ours, theirs, base)


@given(BRANCHES)
def test_the_widths_of_the_copies_make_no_difference(branches: Branches) -> None:
    base, ours, theirs = texts(branches)
    wanted = merged(ours, theirs, base)
    trees = rows(parse(wanted.text).tasks)
    for copies in ((ours, halved(theirs), base), (halved(ours), theirs, base), (ours, theirs, halved(base))):
        found = merged(*copies)
        assert found.conflicts == wanted.conflicts
        assert [problem.code for problem in found.problems] == [problem.code for problem in wanted.problems]
        if not found.conflicts:
            assert rows(parse(found.text).tasks) == trees
        assert [line.strip() for line in found.text.split("\n")] == [
            line.strip() for line in wanted.text.split("\n")
        ]
