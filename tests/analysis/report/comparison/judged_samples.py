"""Judged comparisons for the report's tests: invented windows, judged by the real functions."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np

from analysis.model import ArmResult, PairResult
from analysis.statistics.chance import chance
from analysis.statistics.latency_ratios import latencies
from analysis.statistics.mix import Mix
from analysis.statistics.pair_table import SampledPair
from analysis.verdict import decision
from analysis.verdict.compare import Terms
from analysis.verdict.compared import Comparison
from analysis.verdict.effects import Block, effects
from analysis.verdict.gates import Evidence
from analysis.verdict.requirements import parse
from analysis.verdict.windows import Measured
from k8s.topology import ServiceKey
from loadtest.record import LoadSeen, RunStatus
from loadtest.worker.latency import bucket, histogram
from loadtest.worker.tally import WorkerTally
from tests.analysis.report import parts
from tests.analysis.report.comparison import samples
from tests.analysis.report.parts import CATALOG, CATALOG_PODS, START_S, UI, UI_PODS, Route, anywhere, own_zone

CONNECTIONS = 900
"""Of which the response times are sampled."""


def measured(
    arm: ArmResult,
    label: str,
    *,
    seed: int,
    slow: float = 1.0,
    sampled: int = CONNECTIONS,
    cpu_percent: float = 41.0,
    calls_a_connection: int = 1,
) -> Measured:
    """A window of *arm*: its calls in connections, its response times, *slow* times as long."""
    pair = arm.pairs[0]
    found = chance(_pairs(pair, calls_a_connection))
    assert found is not None
    rng = np.random.default_rng(seed)
    crossing = rng.random(sampled) > pair.same_zone / max(1, pair.same_zone + pair.cross_zone)
    times_s = np.where(crossing, 0.0034, 0.0021) * rng.lognormal(0.0, 0.35, sampled) * slow
    return Measured(
        label=label,
        mode=arm.mode,
        folder=arm.folder,
        chance=found,
        seconds=arm.load_s,
        latencies=latencies([[(float(one), 1)] for one in times_s]),
        latencies_by_client=latencies([[(float(one), 1)] for one in times_s]),
        mix=_mix(pair),
        timed=(),
        requests=arm.requests,
        failures=arm.failures,
        failed_calls=(),
        endpoint_calls={one.pod: float(one.calls) for one in pair.loads},
        evidence=evidence(arm, label, cpu_percent),
        result=arm,
    )


def _mix(pair: PairResult) -> Mix:
    pods: Counter[tuple[str, str]] = Counter()
    for flow in pair.flows:
        pods[str(flow.client_zone), flow.client] += flow.calls
    return Mix(pods=pods, pages={})


def _pairs(pair: PairResult, calls: int) -> list[SampledPair]:
    """Every connection of so many calls sampled; calls that fill none are left out."""
    return [
        SampledPair(
            client=flow.client,
            server=flow.server,
            stratum=flow.client_zone,
            calls=flow.calls // calls * calls,
            same_zone=flow.client_zone == flow.server_zone,
            sampled=(calls,) * (flow.calls // calls),
        )
        for flow in pair.flows
        if flow.client_zone is not None and flow.server_zone is not None
    ]


def evidence(arm: ArmResult, label: str, cpu_percent: float) -> Evidence:
    """A window that passes every gate, but for the load generator's own use of the processor."""
    worker = WorkerTally(
        worker="locust-worker-1",
        zone="eu-west-1a",
        node="node-a-1",
        requests=arm.requests,
        failures=arm.failures,
        first_s=arm.window.start_s,
        last_s=arm.window.start_s + (arm.requests - 1) / arm.rate_per_s,
        lateness=histogram([(bucket(1.7), arm.requests)]),
        spans_made=arm.requests,
        spans_delivered=arm.requests,
        cpu_percent_max=cpu_percent,
    )
    return Evidence(
        where=label,
        status=RunStatus.COMPLETE,
        window=arm.window,
        load=LoadSeen(seconds=arm.load_s, workers=(worker,)),
        rate_asked_per_s=arm.rate_asked_per_s,
        graph_requests=arm.requests,
        calls=arm.pairs[0].calls,
        lost_documents=0,
        stable=True,
        coverage=arm.pairs[0].coverage,
        topology=(),
        service=ServiceKey(namespace="catalog", name="catalog"),
        namespaces=frozenset({"catalog", "ui"}),
    )


def judged(
    comparison: Comparison,
    blocks: list[Block],
    null: list[Block],
    *,
    required: tuple[str, ...] = (),
) -> Comparison:
    """*comparison* with the effects of *blocks* and their verdict."""
    found = effects(blocks)
    terms = Terms(required=tuple(map(parse, required)))
    windows = [window for pair in (*null, *blocks) for window in pair]
    unique = list({window.label: window for window in windows}.values())
    decided = decision.decide(
        found,
        gates=decision.gates_of(unique),
        null=decision.null_of(null) if null else None,
        margins=terms.margins,
        required=terms.required,
    )
    return replace(comparison, effects=found, verdict=decided)


@cache
def passed() -> Comparison:
    """TAR keeps every call in its zone, and nothing gets worse."""
    compared = samples.tar()
    before = measured(compared.baseline, "baseline off", seed=1)
    after = measured(compared.candidate, "candidate tar", seed=2)
    twin = measured(compared.baseline, "null off", seed=3)
    return judged(
        compared,
        [(before, after)],
        [(twin, before)],
        required=("same_zone>=95%", "usd_per_month<=1"),
    )


def skewed(client: str | None, server: str | None) -> float:
    """More calls stay than by chance, but every client likes one zone too much."""
    return 1.0 if client == server else 0.7 if server == parts.ZONES[0] else 0.1


@cache
def failed() -> Comparison:
    """The share rises, but calls take longer, more requests fail, and one zone carries the load."""
    compared = samples.tar()
    worse = parts.pair_of((UI, CATALOG), parts.flows_of(UI_PODS, CATALOG_PODS, skewed, 1200), CATALOG_PODS)
    after = replace(
        compared.candidate,
        failures=74,
        pairs=(worse, *compared.candidate.pairs[1:]),
        costs=(parts.cost_of(worse, 40.0),),
    )
    compared = replace(
        compared, candidate=after, changes=(parts.change_of(compared.baseline.pairs[0], worse),)
    )
    before = measured(compared.baseline, "baseline off", seed=1)
    twin = measured(compared.baseline, "null off", seed=3)
    found = measured(after, "candidate tar", seed=2, slow=2.2)
    return judged(compared, [(before, found)], [(twin, before)], required=("same_zone>=95%",))


def mostly_own(client: str | None, server: str | None) -> float:
    """Nearly every call stays."""
    return 1.0 if client == server else 0.01


@cache
def inconclusive() -> Comparison:
    """A short run: the share clearly rises, but what it costs cannot be told."""
    first, second = (
        replace(
            parts.arm_of(mode, (_short(route),), start_s=start_s, hinted=hinted),
            requests=200,
            rate_per_s=49.9,
        )
        for mode, route, start_s, hinted in (
            ("off", anywhere, START_S, 0),
            ("tar", mostly_own, START_S + 120, 6),
        )
    )
    before = measured(first, "baseline off", seed=1, sampled=60, calls_a_connection=2)
    twin = measured(parts.arm_of("off", (_null(),), start_s=START_S - 90, hinted=0), "null off", seed=3)
    left = measured(parts.arm_of("off", (_null(),), start_s=START_S - 45, hinted=0), "null off 2", seed=4)
    after = measured(second, "candidate tar", seed=2, sampled=60, calls_a_connection=2)
    compared = parts.compare(first, second)
    required = ("p50_ratio<=0.8", "same_zone_gain>=0.5")
    return judged(compared, [(before, after)], [(twin, left)], required=required)


def _short(route: Route) -> PairResult:
    return parts.pair_of((UI, CATALOG), parts.flows_of(UI_PODS, CATALOG_PODS, route, 120), CATALOG_PODS)


def _null() -> PairResult:
    return parts.pair_of((UI, CATALOG), parts.flows_of(UI_PODS, CATALOG_PODS, anywhere, 1200), CATALOG_PODS)


@cache
def invalid() -> Comparison:
    """A saturated generator, and no pair of equal arms."""
    compared = samples.tar()
    before = measured(compared.baseline, "baseline off", seed=1)
    after = measured(compared.candidate, "candidate tar", seed=2, cpu_percent=97.0)
    return judged(compared, [(before, after)], [])


@cache
def uncertified() -> Comparison:
    """Two equal arms that are not alike."""
    compared = samples.tar()
    drifted = replace(compared.baseline, pairs=samples.lab_pairs(own_zone), failures=0)
    before = measured(compared.baseline, "baseline off", seed=1)
    after = measured(compared.candidate, "candidate tar", seed=2)
    return judged(compared, [(before, after)], [(measured(drifted, "null off", seed=3), before)])


@cache
def hostile() -> Comparison:
    """Every text of a verdict that comes from elsewhere tries to break out."""
    compared = invalid()
    assert compared.verdict is not None
    gates = tuple(
        replace(gate, seen=samples.HOSTILE, bound=samples.HOSTILE, where=samples.HOSTILE, passed=False)
        for gate in compared.verdict.gates[:2]
    )
    broken = replace(
        compared.verdict,
        gates=gates,
        reasons=(*(f"gate {gate}" for gate in gates), samples.HOSTILE),
    )
    return replace(samples.hostile(), effects=compared.effects, verdict=broken)
