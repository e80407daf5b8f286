"""Edits from TOML and JSON, and the globs of what may be edited."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from engine.errors import ConfigurationError
from engine.loom import Append, FileEdit, Insert, ReplaceBlock, ReplaceLine, parse_edits
from engine.loom.globs import matches

REVISION = "0123456789abcdef" * 4


def test_one_edit_of_each_kind() -> None:
    assert parse_edits(tomllib.loads('op = "insert"\npath = "a"\nafter = "x"\ntext = "y"')) == [
        FileEdit("a", Insert("x", "y", "after"))
    ]
    assert parse_edits({"op": "insert", "path": "a", "before": "x", "text": "y", "indent": False}) == [
        FileEdit("a", Insert("x", "y", "before", False))
    ]
    assert parse_edits({"op": "replace_block", "path": "a", "start": "s", "end": "e", "text": ""}) == [
        FileEdit("a", ReplaceBlock("s", "e", ""))
    ]
    assert parse_edits({"op": "append", "path": "a", "text": "y", "base": REVISION}) == [
        FileEdit("a", Append("y"), REVISION)
    ]
    assert parse_edits({"op": "replace_line", "path": "a", "line": 3, "expect": "", "text": "y"}) == [
        FileEdit("a", ReplaceLine(3, "", "y"))
    ]


def test_a_list_of_edits_with_and_without_a_shared_path() -> None:
    document = """
        path = "a"
        [[edits]]
        op = "append"
        text = "1"
        [[edits]]
        op = "append"
        text = "2"
    """
    expected = [FileEdit("a", Append("1")), FileEdit("a", Append("2"))]
    assert parse_edits(tomllib.loads(document)) == expected
    listed = json.loads('[{"op":"append","path":"a","text":"1"},{"op":"append","path":"a","text":"2"}]')
    assert parse_edits(listed) == expected


WRONG: list[tuple[Any, str]] = [
    ({}, "no `op`"),
    ({"op": "insret"}, "insert"),
    ({"op": 3}, "not known"),
    ({"op": "append"}, "no `path`"),
    ({"op": "append", "path": ""}, "empty"),
    ({"op": "append", "path": 1, "text": ""}, "must be text"),
    ({"op": "append", "path": "a"}, "no `text`"),
    ({"op": "append", "path": "a", "text": "x", "after": "y"}, "`after`"),
    ({"op": "append", "path": "a", "text": "x", "base": "short"}, "no revision"),
    ({"op": "insert", "path": "a", "text": "x"}, "either"),
    ({"op": "insert", "path": "a", "text": "x", "after": "a", "before": "b"}, "either"),
    ({"op": "insert", "path": "a", "text": "x", "after": " "}, "empty"),
    ({"op": "insert", "path": "a", "text": "x", "after": "a", "indent": 1}, "true or false"),
    ({"op": "replace_block", "path": "a", "text": "x", "start": "s"}, "no `end`"),
    ({"op": "replace_line", "path": "a", "text": "x", "expect": "e"}, "line number"),
    ({"op": "replace_line", "path": "a", "text": "x", "expect": "e", "line": 0}, "line number"),
    ({"op": "replace_line", "path": "a", "text": "x", "expect": "e", "line": True}, "line number"),
    ({"edits": []}, "at least one"),
    ({"edits": "x"}, "list"),
    ({"edits": ["x"]}, "Edit 1 is no table"),
    ({"edits": [{"op": "append", "path": "a", "text": "x"}, {"op": "append", "path": "a"}]}, "Edit 2"),
    ({"edits": [], "text": "x"}, "`text`"),
    ([], "at least one"),
    ("text", "list"),
]


@pytest.mark.parametrize(("config", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_is_wrong_is_named(config: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_edits(config)
    assert says in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("**", ["a", "a/b", ".x/y"], []),
        ("*.md", ["a.md", ".md"], ["a/b.md", "a.mdx"]),
        ("**/*.md", ["a.md", "a/b/c.md"], ["a.py"]),
        ("src/", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("src/**", ["src/a", "src/a/b"], ["src2/a"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("[ab].txt", ["a.txt"], ["c.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt", "/.txt"]),
        ("a+(b).txt", ["a+(b).txt"], ["aab.txt"]),
        ("[x", ["[x"], ["x"]),
    ],
)
def test_globs(glob: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in yes if not matches(path, [glob])] == []
    assert [path for path in no if matches(path, [glob])] == []
