"""What work hands on, held against what every reader and every file can take."""

from __future__ import annotations

import json

import pytest

from engine.atoms import Outcome, read_result
from engine.atoms.exports import DEPTH_LIMIT, read_exports


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def test_exports_are_taken_as_deep_as_the_limit_says() -> None:
    assert read_exports(nested(DEPTH_LIMIT)).exports == json.loads(nested(DEPTH_LIMIT))


@pytest.mark.parametrize("levels", [DEPTH_LIMIT + 1, 950, 100_000])
def test_t3_24_exports_that_are_nested_too_deeply_are_a_failure(levels: int) -> None:
    result = read_exports(nested(levels))
    assert result.outcome is Outcome.FAILURE
    assert "not a JSON object" in result.reason


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\udfff": 1}'])
def test_t3_24_half_of_a_surrogate_pair_is_no_text(text: str) -> None:
    result = read_exports(text)
    assert result.outcome is Outcome.FAILURE
    assert "half of a surrogate pair" in result.reason


def test_a_reason_is_a_text_that_any_file_can_hold() -> None:
    result = read_result({"outcome": "failure", "reason": "\udcff" + "x" * 1_000_000, "exports": {}})
    assert result.reason.startswith("\\udcffx")
    assert len(result.reason.encode()) < 10_000
