"""The one registry of actions: what each is called, which keys it has, and what the screen says about it.

The bindings of the main screen, the footer, the help screen, the palette and the key table of the README are all made
from `ACTIONS`. For every entry there is a `do_<id>` in the
navigator, the conductor or the main screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys


class Group(StrEnum):
    """The sections of the help screen and of the key table."""

    MOVE = "Move"
    ZOOM = "Zoom"
    RUN = "Run"
    CHANGE = "Change"
    EDIT = "Edit the plan"
    FIND = "Find"
    APP = "Flow Manager"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do on the main screen.

    `label` is the footer's word, `help` one sentence. `writes`: it changes or runs something, so it does not exist
    with `--readonly`. `palette`: the palette offers it.
    """

    id: str
    keys: tuple[str, ...]
    group: Group
    label: str
    help: str
    _: KW_ONLY
    writes: bool = False
    palette: bool = True
    priority: bool = False

    @property
    def shown_keys(self) -> str:
        """All its keys as a person reads them."""
        return " ".join(dict.fromkeys(key_name(key) for key in self.keys))

    @property
    def shown_key(self) -> str:
        """Its first key as a person reads it."""
        return key_name(self.keys[0]) if self.keys else ""


_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "minus": "-",
    "colon": ":",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def key_name(key: str) -> str:
    """The name of a key on the screen: `/` for Textual's `slash`."""
    return _NAMES.get(key, key)


_A = Action
ACTIONS: tuple[Action, ...] = (
    _A("down", ("j", "down"), Group.MOVE, "down", "Select the row below.", palette=False),
    _A("up", ("k", "up"), Group.MOVE, "up", "Select the row above.", palette=False),
    _A("top", ("g", "home"), Group.MOVE, "top", "Select the first row.", palette=False),
    _A("bottom", ("G", "end"), Group.MOVE, "bottom", "Select the last row.", palette=False),
    _A(
        "half_down",
        ("ctrl+d", "pagedown"),
        Group.MOVE,
        "half down",
        "Move half a screen down.",
        palette=False,
    ),
    _A("half_up", ("ctrl+u", "pageup"), Group.MOVE, "half up", "Move half a screen up.", palette=False),
    _A("fold", ("space",), Group.MOVE, "fold", "Fold or unfold what is inside the selection."),
    _A("fold_all", ("Z",), Group.MOVE, "fold all", "Fold everything, or unfold everything again."),
    _A(
        "switch",
        ("tab",),
        Group.MOVE,
        "details",
        "Go to the next part: the tree, the details, their output.",
        priority=True,
    ),
    _A("scroll_down", ("J",), Group.MOVE, "scroll", "Scroll the other side down.", palette=False),
    _A("scroll_up", ("K",), Group.MOVE, "scroll", "Scroll the other side up.", palette=False),
    _A(
        "zoom_in",
        ("enter", "l", "right"),
        Group.ZOOM,
        "zoom",
        "Make the sub-flow of the selection the picture.",
    ),
    _A("zoom_out", ("h", "backspace", "left"), Group.ZOOM, "back", "Go back to the flow around this one."),
    _A("back", ("H",), Group.ZOOM, "history", "Go back to the place that was on the screen before."),
    _A("forward", ("L",), Group.ZOOM, "history", "Go forward again to the place you went back from."),
    _A("cursor", ("c",), Group.ZOOM, "next task", "Select the next task, the one that would run."),
    _A(
        "follow",
        ("F",),
        Group.ZOOM,
        "follow",
        "Follow the running task and its output, until you move.",
    ),
    _A("step", ("s",), Group.RUN, "step", "Run the next task.", writes=True),
    _A("run", ("r",), Group.RUN, "run", "Run task after task until a person is needed.", writes=True),
    _A("run_to", ("u",), Group.RUN, "run to here", "Run task after task up to the selection.", writes=True),
    _A("retry", ("t",), Group.RUN, "retry", "Run the selected failed task again.", writes=True),
    _A(
        "stop",
        ("ctrl+c",),
        Group.RUN,
        "stop",
        "Stop: end the running task, or stop after it.",
        writes=True,
        priority=True,
    ),
    _A("timeline", ("w",), Group.RUN, "timeline", "Show what ran when, how long it took, and what failed."),
    _A("done", ("x",), Group.CHANGE, "done", "Mark the selection done.", writes=True),
    _A("skip", ("minus",), Group.CHANGE, "skip", "Skip the selection.", writes=True),
    _A("fail", ("exclamation_mark",), Group.CHANGE, "fail", "Mark the selection failed.", writes=True),
    _A("reopen", ("o",), Group.CHANGE, "reopen", "Make the selection pending again.", writes=True),
    _A("begin", ("b",), Group.CHANGE, "begin", "Begin the selection: it becomes active.", writes=True),
    _A("undo", ("z",), Group.CHANGE, "undo", "Take back the last change of the plan.", writes=True),
    _A("add", ("a",), Group.EDIT, "add", "Add a task after the selection.", writes=True),
    _A("add_inside", ("A",), Group.EDIT, "add inside", "Add a task inside the selection.", writes=True),
    _A("rename", ("R",), Group.EDIT, "rename", "Give the selection another name.", writes=True),
    _A(
        "move",
        ("m",),
        Group.EDIT,
        "move",
        "Move the selection: go to its new place, then enter.",
        writes=True,
    ),
    _A("delete", ("d",), Group.EDIT, "delete", "Delete the selection, after asking.", writes=True),
    _A("edit", ("e",), Group.EDIT, "edit", "Open the file in your editor, at the selection.", writes=True),
    _A("make_flow", ("M",), Group.EDIT, "make a flow", "Make a sub-flow of the selection.", writes=True),
    _A(
        "search",
        ("slash", "ctrl+f"),
        Group.FIND,
        "search",
        "Search the names of all tasks as you type, or the output.",
    ),
    _A("find_next", ("n",), Group.FIND, "next match", "Select the next task that matches.", palette=False),
    _A("find_previous", ("N",), Group.FIND, "previous match", "Select the match before.", palette=False),
    _A("filter", ("f",), Group.FIND, "filter", "Show only what is open, failed or settled, or everything."),
    _A("copy_address", ("y",), Group.APP, "copy address", "Copy the address of the selection."),
    _A("copy_name", ("Y",), Group.APP, "copy name", "Copy the name of the selection."),
    _A("theme", ("T",), Group.APP, "theme", "Choose the colours: each is shown while you are on it."),
    _A("reread", ("f5",), Group.APP, "read again", "Read the plans from the disk again."),
    _A("help", ("question_mark", "f1"), Group.APP, "help", "Show the keys.", palette=False),
    _A(
        "palette",
        ("ctrl+p", "colon"),
        Group.APP,
        "palette",
        "Find any task and any action by name.",
        palette=False,
    ),
    _A(
        "cancel",
        ("escape",),
        Group.APP,
        "cancel",
        "Cancel: end the search, show everything, go to the tree.",
        palette=False,
    ),
    _A("quit", ("q",), Group.APP, "quit", "Leave Flow Manager."),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

_SAME = {"start": "begin", "recover": "step", "log": "timeline", "status": "reread"} | {
    name: name for name in ("done", "skip", "fail", "reopen", "retry", "undo", "stop")
}
"""The actions that do in the app what a command does; the next step asks what to do about an interrupted task."""
_COMMAND = re.compile(r"`flow (\w+)(?: [\d./]+)?`")


def in_keys(text: str, available: Mapping[str, Action]) -> str:
    """A text that names commands, as `flow done 2`, with the keys of the app that do the same instead; commands that
    no key stands for stay."""

    def key(found: re.Match[str]) -> str:
        action = available.get(_SAME.get(found[1], ""))
        return action.shown_key if action is not None and action.keys else found[0]

    return _COMMAND.sub(key, text)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[Binding]:
    """The bindings of the main screen."""
    return [
        Binding(
            ",".join(action.keys),
            f"do('{action.id}')",
            action.label,
            show=False,
            priority=action.priority,
            id=action.id,
        )
        for action in actions
        if action.keys
    ]


def with_keymap(
    keymap: Mapping[str, str], actions: Sequence[Action] = ACTIONS
) -> tuple[list[Action], list[str]]:
    """The actions with a person's own keys (`id -> "key,key"`), and what is wrong with that keymap.

    Unknown actions and keys are reported, and a key that two actions want stays with the one that is not in the keymap,
    or that comes first in it: Textual would steal or ignore them silently. An action that none of its keys is left of
    keeps those that it has by itself.
    """
    known = {action.id: action for action in actions}
    problems = [f"There is no action {name!r} to give a key to." for name in keymap if name not in known]
    own = {
        name: tuple(key.strip() for key in keys.split(",") if key.strip())
        for name, keys in keymap.items()
        if name in known
    }
    owner = {key: action.id for action in known.values() if action.id not in own for key in action.keys}
    for name, keys in own.items():
        free: list[str] = []
        for key in keys:
            if not _is_key(key):
                problems.append(f"There is no key {key!r} for {name}.")
            elif key in owner:
                problems.append(
                    f"{key_name(key)} is the key of {owner[key]} already, so {name} does not get it."
                )
            else:
                owner[key] = name
                free.append(key)
        known[name] = replace(known[name], keys=tuple(free))
    for name, keys in own.items():
        if keys and not known[name].keys:
            default = next(action.keys for action in actions if action.id == name)
            known[name] = replace(
                known[name], keys=tuple(key for key in default if owner.setdefault(key, name) == name)
            )
    return list(known.values()), problems


def _is_key(key: str) -> bool:
    """Whether Textual has a name for such a key, or it is a character."""
    name = re.sub(r"^((ctrl|shift|alt|super|meta|hyper)\+)+(?=.)", "", key)
    named = {value.rpartition("+")[2] for value in Keys} | set(KEY_NAME_REPLACEMENTS.values())
    if len(name) == 1 or name in named or name in KEY_TO_UNICODE_NAME:
        return True
    try:
        character = unicodedata.lookup(name.replace("_", " ").upper())
    except KeyError:
        return False
    return name == key or character.isascii()


def grouped(actions: Iterable[Action] = ACTIONS) -> Iterator[tuple[Group, list[Action]]]:
    """The actions by section, sections and actions in the order of the registry."""
    sections: dict[Group, list[Action]] = {group: [] for group in Group}
    for action in actions:
        sections[action.group].append(action)
    return ((group, members) for group, members in sections.items() if members)


def key_table(actions: Iterable[Action] = ACTIONS) -> str:
    """The key table of the README, in Markdown."""
    rows = ["| keys | action |", "| --- | --- |"]
    for _, members in grouped(actions):
        for action in members:
            keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
            rows.append(f"| {keys} | {action.help} |")
    return "\n".join(rows) + "\n"
