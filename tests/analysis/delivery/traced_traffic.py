"""Requests of two workers to two ui pods and on to three catalog pods, as spans alone, delivered for real.

Workers deliver through their own sink, pods through the SDK set-up of the lab's pods. Who called whom is
known, call by call, as the lab's relays would know it.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import gevent
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from k8s.lab.design.store_app import STORE
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.tracing import flush, start_tracing
from loadtest.record import LoadSeen, RunRecord, Window
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan
from loadtest.worker.sink import SpanSink
from loadtest.worker.tally import WorkerTally
from loadtest.worker.tracing import Outcome, SpanEncoder, new_ids
from tests.loadtest.test_rundir import record

PODS = {
    "locust-1": "node-a",
    "locust-2": "node-b",
    "ui-1": "node-a",
    "ui-2": "node-b",
    "catalog-1": "node-a",
    "catalog-2": "node-b",
    "catalog-3": "node-c",
}
REGION = "eu-west-1"
RUN_ID = "r-behind"
MS = 1_000_000
QUIET_S = 1.5
DRAIN_S = 20.0
"""What a real worker takes for its last spans."""


@dataclass(kw_only=True)
class Traffic:
    """What was really done."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By ui pod and catalog pod."""
    record: RunRecord


class _Worker:
    """The span side of a Locust worker."""

    def __init__(self, name: str, otlp_url: str) -> None:
        self.name = name
        placement = WorkerPlacement(
            pod=name,
            zone=PODS[name][-1],
            node=PODS[name],
            target_url="http://ui.ui",
            otlp_url=otlp_url,
            region=REGION,
            cluster="lab",
        )
        self.encoder = SpanEncoder(placement, run_id=RUN_ID, phase="measure", version="0")
        self.sink = SpanSink(placement.traces_url, self.encoder.request_body)
        self.starts_s: list[float] = []

    def tally(self) -> WorkerTally:
        return WorkerTally(
            worker=self.name,
            zone=PODS[self.name][-1],
            node=PODS[self.name],
            requests=len(self.starts_s),
            connections=len(self.starts_s),
            spans_made=self.sink.made,
            spans_delivered=self.sink.delivered,
            spans_dropped=self.sink.dropped,
            spans_again=self.sink.again,
            first_s=self.starts_s[0],
            last_s=self.starts_s[-1],
        )


def run(otlp_url: str, *, rate_per_s: float, seconds: float, at_half: Callable[[], None]) -> Traffic:
    """Make the requests at a steady rate; *at_half* is called when half of them are made, beside the rest."""
    workers = [_Worker(name, otlp_url) for name in PODS if name.startswith("locust")]
    pods = {name: _provider(name, otlp_url) for name in PODS if not name.startswith("locust")}
    dice, calls = random.Random(3), Counter[tuple[str, str]]()
    began_s = time.time()
    count = int(rate_per_s * seconds)
    trouble: list[gevent.Greenlet] = []
    for number in range(count):
        gevent.sleep(max(0.0, began_s + QUIET_S + number / rate_per_s - time.time()))
        if number == count // 2:
            trouble.append(gevent.spawn(at_half))
        _request(workers[number % 2], f"ui-{dice.randint(1, 2)}", pods, dice, calls)
    ended_s = time.time()
    gevent.joinall(trouble, raise_error=True)
    for worker in workers:
        worker.sink.drain(DRAIN_S)
    for provider in pods.values():
        flush(provider, DRAIN_S)
        provider.shutdown()
    load = LoadSeen(seconds=seconds, workers=tuple(worker.tally() for worker in workers))
    for worker in workers:
        worker.sink.close()
    made = record(run_id=RUN_ID, measured=Window(start_s=began_s, end_s=ended_s + QUIET_S), caveats=())
    plan = LoadPlan(rate_per_s=rate_per_s, duration_s=seconds, quiet_s=QUIET_S)
    made = replace(made, asked=replace(made.asked, plan=plan), seen=replace(made.seen, measured=load))
    return Traffic(calls=calls, record=made)


def _provider(name: str, otlp_url: str) -> TracerProvider:
    pod = PodSettings(
        name=name,
        namespace="x",
        node=PODS[name],
        zone=PODS[name][-1],
        region=REGION,
        ip="127.0.0.1",
        otlp_url=f"{otlp_url}/v1/traces",
        workload=STORE.workloads[0],
    )
    return start_tracing(pod)


def _request(
    worker: _Worker,
    ui: str,
    pods: dict[str, TracerProvider],
    dice: random.Random,
    calls: Counter[tuple[str, str]],
) -> None:
    """One page: the worker's span, the ui's, and one to three calls of the catalog."""
    start_ns = time.time_ns()
    ids = new_ids(start_ns // 1_000_000_000)
    url = "http://ui.ui/home"
    caller = SpanContext(
        int.from_bytes(ids.trace), int.from_bytes(ids.span), is_remote=True, trace_flags=TraceFlags(1)
    )
    tracer = pods[ui].get_tracer("t")
    page = tracer.start_span(
        "GET /home",
        context=set_span_in_context(NonRecordingSpan(caller)),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": "GET", "http.response.status_code": 200},
        start_time=start_ns + MS,
    )
    for turn in range(dice.randint(1, 3)):
        catalog = f"catalog-{dice.randint(1, 3)}"
        at_ns = start_ns + (2 + 3 * turn) * MS
        out = tracer.start_span(
            "GET",
            context=set_span_in_context(page),
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": "GET", "server.address": "catalog.catalog.svc"},
            start_time=at_ns,
        )
        answer = (
            pods[catalog]
            .get_tracer("t")
            .start_span(
                "GET /catalog",
                context=set_span_in_context(NonRecordingSpan(out.get_span_context())),
                kind=SpanKind.SERVER,
                attributes={"network.peer.port": dice.randint(20_000, 60_000)},
                start_time=at_ns + MS // 2,
            )
        )
        answer.end(at_ns + MS)
        out.end(at_ns + 2 * MS)
        calls[ui, catalog] += 1
    page.end(start_ns + 12 * MS)
    outcome = Outcome(page="home", url=url, status=200)
    worker.sink.put(worker.encoder.span(ids, start_ns, start_ns + 13 * MS, outcome))
    worker.starts_s.append(start_ns / 1e9)
