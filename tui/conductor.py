"""Running and changing: what the keys for work do, and what the engine's answers lead to.

The main screen shows; the conductor decides what the engine is asked to do and when a prompt comes. It holds what is
known of the work that this app started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import TYPE_CHECKING

from engine import (
    BusyError,
    ChangedOutsideError,
    Conflict,
    Engine,
    Event,
    Finished,
    FlowError,
    NeedsPersonError,
    Output,
    PlanChanged,
    Started,
    Status,
    StepOutcome,
    Task,
    Tree,
    TrustError,
    Warned,
    body,
)
from tui import marks
from tui.prompts import Prompts
from tui.session import Reading, Session, WasChanged, Work
from tui.spot import Own, Spot
from tui.text import lines, one_line
from tui.widgets.lines import StatusLine

if TYPE_CHECKING:
    from tui.screens.main import MainScreen

_DID = {
    "done": "Done",
    "skip": "Skipped",
    "fail": "Failed",
    "reopen": "Reopened",
    "begin": "Begun",
    "undo": "Undone",
    "add": "Added",
    "rename": "Renamed",
    "delete": "Deleted",
    "move": "Moved",
    "make_flow": "Made a flow",
}
_WAS = {
    "skip": "skipped",
    "fail": "failed",
    "reopen": "reopened",
    "begin": "begun",
    "started": "begun",
    "removed": "deleted",
    "zoomed": "made a flow",
}
"""What was undone, where the record of it has another word than the app."""


_QUITS = "Quits when this task ends."

_SHORT = 40
"""Characters of a name with more to be said behind it on one line."""

_IS = {"done": "done", "skip": "skipped", "fail": "failed", "reopen": "pending", "begin": "active"}


class Conductor:
    """Serves one main screen."""

    def __init__(self, screen: MainScreen, session: Session) -> None:
        self.screen = screen
        self.session = session
        self.own: Own | None = None
        self.goes_on = False
        self.waiting: Spot | None = None
        self.until: Spot | None = None
        self._began = ""
        self.quits_after = False
        self._takes = False
        self.last_work: Work | None = None
        self._undoes = ""
        self._number = 0
        self._stops = False
        self.prompts = Prompts(self)
        session.takes_terminal = self._takes_terminal

    @property
    def engine(self) -> Engine:
        return self.session.engine

    @property
    def reading(self) -> Reading | None:
        return self.screen.reading

    @property
    def at_work(self) -> Task | None:
        """The task of the reading on the screen that runs now, here or by another engine."""
        if self.reading is None:
            return None
        other = self.reading.running
        if self.own is not None:
            return self.own.spot.find(self.reading.tree) if not self.own.gone else None
        return Spot(other.address, other.name).find(self.reading.tree) if other and not other.gone else None

    def run_of(self, task: Task) -> str:
        """The run that works at a task now, or did so last; empty if there was none."""
        if task is self.screen.flow_tree.facts.running:
            if self.own is not None:
                return self.own.event.run
            if self.reading is not None and self.reading.running is not None:
                return self.reading.running.run
        return self.session.history.run_of(task)

    def _takes_terminal(self, event: Started) -> bool:
        """Whether a task's script is marked `tty`: it gets the terminal, and the app steps aside."""
        task = self.screen.find(event.address)
        return task is not None and any("tty" in fence.flags for fence in body(task).fences)

    def watch_other(self) -> None:
        """Goes on with the output of a task that another engine runs, if it is on the screen."""
        other = self.reading.running if self.reading is not None else None
        if other is not None:
            self.screen.printing.news(other.run)

    # Starting work

    def do_step(self) -> None:
        """Runs the next task, after what must be asked before."""
        if self._may_start():
            self.goes_on = False
            task = self.reading.next if self.reading is not None else None
            name = task.name if task is not None else None
            self._next(lambda: self.engine.step(expect=name))

    def do_run(self) -> None:
        self._run(None)

    def do_run_to(self) -> None:
        self._run(self.screen.flow_tree.chosen)

    def do_retry(self) -> None:
        task = self.screen.flow_tree.chosen
        if task is not None:
            self.retry(task)

    def _run(self, until: Task | None) -> None:
        """Runs on until a person is needed, or until a task is done."""
        if self._may_start():
            self.goes_on = True
            self.until = Spot.of(until) if until is not None else None
            self._next(self._run_on)

    def _run_on(self) -> AsyncIterator[Event]:
        until = self.until
        return self.engine.run(until=until.address, expect=until.name) if until else self.engine.run()

    def retry(self, task: Task) -> None:
        """Runs a failed task again."""
        if self._may_start():
            self.screen.forget_news()
            self.start(lambda: self.engine.retry(task.address, expect=task))

    def _may_start(self) -> bool:
        reading = self.reading
        if self.refuse_unread() or reading is None or self.refuse_readonly():
            return False
        if self.session.busy or self.prompts.preparing:
            self.screen.say("A task is running already: ctrl+c stops it.", "$warning")
            return False
        if reading.running is not None:
            self.screen.say("Another engine is at work: this is its viewer.", "$warning")
            return False
        if reading.recovery is not None:
            self.prompts.ask_recovery(reading.recovery)
            return False
        return True

    def refuse_readonly(self) -> bool:
        if self.engine.readonly:
            self.screen.say(
                "This is a read-only view: start without --readonly to change or run.", "$warning"
            )
        return self.engine.readonly

    def refuse_unread(self) -> bool:
        """Whether there is no plan to run or to change now, which is said."""
        error = self.screen.error
        if error is not None:
            self.screen.say(f"Nothing runs or changes until this is mended: {error.message}", "$error")
        elif self.reading is None:
            self.screen.say("The plans are still being read. Press it again in a moment.", "$warning")
        return error is not None or self.reading is None

    def _next(self, work: Work) -> None:
        task = self.reading.next if self.reading is not None else None
        if task is None or self.goes_on or task.status is Status.FAILED:
            if task is not None and task.status is Status.FAILED:
                self.prompts.ask_failed(task)
            else:
                self.start(work)
            return
        if self.engine.kind_of(task) == "Loom":
            self.prompts.preview(Spot.of(task))
        else:
            self.start(work)

    def start(self, work: Work, *, takes: bool = False, began: str = "") -> None:
        """Starts a piece of work, if none is under way.

        `takes`: it only takes the result of what has ended; `began`: when a task that it may go on to follow was begun.
        """
        self.waiting = None
        self._takes = takes
        self._began = began
        self._stops = False
        self.last_work = work
        if self.session.work(work):
            self.screen.forget_complaints()
            self.screen.navigator.following = True
            self.screen.show_state()

    def _work_again(self) -> None:
        if self.last_work is not None:
            self.start(self.last_work)

    # What the engine says

    def heard(self, event: object) -> None:
        """Takes in one event of the engine."""
        match event:
            case Started():
                since = monotonic() - (marks.seconds_since(self._began) if event.follows else 0)
                was, self.own = self.own, Own(event, since, Spot(event.address, event.name), last=self._stops)
                if was is not None and was.stopping:
                    self._end()  # that attempt failed by itself, and this is the next one at its task
                self.screen.started(event)
                self.prompts.work_began(self.own)
            case Output():
                self.screen.printing.news(event.run)
            case Conflict():
                self.prompts.ask_conflict(event)
            case Warned():
                self.screen.app.notify(lines(event.message), severity="warning", markup=False)
            case PlanChanged():
                self.session.read()
            case Finished():
                self._finished(event)

    def _finished(self, event: Finished) -> None:
        self.own = None
        self.screen.printing.ended(event.run)
        name = one_line(event.name, _SHORT)
        if event.outcome not in (StepOutcome.DONE, StepOutcome.NOTHING):
            self.screen.call_person(f"{name}: {event.outcome}")
        took = f" · {marks.took(event.seconds)}" if event.seconds >= 0.05 else ""
        match event.outcome:
            case StepOutcome.DONE if event.status is None:
                self.screen.say(f"Let go of: {name} is no longer in the plan", "$status-skipped")
            case StepOutcome.DONE if event.status is Status.SKIPPED:
                self.screen.say(f"Skipped: {name}", "$status-skipped")
            case StepOutcome.DONE:
                said = f"Done while nobody watched: {name}" if self._takes else f"Done: {name}{took}"
                self.screen.say(said, "$status-done")
            case StepOutcome.FAILED:
                said = "Failed while nobody watched" if self._takes else "Failed"
                self.screen.say(f"{said}: {name} · {event.message}", "$status-failed")
            case StepOutcome.WAITING:
                self.waiting = Spot(event.address, event.name, event.message)  # the status line says so
            case StepOutcome.INTERRUPTED:
                self.prompts.asked_about = ""
                self.prompts.awaited = True
                self.screen.say(f"Stopped: {name} · {event.message}", "$status-active")
            case StepOutcome.NOTHING:
                self.screen.say(event.message, "$muted")
            case StepOutcome.CONFLICT:
                pass
        self.session.read()

    def ended(self, error: FlowError | None) -> None:
        """The engine is idle again."""
        self.own = None
        self.prompts.work_ended()
        self.session.read()
        self.screen.show_state()
        if self.quits_after:
            self.screen.app.exit(0)
            return
        if error is not None:
            self.refused(error)

    def refused(self, error: FlowError, again: Callable[[], None] | None = None) -> None:
        """Asks what an error leaves to a person, and shows the others.

        `again`: what was refused, if that is not the work: it is done when a person lets it.
        """
        self.screen.call_person(error.message)
        match error:
            case TrustError():
                self.prompts.ask_trust(error, again or self._work_again)
            case NeedsPersonError():
                reading = self.reading
                if reading is not None and reading.recovery is not None:
                    self.prompts.ask_recovery(reading.recovery, why=error.message)
                else:
                    self.prompts.asked_about = ""
                    self.screen.complain(error)
            case ChangedOutsideError():
                self.prompts.ask_outside(error, again or self._work_again)
            case BusyError() if self.own is not None and "address" in error.fields:
                hint = "Wait for it, or end it with `flow stop`."
                self.screen.complain(BusyError(error.message, hint=hint), title="It is running here")
            case _:
                self.screen.complain(error)

    # Changing the selection

    def do_done(self) -> None:
        self.change("done", self.screen.flow_tree.chosen)

    def do_skip(self) -> None:
        self.change("skip", self.screen.flow_tree.chosen)

    def do_fail(self) -> None:
        self.change("fail", self.screen.flow_tree.chosen)

    def do_reopen(self) -> None:
        self.change("reopen", self.screen.flow_tree.chosen)

    def do_undo(self) -> None:
        """Takes back the last change of the plan."""
        if self.refuse_unread() or self.refuse_readonly():
            return
        if self.session.busy:
            self.screen.say("Not undone: a task is running. ctrl+c stops it.", "$warning")
            return
        self.screen.navigator.will_change()
        self.session.undo()

    def do_begin(self) -> None:
        self.change("begin", self.screen.flow_tree.chosen)

    def change(self, verb: str, task: Task | None) -> None:
        if task is None or self.refuse_unread() or self.refuse_readonly():
            return
        self.session.change(verb, task)

    @property
    def waited_for(self) -> Task | None:
        """The task of the reading on the screen that a run waits for."""
        task = self.waiting.find(self.reading.tree) if self.waiting and self.reading else None
        return task if task is not None and task.is_leaf else None

    def carry(self, new: Tree) -> None:
        """There is a new reading: the tasks that are kept in mind may have other addresses."""
        for spot in (self.waiting, self.until, self.prompts.about):
            if spot is not None:
                spot.carry(new)
        self.screen.editor.carry(new)
        running, own = self.reading.running if self.reading is not None else None, self.own
        if own is not None and running is not None and running.run == own.event.run:
            own.spot, own.gone = Spot(running.address, running.name), running.gone
            self.prompts.work_began(own)

    def changed(self, change: WasChanged) -> None:
        """A change went through, or (not `written`) found all as it was to be; the task that a run waited for lets it
        go on."""
        verb, address, name, written = change.verb, change.address, change.name, change.written
        waited = self.waiting is not None and self.waiting.is_at(address, name)
        if waited:
            self.waiting = None
        at_end = self.until is not None and self.until.is_at(address, name)
        goes_on = (
            waited and verb in ("done", "skip") and self.goes_on and not at_end and not self.session.busy
        )
        short = one_line(name, _SHORT)
        said = f"{_DID[verb]}: {short}" if written else f"{short} is {_IS[verb]} already."
        if change.undone:
            said += f" ({_WAS.get(change.undone, change.undone)})"
            said += ", what it did stays" if change.has_run else ""
        undo = self.screen.actions.get("undo")
        offers = written and verb != "undo" and not goes_on
        self._undoes = said if offers and undo is not None and undo.keys else ""
        self._number = change.number
        undoes = f" · {undo.shown_key} undoes" if self._undoes and undo is not None else ""
        self.screen.say(f"{said}{undoes}", "$warning" if change.has_run else "$foreground")
        self.screen.navigator.expect(change)
        self.screen.forget_complaints()
        self.session.read()
        if goes_on:
            self.start(self._run_on)

    def look_at_offer(self, old: Reading, new: Reading) -> None:
        """Takes back the offer to undo what was done last when somebody else has changed a plan since: the key would be
        refused, or undo that."""
        if new.outside <= old.outside and new.last_change <= self._number:
            return
        status = self.screen.query_one("#status", StatusLine)
        if self._undoes and status.message.startswith(one_line(self._undoes)):
            status.flash(self._undoes)
        self._undoes = ""

    def not_changed(self, verb: str, error: FlowError, again: Callable[[], None] | None) -> None:
        """A change was refused; `again` asks for it once more."""
        if verb == "undo":
            # What was said of the last one must not stand there as if it were this one.
            self.screen.say(f"Not undone: {error.message}", "$error")
        if verb == "move":
            self.screen.editor.stays()
        if verb not in ("add", "rename") or not self.screen.editor.asks_again(error):
            self.refused(error, again)
        self.session.read()

    # Stopping and leaving

    def do_stop(self) -> None:
        """Asks whether to end the running task or to stop after it; asked when nothing runs, says so."""
        own = self.own
        if own is not None and not own.stopping:
            from tui.screens.leave import StopPrompt

            def answered(answer: str | None) -> None:
                if answer == "now":
                    self._end()
                elif answer == "after":
                    self._end_after()

            self.prompts.ask(
                StopPrompt(own.spot.address, own.spot.name, own.since, gone=own.gone, goes_on=self.goes_on),
                answered,
            )
        elif self.session.busy:
            self._end_after()
        elif self.reading is not None and self.reading.running is not None:
            self.screen.say("Another engine runs this: `flow stop` ends it.", "$warning")
        else:
            self.screen.say("Nothing is running here. q quits.", "$muted")

    def _end(self) -> None:
        """Ends the task that runs now; between two of them, nothing is run any more."""
        if self.own is None:
            self._end_after()
        elif not self.own.stopping:
            self.own.stopping = self._stops = True
            self.engine.stop(run=self.own.event.run)
            self.screen.show_state()

    def _end_after(self) -> None:
        """Lets the running task end, and runs nothing behind it."""
        self._stops = True
        self.engine.stop(after_this_task=True)
        if self.own is None:
            self.screen.say("Nothing more is run.", "$muted")
        else:
            self.own.last = True
            self.screen.show_state()

    def do_quit(self) -> None:
        """Quits, and asks before that while a task runs."""
        own = self.own
        if own is None:
            self.screen.app.exit(0)
            return
        from tui.screens.leave import QuitPrompt

        def answered(answer: str | None) -> None:
            match answer:
                case "detach":
                    self.screen.app.exit(0)
                case "wait" | "end":
                    self.quits_after = True
                    if answer == "end":
                        self._end()
                    else:
                        self.engine.stop(after_this_task=True)
                        self.screen.say(_QUITS, "$warning")
                    if not self.session.busy:
                        self.screen.app.exit(0)
                case "stay":
                    self.quits_after = False
                    self.screen.query_one("#status", StatusLine).take_back(_QUITS)
                    if not self._stops:  # only the wish to quit kept the run from going on
                        self.engine.go_on()
            self.screen.show_state()

        self.prompts.ask(
            QuitPrompt(own.spot.address, own.spot.name, own.since, gone=own.gone, waits=self.quits_after),
            answered,
        )
