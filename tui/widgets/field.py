"""A line that a person types into. What stands in it may come from a plan, or from somebody's clipboard."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input

from tui.text import one_line


class Field(Input):
    """An `Input` that shows a symbol for every control character; its `value` keeps them."""

    def take(self, character: str) -> None:
        """Takes a character as if it had been pressed here."""
        self.replace(character, *self.selection)

    @property
    def _value(self) -> Text:
        return Text(one_line(self.value, len(self.value) + 1), no_wrap=True, overflow="ignore", end="")
