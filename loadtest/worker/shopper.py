"""The Locust user: opens the store's pages at the moments an absolute schedule sets.

The users of a worker are a pool: each takes the worker's next arrival, sleeps until it is due and sends. A
stall makes arrivals late, never fewer, and how late each one was is counted (no coordinated omission).
"""

import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gevent
from geventhttpclient.useragent import ConnectionError as ClientError
from locust import FastHttpUser, constant, task
from locust.exception import StopUser

from k8s.errors import UsageError
from loadtest.worker.alarm import Alarm
from loadtest.worker.choice import PageMix, Visit
from loadtest.worker.connections import ShopperConnections
from loadtest.worker.counting import LoadCounter
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan, WorkerShare
from loadtest.worker.sink import SpanSink
from loadtest.worker.tracing import Outcome, SpanEncoder, WallClock, new_ids

_NS = 1_000_000_000
_NS_PER_MS = 1_000_000
_BAD_REQUEST = 400
_LONGEST_REASON = 120
_CUT_OFF = "stopped before the answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanMaker:
    """What turns a request into a delivered span."""

    encoder: SpanEncoder
    sink: SpanSink


@dataclass(slots=True, kw_only=True)
class Round:
    """One start of the swarm as one worker lives it; the worker's users share it."""

    placement: WorkerPlacement
    plan: LoadPlan
    generation: int
    share: WorkerShare | None
    """None for a worker without a seat: its users wait."""
    mix: PageMix
    clock: WallClock
    start_s: float
    """The reading of ``time.perf_counter()`` at which the schedule begins, or began."""
    first_slot: int = 0
    """The first arrival that is sent; not 0 for a worker that took the seat of a lost one."""
    spans: SpanMaker | None
    """None switches tracing off: no header, no span."""
    counter: LoadCounter = field(default_factory=LoadCounter)
    stopping: bool = False
    _taken: int = 0

    def take(self) -> tuple[int, float]:
        """The next arrival: its number, and when it is due by ``time.perf_counter()``."""
        if self.share is None or self.stopping:
            raise StopUser
        slot = self.first_slot + self._taken
        self._taken += 1
        return slot, self.start_s + self.share.intended_s(slot)

    @property
    def idle(self) -> bool:
        """Nothing is sent, in flight or waiting for delivery."""
        pending = self.spans.sink.pending if self.spans else 0
        return (self.stopping or self.share is None) and not self.counter.in_flight and not pending


class Shopper(FastHttpUser):
    """One user of a worker's pool; at most one request in flight."""

    round: ClassVar[Round | None] = None
    """The worker's current round; set before users are spawned."""
    wait_time = constant(0)
    max_redirects = 0  # a redirect is an answer; following it would send one traceparent twice

    def __init__(self, environment: Any) -> None:
        current = type(self).round
        if current is None:
            raise UsageError("a shopper was spawned before the worker got its order")
        self._round = current
        # Each worker calls the ui Service as seen from its own node, whatever host the master has.
        self.host = current.placement.ui_url
        self._connections = ShopperConnections(
            timeout_s=current.plan.timeout_s,
            source_ip=current.placement.ip,
            on_connect=self._count_connection,
        )
        self.client_pool = self._connections
        super().__init__(environment)
        self._on_connection = 0

    def on_start(self) -> None:
        """Take a timer; not earlier, because a user may be killed before it runs."""
        self._alarm = Alarm()

    def on_stop(self) -> None:
        """Close what the user holds, so that the next start opens new connections."""
        self._connections.renew()
        self._alarm.close()

    @task
    def shop(self) -> None:
        """Take the next arrival, wait until it is due, open its page; for ever."""
        current = self._round
        while True:
            slot, due_s = current.take()
            if due_s > time.perf_counter():
                self._alarm.wait_until(due_s)
            else:
                gevent.sleep(0)  # behind schedule: let the other greenlets live
            if current.stopping:
                raise StopUser
            self._open(current.mix.at(slot), due_s)
            self._on_connection += 1
            if self._on_connection >= current.plan.requests_per_connection:
                self._on_connection = 0
                self._connections.renew()

    def _open(self, visit: Visit, due_s: float) -> None:
        """Send one request, count it and make its span."""
        current, counter = self._round, self._round.counter
        start_ns = time.perf_counter_ns()
        epoch_ns = current.clock.epoch_ns(start_ns)
        late_ms = max(0.0, start_ns - due_s * _NS) / _NS_PER_MS
        ids = new_ids(epoch_ns // _NS)
        headers = {"traceparent": ids.traceparent} if current.spans else None
        end_ns, status, failure = 0, 0, _CUT_OFF
        counter.begin(late_ms=late_ms, at_s=epoch_ns / _NS)
        try:
            with self.client.get(
                visit.path, name=visit.page.path, headers=headers, catch_response=True
            ) as response:
                end_ns = time.perf_counter_ns()
                status = response.status_code
                failure = reason(response.request_meta["exception"], status)
        finally:
            end_ns = end_ns or time.perf_counter_ns()
            if failure:
                counter.fail(visit.page.name, failure)
            else:
                latency_ms = (end_ns - start_ns) / _NS_PER_MS
                counter.succeed(visit.page.name, latency_ms=latency_ms, late_ms=late_ms)
            if current.spans:
                outcome = Outcome(
                    page=visit.page.name, url=f"{self.host}{visit.path}", status=status, failure=failure
                )
                span = current.spans.encoder.span(ids, epoch_ns, current.clock.epoch_ns(end_ns), outcome)
                current.spans.sink.put(span)

    def _count_connection(self) -> None:
        self._round.counter.connections += 1


def reason(error: BaseException | None, status: int) -> str:
    """Why a request failed, in a few words without addresses, so that equal failures count as one."""
    if error is None:
        return ""
    if status >= _BAD_REQUEST:
        return f"HTTP {status}"
    if isinstance(error, ClientError):
        error = getattr(error, "original", None) or error
    if isinstance(error, TimeoutError | gevent.Timeout):
        return "timed out"
    text = error.strerror if isinstance(error, OSError) else getattr(error, "text", str(error))
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON]
