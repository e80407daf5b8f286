"""What a prompt asked about was settled elsewhere: it closes by itself, says so, and its keys start nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine import Engine
from tests.tui.conftest import Person, Sit

Make = Callable[[Mapping[str, str]], Path]

FAILED = (
    "- [!] [Script] Test\n    ```sh\n    exit 3\n    ```\n"
    "- [ ] [Script] Publish\n    ```sh\n    touch published\n    ```\n"
)
LOOM = """\
- [ ] [Loom] Announce
    ```toml
    op = "append"
    path = "CHANGELOG.md"
    text = "- Orbit 2.0 is out."
    ```
- [ ] [Script] Publish
    ```sh
    touch published
    ```
"""


async def _asked(person: Person, title: str) -> None:
    await person.until(lambda: person.prompt == title, f"the prompt {title}")


async def _told(person: Person, words: str) -> None:
    """Waits for a message in the corner."""
    await person.until(lambda: any(words in one.message for one in person.app._notifications), words)


@pytest.mark.parametrize(("plan", "title"), [(FAILED, "Failed"), (LOOM, "Preview")])
async def test_a_prompt_about_what_was_settled_elsewhere_closes_and_its_key_starts_nothing(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch, plan: str, title: str
) -> None:
    monkeypatch.setattr("tui.app._GRACE", 1000.0)
    root = make_project({"status.md": plan})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    async with sit(root, watch=True) as person:
        await person.press("s")
        await _asked(person, title)
        name = "Test" if title == "Failed" else "Announce"
        Engine.open(root).change("skip", "1")
        await person.until(lambda: person.prompt == "", "the end of the prompt")
        await _told(person, f"Settled elsewhere: {name} is skipped")
        await person.press("r", "s", "x")
        assert not person.main.session.busy
        await person.idle()
        assert person.status("2") == "pending"
        assert not (root / "published").exists()


async def test_a_preview_of_what_was_settled_meanwhile_writes_nothing_and_says_so(
    sit: Sit, make_project: Make
) -> None:
    root = make_project({"status.md": LOOM})
    (root / "CHANGELOG.md").write_text("# Changelog\n")
    async with sit(root) as person:
        await person.press("s")
        await _asked(person, "Preview")
        Engine.open(root).change("skip", "1")
        await person.press("y")
        await _told(person, "Announce")
        assert (root / "CHANGELOG.md").read_text() == "# Changelog\n"
        assert not (root / "published").exists()


async def test_soon_after_a_prompt_has_closed_by_itself_keys_work_again(
    sit: Sit, make_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._GRACE", 0.01)
    root = make_project({"status.md": FAILED})
    async with sit(root, watch=True) as person:
        await person.press("s")
        await _asked(person, "Failed")
        Engine.open(root).change("done", "1")
        await _told(person, "Settled elsewhere: Test is done")
        await person.until(lambda: not person.app.is_deaf)
        await person.press("s")
        await person.until(lambda: person.status("2") == "done")


async def test_a_prompt_stays_while_what_it_asks_about_stands(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": FAILED})
    async with sit(root, watch=True) as person:
        await person.press("s")
        await _asked(person, "Failed")
        before = person.main.reading
        (root / ".flow" / "status.md").write_text(FAILED + "- [ ] One more\n")
        await person.until(lambda: person.main.reading is not before and person.main.find("3"))
        assert person.prompt == "Failed"


async def test_a_refused_undo_says_why_and_the_hint_to_it_goes(sit: Sit, make_project: Make) -> None:
    root = make_project({"status.md": "- [ ] One\n- [ ] Two\n"})
    async with sit(root, watch=True) as person:
        await person.press("x")
        await person.sees("Done: One · z undoes")
        (root / ".flow" / "status.md").write_text("- [ ] Another\n- [ ] Plan\n")
        await person.sees("○ Another")
        await person.until(lambda: "z undoes" not in person.text)
        await person.press("z")
        await person.sees("Not undone: One was changed again since")
