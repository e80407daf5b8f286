"""Hostile names, files and output in the real program on a real terminal: shown as text, the terminal untouched.

Asserted on the bytes that the program writes: every escape sequence among them is one of those by which Textual draws.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.terminal import Terminal

MakeProject = Callable[[Mapping[str, str]], Path]

LONG = "long" * 1_250
HOSTILE = {
    "[red]boo[/]": "[red]boo[/]",
    "[/]": "[/]",
    "$primary[@click=app.quit]x": "$primary[@click=app.quit]x",
    "a\x1b]0;owned\x07z": "a␛]0;owned␇z",
    "b\x1b[2J\x1b[?1049lz": "b␛[2J␛[?1049lz",
    "c\x9b31mz\x9d0;owned\x9cz": "c�31mz�0;owned�z",
    "d\x08\x08\x0e\x7fz": "d␈␈␎␡z",
    "שלום \u202eevil\u202c z": "שלום �evil� z",
    "日本語 \U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea z": "日本語",
    "e\u200b\ufeff\u2066z": "e���z",
}
SCRIPT = r"""
    ```sh
    printf 'begin\033]0;owned\007\033[2J\033[?1049l\033[31mred\033[0m\033P1;2q\033\\ \233 5\r\033]52;c;b3duZWQ=\007\n'
    head -c 3000 /dev/urandom | base64 -w 0 | tr 'A-H' '\033\007\016\017\233\235\220\001'
    printf '\nthe end of it\n'
    ```
"""

# What Textual's driver and compositor write: cursor, colours, modes; the keyboard's protocol; synchronised output.
DRAWN = re.compile(
    rb"\x1b\[[0-9;]*[Hm]|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9]+\$p|\x1b\[[<>=]?[0-9;]*u|\x1b\[\?[0-9]*u|\x1b\[>[0-9;]*[a-z]"
    rb"|\x1b\[[0-9]* ?q|\x1b\[c|\x1b\[[0-9;]*n|\x1b\[>4;[0-9]m"
)
TITLE = re.compile(rb"\x1b\][012];([^\x07\x1b]*)(\x07|\x1b\\)")
# A person asked to copy a name, which goes to the clipboard in base64; the pointer's shape; what rings; a question.
OWN = re.compile(rb"\x1b\](52;c;[A-Za-z0-9+/=]*|22;[a-z]*|9;[^\x00-\x1f]*|11;\?)(\x07|\x1b\\)")
ENV = {"FLOW_TRUST": "1"}
ESCAPE = "\x1b[27u"  # as newer terminals send it: however late it is read, the next key does not become a part of it


def foreign(raw: bytes) -> bytes:
    """What is left of the escape sequences and controls when those are taken out by which the program draws."""
    raw = OWN.sub(b"", raw)
    raw = TITLE.sub(lambda found: b"owned" if b"owned" in found.group(1) else b"", raw)
    left = DRAWN.sub(b"", raw)
    return b"".join(re.findall(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f].{0,20}|\xc2[\x80-\x9f].{0,20}", left))


def test_names_from_plans_are_shown_and_obeyed_by_nothing(make_project: MakeProject, tmp_path: Path) -> None:
    lines = [f"- [ ] {name}\n" for name in HOSTILE]
    root = make_project({"status.md": "".join([*lines, f"- [ ] {LONG}\n", "- [ ] [Noise](noise.md)\n"])})
    (root / ".flow/noise.md").write_bytes(bytes(range(256)) * 40)
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(120, 40), cwd=root, env=ENV) as terminal:
        for shown in HOSTILE.values():
            terminal.wait_for(shown)
        terminal.wait_for("long" * 10)
        for keys in ["j"] * (len(HOSTILE) + 2) + ["gl", "?", ESCAPE, ":boo", ESCAPE, "/[/", ESCAPE, ESCAPE]:
            terminal.send(keys)
            terminal.settle(0.3)
        since = terminal.send("Y")
        terminal.wait_for("Copied", since=since)
        terminal.send("q")
        assert terminal.wait() == 0
        check(bytes(terminal.raw))


def test_output_of_scripts_is_shown_and_obeyed_by_nothing(make_project: MakeProject) -> None:
    root = make_project({"status.md": f"- [ ] [Script] Print\n{SCRIPT}- [ ] Next\n"})
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(120, 40), cwd=root, env=ENV) as terminal:
        terminal.wait_for("step 1 Print")
        since = terminal.send("s")
        terminal.wait_for("the end of it", since=since)
        terminal.wait_for("Done: Print", since=since)
        terminal.send("q")
        assert terminal.wait() == 0
        check(bytes(terminal.raw))


REASON = r"first \x1b]0;owned\x07\x1b[31mred\x9b31m\x08 [bold]x[/]\r\nsecond\u202e\x1b[2J"
SAYS = f"""\
from engine import Atom, AtomResult

class Deploy(Atom):
    def run(self, call):
        return AtomResult.%s("{REASON}")
"""


@pytest.mark.parametrize("way", ["failure", "waiting"])
def test_what_an_atom_says_is_shown_and_obeyed_by_nothing(make_project: MakeProject, way: str) -> None:
    root = make_project({"status.md": "- [ ] [Deploy] It\n- [ ] Next\n"})
    (root / ".flow/atoms").mkdir()
    (root / ".flow/atoms/deploy.py").write_text(SAYS % way)
    registry = root / ".flow/flow.registry.json"
    registry.write_text(registry.read_text().replace("{", '{"Deploy": "deploy:Deploy", ', 1))
    with Terminal([sys.executable, "-P", "-m", "tui"], size=(120, 40), cwd=root, env=ENV) as terminal:
        terminal.wait_for("step 1 It")
        since = terminal.send("s")
        terminal.wait_for("second", since=since)
        terminal.settle(0.3)
        for keys in ["t", ESCAPE, "H", ESCAPE, "q"]:
            terminal.send(keys)
            terminal.settle(0.3)
        assert terminal.wait() == 0
        check(bytes(terminal.raw))


def check(raw: bytes) -> None:
    """Only what draws was written, and the terminal is as it was: one screen entered, and the same left."""
    assert not foreign(raw), foreign(raw)[:400]
    assert (raw.count(b"\x1b[?1049h"), raw.count(b"\x1b[?1049l")) == (1, 1)
    assert b"\x1b]52;c;b3duZWQ=" not in raw  # what the script would have put on the clipboard
