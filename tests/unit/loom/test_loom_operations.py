"""The four edits as pure functions (INVENTORY section 9)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import AnchorError
from engine.loom import Append, Insert, ReplaceBlock, ReplaceLine, apply, apply_all

TEXT = "# Title\n\n## Unreleased\n\n- one\n- two\n\n## 1.0\n\n- three\n"


def test_t6_01_insert_after_and_before_an_anchor() -> None:
    after = apply(Insert("## Unreleased", "- new"), TEXT)
    assert after.text == TEXT.replace("## Unreleased\n", "## Unreleased\n- new\n")
    assert after.changed and after.line == 4
    before = apply(Insert("## 1.0", "## 1.1\n\n", "before"), TEXT)
    assert before.text == TEXT.replace("## 1.0\n", "## 1.1\n\n## 1.0\n")
    assert before.line == 8


@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
def test_t6_01_inserted_lines_get_the_indentation_of_the_anchor(indent: str) -> None:
    text = f"def f():\n{indent}one()\n{indent}three()\n"
    applied = apply(Insert("one()", "if x:\n    two()\n\nend()"), text)
    assert applied.text == (
        f"def f():\n{indent}one()\n{indent}if x:\n{indent}    two()\n\n{indent}end()\n{indent}three()\n"
    )


def test_t6_01_text_with_an_indentation_of_its_own_keeps_it() -> None:
    text = "class A:\n    def f(self): ...\n"
    assert apply(Insert("def f", "  x = 1"), text).text == text + "  x = 1\n"
    assert apply(Insert("def f", "x = 1", indent=False), text).text == text + "x = 1\n"


def test_t6_02_an_anchor_that_stands_twice() -> None:
    with pytest.raises(AnchorError) as caught:
        apply(Insert("- t", "x"), TEXT, "CHANGELOG.md")
    assert caught.value.fields["lines"] == [6, 10]
    assert [one["text"] for one in caught.value.fields["candidates"]] == ["- two", "- three"]
    assert "lines 6, 10" in str(caught.value) and "CHANGELOG.md" in str(caught.value)


def test_t6_02_whole_lines_come_before_parts_of_lines() -> None:
    text = "see end\nend\nthe end\n"
    assert apply(Insert("end", "x"), text).text == "see end\nend\nx\nthe end\n"


def test_t6_05_an_anchor_that_is_not_there_names_what_is_near() -> None:
    with pytest.raises(AnchorError) as caught:
        apply(Insert("## Unrelaesed", "x"), TEXT)
    assert caught.value.fields["lines"] == []
    assert caught.value.fields["candidates"][0] == {"line": 3, "text": "## Unreleased"}
    assert "line 3" in caught.value.hint
    with pytest.raises(AnchorError, match="Nothing there is like it"):
        apply(Insert("§§§§§§§§", "x"), TEXT)


@pytest.mark.parametrize("anchor", ["", "   ", "\n", "\t\n \n"])
def test_t6_05_an_empty_anchor_is_refused(anchor: str) -> None:
    with pytest.raises(AnchorError, match="empty"):
        apply(Insert(anchor, "x"), TEXT)


def test_t6_06_tabs_against_spaces() -> None:
    text = "all:\n\tcc -o x\tx.c\n"
    assert apply(Insert("    cc -o x x.c", "\tstrip x"), text).text == text + "\tstrip x\n"
    text = "def f():\n        return  1\n"
    assert apply(ReplaceLine(2, "\treturn 1", "return 2"), text).text == "def f():\n        return 2\n"


def test_t6_13_trailing_blanks() -> None:
    text = "a  \nanchor \t \nb\n"
    assert apply(Insert("anchor", "x"), text).text == "a  \nanchor \t \nx\nb\n"
    assert apply(Insert("anchor   ", "x"), "anchor\n").text == "anchor\nx\n"


def test_t6_13_an_exact_match_wins_over_a_lenient_one() -> None:
    text = "a  b\na b\n"
    assert apply(Insert("a b", "x"), text).text == "a  b\na b\nx\n"


def test_t6_08_an_anchor_is_literal() -> None:
    text = "f(a, *args)\nf(a, args)\n.*\n[x]\n"
    assert apply(Insert("f(a, *args)", "y"), text).text.startswith("f(a, *args)\ny\n")
    assert apply(Insert(".*", "y"), text).line == 4
    assert apply(Insert("[x]", "y"), text).line == 5


def test_an_anchor_may_span_lines() -> None:
    text = "a\nb\nc\nb\nd\n"
    assert apply(Insert("b\nd", "x"), text).text == "a\nb\nc\nb\nd\nx\n"
    assert apply(Insert("b\nc\n", "x", "before"), text).text == "a\nx\nb\nc\nb\nd\n"


ENDINGS = {
    "LF": "a\nb\nc\n",
    "CRLF": "a\r\nb\r\nc\r\n",
    "no final newline": "a\nb\nc",
    "CRLF, no final newline": "a\r\nb\r\nc",
    "mixed": "a\r\nb\nc\r\n",
}


@pytest.mark.parametrize("text", ENDINGS.values(), ids=ENDINGS)
def test_t6_11_line_endings_and_the_final_newline_stay(text: str) -> None:
    ending = "\r\n" if "a\r\n" in text else "\n"
    assert apply(Insert("a", "x\r\ny"), text).text == text.replace(
        f"a{ending}", f"a{ending}x{ending}y{ending}"
    )
    last = apply(Append("x\n"), text).text
    assert last.endswith("\n") == text.endswith("\n")
    assert last.startswith(text) and last.replace("\r", "").split() == ["a", "b", "c", "x"]
    assert apply(ReplaceLine(3, "c", "C"), text).text == text.replace("c", "C")
    assert apply(ReplaceLine(2, "b", ""), text).text.replace("\r", "").split() == ["a", "c"]
    inserted = apply(Insert("c", "x"), text).text
    assert inserted.endswith("\n") == text.endswith("\n") and inserted.replace("\r", "").split()[-1] == "x"


def test_t6_12_a_byte_order_mark_stays_and_is_no_part_of_the_first_line() -> None:
    text = "\ufefffirst\nsecond\n"
    assert apply(Insert("first", "x", "before"), text).text == "\ufeffx\nfirst\nsecond\n"
    assert apply(ReplaceLine(1, "first", "1st"), text).text == "\ufeff1st\nsecond\n"


def test_a_block_is_replaced_and_its_markers_stay() -> None:
    text = "top\n  <!-- begin -->\n  old\n  older\n  <!-- end -->\nbottom\n"
    applied = apply(ReplaceBlock("<!-- begin -->", "<!-- end -->", "new\nnewer"), text)
    assert applied.text == "top\n  <!-- begin -->\n  new\n  newer\n  <!-- end -->\nbottom\n"
    emptied = apply(ReplaceBlock("<!-- begin -->", "<!-- end -->", ""), text)
    assert emptied.text == "top\n  <!-- begin -->\n  <!-- end -->\nbottom\n"
    assert apply(ReplaceBlock("<!-- begin -->", "<!-- end -->", "x"), emptied.text).text.count("x") == 1


def test_a_block_whose_end_is_missing_or_stands_before_its_start() -> None:
    for text in ("begin\nx\n", "end\nbegin\nx\n"):
        with pytest.raises(AnchorError):
            apply(ReplaceBlock("begin", "end", "y"), text)
    with pytest.raises(AnchorError) as caught:
        apply(ReplaceBlock("begin", "end", "y"), "begin\nend\nend\n")
    assert caught.value.fields["lines"] == [2, 3]


def test_a_line_is_replaced_only_if_it_is_the_expected_one() -> None:
    assert apply(ReplaceLine(5, "- one", "- 1"), TEXT).text == TEXT.replace("- one", "- 1")
    with pytest.raises(AnchorError, match="line 5") as caught:
        apply(ReplaceLine(6, "- one", "- 1"), TEXT)
    assert caught.value.fields["lines"] == [5]
    with pytest.raises(AnchorError, match="does not exist"):
        apply(ReplaceLine(99, "- one", "- 1"), TEXT)


def test_append_to_an_empty_file() -> None:
    assert apply(Append("x"), "").text == "x\n"
    assert apply(Append(""), "a\n") == apply(Append(""), "a\n")
    assert not apply(Append(""), "a\n").changed


AGAIN = [
    Insert("## Unreleased", "- new"),
    Insert("## Unreleased", "## Unreleased notes\n- a"),
    Insert("- two", "- two\n- more"),
    Insert("## 1.0", "x\ny", "before"),
    Insert("- one", "- one", "before"),
    ReplaceBlock("## Unreleased", "## 1.0", "x"),
    Append("the end"),
    Append("a\n\nb\n\n"),
    ReplaceLine(5, "- one", "- 1"),
    ReplaceLine(5, "- one", "- one\n- and a half"),
]


@pytest.mark.parametrize("edit", AGAIN, ids=repr)
def test_t6_15_the_same_edit_again_changes_nothing(edit: Insert) -> None:
    for text in (TEXT, TEXT.replace("\n", "\r\n"), TEXT.removesuffix("\n"), "\ufeff" + TEXT):
        once = apply(edit, text)
        again = apply(edit, once.text)
        assert once.changed and not again.changed and again.text == once.text
        assert again.line == once.line


lines = st.text(st.characters(blacklist_characters="\r\n\ufeff", blacklist_categories=["Cs"]), max_size=12)
texts = st.builds(
    lambda parts, ending, final: ending.join(parts) + (ending if final and parts else ""),
    st.lists(lines, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


@given(texts, st.lists(lines, min_size=1, max_size=3), st.integers(0, 7), st.booleans())
def test_any_insertion_adds_its_lines_and_changes_no_other(
    text: str, new: list[str], at: int, after: bool
) -> None:
    ending = "\r\n" if "\r\n" in text else "\n"
    contents = text.removesuffix(ending).split(ending) if text else []
    assume(at < len(contents) and contents[at].strip())
    inserted = "\n".join(new) + "\n"
    try:
        applied = apply(Insert(contents[at], inserted, "after" if after else "before", indent=False), text)
    except AnchorError:
        return
    if applied.changed:
        index = applied.line - 1
        got = applied.text.removesuffix(ending).split(ending)
        assert got[index : index + len(new)] == new
        assert got[:index] + got[index + len(new) :] == contents
        if text.endswith("\n"):
            assert applied.text.endswith("\n")


@given(texts, lines)
def test_any_append_keeps_what_is_there_and_happens_once(text: str, new: str) -> None:
    assume(new.strip())
    once = apply(Append(new), text)
    assert once.text.startswith(text)
    assert apply(Append(new), once.text).text == once.text


def test_several_edits_build_on_each_other() -> None:
    applied = apply_all([Append("a"), Insert("a", "b"), ReplaceLine(3, "b", "c")], "x\n")
    assert applied.text == "x\na\nc\n" and applied.changed and applied.line == 2


def test_of_several_edits_all_or_none() -> None:
    with pytest.raises(AnchorError):
        apply_all([Append("a"), Insert("nowhere to be found", "b")], "x\n")


def again(edit: Insert | ReplaceBlock, text: str) -> str:
    """What the edit makes of a text, which must be all that it ever makes of it."""
    once = apply(edit, text)
    assert once.changed
    for _ in range(2):
        twice = apply(edit, once.text)
        assert (twice.text, twice.changed, twice.line) == (once.text, False, once.line)
    return once.text


@pytest.mark.parametrize(
    ("text", "anchor", "new"),
    [
        ("import os, sys\n", "import os", "import os"),
        ("a import os\nend\n", "import os", "import os\nimport os"),
        ("\tfoo   bar\n", "foo bar", "x = foo bar baz"),
        ("foo  bar\n", "foo bar", "foo bar"),
        ("the end\n", "end", "end\nend of all\nend"),
    ],
)
def test_t6_15_text_that_fits_the_anchor_better_than_its_place(text: str, anchor: str, new: str) -> None:
    after = again(Insert(anchor, new), text)
    before = again(Insert(anchor, new, "before"), text)
    assert after.startswith(text.splitlines()[0]) and before.endswith(text.splitlines()[-1] + "\n")


@pytest.mark.parametrize(
    ("new", "text"),
    [
        ("BEGIN\nnew", "BEGIN\nold\nEND\n"),
        ("new\nEND", "BEGIN\nold\nEND\n"),
        ("BEGIN\nEND", "// BEGIN\nold\n// END\nrest\n"),
        ("// BEGIN\n//  END", "//\tBEGIN\nold\n// END\n"),
        ("", "BEGIN\nold\nEND\n"),
    ],
)
def test_t6_15_a_block_that_holds_its_own_markers(new: str, text: str) -> None:
    for start, end in (("BEGIN", "END"), ("GIN", "ND")):
        assert again(ReplaceBlock(start, end, new), text) == text.replace("old\n", new and new + "\n")


def test_t6_15_what_stands_behind_another_place_is_not_the_edit() -> None:
    text = "import os, sys\nimport re\nimport os\n"
    assert apply(Insert("import os", "import re"), text).text == text + "import re\n"
    with pytest.raises(AnchorError):
        apply(ReplaceBlock("B", "E", "x"), "B\nx\nE\nB\ny\nE\n")


@given(st.lists(st.sampled_from(["a", "a b", "b", " a", "a  b", ""]), max_size=6), st.data())
def test_t6_15_whatever_is_inserted_is_inserted_once(listed: list[str], data: st.DataObject) -> None:
    text = "".join(f"{line}\n" for line in listed)
    pieces = st.sampled_from(["a", "a b", "b"])
    edit = Insert(data.draw(pieces), data.draw(pieces), data.draw(st.sampled_from(["after", "before"])))
    try:
        once = apply(edit, text)
    except AnchorError:
        return
    assert not apply(edit, once.text).changed


@given(st.lists(st.sampled_from(["a", "a b", "b", "c"]), max_size=6), st.data())
def test_t6_15_whatever_is_replaced_is_replaced_once(listed: list[str], data: st.DataObject) -> None:
    text = "".join(f"{line}\n" for line in listed)
    pieces = st.sampled_from(["a", "a b", "b", "c"])
    edit = ReplaceBlock(data.draw(pieces), data.draw(pieces), data.draw(pieces))
    try:
        once = apply(edit, text)
    except AnchorError:
        return
    assert not apply(edit, once.text).changed
