"""Text from plans is shown, never obeyed."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from tests.conftest import MakeProject
from tests.tui.conftest import Sit
from tui.widgets.detail import Page, _summary
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


async def test_what_a_widget_forgot_to_make_safe_is_shown_too(sit: Sit, make_project: MakeProject) -> None:
    async with sit(make_project({"status.md": "- [ ] Work\n"})) as person:
        box = person.app.screen.query_one("#left")
        box.border_subtitle = Content("\x1b]0;owned\x07")
        await box.mount(Static(Content("\x1b[31m\x9b2J\x08 [b]日本[/]")))
        await person.sees("␛[31m�2J", "[b]日本[/]", "␛]0;owned")
        assert not set("\x1b\x07\x9b\x08") & set(person.text)


def test_a_reason_of_several_lines_is_a_paragraph_of_its_own() -> None:
    page = Page("It", hint="git commit: checking\r\nbad: \x1b[2Jnew.txt\nPress t")
    assert _summary(page).plain.splitlines() == ["git commit: checking", "bad: ␛[2Jnew.txt", "Press t"]
