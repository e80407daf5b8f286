"""Text from plans is shown, never obeyed."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tui.widgets.field import Field
from tui.widgets.lines import ActionBar, Hint


def test_the_footer_shows_control_characters_and_obeys_none() -> None:
    bar = ActionBar()
    bar.show([Hint("s", "step 1 \x1b]0;owned\x07", "step"), Hint("?", "help\x1b[31m", "help")])
    assert "\x1b" not in bar.render().plain


async def test_a_line_to_type_into_shows_control_characters_and_keeps_them() -> None:
    class Small(App[None]):
        def compose(self) -> ComposeResult:
            yield Field("step \x1b]52;c;eA==\x07 \x9b2J")

    async with Small().run_test() as pilot:
        field = pilot.app.query_one(Field)
        shown = "".join(field.render_line(y).text for y in range(field.size.height))
        assert "step ␛]52;c;eA==␇" in shown
        assert not set("\x1b\x07\x9b") & set(shown)
        assert "\x1b" in field.value
