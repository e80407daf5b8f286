"""`python -m tui` is `flow`."""

import sys

from tui.cli import main

sys.exit(main())
