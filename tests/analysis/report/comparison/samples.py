"""Comparisons for the report's tests: invented numbers, plainly synthetic, in the shapes a run produces."""

from dataclasses import replace

from analysis.model import Dependency, Expectation, GapShare, Loss, PairResult, Workload, ZoneCell, ZoneCheck
from analysis.statistics.interval import Interval
from analysis.verdict.compared import Comparison
from k8s.topology import Event
from loadtest.record import Caveat
from tests.analysis.report.parts import (
    CATALOG,
    CATALOG_PODS,
    LOCUST,
    START_S,
    UI,
    UI_PODS,
    WORKER_PODS,
    ZONES,
    Route,
    anywhere,
    arm_of,
    compare,
    cost_of,
    flows_of,
    hints,
    own_zone,
    pair_of,
)


def lab_pairs(route: Route) -> tuple[PairResult, ...]:
    """Ui to catalog by *route*, and the shoppers' calls to ui by random routing."""
    return (
        pair_of((UI, CATALOG), flows_of(UI_PODS, CATALOG_PODS, route, 1200), CATALOG_PODS),
        pair_of((LOCUST, UI), flows_of(WORKER_PODS, UI_PODS, anywhere, 667), UI_PODS),
    )


def tar() -> Comparison:
    """Three zones, three ui and six catalog pods: off against TAR, which keeps every call in its zone."""
    before = arm_of("off", lab_pairs(anywhere), start_s=START_S, hinted=0)
    after = arm_of("tar", lab_pairs(own_zone), start_s=START_S + 120, hinted=6)
    off = GapShare(cause="no zone is preferred: routing is off", share=2 / 3, zones=ZONES)
    return compare(
        replace(before, expectation=expectation(1 / 3, off)), replace(after, expectation=expectation(1.0))
    )


def expectation(share: float, *gap: GapShare) -> Expectation:
    """A prediction that the observation misses by half a point."""
    rest = Interval(estimate=0.005, low=-0.01, high=0.02, level=0.95, n=1200, method="Wilson score")
    return Expectation(without_hints=1 / 3, share=share, gap=gap, observed_minus_expected=rest, unknown=0.0)


def no_effect() -> Comparison:
    """TAR was asked for, but the controller gave no hints: nothing changed."""
    event = Event(
        type="Warning",
        reason="TopologyAwareHintsDisabled",
        message="Insufficient number of endpoints (2), impossible to safely allocate proportionally",
        last_seen_s=START_S + 100,
        count=3,
    )
    before = arm_of("off", lab_pairs(anywhere), start_s=START_S, hinted=0)
    after = arm_of("tar", lab_pairs(anywhere), start_s=START_S + 120, hinted=0)
    late = Caveat(
        code="late", text="One request in a hundred started 12.0 ms or more late: the generator lagged."
    )
    return compare(before, replace(after, events=(event,), caveats=(late,)))


def unknown() -> Comparison:
    """Some calls end at a pod whose zone nobody knows, and caveats touch several numbers."""
    servers = (*CATALOG_PODS, ("catalog-6d5f7c9b8-gone1", None))
    stray = (("remote", None),)

    def even(_client: str | None, server: str | None) -> float:
        return 1.0 if server else 0.2

    def mostly_own(client: str | None, server: str | None) -> float:
        return 1.0 if client == server else 0.04

    before, after = (
        pair_of(
            (UI, CATALOG),
            flows_of(UI_PODS, servers, route, 1200) + flows_of(stray, CATALOG_PODS, anywhere, 60),
            servers,
            (("pod is in no snapshot", 111), ("inferred remote node", 60)),
        )
        for route in (even, mostly_own)
    )
    spans = Caveat(code="spans-dropped", text="The load generator gave up 41 spans; their calls are missing.")
    placed = Caveat(code="documents-lost", text="5 % or more of the calls have no zone.")
    moved = Caveat(code="hints-changed", text="Hints changed: 6 of 6 at the start, 4 of 6 at the end.")
    first = arm_of("off", (before,), start_s=START_S, hinted=0)
    second = arm_of("tar", (after,), start_s=START_S + 120, hinted=6)
    first = replace(
        first,
        loss=Loss(lost_callees=31, orphans=4, generator_requests=2000, graph_requests=1969, spans_dropped=41),
        caveats=(placed, spans),
        truth_check=None,
        zone_check=ZoneCheck(traces=400, segments=2140, agree=2001, disagree=3, silent=136),
    )
    second = replace(second, hints_end=hints(4), caveats=(placed, moved), zone_check=None)
    once = Caveat(code="far-apart", text="The runs are 26 h apart; the place may have changed in between.")
    return replace(compare(first, second), platform="cluster", context="shop-eu", caveats=(once,))


def called(client: str, zone: str | None, name: str, calls: int, kind: str = "") -> Dependency:
    """Calls to something that is no pod."""
    return Dependency(client=Workload(client), client_zone=zone, name=name, type=kind, calls=calls)


def leaning() -> Comparison:
    """The pods call a database before and after, and after it an API outside from who knows where."""
    compared = tar()
    sql = [called("catalog", zone, "catalog-db:3306", 1200, "Database::SQL") for zone in ZONES]
    outside = called("ui", None, "api.example.com", 12)
    return replace(
        compared,
        baseline=replace(compared.baseline, dependencies=tuple(sql)),
        candidate=replace(compared.candidate, dependencies=(*sql[:2], outside)),
    )


HOSTILE = (
    "</script><script>alert(1)</script>|`x` & \"q\" 'a'\n**b** [l](http://evil.example/x) @team #1 {{ 7*7 }} "
    "\U0001f4a5 \x1b[31m\u202e\x00\ud800"
)
"""Markup of every format, a terminal's escape sequence, a text direction override."""


def hostile() -> Comparison:
    """Every text that comes from elsewhere tries to break out."""
    clients = tuple((f"{name}$\\frac{{1}}{{$", zone) for name, zone in UI_PODS)
    servers = ((HOSTILE, ZONES[0]), ("long" * 60, ZONES[1]), *CATALOG_PODS[4:])
    focus = (Workload(f"ui{HOSTILE}"), Workload(f"catalog{HOSTILE}"))
    found = pair_of(focus, flows_of(clients, servers, anywhere, 1200), servers, ((HOSTILE, 3),))
    odd = replace(found, cells=(*found.cells, ZoneCell(client_zone=HOSTILE, server_zone=ZONES[0], calls=7)))
    event = Event(type=HOSTILE, reason=HOSTILE, message=HOSTILE, last_seen_s=START_S)
    arm = arm_of("tar", (odd,), start_s=START_S, hinted=6)
    arm = replace(
        arm,
        arm=HOSTILE,
        mode=HOSTILE,
        run_id=HOSTILE,
        folder=HOSTILE,
        events=(event,),
        costs=tuple(
            replace(cost_of(odd, 40.0), bytes_source=HOSTILE, price_source=HOSTILE) for _ in range(1)
        ),
        clients=tuple(replace(client, zone=HOSTILE) for client in arm.clients),
        caveats=(Caveat(code=HOSTILE, text=HOSTILE),),
        hints_end=replace(arm.hints_end, by_zone=((HOSTILE, 2),)),
        dependencies=(called(HOSTILE, HOSTILE, HOSTILE, 3, HOSTILE),),
        expectation=expectation(0.5, GapShare(cause=HOSTILE, share=0.5, detail=HOSTILE, zones=(HOSTILE,))),
    )
    return replace(
        compare(arm, arm),
        focus=focus,
        platform=HOSTILE,
        context=HOSTILE,
        service=HOSTILE,
        versions=((HOSTILE, HOSTILE),),
        caveats=(Caveat(code=HOSTILE, text=f"{HOSTILE} too"),),
    )


def empty() -> Comparison:
    """Nothing was seen: no pair before, one without a known call after, no interval anywhere."""
    nowhere = (("catalog-0", None),)
    flows = flows_of((("ui-0", None),), nowhere, anywhere, 12)
    blind = pair_of((UI, CATALOG), flows, nowhere, (("pod is in no snapshot", 12),))
    blind = replace(blind, expected_even_share=None, loads=())
    before = arm_of("off", (), start_s=START_S, hinted=0)
    after = arm_of("tar", (blind,), start_s=START_S + 120, hinted=0)
    before = replace(before, clients=(), zone_check=None, truth_check=None, requests=0, rate_per_s=0.0)
    return replace(compare(before, replace(after, costs=(cost_of(blind, 40.0),))), versions=(), zones=())


def crowd() -> Comparison:
    """The most pods that are still drawn one by one: twelve clients, eighteen servers."""
    clients = tuple((f"ui-7f9c6d5b84-{index:02d}abc", ZONES[index % 3]) for index in range(12))
    servers = tuple((f"catalog-6d5f7c9b8-{index:02d}xyz", ZONES[index % 3]) for index in range(18))
    before = pair_of((UI, CATALOG), flows_of(clients, servers, anywhere, 9000), servers)
    after = pair_of((UI, CATALOG), flows_of(clients, servers, own_zone, 9000), servers)
    return compare(
        arm_of("off", (before,), start_s=START_S, hinted=0),
        arm_of("tar", (after,), start_s=START_S + 120, hinted=6),
    )


def city() -> Comparison:
    """Too many pods to draw each: zones are drawn instead."""
    clients = tuple((f"ui-7f9c6d5b84-{index:03d}", ZONES[index % 3]) for index in range(30))
    servers = tuple((f"catalog-6d5f7c9b8-{index:03d}", ZONES[index % 3]) for index in range(60))
    before = pair_of((UI, CATALOG), flows_of(clients, servers, anywhere, 9000), servers)
    after = pair_of((UI, CATALOG), flows_of(clients, servers, own_zone, 9000), servers)
    return compare(
        arm_of("off", (before,), start_s=START_S, hinted=0),
        arm_of("tar", (after,), start_s=START_S + 120, hinted=6),
    )


def idle() -> Comparison:
    """Under TAR one catalog pod got no call at all."""
    before = lab_pairs(anywhere)[0]
    quiet = tuple(flow for flow in lab_pairs(own_zone)[0].flows if not flow.server.endswith("x7k2p"))
    after = pair_of((UI, CATALOG), quiet, CATALOG_PODS)
    first = arm_of("off", (before,), start_s=START_S, hinted=0)
    return compare(first, arm_of("tar", (after,), start_s=START_S + 120, hinted=6))
