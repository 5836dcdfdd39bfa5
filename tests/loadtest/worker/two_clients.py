"""Sends the same requests by the lean client and by Locust's own; a process of its own, which Locust patches.

Reads a JSON list of cases from standard input and writes, for each, what each client made of it.
"""

import json
import sys
import time
from typing import Any

from locust.env import Environment
from locust.event import Events

from loadtest.worker.choice import page_mix
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.shopper import Round, Shopper, SpanMaker
from loadtest.worker.stats_batch import StatsBatch
from loadtest.worker.target import Target
from loadtest.worker.tracing import SpanEncoder, wall_clock
from loadtest.worker.typed_json import decode, encode


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[bytes] = []

    def put(self, span: bytes) -> None:
        self.spans.append(span)


def sent(case: dict[str, Any], *, lean: bool) -> dict[str, Any]:
    """Send a case's page so often; what was counted, what Locust counted, what spans say."""
    page = decode(json.dumps(case["page"]), Page)
    url = case["lean_url"] if lean else case["url"]
    placement = WorkerPlacement(
        pod="w", zone="z", node="n", target_url=url, otlp_url=url, region="r", cluster="c"
    )
    environment = Environment(events=Events())
    environment.create_local_runner()
    plan = LoadPlan(pages=(page,), timeout_s=case["timeout_s"])
    encoder, sink = SpanEncoder(placement, run_id="r", phase="measure", version="0"), Kept()
    stats = StatsBatch(environment)
    current = Round(
        placement=placement,
        plan=plan,
        target=Target(url=url, propagate=case["propagate"]),
        generation=1,
        share=plan.seats(1)[0],
        mix=page_mix(plan.pages, {}, seed=1, worker=0, environment={}),
        clock=wall_clock(),
        start_s=time.perf_counter(),
        spans=SpanMaker(encoder=encoder, sink=sink),  # type: ignore[arg-type]
        stats=stats,
        is_lean=lean,
    )
    Shopper.round = current
    user = Shopper(environment)
    user.on_start()
    for slot in range(case["times"]):
        user._open(current.mix.at(slot), time.perf_counter())
    user.on_stop()
    stats.flush()
    tally = json.loads(encode(current.counter.tally(worker="w", zone="z", node="n")))
    entry = environment.stats.total
    return {
        "lean": tally["lean"],
        "reasons": tally["errors"],
        **{name: tally[name] for name in ("requests", "failures", "connections", "pages")},
        "latencies": sum(count for _, count in tally["latency"]["counts"]),
        "locust": [entry.num_requests, entry.num_failures, entry.total_content_length],
        "rows": sorted(f"{method} {name}" for name, method in environment.stats.entries),
        "errors": sorted(
            f"{one.occurrences} {one.to_name()}".replace(url, "") for one in environment.stats.errors.values()
        ),
        "spans": encoder.request_body(sink.spans).hex(),
        "is_lean_still": current.is_lean,
    }


def main() -> None:
    cases = json.load(sys.stdin)
    json.dump([[sent(case, lean=True), sent(case, lean=False)] for case in cases], sys.stdout)


main()
