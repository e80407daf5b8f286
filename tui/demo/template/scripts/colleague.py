"""Kim, who works on CHANGELOG.md at the same time as you: saves it once a second, from the background.

Kim is here so that you can see what happens when a file changes between the preview of an edit and its
writing. Kim stops when the task "Write the changelog" has been tried once, or after ten minutes.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
PLAN = ROOT / ".flow" / "version.md"
EVENTS = ROOT / ".flow" / "logs" / "events.jsonl"
WAITING = "- [ ] [Loom] Write the changelog"
KIM = "- Kim is still writing this line"


def start() -> None:
    """Leave Kim at work in a session of her own, so that the task that started her can end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    subprocess.Popen(
        [sys.executable, __file__, "--work"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def work() -> None:
    time.sleep(2)  # a run without a person at the screen has passed by then
    end = time.monotonic() + 600
    draft = 0
    while is_waiting() and time.monotonic() < end:
        draft += 1
        save(f"{KIM} (draft {draft}).")
        time.sleep(1)


def is_waiting() -> bool:
    """Whether the edit has not been tried yet. A conflict counts as a try, and the log tells of it."""
    try:
        return WAITING in PLAN.read_text("utf-8") and '"conflict"' not in EVENTS.read_text("utf-8")
    except OSError:
        return False


def save(line: str) -> None:
    lines = [kept for kept in CHANGELOG.read_text("utf-8").splitlines() if not kept.startswith(KIM)]
    first_entry = next(number for number, kept in enumerate(lines) if kept.startswith("- "))
    lines.insert(first_entry + 1, line)
    beside = CHANGELOG.with_suffix(".kim")
    beside.write_text("\n".join(lines) + "\n", "utf-8")
    beside.replace(CHANGELOG)


if sys.argv[1:] == ["--work"]:
    work()
else:
    start()
    print("Kim has opened CHANGELOG.md and saves it once a second from now on.")
    print("Stepping by hand? Look at the next preview for some seconds before you press y.")
