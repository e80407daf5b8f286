"""`python -m tui` is `flow`, and `flow` is this: what happens before anything slow is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line. Returns its exit code; ctrl+c ends it quietly from the first moment on."""
    try:
        from tui import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
