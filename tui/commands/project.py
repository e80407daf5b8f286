"""`flow init`, `flow paths`, `flow completion`: what surrounds a plan."""

from __future__ import annotations

from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import command, open_engine

SHELLS = ("bash", "zsh", "fish")


@command("init", "flow init", "flow init ../other-project")
@click.argument("folder", default=".", type=click.Path(path_type=Path), metavar="[DIR]")
def init(folder: Path, as_json: bool) -> None:
    """Make .flow/ with a starter plan, the registry of built-in atoms and a .gitignore.

    Files that are there already are left as they are.
    """
    from engine import init_project

    made = init_project(folder)
    if as_json:
        output.put_json({"root": str(folder.resolve()), "files": made})
        return
    for file in made:
        output.put(f"Made {output.line(str(folder / file))}")
    output.say("`flow` opens the plan, `flow step` runs its first task.")


@command("trust", "flow trust --show", "flow trust")
@click.option("--show", is_flag=True, help="Print the code that nobody has approved; approve nothing.")
def trust(show: bool, as_json: bool) -> None:
    """Let this project's scripts and atoms run.

    Needed once for a project that came from elsewhere: read its plan first. Atoms are trusted as they are now; when one
    of them changes, it is asked about again.
    """
    engine = open_engine(readonly=show)
    codes = engine.unapproved()
    if not show:
        engine.trust()
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
    """Show where this project's and this program's files are."""
    import platformdirs

    from tui import preferences

    engine = open_engine(readonly=True)
    found = {
        "root": engine.root,
        "plan": engine.root / ".flow" / "status.md",
        "settings": engine.root / ".flow" / "flow.toml",
        "output": engine.root / ".flow" / "logs" / "output",
        "backups": engine.root / ".flow" / "backups",
        "config": preferences.folder(),
        "state": platformdirs.user_state_path("flow-manager"),
    }
    if as_json:
        output.put_json({name: str(path) for name, path in found.items()})
        return
    for name, path in found.items():
        output.put(f"{name:9} {output.line(str(path))}")


@command(
    "completion",
    'eval "$(flow completion bash)"',
    "flow completion fish > ~/.config/fish/completions/flow.fish",
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str, as_json: bool) -> None:
    """Print the lines that teach SHELL to complete commands, addresses and task names."""
    from click.shell_completion import get_completion_class

    from tui.cli import COMPLETE, cli

    kind = get_completion_class(shell)
    assert kind is not None
    source = kind(cli, {}, "flow", COMPLETE).source()
    if as_json:
        output.put_json({"shell": shell, "script": source})
    else:
        output.put(source)
