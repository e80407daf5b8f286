"""`flow hook`: git checks plans before a commit, and merges them task by task. `flow merge-driver` is what it calls."""

from __future__ import annotations

from pathlib import Path

import click

from tui.commands import output
from tui.commands.base import command, open_engine
from tui.commands.rows import problem_json, problem_line

PROBLEMS, CONFLICT = 4, 1


@click.group("hook", no_args_is_help=False)
def hook() -> None:
    """Have git check plans before a commit, and merge branches of a plan task by task.

    Git is called by these commands alone: opening a plan runs no git.
    """


@command("install", "flow hook install", "flow hook install --force", shapes=("hook-install",))
@click.option("--force", is_flag=True, help="Keep hooks that are there already, and have them run first.")
def install(force: bool, as_json: bool) -> None:
    """Set up the hooks and the merge driver in this repository.

    The hooks (pre-commit, pre-merge-commit) check the plans that a commit changes, as they are in the index. The driver
    is a setting of this clone, and .gitattributes says what it is for: commit that file, and run this command in each
    clone.
    """
    from tui.hook.install import install as set_up

    done = set_up(open_engine().root, force=force)
    if as_json:
        output.put_json(
            {
                "hooks": [str(hook) for hook in done.hooks],
                "before": [str(hook) for hook in done.before],
                "settings": dict(done.settings),
                "files": list(done.files),
            }
        )
        return
    for hook in done.hooks:
        output.put(f"Hook: {output.line(str(hook))}")
    for hook in done.before:
        output.put(f"  runs first: {output.line(str(hook))}")
    for name, value in done.settings:
        output.put(f"git config {name}: {output.line(value)}")
    for file in done.files:
        output.put(f"{file}: .flow/**/*.md merge=flow")
    output.say("Commit .gitattributes. `flow hook uninstall` takes all of it away.")


@command("uninstall", "flow hook uninstall", shapes=("hook-uninstall",))
def uninstall(as_json: bool) -> None:
    """Take away what `flow hook install` set up; hooks that it kept come back."""
    from tui.hook.install import uninstall as take_away

    done = take_away(open_engine().root)
    if as_json:
        output.put_json(
            {
                "hooks": [str(hook) for hook in done.hooks],
                "restored": [str(hook) for hook in done.before],
                "settings": [name for name, _ in done.settings],
                "files": list(done.files),
            }
        )
        return
    for hook in done.hooks:
        became = "the former one again" if hook in done.before else "gone"
        output.put(f"Hook: {output.line(str(hook))} is {became}")
    for name, _ in done.settings:
        output.put(f"git config {name}: unset")
    for file in done.files:
        output.put(f"{file}: the lines of Flow Manager are gone")


@command("check", "flow hook check", shapes=("hook-check",))
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Check the plans of the next commit as they are in the index, and exit with 4 when there is a problem.

    This is what the hooks run, at the top of the repository.
    """
    from tui.hook.index import check_index

    files, problems = check_index()
    if as_json:
        output.put_json({"problems": [problem_json(problem) for problem in problems]})
    else:
        for problem in problems:
            output.say(problem_line(problem))
        if not files:
            output.say("flow: the next commit changes no plan.")
        elif not problems:
            output.say(f"flow: {'one plan' if files == 1 else f'{files} plans'} checked, no problems.")
    if problems:
        if not as_json:
            output.say(
                "flow: nothing was committed. Mend these and `git add` them; `git commit --no-verify` "
                "commits them as they are."
            )
        ctx.exit(PROBLEMS)


for _command in (install, uninstall, check):
    hook.add_command(_command)


@command("merge-driver", "git config merge.flow.driver 'flow merge-driver %O %A %B %P'")
@click.argument("base", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("ours", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("theirs", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("path", required=False)
@click.pass_context
def merge_driver(
    ctx: click.Context, base: Path, ours: Path, theirs: Path, path: str | None, as_json: bool
) -> None:
    """Merge two branches of a plan into the file OURS; exit with 1 when a person has to decide.

    Git calls this, when `flow hook install` has set it up. Tasks merge one by one. Of two states the more advanced one
    wins, unless a branch reopened the task; names and texts conflict as text does; what both added is kept.
    """
    from engine import merge_plans

    file = path or ours.name
    merged = merge_plans(base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), file)
    ours.write_bytes(merged.text.encode())
    if as_json:
        output.put_json(
            {
                "path": file,
                "conflicts": merged.conflicts,
                "problems": [problem_json(problem) for problem in merged.problems],
            }
        )
    else:
        if merged.conflicts:
            places = "one place" if merged.conflicts == 1 else f"{merged.conflicts} places"
            output.say(f"flow: {output.line(file)} has conflicts in {places}.")
        for problem in merged.problems:
            output.say(problem_line(problem, file))
    if not merged.is_clean:
        ctx.exit(CONFLICT)
