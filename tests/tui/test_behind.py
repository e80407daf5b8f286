"""Work behind the screen, and an app that ends before it begins."""

from __future__ import annotations

import gc
import warnings

from textual.app import App

from tui import behind


async def test_an_app_that_ends_before_its_work_begins_leaves_no_coroutine_behind() -> None:
    begun: list[str] = []

    async def work(word: str) -> None:
        begun.append(word)

    class Leaving(App[None]):
        def on_mount(self) -> None:
            behind.start(self, work, "never")
            self.workers.cancel_all()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with Leaving().run_test():
            pass
        gc.collect()
    assert begun == []
    assert [str(warning.message) for warning in caught] == []


async def test_work_gets_its_words_and_an_app_does_it() -> None:
    begun: list[tuple[str, int]] = []

    async def work(word: str, *, number: int) -> None:
        begun.append((word, number))

    class Working(App[None]):
        def on_mount(self) -> None:
            behind.start(self, work, "now", number=2)

    async with Working().run_test() as pilot:
        await pilot.app.workers.wait_for_complete()
    assert begun == [("now", 2)]
