from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.commands import output

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


def obeyed(text: str) -> list[str]:
    """Characters that a terminal acts on, or that reorder what is around them."""
    return [
        one
        for one in text
        if unicodedata.category(one) in ("Cc", "Zl", "Zp") or one in "\u202e\u2066\u200f\ufeff"
    ]


@given(ANY_TEXT)
def test_a_line_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    assert obeyed(output.line(text)) == []


@given(ANY_TEXT)
def test_a_block_holds_line_ends_and_tabs_and_nothing_else_that_a_terminal_obeys(text: str) -> None:
    assert set(obeyed(output.block(text))) <= {"\n", "\t"}


def test_control_characters_are_shown_as_symbols() -> None:
    assert output.line("a\x1b[31mb\nc\x7f") == "a␛[31mb␊c␡"
    assert output.line("\x9b31m\u202e") == "‹U+009B›31m‹U+202E›"
    assert output.block("one\r\ntwo\tthree\r") == "one\ntwo\tthree␍"


def test_text_in_any_script_stays_as_it_is() -> None:
    for text in ("Überprüfen", "発行する", "إصدار", "👩\u200d🚀", "e\u0301"):
        assert output.line(text) == text


@given(ANY_TEXT)
def test_json_comes_back_as_it_was_and_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr(output, "put", printed.append)
        output.put_json({"text": text})
    assert json.loads(printed[0]) == {"version": 1, "text": text}
    assert obeyed(printed[0]) == []
