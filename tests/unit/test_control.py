"""A stop is meant for one run, and a run that has ended by then leaves none after it."""

from __future__ import annotations

from engine.runtime.control import Control


def test_a_stop_for_one_run_ends_no_other_and_lets_none_begin() -> None:
    control = Control()
    control.stop(run="one")
    assert control.ends_now("one")
    assert not control.ends_now("two")
    assert control.ends_after


def test_a_stop_for_whatever_runs_ends_it() -> None:
    control = Control()
    assert not control.ends_now("one")
    control.stop()
    assert control.ends_now("one")


def test_what_is_to_end_after_its_task_is_not_ended_now() -> None:
    control = Control()
    control.stop(after_this_task=True)
    assert not control.ends_now("one")
    assert control.ends_after
