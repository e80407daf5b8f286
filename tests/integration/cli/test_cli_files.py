"""What commands say of files that cannot be had: in use, missing, or no files at all. Nothing of them is touched."""

from __future__ import annotations

import os
import shutil

import pytest

from engine.storage import platform
from tests.conftest import MakeProject
from tests.integration.cli.conftest import Flow

PLAN = "- [ ] Build\n- [ ] Sign\n"
needs_leases = pytest.mark.skipif(not platform.system.has_leases, reason="without leases nobody can tell")


@needs_leases
def test_a_source_file_that_another_program_writes(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    path = root / "x.txt"
    path.write_text("one\n")
    with path.open("a"):
        ran = flow("loom", "append", "x.txt", "--text", "two", cwd=root)
        as_json = flow("loom", "append", "x.txt", "--text", "two", "--json", cwd=root)
    assert (ran.code, ran.out) == (6, "")
    first, second = ran.err.splitlines()
    assert "'x.txt' is held open for writing by" in first and f"(process {os.getpid()})" in first
    assert "Close it there" in second
    assert as_json.code == 6 and as_json.json["error"]["code"] == "busy"
    assert as_json.json["error"]["path"] == "x.txt"
    assert path.read_text() == "one\n"
    assert flow("loom", "append", "x.txt", "--text", "two", cwd=root).code == 0


@needs_leases
def test_a_plan_that_an_editor_holds_open(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    assert flow("start", "Build", cwd=root).code == 0
    path = root / ".flow" / "status.md"
    before = path.read_bytes()
    with path.open("r+"):
        ran = flow("done", "Build", cwd=root)
    assert ran.code == 6 and "'status.md' is held open for writing by" in ran.err
    assert path.read_bytes() == before
    assert flow("status", "--json", cwd=root).json["changed_outside"] == []
    assert flow("done", "Build", cwd=root).code == 0


def test_loom_read_of_what_is_not_there_or_no_file(flow: Flow, make_project: MakeProject) -> None:
    root = make_project({"status.md": PLAN})
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    (root / "zero").symlink_to("/dev/zero")
    with (root / "sparse").open("wb") as sparse:
        sparse.truncate(2 << 30)
    for name, code, says in (
        ("none.txt", 2, "There is no 'none.txt'"),
        ("folder", 4, "is a folder"),
        ("pipe", 4, "is a pipe"),
        ("zero", 4, "leads out of"),
        ("sparse", 4, "2147483648 bytes"),
    ):
        ran = flow("loom", "read", name, cwd=root)
        assert (ran.code, ran.out) == (code, "") and says in ran.err, ran.err


@pytest.mark.parametrize(
    "name", ["status.meta", "flow.registry.json", "intent.lock", "lock", "run.lock", "backups", "swap"]
)
@pytest.mark.parametrize("kind", ["a folder", "a pipe"])
def test_the_engine_s_own_files_are_something_else(
    flow: Flow, make_project: MakeProject, name: str, kind: str
) -> None:
    root = make_project({"status.md": "- [ ] [Script] Build\n    ```sh\n    true\n    ```\n- [ ] Sign\n"})
    path = root / ".flow" / name
    path.unlink(missing_ok=True)
    if kind == "a pipe":
        os.mkfifo(path)
    elif name in ("backups", "swap"):
        path.write_text("x")
    else:
        path.mkdir()
    before = path.stat()
    for command in ("status", "step", "done Sign", "check", "log"):
        ran = flow(*command.split(), cwd=root)
        assert ran.code in (0, 3, 4, 74), ran.err
        if ran.code in (4, 74):
            assert name in ran.err + ran.out
            assert not ran.err or ran.err.splitlines()[-1].startswith("  "), "without a hint"
    assert path.stat().st_mode == before.st_mode


def test_a_project_deleted_while_a_command_works_is_not_made_anew(
    make_project: MakeProject, flow: Flow
) -> None:
    from engine import Engine, NoProjectError

    root = make_project({"status.md": PLAN})
    engine = Engine.open(root)
    engine.change("done", "Build")
    shutil.rmtree(root / ".flow")
    with pytest.raises(NoProjectError, match="is gone"):
        engine.change("done", "Sign")
    assert flow("done", "Sign", cwd=root).code == 7
    assert not (root / ".flow").exists()


def test_a_loom_task_whose_file_is_missing_fails_with_the_reason(
    flow: Flow, make_project: MakeProject
) -> None:
    block = '    ```toml\n    op = "append"\n    path = "none.txt"\n    text = "x"\n    ```\n'
    root = make_project({"status.md": f"- [ ] [Loom] Edit\n{block}- [ ] Next\n"})
    ran = flow("step", "--json", cwd=root)
    assert (ran.code, ran.json["outcome"]) == (1, "failed") and "There is no 'none.txt'" in ran.json[
        "message"
    ]
    assert flow("status", "--json", cwd=root).json["recovery"] is None
