"""`flow serve`: the app in a browser."""

from __future__ import annotations

from importlib.util import find_spec

import click

from tui.commands import output
from tui.commands.base import FlowCommand
from tui.loopback import is_loopback

_EXAMPLES = ("flow serve", "flow serve --port 9000 --readonly", "flow serve --host 0.0.0.0 --unsafe-bind")


@click.command("serve", cls=FlowCommand, examples=_EXAMPLES)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8_000, show_default=True, help="The port to listen at."
)
@click.option("--readonly", is_flag=True, help="To look only: nothing is changed or run.")
@click.option(
    "--unsafe-bind",
    is_flag=True,
    help="Listen at an address that other machines reach, without encryption.",
)
def serve(host: str, port: int, readonly: bool, unsafe_bind: bool) -> None:
    """Show the app in a browser, at an address with a key that is printed. ctrl+c ends it.

    Every page opens the app anew, on the nearest .flow/ folder; a task that runs goes on when its page is closed.
    Whoever has the key can change the plan and run its scripts.
    """
    from engine import UsageError, find_root

    root = find_root()
    if not (is_loopback(host) or unsafe_bind):
        raise UsageError(
            f"Other machines can reach {output.line(host)}, and the connection is not encrypted: whoever listens to "
            "it gets the key to this page, and with it runs what they like as you.",
            hint="Leave out --host and use a tunnel (ssh -L 8000:127.0.0.1:8000), or say --unsafe-bind.",
        )
    if find_spec("textual_serve") is None:
        raise UsageError(
            "The package `textual-serve` is not installed.",
            hint="In the clone of this: pip install '.[web]', with pipx: pipx inject flow-manager textual-serve",
        )
    from tui.web import Site

    Site(root, host, port, readonly=readonly).serve()
