"""The ids of one plan, and changes of its tree by id."""

from __future__ import annotations

from engine.errors import NameMismatchError, StaleIdError
from engine.status import edits
from engine.status.cursor import find_in
from engine.status.model import Plan, Task


class Index:
    """A plan whose tasks are named by their ids (`1.2`).

    An id is a position, so after `add`, `remove` and `move` the ids that somebody still holds may mean other
    tasks: until `reindex` says that they were looked up again, every use of one raises `StaleIdError`.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stale = False

    @property
    def plan(self) -> Plan:
        """The plan as it is now."""
        return self._plan

    def reindex(self) -> Plan:
        """Makes ids valid again: those of the plan as it is now, which comes back."""
        self._stale = False
        return self._plan

    def task(self, id: str, expect: str | None = None) -> Task:
        """The task at an id. Raises `StaleIdError`, `UnknownAddressError`, and `NameMismatchError` if it has
        another name than expected.
        """
        if self._stale:
            raise StaleIdError(
                f"The id {id} is from before the tree was changed.",
                hint="Look at the plan again first.",
                id=id,
            )
        task = find_in(self._plan, id)
        if expect is not None and task.name != expect:
            raise NameMismatchError(
                f"{id} is {task.name!r}, not {expect!r}.",
                hint="Look at the plan again.",
                address=id,
                name=task.name,
                expected=expect,
            )
        return task

    def add(self, what: str, *, to: str | None = None, at: int | None = None) -> Plan:
        """`engine.status.edits.add` under the task at the id `to`."""
        return self._changed(edits.add(self._plan, what, to=self._optional(to), at=at))

    def remove(self, id: str, *, expect: str | None = None) -> Plan:
        """`engine.status.edits.remove` of the task at an id."""
        return self._changed(edits.remove(self._plan, self.task(id, expect)))

    def move(
        self, id: str, *, to: str | None = None, at: int | None = None, expect: str | None = None
    ) -> Plan:
        """`engine.status.edits.move` of the task at an id."""
        return self._changed(edits.move(self._plan, self.task(id, expect), to=self._optional(to), at=at))

    def rename(self, id: str, name: str, *, expect: str | None = None) -> Plan:
        """`engine.status.edits.rename` of the task at an id; the ids stay valid."""
        self._plan = edits.rename(self._plan, self.task(id, expect), name)
        return self._plan

    def _optional(self, id: str | None) -> Task | None:
        if id is None:
            if self._stale:
                self.task("")
            return None
        return self.task(id)

    def _changed(self, plan: Plan) -> Plan:
        self._plan, self._stale = plan, True
        return plan
