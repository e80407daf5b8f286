"""Normalising a plan file, and taking in a Markdown file from elsewhere: the texts are those of `engine.status`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ContentChangedError, PlanError, UsageError
from engine.flows import ROOT, Tree
from engine.runtime.ledger import Rewrite
from engine.runtime.log import Log
from engine.runtime.project import Project
from engine.runtime.scaffold import init_project
from engine.status import Problem, parse
from engine.status.fixing import fix
from engine.status.wording import reference_problem
from engine.storage import Snapshot, Store, diff, read


@dataclass(frozen=True, slots=True)
class Mended:
    """What `fix` would make of a plan, for a person to look at: nothing is written yet.

    `file` is relative to `.flow/`, `diff` unified and empty when there is nothing to mend, `left` what only a person
    can mend (lines are those of the mended text).
    """

    file: str
    before: Snapshot
    text: str
    diff: str
    left: tuple[Problem, ...]

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.diff)


@dataclass(frozen=True, slots=True)
class Taken:
    """A plan that was made of a Markdown file: its name below `.flow/`, its tasks, and what could not be kept.

    The lines of `lost` are those of the source.
    """

    file: str
    tasks: int
    lost: tuple[Problem, ...]


def plan_file(project: Project, path: Path) -> str:
    """The name below `.flow/` of the plan at a path, or of that name. Raises UsageError for what is no plan here."""
    for place in (Path(os.path.realpath(path)), path.absolute(), project.flow / path):
        if place.is_relative_to(project.flow) and place.is_file():
            return place.relative_to(project.flow).as_posix()
    raise UsageError(
        f"{path} is no plan below {project.flow}.",
        hint="`flow import` makes a plan of a file from elsewhere.",
    )


def mend(project: Project, path: Path, *, comments: bool = False) -> Mended:
    """What normalising the plan at `path` would make of it; with `comments`, without its hidden ones.

    A file with bytes that are no text stays as it is, with its problems in `left`.
    """
    file = plan_file(project, path)
    before = read(project.plans.path(file))
    fixed = fix(before.data, file, comments=comments)
    if any(problem.code == "encoding" for problem in fixed.left):
        return Mended(file, before, before.text, "", fixed.left)
    return Mended(
        file, before, fixed.text, diff(f".flow/{file}", before, Snapshot.of(fixed.text.encode())), fixed.left
    )


def write_mended(project: Project, mended: Mended) -> None:
    """Write what a person has seen. Raises ContentChangedError when the plan is another one by now.

    The plan may break the grammar and the rules, before and after: mending it is what this is for.
    """

    def make(tree: Tree) -> Rewrite:
        now = project.plans.read(mended.file)
        if now is None or now.revision != mended.before.revision:
            raise ContentChangedError(
                f".flow/{mended.file} was changed meanwhile; nothing was written.",
                hint="Look at the difference again: `flow fix`.",
                path=f".flow/{mended.file}",
                base=mended.before.text,
                disk=now.text if now is not None else None,
                edit=mended.text,
            )

        def then() -> None:
            project.log.write("fixed", file=mended.file, diff=mended.diff)

        return Rewrite(
            {mended.file: mended.text},
            {"because": "fixed", "address": "", "name": f".flow/{mended.file}"},
            then,
        )

    if mended.changes:
        project.ledger.rewrite(make)


def take_in(project: Project, source: Path, *, name: str | None = None) -> Taken:
    """Make a new plan of a Markdown file, which stays as it is.

    The plan is called `name` (relative to `.flow/`), else `status.md` if there is none yet, else like the source.
    Raises UsageError when there is such a plan already; nothing is ever overwritten.
    """
    if name is None:
        name = ROOT if project.plans.read(ROOT) is None else f"{source.stem}.md"
    if not name.endswith(".md"):
        raise UsageError(
            f"{name!r} is no name for a plan.", hint="It ends in .md, like `--as sub_flows/build.md`."
        )
    file = project.plans.path(name).relative
    reason = reference_problem(file)
    if reason is not None:  # no task could take it in
        raise UsageError(
            f"{name!r} is no name for a plan. {reason}", hint="Choose another name: `--as NAME.md`."
        )
    if project.plans.read(file) is not None:
        raise UsageError(f"There is a .flow/{file} already.", hint="Choose another name: `--as NAME.md`.")
    text, taken = _convert(source, file)
    project.ledger.create(file, text, "imported", **_note(source, taken))
    return taken


def init_project_from(root: Path, source: Path) -> Taken:
    """Make `.flow/` in the folder `root` with a plan that is made of a Markdown file, which stays as it is.

    Raises what `take_in` and `init_project` raise; nothing is written when no plan can be made of it.
    """
    text, taken = _convert(source, ROOT)
    init_project(root, {f".flow/{ROOT}": text.encode()})
    Log(Store(root)).write("imported", file=ROOT, **_note(source, taken))
    return taken


def _note(source: Path, taken: Taken) -> dict[str, Any]:
    """For the log: of which file a plan was made, and what of it could not be kept."""
    lost = [f"line {problem.line}: {problem.message.rstrip('.')}" for problem in taken.lost]
    return {"source": str(source), **({"lost": lost} if lost else {})}


def _convert(source: Path, file: str) -> tuple[str, Taken]:
    """The text of the plan `file` that a Markdown file becomes, and what is said of it."""
    from engine.status.importing import import_markdown  # brings a whole Markdown parser along

    data = read(source).data
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise PlanError(
            f"{source} is no text: line {line} holds a NUL byte.",
            hint="Nothing was written. A file in UTF-16 is text after `iconv -f utf-16 -t utf-8`.",
            file=str(source),
        )
    imported = import_markdown(data, str(source))
    plan = parse(imported.text, file)
    if plan.problems:
        raise PlanError(
            f"No plan can be made of {source}: {plan.problems[0]}",
            hint="Nothing was written.",
            file=str(source),
        )
    return imported.text, Taken(file, sum(1 for _ in plan.walk()), imported.lost)
