"""Makes the gallery of themes, `tests/data/themes/`, from the real app: `python -m tests.tui.gallery`."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path

from engine import Engine
from tests.conftest import BUILT_IN
from tests.tui.conftest import Person
from tests.tui.picture import BUILD, PLAN
from tui import themes
from tui.app import FlowApp
from tui.preferences import Preferences

TARGET = Path(__file__).parents[1] / "data" / "themes"

HEAD = """\
# Themes

`T` in the app shows each theme while you move over its name, and keeps the one you take. These pictures are made by
`python -m tests.tui.gallery`.
"""


async def paint(root: Path, theme: str) -> str:
    """A picture of the app in a theme, with a task of every status on the screen."""
    app = FlowApp(Engine.open(root), Preferences(theme=theme), watch=False)
    async with app.run_test(size=(104, 22)) as pilot:
        person = Person(app, pilot)
        await person.until(lambda: person.main.reading is not None)
        await person.idle()
        await person.press("g", "j", "space", "j", "j", "j", "j")
        await person.sees("2/2.2  Run the tests")
        return app.export_screenshot()


def main() -> None:
    os.environ["FLOW_TRUST"] = "1"
    TARGET.mkdir(exist_ok=True)
    page = [HEAD]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        flow = root / ".flow"
        flow.mkdir()
        (flow / "flow.registry.json").write_text(json.dumps(BUILT_IN))
        build = BUILD.replace("- [/] [Script] Run", "- [!] [Script] Run").replace(
            "- [ ] Wheel", "- [/] Wheel"
        )
        for name, text in {"status.md": PLAN, "build.md": build, "docs.md": "- [ ] Write\n"}.items():
            (flow / name).write_text(text)
        for name, title in themes.load().titles.items():
            (TARGET / f"{name}.svg").write_text(asyncio.run(paint(root, name)), "utf-8")
            page.append(f'## {title}\n\n`theme = "{name}"`\n\n![The app in the theme {title}]({name}.svg)\n')
    (TARGET / "README.md").write_text("\n".join(page), "utf-8")


if __name__ == "__main__":
    main()
