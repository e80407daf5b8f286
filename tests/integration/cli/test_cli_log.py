"""`flow log`: a line a record for people, raw for programs, and `--follow`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path

from tests.conftest import MakeProject
from tests.integration.cli.conftest import FLOW, Flow

PLAN = "- [ ] [Script] Quick\n    ```sh\n    exit 3\n    ```\n- [ ] Sign\n"


def test_people_read_when_who_where_and_what_on_one_line_each(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    assert "Nothing has happened" in flow("log", cwd=root).err
    assert flow("step", cwd=root).code == 1
    flow("skip", "Quick", "--note", "two\nlines \x1b[31mred", cwd=root)
    lines = flow("log", cwd=root).out.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  tester  ", line) for line in lines)
    said = [line[21:] for line in lines]
    assert said[0] == "tester  plan: [Script] Quick, pending → active"
    assert said[1] == "tester  1 Quick  started (Script)"
    assert re.fullmatch(r"tester  1 Quick  failed \([0-9.]+ s\): Exit status 3\.", said[3]) or (
        said[3] == "tester  1 Quick  failed: Exit status 3."
    )
    assert said[-1] == "tester  1 Quick  skipped by hand: two lines ␛[31mred"
    assert flow("log", "-n", "2", cwd=root).out.splitlines() == lines[-2:]
    assert flow("log", "-n", "0", cwd=root).out == ""


def test_programs_get_the_records_as_they_are(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    flow("step", cwd=root)
    events = flow("log", "-n", "2", "--json", cwd=root).json["events"]
    assert [event["what"] for event in events] == ["changed", "failed"]
    assert events[1]["message"] == "Exit status 3."


def test_follow_goes_on_with_what_happens(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    flow("start", "Sign", cwd=root)
    process = subprocess.Popen(
        [*FLOW, "log", "--follow", "--json", "-n", "1"], cwd=root, stdout=subprocess.PIPE, env=os.environ
    )
    end = threading.Timer(60, process.kill)
    end.start()
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["what"] == "begin"
        rotate(root)
        flow("done", "Sign", cwd=root)
        seen = [json.loads(process.stdout.readline())["what"] for _ in range(2)]
        assert seen == ["changed", "done"]
    finally:
        end.cancel()
        process.kill()
        process.communicate()


def rotate(root: Path) -> None:
    """As if the log had grown past its limit."""
    place = root / ".flow/logs/events.jsonl"
    last = json.loads(place.read_bytes().splitlines()[-1])["seq"]
    place.rename(place.with_stem(f"events-{last:012d}"))
