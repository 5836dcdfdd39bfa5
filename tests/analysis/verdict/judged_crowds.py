"""Crowds as production judges them: windows, pairs and trials, by what ``compare`` and a trial run."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np

from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.model import ArmResult, Latency, Loss, PairResult, Workload
from analysis.statistics.carry_over import TimedCall
from analysis.statistics.chance import chance
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import latencies
from analysis.statistics.mix import Mix
from analysis.trial.design import Design, order_of
from analysis.trial.run import run
from analysis.verdict.compare import Terms, judged
from analysis.verdict.gates import Evidence
from analysis.verdict.judged import Decision, Effects, Verdict
from analysis.verdict.windows import Measured
from k8s.topology import HintsSeen, ServiceKey
from loadtest.record import LoadSeen, RunRecord, RunStatus, Window
from loadtest.worker.tally import WorkerTally
from tests.analysis.verdict import worlds
from tests.analysis.verdict.crowds import ZONES, Crowd, Drawn, connections, observed

SECONDS: Final = 40.0
SAMPLED_CALLS: Final = 400
"""In traces."""


def measured(
    crowd: Crowd,
    rng: np.random.Generator,
    *,
    label: str,
    candidate: bool = False,
    shift: float = 0.0,
    timed: int = 0,
) -> Measured:
    """One window as production hands it to the judge: what was drawn, and a generator that kept up."""
    drawn = connections(crowd, rng, candidate=candidate, shift=shift)
    pairs = observed(crowd, drawn, rng)
    found = chance(pairs, affinity=crowd.affinity)
    assert found is not None
    calls = sum(pair.calls for pair in pairs)
    pods: Counter[tuple[str, str]] = Counter()
    loads: Counter[str] = Counter({f"catalog-{number}": 0 for number in range(sum(crowd.endpoints))})
    for pair in pairs:
        pods[pair.stratum, pair.client] += pair.calls
        loads[pair.server] += pair.calls
    few = latencies([[(0.001, 1)]])
    mode = "tar" if candidate else "off"
    return Measured(
        label=label,
        mode=mode,
        folder=label,
        chance=found,
        seconds=SECONDS,
        latencies=few,
        latencies_by_client=few,
        mix=Mix(pods=pods, pages={}),
        timed=_timed(crowd, drawn, rng, timed) if timed else (),
        requests=calls,
        failures=0,
        failed_calls=(),
        endpoint_calls=dict(loads),
        evidence=_evidence(label, calls),
        result=_result(mode, calls),
    )


def _timed(crowd: Crowd, drawn: Drawn, rng: np.random.Generator, most: int) -> tuple[TimedCall, ...]:
    """A random sample of so many calls; all of a connection's calls come where it was opened."""
    seen = rng.binomial(drawn.calls, min(1.0, most / drawn.calls.sum()))
    number = np.repeat(np.flatnonzero(seen), seen[seen > 0])
    there = np.searchsorted(np.cumsum(crowd.endpoints), drawn.endpoint[number], side="right")
    columns = (drawn.client[number], drawn.endpoint[number], there, number, drawn.at[number])
    return tuple(
        TimedCall(
            client=f"ui-{client}",
            server=f"catalog-{endpoint}",
            zone=ZONES[client % len(ZONES)],
            same_zone=client % len(ZONES) == zone,
            connection=connection,
            at=at,
        )
        for client, endpoint, zone, connection, at in zip(*(one.tolist() for one in columns), strict=True)
    )


def _evidence(label: str, calls: int) -> Evidence:
    worker = WorkerTally(worker="w", zone="a", node="n", requests=2000, first_s=100.0, last_s=139.98)
    load = LoadSeen(seconds=SECONDS, workers=(worker,))
    return Evidence(
        where=label,
        status=RunStatus.COMPLETE,
        window=Window(start_s=100.0, end_s=140.0),
        load=load,
        rate_asked_per_s=load.rate_per_s,
        graph_requests=load.requests,
        calls=calls,
        lost_documents=0,
        stable=True,
        coverage=1.0,
        topology=(),
        service=ServiceKey(namespace="catalog", name="catalog"),
        namespaces=frozenset(),
    )


def _result(mode: str, calls: int) -> ArmResult:
    """Counts alone; what a trial reads besides them is in the window."""
    nobody = Latency(calls=0, mean_s=None, p50_s=None, p99_s=None)
    hints = HintsSeen(at_s=0.0, endpoints=6, hinted=0, own_zone=0)
    pair = PairResult(
        client=Workload("ui"),
        server=Workload("catalog"),
        same_zone=calls,
        cross_zone=0,
        unknown=0,
        unknown_reasons=(),
        share=None,
        share_bounds=None,
        coverage=1.0,
        expected_even_share=None,
        cells=(),
        flows=(),
        same_latency=nobody,
        cross_latency=nobody,
        cross_minus_same_s=None,
        loads=(),
    )
    return ArmResult(
        run_id=mode,
        arm=mode,
        mode=mode,
        folder=mode,
        window=Window(start_s=100.0, end_s=140.0),
        load_s=SECONDS,
        requests=calls,
        failures=0,
        rate_per_s=calls / SECONDS,
        rate_asked_per_s=calls / SECONDS,
        hints_start=hints,
        hints_end=hints,
        events=(),
        pairs=(pair,),
        clients=(),
        costs=(),
        loss=Loss(lost_callees=0, orphans=0, generator_requests=0, graph_requests=0, spans_dropped=0),
        zone_check=None,
        truth_check=None,
        caveats=(),
    )


@cache
def _record() -> RunRecord:
    """What a trial's bill is made of."""
    return worlds.inputs(1000, 1000).record


@dataclass(kw_only=True)
class CrowdBench:
    """Implements Bench: each window is a crowd's."""

    crowd: Crowd
    rng: np.random.Generator
    shift: float = 0.0
    settle_s: float = 10.0
    sampled_calls: int = SAMPLED_CALLS
    windows: list[Measured] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Nobody listens."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """As long as any other."""
        assert seconds > 0
        candidate = mode != "off"
        found = measured(
            self.crowd,
            self.rng,
            label=label,
            candidate=candidate,
            shift=self.shift,
            timed=self.sampled_calls,
        )
        self.windows.append(found)
        return Attempt(
            label=label, folder=label, record=_record(), window=found, fault=again.broken_gate(found)
        )

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """No folder to mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one simulated comparison or trial ended."""

    changed: bool
    """The interval of the share gained excludes 0."""
    decision: Decision
    share_covered: bool
    gain_covered: bool
    certified: bool
    """The instrument was, and every gate held: what is called changed is claimed."""
    unit: str
    caveats: frozenset[str]
    """Their codes."""
    advised: bool
    """It says what to do wherever it is no pass and no fail."""


def pair(crowd: Crowd, rng: np.random.Generator, *, shift: float = 0.0) -> Ended:
    """A null window, a baseline, a candidate, judged as ``samezone compare`` judges them."""
    windows = [measured(crowd, rng, label=label, shift=shift) for label in ("null", "baseline")]
    windows.append(measured(crowd, rng, label="candidate", candidate=True, shift=shift))
    effects, verdict = judged(windows, Terms())
    return _ended(crowd, windows[1:2], effects, verdict, effects.share.interval, shift)


def trial(crowd: Crowd, rng: np.random.Generator, *, shift: float = 0.0, letters: str = "ABBAABBA") -> Ended:
    """Null pairs, blocks with looks in between, judged as ``samezone experiment`` does it all."""
    order = order_of(("off", "tar"), letters)
    design = Design(arms=("off", "tar"), order=order, block_s=SECONDS, null_s=SECONDS)
    bench = CrowdBench(crowd=crowd, rng=rng, shift=shift)
    found = run(design, bench)
    contest = found.contests[0]
    baseline = [one for one in bench.windows if one.mode == "off" and one.label.startswith("block")]
    return _ended(crowd, baseline, contest.effects, contest.verdict, contest.gain, shift)


def _ended(
    crowd: Crowd,
    baseline: list[Measured],
    effects: Effects,
    verdict: Verdict,
    gain: Interval,
    shift: float,
) -> Ended:
    true = true_share(crowd, baseline)
    certain = verdict.decision in {Decision.PASS, Decision.FAIL}
    return Ended(
        changed=not gain.low <= 0 <= gain.high,
        decision=verdict.decision,
        share_covered=effects.share_before.low <= true <= effects.share_before.high,
        gain_covered=gain.low <= shift <= gain.high,
        certified=verdict.null is not None and verdict.null.certified and not verdict.failed_gates,
        unit=effects.unit.value,
        caveats=frozenset(one.code for one in effects.caveats),
        advised=bool(verdict.advice) != certain,
    )


def true_share(crowd: Crowd, baseline: list[Measured]) -> float:
    """Of connections at random among all endpoints, from where these windows' calls came."""
    home = dict(zip(ZONES, np.array(crowd.endpoints) / sum(crowd.endpoints), strict=True))
    calls: Counter[str] = Counter()
    for one in baseline:
        for (zone, _), count in one.mix.pods.items():
            calls[zone] += round(count)
    return float(sum(count * home[zone] for zone, count in calls.items()) / calls.total())
