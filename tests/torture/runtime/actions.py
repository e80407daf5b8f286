"""What the kill matrix over a step runs, under strace: `flow step` and `flow recover`, by the engine's public API.

`python actions.py` imports everything once, then reads orders, a JSON object a line: `action` ("step", or a choice of
`flow recover`), `root`, `traced` and `supervisor`, and answers each with the pid of a fork that does it, then with
its exit status. The fork says in ROOT.said, in JSON, how it ended.

`traced`: it waits until ROOT.go exists, so that strace can be attached, and a call of `getpriority`, which nothing
else makes, goes before each open that may make a file: strace counts opens, but not those alone.

`supervisor`: a command that takes the place of the one that starts a supervisor, and gets that as its arguments.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextvars import Context
from pathlib import Path
from typing import Any

from engine import Engine, Finished, FlowError
from engine.atoms import local

PLAN = "- [ ] [Script] Warm\n    ```sh\n    true\n    ```\n"


CHANGES: dict[str, Callable[[Engine], object]] = {
    "rename": lambda engine: engine.rename("1", "Other"),
    "undo": lambda engine: engine.undo(),
}


class Inline(asyncio.SelectorEventLoop):
    """Does in the one thread that strace is attached to what the engine would do in a worker thread."""

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is handed on
            future.set_exception(error)
        return future


def act(action: str, root: Path) -> dict[str, str]:
    """One command, to its end."""

    async def work() -> dict[str, str]:
        engine = Engine.open(root)
        said = {"outcome": "", "message": ""}
        if action in CHANGES:
            CHANGES[action](engine)
            return said
        async for event in engine.step() if action == "step" else engine.recover(action):
            if isinstance(event, Finished):
                said = {"outcome": event.outcome.value, "message": event.message}
        return said

    with asyncio.Runner(loop_factory=Inline) as runner:
        try:
            return runner.run(work(), context=Context())
        except FlowError as error:
            return {"outcome": error.code, "message": str(error)}


def mark_creations(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
        os.getpriority(os.PRIO_PROCESS, 0)


def fork(order: Mapping[str, Any]) -> int:
    is_ready, ready = os.pipe()
    child = os.fork()
    if child:
        os.close(ready)
        os.read(is_ready, 1)  # what it does before that is not to be counted by its tracer
        os.close(is_ready)
        return child
    os.close(is_ready)
    root = str(order["root"])
    os.chdir(root)
    if order["traced"]:
        ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER: our tracer is no ancestor of ours
    os.close(ready)
    if order["traced"]:
        while not os.access(f"{root}.go", os.F_OK):
            time.sleep(0.001)
        sys.addaudithook(mark_creations)
    if order["supervisor"]:
        local._COMMAND[:] = [*order["supervisor"], *local._COMMAND]
    said = act(order["action"], Path(root))
    os.access("/flow-torture-end", os.F_OK)
    Path(f"{root}.said").write_text(json.dumps(said))
    os._exit(0)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:  # a step imports what is imported late
        flow = Path(folder, ".flow")
        flow.mkdir()
        (flow / "status.md").write_text(PLAN)
        (flow / "flow.registry.json").write_text('{"Script": "engine.atoms.script:Script"}')
        assert act("step", Path(folder))["outcome"] == "done"
    for line in sys.stdin:
        child = fork(json.loads(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
