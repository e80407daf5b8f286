"""Starts what runs behind the screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec

from textual.dom import DOMNode

_Words = ParamSpec("_Words")


def start(
    node: DOMNode,
    work: Callable[_Words, Coroutine[Any, Any, None]],
    *words: _Words.args,
    **named: _Words.kwargs,
) -> None:
    """Runs `work` in a worker of `node`, which ends with it; an exception of it ends the app.

    The worker calls it, so that an app that ends before the worker begins leaves no coroutine behind that nobody
    awaits.
    """
    begin: Callable[[], Any] = partial(work, *words, **named)
    node.run_worker(begin)
