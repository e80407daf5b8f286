"""What agents and scripts ask all day, in the plain words in which they ask it: answered without click, of which the
import alone takes as long as the rest of such a command.

`tui.commands.group` answers these words just the same, and all others: whatever has a dash in front but `--json` and
`--expect` goes there, and so do errors of usage.
"""

from __future__ import annotations

from collections.abc import Sequence

VERBS = {"start": "begin", "done": "done", "skip": "skip", "fail": "fail", "reopen": "reopen"}
"""The commands that change a task, and what the engine calls that."""


def answer(arguments: Sequence[str]) -> bool:
    """Answer these words, if they are such; returns whether they were. Raises what the engine raises."""
    words = [
        word
        for before, word in zip(["--expect", *arguments], arguments, strict=False)
        if word != "--json" or before == "--expect"  # else it is the name that is expected, or no command
    ]
    as_json = len(words) < len(arguments)
    match words:
        case ["status"]:
            from tui.commands.show import show_status

            show_status(as_json=as_json)
        case ["next"]:
            from tui.commands.show import show_next

            show_next(as_json=as_json)
        case [command, address] if command in VERBS and _is_value(address):
            _change(command, address, None, as_json)
        case [command, address, "--expect", name] if (
            command in VERBS and _is_value(address) and _is_value(name)
        ):
            _change(command, address, name, as_json)
        case _:
            return False
    return True


def _is_value(word: str) -> bool:
    return bool(word) and not word.startswith("-")


def _change(command: str, address: str, expect: str | None, as_json: bool) -> None:
    from engine import Engine
    from tui.commands.show import print_change

    print_change(Engine.open().change(VERBS[command], address, expect=expect), as_json=as_json)
