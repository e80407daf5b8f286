"""The man page is made from the help: `python -m tests.unit.house.test_manual` makes it anew."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tui.commands.base import FlowCommand
from tui.commands.group import COMMANDS, SECTIONS, cli

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "share" / "man" / "man1" / "flow.1"

ENVIRONMENT = {
    "FLOW_ACTOR": "Who you are in the log; else your user name.",
    "FLOW_TRUST": "1 lets the code of any project run, in CI for example.",
    "NO_COLOR": "No colours.",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "Where your settings, and what is remembered of you, are kept.",
}
FILES = {
    ".flow/status.md": "The plan. The folder holds its sub-flows, registry and settings, too.",
    "~/.config/flow-manager/config.toml": "Your theme and keys.",
}


def manual() -> str:
    """The page as roff."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return "\n".join([f'.TH FLOW 1 "" "Flow Manager {version}"', *page()]) + "\n"


def page() -> Iterator[str]:
    ctx = click.Context(cli, info_name="flow", **cli.context_settings)
    about, _, codes = inspect.cleandoc(cli.help or "").partition("\b\nExit codes:\n")
    yield from (".SH NAME", "flow \\- run nested Markdown plans")
    yield from (".SH SYNOPSIS", ".B flow", "[\\fIOPTIONS\\fR] [\\fICOMMAND\\fR [\\fIARGS\\fR]...]")
    yield ".SH DESCRIPTION"
    yield from paragraphs(about)
    yield ".SH OPTIONS"
    yield from options(cli, ctx)
    for title, names in SECTIONS.items():
        yield f".SH {title.upper()}"
        for name in names:
            command = cli.get_command(ctx, name)
            assert command is not None
            yield from one(command, click.Context(command, info_name=name, parent=ctx))
    yield ".SH EXIT STATUS"
    for line in codes.strip().splitlines():
        code, _, meaning = line.strip().partition("  ")
        yield from item(code, meaning)
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT.items():
        yield from item(name, meaning)
    yield ".SH FILES"
    for name, meaning in FILES.items():
        yield from item(name, meaning)


def one(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield f".SS {' '.join([ctx.command_path, *command.collect_usage_pieces(ctx)[1:]])}".replace("-", "\\-")
    yield from paragraphs(inspect.cleandoc(command.help or ""))
    yield from options(command, ctx)
    if isinstance(command, FlowCommand) and command.examples:
        yield from (".PP", "Examples:", ".nf", ".RS", *map(escaped, command.examples), ".RE", ".fi")
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from one(inner, click.Context(inner, info_name=inner.name, parent=ctx))


def options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record is not None and "--help" not in parameter.opts:
            yield from item(*record)


def item(name: str, meaning: str) -> Iterator[str]:
    yield from (".TP", f"\\fB{escaped(name)}\\fR", escaped(meaning))


def paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        lines = paragraph.splitlines()
        if lines[0] == "\b":  # kept line by line, as the help does
            yield from (".PP", ".nf", *map(escaped, lines[1:]), ".fi")
        else:
            yield from (".PP", *map(escaped, lines))


def escaped(text: str) -> str:
    """Text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return re.sub(r"^(?=[.'])", r"\\&", text)


def test_the_man_page_is_made_from_the_help() -> None:
    assert PAGE.read_text("utf-8") == manual(), "run: python -m tests.unit.house.test_manual"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_man_page(name: str) -> None:
    wanted = re.compile(rf"^\.SS flow {re.escape(escaped(name))}(?: |$)", re.MULTILINE)
    assert wanted.search(PAGE.read_text("utf-8"))


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_say_about_it() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-K", "utf8", "-T", "utf8", str(PAGE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    plain = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    for expected in (
        "flow - run nested Markdown plans",
        "flow done ADDRESS",
        "--until ADDRESS",
        "EXIT STATUS",
    ):
        assert expected in plain
    assert 'eval "$(flow completion bash)"' in plain


if __name__ == "__main__":
    PAGE.write_text(manual(), "utf-8")
