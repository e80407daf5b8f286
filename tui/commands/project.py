"""`flow init`, `flow trust`, `flow paths`: what surrounds a plan."""

from __future__ import annotations

from pathlib import Path

import click

import tui
from tui.commands import output
from tui.commands.base import Place, command, open_engine

PLAN = "status.md"


@command("init", "flow init", "flow init ../other-project", "flow init --agents")
@click.argument("folder", default=".", type=Place(), metavar="[DIR]")
@click.option("--agents", is_flag=True, help="Also tell AI agents, in AGENTS.md, how to work with the plan.")
def init(folder: Path, agents: bool, as_json: bool) -> None:
    """Make .flow/: a starter plan, the built-in atoms, settings.

    Files that are there already are left as they are.
    """
    from engine import init_project

    made = init_project(folder)
    if agents:
        from tui.agents import SECTION, write_guide

        made += [SECTION.file] if write_guide(folder) else []
    if as_json:
        output.put_json({"root": str(folder.resolve()), "files": made})
        return
    for file in made:
        output.put(f"Made {output.line(str(folder / file))}")
    if f".flow/{PLAN}" in made:
        output.say("`flow` opens the plan, `flow step` runs its first task.")
    else:
        output.say("The plan that is here stays as it is: `flow` opens it, `flow status` prints it.")


@command("trust", "flow trust --show", "flow trust")
@click.option("--show", is_flag=True, help="Print the code that nobody has approved; approve nothing.")
def trust(show: bool, as_json: bool) -> None:
    """Let this project's scripts and atoms run.

    Needed once for a project that came from elsewhere: read its plan first. Atoms are trusted as they are now; when one
    of them changes, it is asked about again. Other files of the repository that scripts and atoms call (a makefile,
    ./build.sh) are theirs to answer for: read them, too.
    """
    from engine import StorageError

    engine = open_engine(readonly=show)
    if show:
        codes = engine.unapproved(settled=True)
    else:
        try:
            codes = engine.trust()
        except StorageError as error:
            hint = "Answers are kept in your home. Where that cannot be written, FLOW_TRUST=1 lets a command run code."
            raise StorageError(error.message, hint=hint, **error.fields) from error
    if as_json:
        output.put_json(
            {"trusted": not show, "code": [{"where": code.where, "text": code.text} for code in codes]}
        )
        return
    for code in codes:
        output.put(output.line(code.where))
        if show:
            output.put(output.block(code.text).rstrip("\n") + "\n")
    if not show:
        output.say("This project's code may run from now on.")
    elif not codes:
        output.say("All of this project's code is approved.")


@command("paths", "flow paths", "flow paths --json | jq -r .plan")
def paths(as_json: bool) -> None:
    """Show where things are: the plan, its logs, your settings. Outside of a project, what needs none."""
    import platformdirs

    from engine import NoProjectError, find_root
    from tui import preferences

    try:
        root = find_root()
    except NoProjectError as error:
        root = None
        if not as_json:
            output.say(error.message)
    own = {
        "root": "",
        "plan": f".flow/{PLAN}",
        "settings": ".flow/flow.toml",
        "log": ".flow/logs/events.jsonl",
        "output": ".flow/logs/output",
        "backups": ".flow/backups",
    }
    found = {
        **{name: root / path if root is not None else None for name, path in own.items()},
        "config": preferences.folder() / preferences.FILE,
        "themes": preferences.folder() / "themes",
        "state": platformdirs.user_state_path("flow-manager"),
        "schemas": Path(tui.__file__).parent / "schemas",
    }
    if as_json:
        output.put_json({name: str(path) if path is not None else None for name, path in found.items()})
        return
    for name, path in found.items():
        if path is not None:
            output.put(f"{name:9} {output.line(str(path))}")
