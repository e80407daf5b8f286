"""Choosing a theme: shown at once, kept without touching anything else; settings that cannot be understood are said."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.widgets import Static

from engine import ConfigurationError
from tests.tui.conftest import Sit
from tui import preferences, themes
from tui.preferences import Preferences, keep_theme
from tui.screens.prompt import ChoiceLine
from tui.themes import READABLE, contrast, on_selection
from tui.widgets.bars import Bars


async def test_a_theme_is_shown_while_it_is_selected_and_escape_brings_back_the_old_one(
    sit: Sit, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    async with sit({"status.md": "- [ ] One\n"}, mine=Preferences(folder=folder)) as person:
        await person.press("T")
        await person.sees("Theme", "Dark", "Light", "Paper")
        await person.press("down")
        await person.until(lambda: person.app.theme == "light")
        await person.press("escape")
        await person.until(lambda: person.app.theme == "dark")
        assert not folder.exists()
        await person.press("T", *"pap")
        await person.until(lambda: person.app.theme == "paper")
        await person.press("enter")
        await person.sees("Theme: Paper, kept in config.toml")
        assert (folder / "config.toml").read_text() == 'theme = "paper"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "light"\n'),
        ('# mine\ntheme = "dark"  # at night\n\n[keys]\n', '# mine\ntheme = "light"  # at night\n\n[keys]\n'),
        ("theme='dark'\r\nbell = false\r\n", 'theme="light"\r\nbell = false\r\n'),
        ("bell = false", 'bell = false\ntheme = "light"\n'),
        ('[keys]\ntheme = "f9"\n', 'theme = "light"\n\n[keys]\ntheme = "f9"\n'),
        ("# only words\n", '# only words\ntheme = "light"\n'),
    ],
)
def test_keeping_a_theme_changes_one_line(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())
    path.chmod(0o600)
    keep_theme(tmp_path, "light")
    assert path.read_bytes().decode() == after
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("text", ['theme = """dark\n"""\n', "theme = [\n", '"theme" = "dark"\n'])
def test_a_file_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="cannot change safely"):
        keep_theme(tmp_path, "light")
    assert path.read_text() == text


KEYS = st.sampled_from(["theme", "bell", "other", "keys.theme"])


@given(
    st.lists(st.tuples(KEYS, st.sampled_from(['"x"', "'y'", "1", "true"]), st.sampled_from(["", "  # why"])))
)
def test_whatever_the_file_says_only_the_theme_changes(lines: list[tuple[str, str, str]]) -> None:
    text = "".join(
        f"{key} = {value}{comment}\n" for key, value, comment in {a: (a, b, c) for a, b, c in lines}.values()
    )
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    if not isinstance(before.get("theme", ""), str):
        return
    after = preferences._with_theme(text, "light")
    assert tomllib.loads(after) == {**before, "theme": "light"}
    assert set(text.splitlines()) - set(after.splitlines()) <= {
        line for line in text.splitlines() if line.startswith("theme")
    }


THEMES = themes.load().themes


@pytest.mark.parametrize("theme", [name for name, theme in THEMES.items() if not theme.ansi])
@pytest.mark.parametrize("focused", [True, False])
async def test_all_words_of_the_selected_row_can_be_read_in_every_theme(
    sit: Sit, orbit: dict[str, str], theme: str, focused: bool
) -> None:
    orbit["build.md"] = orbit["build.md"].replace("- [ ] Run", "- [!] Run")
    async with sit(orbit, mine=Preferences(theme=theme)) as person:
        tree = person.main.flow_tree
        await person.press("g", "j", "space", "g", *([] if focused else ["tab"]))
        weak = set()
        for index in range(len(tree.rows)):
            tree.select(index)
            weak |= hard_to_read(tree.render_line(index - int(tree.scroll_offset.y)))
        assert not weak


def hard_to_read(strip: Strip) -> set[tuple[str, float]]:
    """The words of a line that do not stand out from what is behind them, with their contrast."""
    weak = set()
    for text, style, _ in strip:
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        ratio = contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))
        if ratio < READABLE and text.strip(" │├└─▱█▏▎▍▌▋▊▉"):
            weak.add((text, round(ratio, 2)))
    return weak


@pytest.mark.parametrize("theme", [name for name, theme in THEMES.items() if not theme.ansi])
async def test_what_is_selected_in_prompts_and_lists_can_be_read_in_every_theme(
    sit: Sit, orbit: dict[str, str], theme: str
) -> None:
    async with sit(orbit, mine=Preferences(theme=theme)) as person:
        await person.press("g", "o")
        await person.until(lambda: person.status("1") == "pending")
        await person.idle()
        await person.press("d")
        await person.asked("Confirm")
        for _ in range(2):
            line = person.app.screen.query_one("ChoiceLine:focus", ChoiceLine)
            assert not hard_to_read(line.render_line(0))
            await person.press("down")
        await person.press("escape")
        await person.unasked()
        await person.press("ctrl+p")
        await person.asked("Palette")
        await person.press(*"freeze")
        await person.until(
            lambda: "› " in person.app.screen.query_one("#entries", Static).render_line(0).text
        )
        assert not hard_to_read(person.app.screen.query_one("#entries", Static).render_line(0))
        await person.press("escape")
        await person.unasked()
        await person.press("w")
        await person.sees("by hand")
        assert not hard_to_read(person.app.screen.query_one(Bars).render_line(0))


def test_on_a_ground_of_the_sixteen_colours_text_is_that_of_the_selection() -> None:
    ground = Style(color="bright_white", bgcolor="blue")
    assert on_selection(Style(color="green", bold=True), ground) == Style(
        color="bright_white", bold=True, dim=False
    )
    assert on_selection(Style(color="green"), Style(color="white", bgcolor="default")) == Style(color="green")


async def test_unknown_settings_clashes_and_actions_are_said_at_the_start(
    sit: Sit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "folder", lambda: tmp_path)
    (tmp_path / "config.toml").write_text(
        'thme = "dark"\nbell = "no"\ntheme = 7\n[keys]\nstep = "x"\nfly = "w"\nrun = 3\n'
    )
    async with sit({"status.md": "- [ ] One\n"}, mine=preferences.load(), size=(80, 24)) as person:
        await person.told("there is no setting 'thme'")
        await person.told("and 5 more: ? lists them.")
        await person.press("escape")
        await person.until(lambda: not len(person.app._notifications), "the message to go")
        await person.press("?")
        await person.sees(
            *("there is no setting 'thme'", "bell is 'no'", "theme is 7", "keys.run is 3"),
            *("no action 'fly'", "x is the key of done already", "Here and now"),
        )


def test_settings_that_nobody_can_read_are_one_clear_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "folder", lambda: tmp_path)
    path = tmp_path / "config.toml"
    path.write_text("a = " + "[" * 5_000)
    with pytest.raises(ConfigurationError, match="too many brackets"):
        preferences.load()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="is a pipe"):
        preferences.load()


def test_a_theme_that_is_no_file_or_nested_too_deeply_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5_000)
    assert themes.load(tmp_path).problems == [
        "deep.toml: there are too many brackets inside brackets.",
        "pipe.toml: this is no regular file.",
    ]
