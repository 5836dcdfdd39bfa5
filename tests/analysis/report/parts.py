"""What the samples are made of: pods, flows, pairs, arms and comparisons that add up."""

import math
from collections.abc import Callable, Sequence

from analysis.model import (
    ArmResult,
    Cost,
    EndpointLoad,
    Latency,
    Loss,
    PairResult,
    PodFlow,
    TruthCheck,
    Workload,
    ZoneCell,
    ZoneCheck,
    ZoneClients,
)
from analysis.statistics.interval import Interval
from analysis.verdict.compared import Comparison, PairChange
from k8s.topology import Event, HintsSeen
from loadtest.record import Window
from loadtest.worker.plan import LoadPlan

UI, CATALOG, LOCUST = Workload("ui"), Workload("catalog"), Workload("locust-worker")
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
START_S = 1_700_000_000.0

Pods = Sequence[tuple[str, str | None]]
"""(name, zone) of each pod."""
Route = Callable[[str | None, str | None], float]
"""Relative number of calls from a client zone to one pod of a server zone."""

UI_PODS: Pods = (
    ("ui-7f9c6d5b84-4kq8z", ZONES[0]),
    ("ui-7f9c6d5b84-m7xwd", ZONES[1]),
    ("ui-7f9c6d5b84-tz2hn", ZONES[2]),
)
CATALOG_PODS: Pods = tuple(
    (f"catalog-6d5f7c9b8-{suffix}", ZONES[index // 2])
    for index, suffix in enumerate(("2vjpl", "9xk4t", "b8wqm", "hn6rc", "qd5fz", "x7k2p"))
)
WORKER_PODS: Pods = (
    ("locust-worker-5b6f8-1a2b3", ZONES[0]),
    ("locust-worker-5b6f8-4c5d6", ZONES[1]),
    ("locust-worker-5b6f8-7e8f9", ZONES[2]),
)


def interval(estimate: float, half: float, n: int = 4000, method: str = "Wilson score") -> Interval:
    """An interval of plus and minus *half*."""
    return Interval(
        estimate=estimate, low=estimate - half, high=estimate + half, level=0.95, n=n, method=method
    )


def share_interval(same: int, known: int) -> Interval | None:
    """A plausible interval for a share; the report does not care how it was made."""
    if not known:
        return None
    share = same / known
    half = 1.96 * math.sqrt(max(share * (1 - share), 0.0004) / known)
    return Interval(
        estimate=share,
        low=max(0.0, share - half),
        high=min(1.0, share + half),
        level=0.95,
        n=known,
        method="Wilson score",
    )


def anywhere(_client: str | None, _server: str | None) -> float:
    """Random routing."""
    return 1.0


def own_zone(client: str | None, server: str | None) -> float:
    """Every call stays in its zone."""
    return 1.0 if client == server else 0.0


def flows_of(clients: Pods, servers: Pods, route: Route, calls_each: int) -> tuple[PodFlow, ...]:
    """Calls from every client pod, split over the server pods by *route* with a fixed wobble."""
    found: list[PodFlow] = []
    for number, (client, client_zone) in enumerate(clients):
        weights = [
            route(client_zone, zone) * (1 + 0.08 * math.sin(3 * number + 2 * index))
            for index, (_, zone) in enumerate(servers)
        ]
        for (server, zone), weight in zip(servers, weights, strict=True):
            calls = round(calls_each * weight / (sum(weights) or 1))
            if calls:
                mean_s = 0.00214 if zone == client_zone else 0.00346
                found.append(
                    PodFlow(
                        client=client,
                        client_zone=client_zone,
                        server=server,
                        server_zone=zone,
                        calls=calls,
                        faults=0,
                        mean_s=mean_s,
                    )
                )
    return tuple(found)


def pair_of(
    focus: tuple[Workload, Workload],
    flows: tuple[PodFlow, ...],
    servers: Pods,
    reasons: tuple[tuple[str, int], ...] = (),
) -> PairResult:
    """A pair's result that adds up over *flows*."""
    cells: dict[tuple[str | None, str | None], int] = {}
    for flow in flows:
        key = (flow.client_zone, flow.server_zone)
        cells[key] = cells.get(key, 0) + flow.calls
    unknown = sum(calls for key, calls in cells.items() if None in key)
    same = sum(calls for (client, server), calls in cells.items() if client == server and client is not None)
    total = sum(cells.values())
    cross = total - same - unknown
    received = {pod: sum(flow.calls for flow in flows if flow.server == pod) for pod, _ in servers}
    return PairResult(
        client=focus[0],
        server=focus[1],
        same_zone=same,
        cross_zone=cross,
        unknown=unknown,
        unknown_reasons=reasons,
        share=share_interval(same, same + cross),
        share_bounds=(same / total, (same + unknown) / total) if total else None,
        coverage=(same + cross) / total if total else None,
        expected_even_share=1 / 3 if total else None,
        cells=tuple(
            ZoneCell(client_zone=client, server_zone=server, calls=calls)
            for (client, server), calls in cells.items()
        ),
        flows=flows,
        same_latency=latency(same, 0.00214),
        cross_latency=latency(cross, 0.00346),
        cross_minus_same_s=interval(0.00132, 0.00007, method="Welch") if same and cross else None,
        loads=tuple(
            EndpointLoad(
                pod=pod, zone=zone, calls=received[pod], times_mean=received[pod] * len(servers) / total
            )
            for pod, zone in servers
        )
        if total
        else (),
    )


def latency(calls: int, mean_s: float) -> Latency:
    """Latency of *calls* calls, or of none."""
    if not calls:
        return Latency(calls=0, mean_s=None, p50_s=None, p99_s=None)
    seen = interval(mean_s, 0.0018 / math.sqrt(calls), calls, "normal, from the histogram")
    return Latency(calls=calls, mean_s=seen, p50_s=math.floor(mean_s * 1000) / 1000, p99_s=0.009)


def cost_of(pair: PairResult, load_s: float) -> Cost:
    """Cost of a pair at invented sizes."""
    share = pair.share
    cross = None if share is None else (1 - share.estimate) * pair.calls / load_s
    return Cost(
        client=pair.client,
        server=pair.server,
        calls_per_s=pair.calls / load_s,
        cross_calls_per_s=None if cross is None else interval(cross, cross * 0.02),
        request_bytes_per_call=412.0,
        response_bytes_per_call=3620.0,
        bytes_source="measured by the relays",
        usd_per_gb_each_direction=0.01,
        usd_per_month=None
        if cross is None
        else interval(cross * 0.2089, cross * 0.0042, method="share x rate"),
        price_source="AWS data transfer within a region: 0.01 USD per GB, charged in each direction",
    )


def hints(hinted: int, endpoints: int = 6) -> HintsSeen:
    """Hints seen with *hinted* endpoints hinted, two a zone."""
    by_zone = tuple((zone, 2) for zone in ZONES) if hinted else ()
    return HintsSeen(at_s=START_S, endpoints=endpoints, hinted=hinted, own_zone=hinted, by_zone=by_zone)


def arm_of(mode: str, pairs: tuple[PairResult, ...], *, start_s: float, hinted: int) -> ArmResult:
    """One arm of a lab run."""
    reason = "TopologyAwareHintsEnabled"
    message = "Topology Aware Hints has been enabled, addressType: IPv4"
    event = Event(type="Normal", reason=reason, message=message, last_seen_s=start_s - 20)
    return ArmResult(
        run_id=f"20231114T221320-{mode}",
        arm=mode,
        mode=mode,
        folder=f"20231114T221320-{mode}",
        window=Window(start_s=start_s, end_s=start_s + 43.0),
        load_s=40.0,
        requests=2000,
        failures=0,
        rate_per_s=49.97,
        rate_asked_per_s=50.0,
        hints_start=hints(hinted),
        hints_end=hints(hinted),
        events=(event,) if hinted else (),
        pairs=pairs,
        clients=tuple(
            ZoneClients(
                zone=zone,
                workers=1,
                requests=requests,
                failures=0,
                rate_per_s=requests / 40,
                p50_ms=7.8,
                p99_ms=21.4,
                p99_intended_ms=23.9,
                lag_p99_ms=1.7,
            )
            for zone, requests in zip(ZONES, (667, 667, 666), strict=True)
        ),
        costs=tuple(cost_of(pair, 40.0) for pair in pairs if pair.server == CATALOG),
        loss=Loss(lost_callees=0, orphans=0, generator_requests=2000, graph_requests=2000, spans_dropped=0),
        zone_check=ZoneCheck(traces=400, segments=2140, agree=2140, disagree=0, silent=0),
        truth_check=TruthCheck(pairs=18, graph_calls=3600, relay_connections=3600, worst_relative_error=0.0),
        caveats=(),
    )


def change_of(before: PairResult, after: PairResult) -> PairChange:
    """The change of one pair."""
    if before.share is None or after.share is None:
        return PairChange(
            client=before.client,
            server=before.server,
            share=None,
            changed=False,
            usd_per_month=None,
            mean_s=None,
        )
    gap = after.share.estimate - before.share.estimate
    changed = abs(gap) > 0.025
    return PairChange(
        client=before.client,
        server=before.server,
        share=interval(gap, 0.021, method="Newcombe hybrid score"),
        changed=changed,
        usd_per_month=interval(-gap * before.calls / 40 * 0.2089, 0.35, method="difference"),
        mean_s=interval(-0.00132 * gap, 0.00009, method="Welch"),
    )


def compare(before: ArmResult, after: ArmResult) -> Comparison:
    """Two arms as a comparison of ui to catalog."""
    return Comparison(
        created_s=START_S + 600,
        platform="lab",
        context="samezone-lab",
        zones=ZONES,
        service="catalog/catalog",
        plan=LoadPlan(),
        focus=(UI, CATALOG),
        baseline=before,
        candidate=after,
        changes=tuple(change_of(*both) for both in zip(before.pairs, after.pairs, strict=False)),
        versions=(("samezone", "0.1.0"), ("Kubernetes API", "v1.34.0")),
        caveats=(),
    )
