"""Random keys on a plan with scripts: whatever is pressed, nothing raises, the screen answers, the plan stays valid.

Three hundred keys times `FLOW_TORTURE`; with `full`, ten thousand. The same keys in each run of the suite, others each
time when it is turned up: a failure names its seed, which `FLOW_SEED` takes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from engine import Engine
from tests.tui.conftest import Person, Sit
from tui import actions

AMOUNT = os.environ.get("FLOW_TORTURE", "1")
KEYS = 10_000 if AMOUNT == "full" else 300 * int(AMOUNT)
AT_ONCE = 50

FILES = {
    "status.md": """\
Project: Monkeys

# Begin

- [x] Settled
- [ ] [Script] Say something
    ```sh
    printf 'one\\n\\033[31mtwo\\033[0m\\n\\033]0;owned\\007'
    ```
- [ ] [Part](part.md)
- [ ] Outer
    - [ ] Inner one
    - [ ] [Script] Fails
        ```sh
        exit 3
        ```
    - [ ] [red]Hostile[/] name

# End

- [ ] [Script] Takes a while
    ```sh effect=idempotent
    sleep 0.3
    ```
- [ ] [Loom] Edit
    ```toml
    op = "append"
    path = "notes.txt"
    text = "more"
    ```
- [ ] [Deep](deep/one.md)
- [ ] Last
""",
    "part.md": "- [ ] One\n- [ ] [Script] Two\n    ```sh\n    seq 2000\n    ```\n- [ ] Three\n",
    "deep/one.md": "- [ ] [Two](deep/two.md)\n",
    "deep/two.md": "- [ ] Bottom\n    - [ ] Of all\n",
}

TYPED = ["[/]", "x", "ü", "日", "\U0001f469", " ", "a", "1", "[red]", "@"]


def keyboard() -> list[str]:
    """The keys of all actions, those of prompts, some that mean nothing, and text."""
    bound = [key for action in actions.ACTIONS for key in action.keys]
    moving = ["j", "k", "down", "up", "enter", "h", "l", "space", "tab", "escape"]
    return [*bound, *moving * 4, *"ytxrnwdkabAgG!-", "f7", "ctrl+k", "shift+tab", "delete", *TYPED]


def has_quit(person: Person) -> bool:
    return person.app._exit


async def press(person: Person, key: str) -> None:
    if key in TYPED:
        for character in key:
            await person.press(character if character != " " else "space")
    else:
        await person.press(key)


async def heard(person: Person) -> None:
    """Waits as people do when a prompt came or went by itself: keys that were meant for it count for nothing."""
    await person.until(lambda: not person.app.presses.is_deaf, "an app that takes keys")


async def comes_back(person: Person) -> None:
    """Whatever is open is closed by escape, and the main screen takes keys."""
    app = person.app
    for _ in range(12):
        if app.screen is person.main and not person.main.search.display:
            break
        await heard(person)
        await person.press("escape")
    assert app.screen is person.main, f"escape does not close {app.screen}\n{person.text}"
    assert not person.main.search.display, f"escape does not close the search\n{person.text}"
    await heard(person)
    await person.press("escape", "escape")
    tree = person.main.flow_tree
    tree.focus()
    await person.press("g")
    if len(tree.rows) > 2 and person.main.error is None:
        first = tree.selected
        await person.press("G")
        await person.until(lambda: tree.selected != first or len(tree.rows) < 3, "the selection to move")


@pytest.mark.torture
async def test_random_keys_break_nothing(
    sit: Sit, make_project: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("VISUAL", "true")
    seed = int(os.environ.get("FLOW_SEED", random.randrange(10**6) if "FLOW_TORTURE" in os.environ else 1))
    chance = random.Random(seed)
    keys = keyboard()
    assert callable(make_project)
    root: Path = make_project(FILES)
    (root / "notes.txt").write_text("notes\n")
    pressed: list[str] = []
    try:
        while len(pressed) < KEYS:
            size = chance.choice([(104, 28), (80, 24), (40, 15), (160, 50)])
            async with sit(root, size=size, watch=chance.random() < 0.5) as person:
                while len(pressed) < KEYS and not has_quit(person):
                    for _ in range(AT_ONCE):
                        key = chance.choice(keys)
                        pressed.append(key)
                        await press(person, key)
                        if has_quit(person):
                            break
                    if not has_quit(person):
                        await comes_back(person)
                person.main.engine.stop()
                await person.until(lambda: not person.main.session.busy, "the engine to let go")
    except BaseException as error:
        error.add_note(f"seed {seed}, after {len(pressed)} keys: {pressed[-80:]}")
        raise
    engine = Engine.open(root)
    problems = engine.check()
    assert not problems, (seed, pressed[-200:], problems)
    engine.tree().validate_state()
