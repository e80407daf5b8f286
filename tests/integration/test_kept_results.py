"""What a task has come to is kept until the plan that it belongs in can be read."""

from __future__ import annotations

import pytest

from engine import Engine, FlowError, StepOutcome
from engine.status import Status
from tests.conftest import MakeProject
from tests.integration.conftest import finish

WORK = """- [ ] [Script] Work
    ```sh
    echo run >> runs
    cp -r .flow/{file} saved
    {spoil}
    ```
"""
AFTER = "- [ ] After\n"


SPOILT = {
    "a child of its own": "printf '    - [ ] Child\\n' >> .flow/{file}",
    "emptied": ": > .flow/{file}",
    "zeros": "printf 'a\\000b' > .flow/{file}",
    "gone": "rm .flow/{file}",
    "no plan any more": "printf '%s\\n' '- [?] Something' > .flow/{file}",
    "a folder": "rm .flow/{file}; mkdir .flow/{file}",
}


@pytest.mark.parametrize(
    ("file", "how", "code"),
    [(file, how, 0) for file in ("status.md", "part.md") for how in SPOILT]
    + [("status.md", "emptied", 3), ("part.md", "gone", 3)],
)
async def test_a_result_waits_for_a_plan_that_cannot_be_read(
    make_project: MakeProject, file: str, how: str, code: int
) -> None:
    work = WORK.format(file=file, spoil=SPOILT[how].format(file=file) + f"; exit {code}")
    root = make_project(
        {"status.md": work}
        if file == "status.md"
        else {"status.md": "- [ ] Part @ part.md\n" + AFTER, file: work}
    )
    with pytest.raises(FlowError) as caught:
        await finish(Engine.open(root).step())
    assert "that is kept, and the next `flow step` commits it" in caught.value.hint
    with pytest.raises(FlowError):
        await finish(Engine.open(root).step())
    spoilt = root / ".flow" / file
    if spoilt.is_dir():
        spoilt.rmdir()
    (root / "saved").rename(spoilt)
    finished = await finish(Engine.open(root).step())
    assert finished.status is (Status.DONE if code == 0 else Status.FAILED)
    assert finished.outcome is (StepOutcome.DONE if code == 0 else StepOutcome.FAILED)
    assert (root / "runs").read_text() == "run\n"


@pytest.mark.parametrize("file", ["status.md", "part.md"])
async def test_a_task_that_was_deleted_is_reported_and_keeps_nobody_waiting(
    make_project: MakeProject, file: str
) -> None:
    work = WORK.format(file=file, spoil=f"cp after .flow/{file}")
    root = make_project({"status.md": "- [ ] Part @ part.md\n", file: work})
    (root / "after").write_text(AFTER)
    finished = await finish(Engine.open(root).step())
    assert "no longer in the plan" in finished.message
    assert Engine.open(root).recovery() is None
