"""Text from plans is shown, never obeyed."""

from __future__ import annotations

from tui.widgets.lines import ActionBar, Hint


def test_the_footer_shows_control_characters_and_obeys_none() -> None:
    bar = ActionBar()
    bar.show([Hint("s", "step 1 \x1b]0;owned\x07", "step"), Hint("?", "help\x1b[31m", "help")])
    assert "\x1b" not in bar.render().plain
