"""The Locust user: opens the plan's pages at the moments an absolute schedule sets.

The users of a worker are a pool: each takes the worker's next arrival, sleeps until it is due and sends. A
stall makes arrivals late, never fewer, and how late each one was is counted (no coordinated omission).
"""

import time
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError, SSLContext
from typing import Any, ClassVar, NamedTuple

import gevent
from geventhttpclient.response import HTTPParseError
from geventhttpclient.useragent import ConnectionError as ClientError
from geventhttpclient.useragent import RetriesExceeded
from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import LocustBadStatusCode, LocustUserAgent
from locust.exception import CatchResponseError, StopUser

from k8s.errors import UsageError
from loadtest.worker.alarm import Alarm
from loadtest.worker.arrivals import WorkerShare
from loadtest.worker.choice import PageMix, Visit
from loadtest.worker.connections import ShopperConnections
from loadtest.worker.counting import LoadCounter
from loadtest.worker.lean_client import LeanClient, LeanRequest, can_send
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.sink import SpanSink
from loadtest.worker.stats_batch import StatsBatch
from loadtest.worker.target import Target
from loadtest.worker.tracing import Outcome, SpanEncoder, SpanIds, SpanTemplate, WallClock, new_ids

_NS = 1_000_000_000
_NS_PER_MS = 1_000_000
_BAD_REQUEST = 400
_LONGEST_REASON = 120
CUT_OFF = "stopped before the answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanMaker:
    """What turns a request into a delivered span."""

    encoder: SpanEncoder
    sink: SpanSink


class Ended(NamedTuple):
    """How a request ended."""

    end_ns: int
    """By ``time.perf_counter_ns()``."""
    status: int
    """0 where no answer came."""
    failure: str
    """Empty for none."""


_CUT_OFF = Ended(end_ns=0, status=0, failure=CUT_OFF)


class Ready:
    """A visit of a round and what all its requests have in common, made once."""

    def __init__(self, current: "Round", visit: Visit) -> None:
        self.visit = visit
        self.request: LeanRequest | None = None
        """For the lean client; None where it cannot send the visit."""
        if can_send(visit):
            self.request = LeanRequest(
                visit,
                base_url=current.target.url,
                propagate=current.target.propagate,
                is_traced=current.spans is not None,
            )
        self._url = f"{current.target.url}{visit.path}"
        self._spans = current.spans
        self._templates: dict[tuple[int, str], SpanTemplate] = {}

    def span_template(self, status: int, failure: str) -> SpanTemplate:
        """Of the span of a request that ended so; there is tracing."""
        template = self._templates.get((status, failure))
        if template is None:
            page = self.visit.page
            outcome = Outcome(
                page=page.name, url=self._url, status=status, failure=failure, method=page.method
            )
            if self._spans is None:
                raise ValueError("no span is made without tracing")
            template = self._templates[status, failure] = self._spans.encoder.template(outcome)
        return template


@dataclass(slots=True, kw_only=True)
class Round:
    """One start of the swarm as one worker lives it; the worker's users share it."""

    placement: WorkerPlacement
    plan: LoadPlan
    target: Target
    """What is loaded: the plan's, and what the worker's place says where the plan leaves it open."""
    trust: SSLContext | None = None
    """How certificates are verified, for https."""
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
    stats: StatsBatch
    """Where Locust's statistics learn of what the lean client sends."""
    is_lean: bool = True
    """Whether the lean client sends what it can; not once the target has set a cookie."""
    counter: LoadCounter = field(default_factory=LoadCounter)
    stopping: bool = False
    is_settled: bool = False
    """Closed-loop users are gone, and their spans are delivered."""
    _taken: int = 0
    _ready: dict[int, Ready] = field(default_factory=dict)
    """By the identity of the mix's visits."""

    def take(self) -> tuple[int, float]:
        """The next arrival: its number, and when it is due by ``time.perf_counter()``."""
        if self.share is None or self.stopping:
            raise StopUser
        slot = self.first_slot + self._taken
        self._taken += 1
        return slot, self.start_s + self.share.intended_s(slot)

    def ready(self, visit: Visit) -> Ready:
        """What all requests of one of the mix's visits have in common."""
        found = self._ready.get(id(visit))
        if found is None:
            found = self._ready[id(visit)] = Ready(self, visit)
        return found

    @property
    def idle(self) -> bool:
        """Nothing is sent, in flight or waiting for delivery."""
        if self.plan.is_closed_loop and self.share is not None:
            return self.is_settled
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
        # Each worker calls its target as seen from its own node, whatever host the master has.
        self.host = current.target.url
        self._connections = ShopperConnections(
            timeout_s=current.plan.timeout_s,
            source_ip=current.placement.ip,
            on_connect=self._count_connection,
            trust=current.trust,
            hosts=dict(current.placement.hosts),
        )
        self._lean = LeanClient(
            current.target.url,
            timeout_s=current.plan.timeout_s,
            source_ip=current.placement.ip,
            on_connect=self._count_connection,
            trust=current.trust,
            hosts=dict(current.placement.hosts),
        )
        self.client_pool = self._connections
        super().__init__(environment)
        self._on_connection = 0
        self._gave_way = False
        """Whether the last request let other greenlets run, as the lean client always does."""

    def on_start(self) -> None:
        """Take a timer; not earlier, because a user may be killed before it runs."""
        self._alarm = Alarm()

    def on_stop(self) -> None:
        """Close what the user holds, so that the next start opens new connections."""
        self._connections.renew()
        self._lean.close()
        self._alarm.close()

    @task
    def shop(self) -> None:
        """Take the next arrival, wait until it is due, open its page; for ever."""
        current = self._round
        while True:
            slot, due_s = current.take()
            if due_s > time.perf_counter():
                self._alarm.wait_until(due_s)
            elif not self._gave_way:
                gevent.sleep(0)  # behind schedule: let the other greenlets live
            if current.stopping:
                raise StopUser
            self._open(current.mix.at(slot), due_s)
            self._on_connection += 1
            if self._on_connection >= current.plan.requests_per_connection:
                self._on_connection = 0
                self._connections.renew()
                self._lean.renew()

    def _open(self, visit: Visit, due_s: float) -> None:
        """Send one request, count it and make its span."""
        current, counter, page = self._round, self._round.counter, visit.page
        start_ns = time.perf_counter_ns()
        epoch_ns = current.clock.epoch_ns(start_ns)
        late_ms = max(0.0, start_ns - due_s * _NS) / _NS_PER_MS
        ids = new_ids(epoch_ns // _NS)
        ready = current.ready(visit)
        ended = _CUT_OFF
        counter.begin(late_ms=late_ms, at_s=epoch_ns / _NS)
        try:
            if current.is_lean and ready.request is not None:
                counter.lean += 1
                self._gave_way = True
                ended = self._send(ready, ready.request, ids, start_ns)
            else:
                self._gave_way = False
                ended = self._send_by_locust(visit, ids)
        finally:
            end_ns = ended.end_ns or time.perf_counter_ns()
            if ended.failure:
                counter.fail(page.name, ended.failure)
            else:
                latency_ms = (end_ns - start_ns) / _NS_PER_MS
                counter.succeed(page.name, latency_ms=latency_ms, late_ms=late_ms)
            if current.spans:
                template = ready.span_template(ended.status, ended.failure)
                current.spans.sink.put(template.span(ids, epoch_ns, epoch_ns + end_ns - start_ns))

    def _send(self, ready: "Ready", request: LeanRequest, ids: SpanIds, start_ns: int) -> "Ended":
        """By the lean client, which Locust knows nothing of."""
        page, current = ready.visit.page, self._round
        status = length = 0
        error: Exception | None = None
        try:
            status, length, _, sets_cookie = self._lean.send(request, ids)
        except (OSError, HTTPParseError) as no_answer:
            error, self._gave_way = no_answer, False  # a refusal may come at once
            status = self._lean.head_status
            if isinstance(error, TimeoutError | BrokenPipeError) and not status:
                # What Locust's client would try again, if it were to: its statistics call it that.
                error = RetriesExceeded(f"{self.host}{ready.visit.path}", 0, original=error)
        end_ns = time.perf_counter_ns()
        if error is None:
            if sets_cookie:
                # From now on requests carry it, as those of FastHttpUser do.
                current.is_lean = False
            if status not in LocustUserAgent.valid_response_codes:
                error = LocustBadStatusCode(f"{self.host}{ready.visit.path}", code=status)
        failure = reason(error, status, page)
        if page.expected:
            error = CatchResponseError(failure) if failure else None
        current.stats.ended(
            (page.method, page.path),
            error,
            time_ms=(end_ns - start_ns) / _NS_PER_MS,
            length=length,
        )
        return Ended(end_ns, status, failure)

    def _send_by_locust(self, visit: Visit, ids: SpanIds) -> "Ended":
        """By Locust's FastHttpUser."""
        page, current = visit.page, self._round
        traced = ids.headers(current.target.propagate) if current.spans else {}
        body: Any = visit.body or None  # bytes do, whatever the annotation says
        with self.client.request(
            page.method,
            visit.path,
            name=page.path,
            headers=dict(visit.headers) | traced,
            data=body,
            catch_response=True,
        ) as response:
            end_ns = time.perf_counter_ns()
            status = response.status_code
            failure = reason(response.request_meta["exception"], status, page)
            if page.expected:  # else Locust's statistics count as ours do
                response.failure(failure) if failure else response.success()
        return Ended(end_ns, status, failure)

    def _count_connection(self) -> None:
        self._round.counter.connections += 1


def reason(error: BaseException | None, status: int, page: Page) -> str:
    """Why a request failed, in a few words without addresses, so that equal failures count as one."""
    if status >= _BAD_REQUEST or (error is None and page.expected):
        return "" if page.is_fine(status) else f"HTTP {status}"
    return "" if error is None else told(error)


def told(error: BaseException) -> str:
    """Why no answer came."""
    if isinstance(error, ClientError):
        error = getattr(error, "original", None) or error
    if isinstance(error, TimeoutError | gevent.Timeout):
        return "timed out"
    if isinstance(error, SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"[:_LONGEST_REASON]
    text = error.strerror if isinstance(error, OSError) else getattr(error, "text", str(error))
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON]
