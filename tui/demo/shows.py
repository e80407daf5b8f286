"""The two ways to show the demonstration: in the app, supervised; without a terminal, to its end."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from tui.commands import output
from tui.demo.child import run_flow, was_killed
from tui.demo.terminal import Terminal

_LIMIT = 20
"""Starts after which something is wrong with the demonstration itself."""

_APPROVED = "approved by the demonstration"


def show_in_app(root: Path) -> int:
    """Open the app on the project; when it is killed, as the plan's crash does, say so and open it again."""
    terminal = Terminal()
    for _ in range(_LIMIT):
        code = run_flow(root)
        if not was_killed(code):
            output.say(f"The project stays in {root}. Open it again with:")
            output.say(f"  cd {shlex.quote(str(root))} && {program()}")
            return code
        terminal.restore()
        output.say("\n" + output.bold("Flow Manager was killed (kill -9), and that was the demonstration."))
        output.say("Its script goes on under a supervisor of its own,")
        output.say("and .flow/intent.lock says what was running.")
        output.say("The app opens again in 4 seconds, or when you press enter,")
        output.say("and asks what to do.")
        terminal.pause(4)
    return code


def show_as_text(root: Path, *, as_json: bool) -> int:
    """Run the plan to its end: `flow run` again and again, doing in between what a person would do."""
    stdout = sys.stderr if as_json else None
    pace = {"FLOW_DEMO_PACE": "0.15"}

    def flow(*arguments: str) -> int:
        output.say(output.bold("$ flow " + shlex.join(arguments)))
        sys.stdout.flush()
        return run_flow(root, arguments, stdout=stdout, environment=pace)

    for _ in range(_LIMIT):
        code = flow("run")
        if was_killed(code):
            output.say(
                "Flow Manager was killed (kill -9), as the plan wants it. Its script goes on; so do we."
            )
            flow("recover")
        elif code == 3:
            code = flow(*_as_a_person(root))
            if code:
                return code
        elif code == 5:
            output.say("A file was changed under an edit. Nothing was written; the edit is made anew.")
        else:
            return run_flow(root, ["status", "--json"] if as_json else ["status"]) or code
    return 70


def _as_a_person(root: Path) -> list[str]:
    """The command by which a person would answer what the plan waits for."""
    from engine import Engine

    engine = Engine.open(root, readonly=True)
    if engine.recovery() is not None:
        output.say(
            "A task was interrupted, and nobody knows how far it came. A person decides: run it again."
        )
        return ["recover", "retry"]
    task = engine.next()
    assert task is not None
    output.say(f"{output.line(task.name)}: this waits for a person. The demonstration answers: done.")
    return ["done", task.address, "--expect", task.name, "--note", _APPROVED]


def program() -> str:
    """How this person starts this program from a shell: by its name only where that leads here."""
    own = Path(sys.argv[0]).resolve()
    if own.name != "flow":
        own = Path(sys.executable).parent / "flow"
    found = shutil.which("flow")
    if found is not None and Path(found).resolve() == own:
        return "flow"
    return shlex.quote(str(own)) if own.is_file() else f"{shlex.quote(sys.executable)} -m tui"
