"""One project, hydrated: its stores, its log, its ledger, its runner. Making one reads nothing of a plan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.runtime import attempts
from engine.runtime.context import Context
from engine.runtime.identity import files_to
from engine.runtime.ledger import Ledger
from engine.runtime.log import Log
from engine.runtime.settings import load_settings
from engine.status import Task
from engine.storage import Plans, Store, read_if_exists

if TYPE_CHECKING:
    from engine.atoms import Call, Runner
    from engine.loom import Loom
    from engine.runtime.intent import IntentFile
    from engine.runtime.timeline import Timeline
    from engine.runtime.trust import Trust

Made = TypeVar("Made")


class Project:
    """What the parts of the runtime share. `root` holds `.flow/`, which is `flow`.

    What reading a plan does not need is made when it is first asked for, by whichever thread.
    """

    def __init__(self, root: Path, actor: str | None = None) -> None:
        self.root = root
        self.store = Store(root)
        self.flow = self.store.flow
        self.plans = Plans(self.store)
        self.context = Context(self.store)
        self.log = Log(self.store, actor)
        self.ledger = Ledger(self.store, self.plans, self.log)
        self._looms: dict[tuple[str, ...], Loom] = {}  # each remembers what it has read
        self._made: dict[str, Any] = {}
        self._making = threading.Lock()

    @property
    def intents(self) -> IntentFile:
        from engine.runtime.intent import IntentFile

        return self._once("intents", lambda: IntentFile(self.store))

    @property
    def has_intent(self) -> bool:
        """Whether a task is running or was interrupted. Nearly always none is, and then nothing of what settles one has
        to be loaded."""
        return read_if_exists(self.flow / "intent.lock") is not None

    @property
    def runner(self) -> Runner:
        """Where work runs: the one place that says on which machines."""
        from engine.atoms.local import LocalRunner  # psutil and subprocess come with it

        made: Runner = self._once("runner", lambda: LocalRunner(self.store))
        return made

    @property
    def trust(self) -> Trust:
        from engine.runtime.trust import Trust

        return self._once("trust", lambda: Trust(self.store.root))

    @property
    def timeline(self) -> Timeline:
        from engine.runtime.timeline import Timeline

        return self._once("timeline", lambda: Timeline(self.log))

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        with self._making:
            if name not in self._made:
                self._made[name] = make()
            made: Made = self._made[name]
            return made

    @property
    def loom(self) -> Loom:
        """Surgical edits, within what the settings of the project allow now."""
        from engine.loom import Loom

        editable = load_settings(self.flow).editable
        if editable not in self._looms:
            self._looms[editable] = Loom(self.store, editable)
        return self._looms[editable]

    def call(self, task: Task, *, attempt: int = 1, key: str = "") -> Call:
        """The call that would be made for this task now."""
        from engine.atoms import Call, configuration

        return Call(
            name=task.name,
            address=task.address,
            root=self.root,
            config=configuration(task),
            context=self.context.read(),
            attempt=attempt,
            key=key,
        )

    def attempts(self, task: Task) -> Mapping[str, Any]:
        """What is remembered of the attempts at this task."""
        return attempts.find(self.plans, task)[1]

    def refuse_outside(self, task: Task) -> None:
        """In a strict project, raise ChangedOutsideError when a file on the way to this task was changed outside."""
        self.ledger.refuse_outside(files_to(task))

    @property
    def _stop_file(self) -> Path:
        return self.flow / "stop"

    def request_stop(self, run: str) -> None:
        """Ask whichever engine runs this run to end it."""
        self.store.replace(self._stop_file, run.encode())

    def is_stop_requested(self, run: str) -> bool:
        """Whether somebody asked, from another process, to end this run."""
        snapshot = read_if_exists(self._stop_file)
        return snapshot is not None and snapshot.data == run.encode()

    def forget_stop(self) -> None:
        self.store.remove(self._stop_file)
