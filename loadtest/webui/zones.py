"""What the Zones tab is told every second, and who does what is asked for there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from k8s.effects import Say
from k8s.process.insisting import insist
from loadtest.swarm.interface import Progress, Swarm
from loadtest.webui.buttons import ModeButtons, told_apart
from loadtest.webui.ui_runs import UiRuns
from loadtest.worker.live_view import LiveView


class Onlooker(Protocol):
    """Looks at the source of calls and at the cluster, beside everything else."""

    def start(self) -> None:
        """Begin to look."""

    def view(self) -> LiveView:
        """What was seen last."""

    def stop(self) -> None:
        """Look no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesTab:
    """Everything beside the web UI; implements ``Beside``."""

    eyes: Onlooker
    runs: UiRuns
    buttons: ModeButtons | None
    """None: nobody may change the mode here."""
    why_not: str = ""
    """Why that is so."""
    clock: Callable[[], float]
    say: Say

    def begin(self) -> None:
        """The web UI is there."""
        self.eyes.start()

    def look(self, swarm: Swarm, progress: Progress) -> None:
        """Note what the load does, tell the tab, and begin what was asked for there."""
        self.runs.look(progress)
        for wish in swarm.show(self._view()).wishes:
            if self.buttons is not None:
                self.buttons.grant(wish)

    def end(self) -> None:
        """Write down the run that goes on, then put the mode back; raises where that could not be done."""
        try:
            self.runs.end()
        finally:
            trouble = None if self.buttons is None else insist(partial(self.buttons.end, self.say))
            self.eyes.stop()
        if trouble is not None:
            raise trouble

    def _view(self) -> LiveView:
        view, buttons = self.eyes.view(), self.buttons
        marks = told_apart(view.marks, () if buttons is None else buttons.presses)
        view = replace(view, sent_s=self.clock(), run=self.runs.told, why_not=self.why_not, marks=marks)
        if buttons is None:
            return view
        return replace(view, may_change=True, busy=buttons.busy, said=buttons.said)
