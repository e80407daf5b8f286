"""`flow report`: what it tells, and that nothing in a plan or an output can be markup in it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from engine import Engine
from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow
from tests.unit.house.test_schemas import SCHEMAS

EVIL = "<script>alert(1)</script> @octocat #12 `x` ``y`` **b** [l](javascript:x) https://e.org </title> \x1b[31m&amp; |"
PLAN = f"""\
Project: Orbit {EVIL}
Owner: <b>me</b>

- [ ] [Script] Build {EVIL}
    ```sh
    printf '\\033[31mred\\033[0m\\nold\\rnew\\n<img src=x>```` @octocat\\n'
    ```
- [-] Tweet
- [ ] [Flow](flow.md)
- [ ] Missing @ gone.md
"""
FLOW = """\
- [ ] [Script] Loud
    ```sh
    seq 1 20000; echo the end; exit 3
    ```
"""


class Page(HTMLParser):
    """What a browser makes of a page: its elements, with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def root(flow: Flow, make_project: MakeProject) -> Path:
    root = make_project({"status.md": PLAN, "flow.md": FLOW})
    flow("run", cwd=root)
    flow("done", "Loud", "--note", "looked", cwd=root)
    return root


def test_the_page_tells_the_run_and_holds_no_foreign_markup(flow: Flow, root: Path) -> None:
    ran = flow("report", "--output", "report.html", "--json", cwd=root)
    assert ran.code == 0
    Draft202012Validator(SCHEMAS["report-written"]).validate(ran.json)
    text = (root / "report.html").read_text()
    assert ran.json == {"version": 1, "path": str(root / "report.html"), "bytes": len(text.encode())}
    assert flow("report", cwd=root).out.startswith("<!doctype html>")
    page = Page(text)
    assert page.open == []
    names = {name for name, _ in page.elements}
    assert not names & {"script", "img", "b script", "iframe", "link", "a", "form", "object"}
    for _, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on")} | (
            {"style", "src", "href"} & set(attributes)
        )
    policy = next(each["content"] for name, each in page.elements if each.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    shown = "".join(page.texts)
    assert "\x1b" not in text
    assert f"Build {EVIL}".replace("\x1b", "␛") in shown
    assert "red\nnew\n<img src=x>```` @octocat\n" in shown
    for fact in (
        "✔ done",
        "– skipped",
        "failed",
        "Exit status 3.",
        "the end",
        "characters left out",
        "Problems",
        "tester",
    ):
        assert fact in shown, fact
    assert "1\n2\n3\n" in shown
    assert len(text) < 60_000


def test_markdown_for_a_pull_request_links_and_mentions_nothing(flow: Flow, root: Path) -> None:
    (root / ".flow/status.md").write_text(
        (root / ".flow/status.md").read_text().replace("[x] [Flow]", "[ ] [Flow]")
    )
    ran = flow("report", "--markdown", cwd=root)
    assert ran.code == 0
    outside = []
    for token in MarkdownIt("commonmark").enable("linkify", ignoreInvalid=True).parse(ran.out):
        if token.type == "html_block":
            assert re.fullmatch(r"(</?details>\n?|<summary>[\w ,.]+</summary>\n?)+", token.content), (
                token.content
            )
        for child in token.children or []:
            assert child.type in ("text", "code_inline", "strong_open", "strong_close", "softbreak"), child
            if child.type == "text":
                outside.append(child.content)
    assert not re.search(r"[@#<>]|octocat|://", "".join(outside)), outside
    assert "✔ done" in ran.out
    assert "1/" in ran.out
    assert "the end" in ran.out


def test_the_data_has_its_shape(flow: Flow, root: Path) -> None:
    data = flow("report", "--json", cwd=root).json
    Draft202012Validator(SCHEMAS["report"]).validate(data)
    assert [attempt["outcome"] for attempt in data["attempts"]] == ["done", "failed", "done"]
    assert data["attempts"][1]["output"].endswith("19999\n20000\nthe end\n")
    assert data["attempts"][1]["left_out"] > 50_000


def test_a_wait_that_ended_is_told_as_one(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": "- [ ] Approve\n"})
    flow("step", cwd=root)
    assert "</i> waits<" in flow("report", cwd=root).out
    assert flow("undo", cwd=root).code == 0
    told = flow("report", cwd=root).out
    assert "</i> waited<" in told
    assert "taken back" not in told


def test_empty_broken_deep_and_large_plans(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({})
    assert "There are no tasks yet." in flow("report", cwd=root).out
    plan = root / ".flow/status.md"
    plan.write_text("- [?] Broken\n")
    assert "unknown marker" in flow("report", cwd=root).out
    plan.write_text("".join(f"{'  ' * level}- [ ] Level {level}\n" for level in range(1000)))
    Page(flow("report", cwd=root).out)
    assert flow("report", "--markdown", cwd=root).out.count("\n") < 400
    plan.write_text("".join(f"- [x] Task {number}\n" for number in range(3000)))
    ran = flow("report", cwd=root)
    assert "100<small> %</small>" in ran.out
    assert "All is done" in ran.out
    assert len(flow("report", "--markdown", cwd=root).out) < 65_536


def test_clocks_that_are_wrong_break_nothing(flow: Flow, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Engine.open(root).timeline()
    wrong = [
        replace(known[0], started="yesterday", seconds=-5.0),
        replace(known[0], started="9999-12-31T23:59:59+00:00", seconds=1e300),
        replace(known[1], started="0001-01-01T00:00:00", seconds=float("nan")),
    ]
    monkeypatch.setattr(Engine, "timeline", lambda self: tuple(wrong))
    assert flow("report", cwd=root).code == 0
    assert flow("report", "--markdown", cwd=root).code == 0
    assert flow("report", "--json", cwd=root).code == 0


def test_what_cannot_be_written_is_told(flow: Flow, root: Path) -> None:
    assert flow("report", "--output", "no/such/folder.html", cwd=root).code == 74
    (root / "folder").mkdir()
    assert flow("report", "--output", "folder", cwd=root).code == 2
    assert flow("report", "--output", "", cwd=root).code == 2


def test_a_report_goes_where_it_is_sent_and_replaces_nothing_else(
    flow: Flow, flow_process: Flow, root: Path
) -> None:
    page = flow("report", "--markdown", cwd=root).out.encode()
    (root / "file.md").write_text("before")
    (root / "file.md").chmod(0o600)
    (root / "link.md").symlink_to("file.md")
    assert flow("report", "--markdown", "--output", "link.md", cwd=root).code == 0
    assert (root / "link.md").is_symlink()
    assert ((root / "file.md").read_bytes(), (root / "file.md").stat().st_mode & 0o777) == (page, 0o600)

    os.mkfifo(root / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=root, stdout=subprocess.PIPE) as reader:
        assert flow("report", "--markdown", "--output", "pipe", cwd=root).code == 0
        assert reader.communicate()[0] == page
    assert (root / "pipe").is_fifo()

    for name in ("-", "/dev/stdout"):
        ran = flow_process("report", "--markdown", "--output", name, cwd=root)
        assert (ran.code, ran.out.encode(), ran.err) == (0, page, "")
    assert not (root / "-").exists()


@pytest.mark.parametrize("name", [".flow/status.md", ".flow/new.html", "link.html"])
def test_a_report_is_written_over_no_plan(name: str, flow: Flow, root: Path) -> None:
    (root / "link.html").symlink_to(".flow/status.md")
    plan = (root / ".flow/status.md").read_text()
    assert flow("report", "--output", name, cwd=root).code == 2
    assert (root / ".flow/status.md").read_text() == plan
    assert not (root / ".flow/new.html").exists()
