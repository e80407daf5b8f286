"""Packages whose names are imported late offer what the type checker believes that they offer."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

import pytest

from engine.lazy import Late

PACKAGES = ["engine", "engine.atoms", "engine.status"]


def imported(statements: list[ast.stmt]) -> dict[str, set[str]]:
    """The names that `from module import ...` statements import, by module."""
    return {
        statement.module: {alias.name for alias in statement.names}
        for statement in statements
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_imported_late_is_what_the_type_checker_sees(name: str) -> None:
    tree = ast.parse(inspect.getsource(import_module(name)))
    choice = next(statement for statement in tree.body if isinstance(statement, ast.If))
    homes = next(node for node in ast.walk(ast.Module(choice.orelse, [])) if isinstance(node, ast.Dict))
    late = {home: set(names.split()) for home, names in ast.literal_eval(homes).items()}
    assert late == imported(choice.body)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_that_is_offered_is_there(name: str) -> None:
    package = import_module(name)
    for offered in package.__all__:
        found = getattr(package, offered)
        assert getattr(package, offered) is found
        assert not inspect.ismodule(found), offered
    with pytest.raises(AttributeError, match="nonsense"):
        _ = package.nonsense


def test_a_late_module_is_the_module() -> None:
    assert Late("engine.status").parse is import_module("engine.status").parse
    with pytest.raises(AttributeError):
        _ = Late("engine.status").nonsense
