"""The master's board: the latest report of every worker, who is lost, and the order of the last start."""

from collections.abc import Sequence
from dataclasses import dataclass

from k8s.errors import SamezoneError, UsageError
from loadtest.worker.messages import Order, SwarmView, WorkerReport
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally

LOST_AFTER_S = 4.0
"""A worker reports every second; Locust itself calls it missing after three heartbeats."""
LEAD_S = 0.5
"""From a start to the first arrival: time for the spawn messages to reach every worker."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One Locust client."""

    tally: WorkerTally
    heard_s: float
    idle: bool = True


class Board:
    """Knows nothing of Locust: reports and clock readings come in, orders and views go out."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._members: frozenset[str] = frozenset()
        self._generation = 0
        self._begins_s = 0.0
        self.problem = ""

    def begin(
        self, clients: Sequence[str], plan: LoadPlan, *, run_id: str, phase: str, now_s: float, clock_s: float
    ) -> Order:
        """A start: give seats to the connected *clients* and set every count to zero.

        Seats follow zone and pod name, so that two arms on the same pods send the same pages from the same
        worker. *now_s* is wall-clock time, *clock_s* a monotonic one. Raises UsageError.
        """
        self._generation += 1
        self.problem = ""
        self._members = frozenset()
        self._entries = {
            client: entry for client, entry in self._entries.items() if not self._stale(entry, clock_s)
        }
        for entry in self._entries.values():
            entry.tally = blank(entry.tally)
            entry.idle = False
        known = [client for client in clients if client in self._entries]
        if not known:
            raise UsageError("no worker has reported yet; wait until the Zones tab shows them")
        if len(known) < len(self._entries):
            # Load from some of the zones only would look like a result.
            raise UsageError("a worker is still ending the last start; start again in a few seconds")
        if plan.users < len(known):
            raise UsageError(
                f"{plan.users} users cannot cover {len(known)} workers; ask for {len(known)} or more"
            )
        self._members = frozenset(known)
        self._begins_s = clock_s + LEAD_S
        seated = sorted(known, key=lambda client: self._order(self._entries[client]))
        return Order(
            generation=self._generation,
            run_id=run_id,
            phase=phase,
            plan=plan,
            start_at_s=now_s + LEAD_S,
            seats=tuple((client, index) for index, client in enumerate(seated)),
        )

    def refuse(self, error: SamezoneError) -> None:
        """Remember why a start was refused."""
        self.problem = str(error)

    def receive(self, client: str, report: WorkerReport, *, clock_s: float) -> None:
        """A worker's report; one that counts for an earlier start tells only that the worker lives."""
        current = report.generation == self._generation
        entry = self._entries.setdefault(client, _Entry(tally=blank(report.tally), heard_s=clock_s))
        entry.heard_s = clock_s
        entry.idle = report.idle and (current or client not in self._members)
        if current:
            entry.tally = report.tally

    def view(
        self, state: str, *, active: frozenset[str], missing: frozenset[str], clock_s: float
    ) -> SwarmView:
        """What is known; *active* are clients that Locust would send work to, *missing* those it gave up."""
        gone = {
            client
            for client, entry in self._entries.items()
            if client in missing or self._stale(entry, clock_s)
        }
        members = self._members if self._generation else frozenset(self._entries)
        idle = [client for client, entry in self._entries.items() if entry.idle and client not in gone]
        shown = [entry for client, entry in self._entries.items() if client in members or client not in gone]
        return SwarmView(
            state=state,
            generation=self._generation,
            workers=len(self._entries.keys() - gone),
            idle=len(active.intersection(idle)),
            lost=tuple(sorted(self._entries[client].tally.worker for client in gone & members)),
            problem=self.problem,
            lead_s=max(0.0, self._begins_s - clock_s),
            tallies=tuple(entry.tally for entry in sorted(shown, key=self._order)),
        )

    @staticmethod
    def _stale(entry: _Entry, clock_s: float) -> bool:
        return clock_s - entry.heard_s > LOST_AFTER_S

    @staticmethod
    def _order(entry: _Entry) -> tuple[str, str]:
        return entry.tally.zone, entry.tally.worker


def blank(tally: WorkerTally) -> WorkerTally:
    """The same worker with nothing counted."""
    return WorkerTally(worker=tally.worker, zone=tally.zone, node=tally.node)
