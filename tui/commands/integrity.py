"""`flow accept` and `flow restore`: settle a plan that another program changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands import output
from tui.commands.base import command, open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence


@command("accept", "flow accept")
def accept(as_json: bool) -> None:
    """Accept the plans as they are now.

    However they were changed. Needed only in projects with `integrity = "strict"`.
    """
    _print("accepted", open_engine().accept(), as_json=as_json)


@command("restore", "flow restore")
def restore(as_json: bool) -> None:
    """Put back the last version of plans changed outside.

    That is the version that Flow Manager wrote or a person accepted last; what it displaces is kept in
    .flow/backups/.
    """
    _print("restored", open_engine().restore(), as_json=as_json)


def _print(word: str, files: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        output.put_json({word: list(files)})
        return
    for file in files:
        output.put(f"{word.capitalize()}: .flow/{output.line(file)}")
    if not files:
        output.say("No plan was changed by another program.")
