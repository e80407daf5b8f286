"""The JSON Schema files that are shipped: whole, closed, explained, and each the shape of a command."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from tui.commands.base import FlowCommand
from tui.commands.group import COMMANDS

FOLDER = Path(__file__).resolve().parents[3] / "tui" / "schemas"
SCHEMAS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in FOLDER.iterdir()
}


def commands() -> Iterator[FlowCommand]:
    """Every command that there is, those inside of groups too."""
    stack: list[click.Command] = []
    for place in COMMANDS.values():
        module, name = place.split(":")
        stack.append(getattr(importlib.import_module(module), name))
    while stack:
        one = stack.pop()
        if isinstance(one, click.Group):
            stack.extend(one.commands.values())
        else:
            assert isinstance(one, FlowCommand), f"{one.name}: make it with tui.commands.base.command"
            yield one


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_every_shape_that_a_command_names_is_there_and_no_other() -> None:
    named = {shape for command in commands() for shape in command.shapes}
    assert named | {"error"} == set(SCHEMAS)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_sound_closed_and_explained(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["title"]
    for found in objects(schema):
        assert found["additionalProperties"] is False
        for property_name, value in found["properties"].items():
            assert value.get("description") or "$ref" in value or "enum" in value or "anyOf" in value, (
                property_name
            )
    assert '"version": {' in json.dumps(schema)


def test_what_has_one_name_is_the_same_everywhere() -> None:
    seen: dict[str, Any] = {}
    for schema in SCHEMAS.values():
        for name, definition in schema.get("$defs", {}).items():
            assert seen.setdefault(name, definition) == definition, name
