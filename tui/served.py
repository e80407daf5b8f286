"""What `flow serve` starts for each page: the app in the project around the working directory, drawn through pipes."""

from __future__ import annotations

import sys

from engine import Engine, FlowError
from tui import app, preferences
from tui.commands.failures import explain


def main() -> int:
    """Runs the app until the page is closed or a person quits. Returns the exit code of the process."""
    try:
        engine = Engine.open(readonly="--readonly" in sys.argv[1:])
        return app.run(engine, preferences.load())
    except FlowError as error:
        return explain(error, as_json=False).report()


if __name__ == "__main__":
    sys.exit(main())
