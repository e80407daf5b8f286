"""The stage of the kill matrix over a step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .stage import Stage

pytest.register_assert_rewrite("tests.torture.runtime.oracle")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("home")) as stage:
        yield stage
