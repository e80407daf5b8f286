"""One project, hydrated: its stores, its log, its ledger, its runner. Making one reads nothing of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.atoms import Call, LocalRunner, configuration
from engine.loom import Loom
from engine.runtime.context import Context
from engine.runtime.identity import key_of, path_of
from engine.runtime.intent import IntentFile
from engine.runtime.ledger import Ledger
from engine.runtime.log import Log
from engine.runtime.settings import load_settings
from engine.runtime.trust import Trust
from engine.status import Task
from engine.storage import Plans, Store, read_if_exists


@dataclass(frozen=True, slots=True)
class Project:
    """What the parts of the runtime share. `root` holds `.flow/`, which is `flow`."""

    root: Path
    flow: Path
    store: Store
    plans: Plans
    intents: IntentFile
    context: Context
    log: Log
    ledger: Ledger
    runner: LocalRunner
    trust: Trust
    looms: dict[tuple[str, ...], Loom] = field(default_factory=dict)  # each remembers what it has read

    @classmethod
    def at(cls, root: Path, actor: str | None = None) -> Project:
        store = Store(root)
        plans = Plans(store)
        log = Log(store, actor)
        return cls(
            root=root,
            flow=store.flow,
            store=store,
            plans=plans,
            intents=IntentFile(store),
            context=Context(store),
            log=log,
            ledger=Ledger(store, plans, log),
            runner=LocalRunner(store),
            trust=Trust(store.root),
        )

    @property
    def loom(self) -> Loom:
        """Surgical edits, within what the settings of the project allow now."""
        editable = load_settings(self.flow).editable
        if editable not in self.looms:
            self.looms[editable] = Loom(self.store, editable)
        return self.looms[editable]

    def call(self, task: Task, *, attempt: int = 1, key: str = "") -> Call:
        """The call that would be made for this task now."""
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
        """What is remembered of the attempts at this task: `key`, `attempt`, `interruptions`."""
        return self.plans.record(key_of(path_of(task))) or {}

    def refuse_outside(self, task: Task) -> None:
        """In a strict project, raise ChangedOutsideError when a file on the way to this task was changed outside."""
        self.ledger.refuse_outside([level.file for level in path_of(task)])

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
