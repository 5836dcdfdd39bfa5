"""The master's board: the latest report of every worker, who has which seat, and who was lost.

A seat is one share of the load: its rate, its users and its pages, and with them its zone. A worker that is
gone leaves its seat, and the next worker of its zone that is free goes on with it; load never changes zone.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from k8s.errors import SamezoneError, UsageError
from loadtest.worker.arrivals import WorkerShare
from loadtest.worker.messages import Order, SwarmView, WorkerReport
from loadtest.worker.plan import LoadPlan, users_of_seats
from loadtest.worker.tally import WorkerLoss, WorkerTally

LOST_AFTER_S = 4.0
"""A worker reports every second; Locust itself calls it missing after three heartbeats."""
LEAD_S = 0.5
"""From a start to the first arrival: time for the spawn messages to reach every worker."""
REPORT_S = 1.0
"""Workers report so often; a lost one may have sent for so long, and half as much, after its last word."""
_OWN_STALL_S = 2.0
"""The board is looked at several times a second: after a longer pause it was the master that stood still."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One Locust client."""

    tally: WorkerTally
    heard_s: float
    idle: bool = True
    generation: int = 0
    """Of the last start that it has told of."""
    is_replaced: bool = False
    """Another process plays the same pod: this one cannot come back."""


@dataclass(slots=True, kw_only=True)
class _Loss:
    """One client that left its seat."""

    client: str
    seat: int
    turn: int
    heard_s: float
    returned_s: float | None = None
    """When it was heard of again, if it came back itself."""


class Board:
    """Knows nothing of Locust: reports and clock readings come in, orders and views go out."""

    def __init__(self, name: str = "", locustfile: str = "") -> None:
        """*name* tells this master's process from others; *locustfile* is the user's own that it has."""
        self._name = name
        self._locustfile = locustfile
        self._entries: dict[str, _Entry] = {}
        self._chains: list[list[str]] = []
        """Seat by seat the clients that had it, in turn; the last one has it now."""
        self._losses: list[_Loss] = []
        self._order = Order(generation=0, run_id="", phase="", plan=LoadPlan(), start_at_s=0.0, seats=())
        self._shares: tuple[WorkerShare, ...] = ()
        self._begins_s = 0.0
        self._ended_s: float | None = 0.0
        """When load was wanted no more; None while it is."""
        self._looked_s: float | None = None
        self.problem = ""

    @property
    def is_wanted(self) -> bool:
        """Load was started, and nobody has stopped it."""
        return self._ended_s is None

    @property
    def is_closed_loop(self) -> bool:
        """The last start was of a user's own locustfile."""
        return self._order.plan.is_closed_loop

    def begin(
        self, clients: Sequence[str], plan: LoadPlan, *, run_id: str, phase: str, now_s: float, clock_s: float
    ) -> Order:
        """A start: give seats to the connected *clients* and set every count to zero.

        Seats follow zone and pod name, so that two arms on the same pods send the same pages from the same
        worker. *now_s* is wall-clock time, *clock_s* a monotonic one. Raises UsageError.
        """
        self.look(clock_s)
        self._order = replace(self._order, generation=self._order.generation + 1)
        self.problem = ""
        self._chains, self._losses, self._ended_s = [], [], clock_s
        self._entries = {
            client: entry
            for client, entry in self._entries.items()
            if not (entry.is_replaced or self._stale(entry, clock_s))
        }
        for entry in self._entries.values():
            entry.tally = blank(entry.tally)
            entry.idle = False
        known = [client for client in clients if client in self._entries]
        if plan.locustfile not in {"", self._locustfile}:
            raise UsageError(
                f"the load is of locustfile {plan.locustfile}, but this swarm has "
                f"{self._locustfile or 'none'}; deploy it first: samezone cluster deploy --locustfile "
                f"{plan.locustfile.partition(' ')[0]}"
            )
        if not known:
            raise UsageError("no worker has reported yet; wait until the Zones tab shows them")
        if len(known) < len(self._entries):
            # Load from some of the zones only would look like a result.
            raise UsageError("a worker is still ending the last start; start again in a few seconds")
        if plan.users < len(known):
            raise UsageError(
                f"{plan.users} users cannot cover {len(known)} workers; ask for {len(known)} or more"
            )
        self._chains = [[one] for one in sorted(known, key=lambda one: _place(self._entries[one].tally))]
        self._shares = plan.seats(len(known))
        self._begins_s, self._ended_s = clock_s + LEAD_S, None
        self._order = replace(self._order, run_id=run_id, phase=phase, plan=plan, start_at_s=now_s + LEAD_S)
        return self.order(self._begins_s)

    def order(self, clock_s: float) -> Order:
        """The order of the last start for who has the seats now."""
        return replace(
            self._order,
            seats=tuple((chain[-1], seat) for seat, chain in enumerate(self._chains)),
            late_s=max(0.0, clock_s - self._begins_s),
        )

    def users(self, users: int) -> dict[str, int]:
        """How many of *users* each client with a seat gets; nobody else gets any."""
        split = users_of_seats(users, len(self._chains)) if self._chains else ()
        return {chain[-1]: count for chain, count in zip(self._chains, split, strict=True)}

    def end(self, clock_s: float) -> None:
        """Load is wanted no more."""
        if self._ended_s is None:
            self._ended_s = clock_s

    def refuse(self, error: SamezoneError) -> None:
        """Remember why a start was refused."""
        self.problem = str(error)

    def look(self, clock_s: float) -> None:
        """Somebody looks at the board. After a pause of the master itself nobody is lost for its silence."""
        pause_s = 0.0 if self._looked_s is None else clock_s - self._looked_s
        if pause_s > _OWN_STALL_S:
            for entry in self._entries.values():
                entry.heard_s += pause_s
        self._looked_s = clock_s

    def receive(self, client: str, report: WorkerReport, *, clock_s: float) -> None:
        """A worker's report; one that counts for an earlier start tells only that the worker lives."""
        current = report.generation == self._order.generation
        if client not in self._entries:
            for other in self._entries.values():
                other.is_replaced |= other.tally.worker == report.tally.worker
            self._entries[client] = _Entry(tally=blank(report.tally), heard_s=clock_s)
        entry = self._entries[client]
        entry.heard_s, entry.generation = clock_s, report.generation
        entry.idle = report.idle and (current or client not in self._members)
        if current:
            entry.tally = report.tally
            if report.problem and not self.problem:
                self.problem = f"worker {report.tally.worker}: {report.problem}"

    def fill(self, active: Collection[str], missing: Collection[str], *, clock_s: float) -> dict[str, str]:
        """Give vacant seats to free workers of the same zone; {who takes one: whose it was}.

        *active* are clients that Locust would send work to, *missing* those it gave up.
        """
        gone = self._survey(active, missing, clock_s)
        free = [one for one in self._entries if one in active and one not in gone | self._members]
        taken: dict[str, str] = {}
        for chain in self._chains if self.is_wanted else ():
            if chain[-1] not in gone:
                continue
            before = self._entries[chain[-1]].tally
            able = [one for one in free if self._entries[one].tally.zone == before.zone]
            # A new process of the same pod is meant for its seat.
            able.sort(key=lambda one: self._entries[one].tally.worker != before.worker)
            if able:
                free.remove(able[0])
                taken[able[0]] = chain[-1]
                self._entries[able[0]].idle = False
                chain.append(able[0])
        return taken

    def view(
        self, state: str, *, active: Collection[str], missing: Collection[str], clock_s: float
    ) -> SwarmView:
        """What is known; *active* are clients that Locust would send work to, *missing* those it gave up."""
        gone = self._survey(active, missing, clock_s)
        idle = [client for client, entry in self._entries.items() if entry.idle and client not in gone]
        shown = [self._numbered(one) for one in self._entries if one in self._members or one not in gone]
        vacant = [chain[-1] for chain in self._chains if chain[-1] in gone]
        return SwarmView(
            state=state,
            generation=self._order.generation,
            workers=len(self._entries.keys() - gone),
            idle=len(set(active).intersection(idle)),
            lost=tuple(sorted(self._entries[client].tally.worker for client in vacant)),
            problem=self.problem,
            untold=sum(
                self._entries[one].generation != self._order.generation for one in self._members - gone
            ),
            lead_s=max(0.0, self._begins_s - clock_s),
            tallies=tuple(sorted(shown, key=lambda tally: (*_place(tally), tally.turn))),
            losses=tuple(self._told(loss, clock_s) for loss in self._losses),
            master=self._name,
            order=self._order if self._order.generation else None,
        )

    def names(self) -> dict[str, str]:
        """The pod of each client that has reported, oldest first; an earlier process of a pod is told so."""
        found: dict[str, str] = {}
        last = {entry.tally.worker: client for client, entry in self._entries.items()}
        for client, entry in self._entries.items():
            name = entry.tally.worker
            found[client] = name if last[name] == client else f"{name} (process {entry.tally.process}, ended)"
        return found

    @property
    def _members(self) -> frozenset[str]:
        """Clients that have a seat or had one."""
        return frozenset(client for chain in self._chains for client in chain)

    def _survey(self, active: Collection[str], missing: Collection[str], clock_s: float) -> frozenset[str]:
        """Who is gone now; notes losses and returns."""
        self.look(clock_s)
        gone = frozenset(
            client
            for client, entry in self._entries.items()
            if entry.is_replaced
            or client in missing
            or self._stale(entry, clock_s)
            # One that ended in good order said goodbye to Locust. After a stop all of them do, for a moment.
            or (self.is_wanted and client in self._members and client not in active)
        )
        for seat, chain in enumerate(self._chains):
            entry = self._entries[chain[-1]]
            last = next((one for one in reversed(self._losses) if one.client == chain[-1]), None)
            open_loss = last if last is not None and last.returned_s is None else None
            if chain[-1] in gone and open_loss is None and (self.is_wanted or not entry.idle):
                self._losses.append(
                    _Loss(client=chain[-1], seat=seat, turn=len(chain) - 1, heard_s=entry.heard_s)
                )
            elif chain[-1] not in gone and open_loss is not None:
                open_loss.returned_s = entry.heard_s
        return gone

    def _told(self, loss: _Loss, clock_s: float) -> WorkerLoss:
        """A loss with what is known of it now."""
        entry, share, chain = self._entries[loss.client], self._shares[loss.seat], self._chains[loss.seat]
        tally = entry.tally
        known = WorkerLoss(
            worker=tally.worker,
            zone=tally.zone,
            seat=loss.seat + 1,
            turn=loss.turn,
            lost_s=self._epoch_s(loss.heard_s),
        )
        if loss.returned_s is not None:
            # Its schedule stood still with it: what was due in between was sent late.
            return replace(known, back_s=self._epoch_s(loss.returned_s))
        if self.is_closed_loop:
            return self._told_closed(loss, known, clock_s)
        sent = tally.skipped + tally.requests + tally.in_flight
        due = share.due((clock_s if self._ended_s is None else self._ended_s) - self._begins_s)
        if loss.turn + 1 < len(chain):
            after = self._entries[chain[loss.turn + 1]].tally
            known = replace(known, replaced_by=after.worker)
            if after.requests or after.in_flight:
                due = after.skipped
                known = replace(known, back_s=self._order.start_at_s + share.intended_s(after.skipped))
        missing = max(0, due - sent)
        if entry.idle:  # its last word came when it had nothing more to do
            return replace(known, missing=missing)
        pending = tally.spans_made - tally.spans_delivered - tally.spans_dropped
        last = share.most_within(1.5 * REPORT_S)
        return replace(known, missing=missing, untold=tally.in_flight + pending + min(missing, last))

    def _told_closed(self, loss: _Loss, known: WorkerLoss, clock_s: float) -> WorkerLoss:
        """A loss of closed-loop users: nothing was due, so what is missing is what they did until then."""
        entry, chain = self._entries[loss.client], self._chains[loss.seat]
        tally = entry.tally
        if loss.turn + 1 < len(chain):
            after = self._entries[chain[loss.turn + 1]].tally
            known = replace(known, replaced_by=after.worker, back_s=after.first_s)
        seconds = tally.last_s - tally.first_s
        rate_per_s = tally.requests / seconds if seconds > 0 else 0.0
        until_s = known.back_s or self._epoch_s(clock_s if self._ended_s is None else self._ended_s)
        missing = max(0, round(rate_per_s * (until_s - known.lost_s)))
        if entry.idle:
            return replace(known, missing=missing)
        pending = tally.spans_made - tally.spans_delivered - tally.spans_dropped
        last = math.ceil(1.5 * REPORT_S * rate_per_s)
        return replace(known, missing=missing, untold=tally.in_flight + pending + min(missing, last))

    def _epoch_s(self, clock_s: float) -> float:
        return self._order.start_at_s + clock_s - self._begins_s

    def _numbered(self, client: str) -> WorkerTally:
        for seat, chain in enumerate(self._chains):
            if client in chain:
                return replace(self._entries[client].tally, seat=seat + 1, turn=chain.index(client))
        return self._entries[client].tally

    @staticmethod
    def _stale(entry: _Entry, clock_s: float) -> bool:
        return clock_s - entry.heard_s > LOST_AFTER_S


def _place(tally: WorkerTally) -> tuple[str, str]:
    return tally.zone, tally.worker


def blank(tally: WorkerTally) -> WorkerTally:
    """The same worker with nothing counted."""
    return WorkerTally(worker=tally.worker, zone=tally.zone, node=tally.node, process=tally.process)
