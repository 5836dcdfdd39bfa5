"""What has to hold for a measured window to be evidence; one that fails makes the run invalid, by name.

Bounds: Locust's own saturation threshold (90 % of a core); the others are ours, chosen so that what they let
through is small against the margins of a verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from analysis.arm.caveats import LAG_TOLERANCE_MS, LOSS_TOLERANCE, RATE_TOLERANCE, SATURATED_CPU_PERCENT
from analysis.source.interface import CountUnit, Flaw, FlawKind
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Gate, GateName
from k8s.model import figures
from k8s.topology import Pod, ServiceKey, Snapshot
from loadtest.record import LoadSeen, RunStatus, Window
from loadtest.worker import latency
from loadtest.worker.tally import WorkerLoss

LEAST_COVERAGE: Final = 0.99
"""Known zones: below it the unknown calls could hide more than a margin."""
RATES_TOLERANCE: Final = 0.02
"""Largest relative difference of the rates that two arms achieved."""
MIX_TOLERANCE: Final = 0.02
"""Largest distance of a zone's share of the requests from its share of the load, where a worker was lost."""
_SHOWN: Final = 3
INTEGRITY: Final = {
    GateName.LOAD: FlawKind.LOAD,
    GateName.WINDOW: FlawKind.WINDOW,
    GateName.PAGES: FlawKind.PAGES,
    GateName.COUNTS: FlawKind.COUNTS,
    GateName.TOPOLOGY: FlawKind.TOPOLOGY,
    GateName.SAMPLE: FlawKind.SAMPLE,
}
"""Gates on what no honest run contradicts itself in; slight flaws are caveats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the gates look at: one measured window."""

    where: str
    status: RunStatus
    window: Window
    load: LoadSeen
    rate_asked_per_s: float | None
    """None where closed-loop users set the rate: then no rate is right or wrong."""
    source: str = "X-Ray"
    """Its name for people."""
    unit: CountUnit = CountUnit.REQUESTS
    """What the source counts."""
    graph_requests: int
    """What the load generator did, as the source counts it."""
    own_count: int | None = None
    """The generator's own count of that, where it is not of requests."""
    is_reconcilable: bool = True
    """The generator's own count is of the same thing, and of what the source sees."""
    calls: int
    """Calls of the pair under study, unknown ones included."""
    lost_documents: int
    """Calls without a callee's segment, requests without a caller's."""
    loss_share: float = 0.0
    """Share of the requests, or of the pair's calls, that is lost: the larger one, from both ends."""
    stable: bool
    """The graph did not change any more when it was read."""
    coverage: float | None
    topology: tuple[Snapshot, ...]
    service: ServiceKey
    namespaces: frozenset[str]
    """Of the pods that must not change: workers, clients, servers."""
    tracing_rate: Interval | None = None
    """The share of requests that was traced, where tracing is sampled: then that many are to be there."""
    flaws: tuple[Flaw, ...] = ()
    """In what the run's artifacts contradict themselves or each other."""
    run: str = ""
    """The run's folder, for a command that is about it."""
    is_live: bool = False
    """Nothing was sent: there is no generator to look at, nor a count of its own."""

    @property
    def made(self) -> int | None:
        """The generator's own count of what the source counts of it; None where nothing compares."""
        if not self.is_reconcilable:
            return None
        return self.load.requests if self.own_count is None else self.own_count

    @property
    def missing(self) -> int:
        """By how much the two counts differ; 0 where there is nothing to compare."""
        return 0 if self.made is None else abs(self.made - self.graph_requests)


def of_window(one: Evidence) -> tuple[Gate, ...]:
    """Every gate of one window, in order."""
    every = (
        _complete(one),
        *(_integrity(one, name, kind) for name, kind in INTEGRITY.items()),
        *(() if one.is_live else _generators(one)),
        _graph(one),
        _coverage(one),
        _hints(one),
        _pods(one),
    )
    return tuple(replace(gate, run=one.run) for gate in every)


def _generators(one: Evidence) -> tuple[Gate, ...]:
    """What holds the load generators to what was asked of them."""
    return (_generator(one), _rate(one), *_workers(one), _spans(one))


def between(windows: Sequence[Evidence]) -> Gate:
    """The rates achieved in windows that are compared."""
    rates = [(one.load.rate_per_s, one.where) for one in windows]
    least, most = min(rates), max(rates)
    is_free = any(one.rate_asked_per_s is None for one in windows)
    gap = (most[0] - least[0]) / most[0] if most[0] > 0 else 1.0
    return Gate(
        name=GateName.RATE,
        passed=is_free or gap <= RATES_TOLERANCE,
        seen=f"{least[0]:.1f} requests/s in {least[1]}, {most[0]:.1f} in {most[1]}",
        bound=("live traffic sets them" if windows[0].is_live else "closed-loop users set them")
        if is_free
        else f"{100 * RATES_TOLERANCE:.0f} % apart",
        where="all windows",
    )


def _complete(one: Evidence) -> Gate:
    """A run that was cut short has its counts, and they are shown; but who cut it, and why, nobody can tell.

    A person stops a run that goes badly, a machine fails under load: then the window that is left is one of
    the better ones, and a verdict by it would be wrong too often.
    """
    return Gate(
        name=GateName.COMPLETE,
        passed=one.status is RunStatus.COMPLETE,
        seen="the run was cut off" if one.status is RunStatus.RUNNING else f"the run was {one.status.value}",
        bound="complete",
        where=one.where,
    )


def _integrity(one: Evidence, name: GateName, kind: FlawKind) -> Gate:
    found = [flaw.text for flaw in one.flaws if flaw.kind is kind and not flaw.is_slight]
    more = f"; and {len(found) - _SHOWN} more" if found[_SHOWN:] else ""
    return Gate(
        name=name,
        passed=not found,
        seen="; ".join(found[:_SHOWN]) + more if found else "nothing contradicts it",
        bound="nothing may contradict it",
        where=one.where,
    )


def _generator(one: Evidence) -> Gate:
    """Saturated, its latencies are fiction; late, the load was not what was asked."""
    cpu = max((worker.cpu_percent_max for worker in one.load.workers), default=0.0)
    lag_ms = latency.merge(worker.lateness for worker in one.load.workers).quantile_ms(0.99) or 0.0
    return Gate(
        name=GateName.GENERATOR,
        passed=cpu <= SATURATED_CPU_PERCENT and lag_ms <= LAG_TOLERANCE_MS,
        seen=f"a worker used up to {cpu:.0f} % of a core, one request in 100 started {lag_ms:.1f} ms late",
        bound=f"{SATURATED_CPU_PERCENT:.0f} % of a core, {LAG_TOLERANCE_MS:g} ms late",
        where=one.where,
    )


def _rate(one: Evidence) -> Gate:
    achieved, asked = one.load.rate_per_s, one.rate_asked_per_s
    if asked is None:
        return Gate(
            name=GateName.RATE,
            passed=achieved > 0,
            seen=f"{achieved:.1f} requests/s, which closed-loop users set",
            bound="more than none",
            where=one.where,
        )
    return Gate(
        name=GateName.RATE,
        passed=abs(achieved - asked) <= RATE_TOLERANCE * asked,
        seen=f"{achieved:.1f} of {asked:g} requests/s asked for",
        bound=f"{100 * RATE_TOLERANCE:.0f} % off",
        where=one.where,
    )


def _workers(one: Evidence) -> Iterator[Gate]:
    """A zone that was without its worker for too long weighs less in every share of all calls."""
    if not one.load.losses:
        return
    off = one.load.zone_mix_off()
    each = (_gap(loss) for loss in one.load.losses)
    yield Gate(
        name=GateName.WORKERS,
        passed=off <= MIX_TOLERANCE,
        seen=f"{', '.join(each)}; a zone's share of the requests is off by {100 * off:.1f} points",
        bound=f"{100 * MIX_TOLERANCE:.0f} points",
        where=one.where,
    )


def _gap(loss: WorkerLoss) -> str:
    back = f"back after {loss.back_s - loss.lost_s:.1f} s" if loss.back_s else "not back"
    return f"{loss.worker} was lost in {loss.zone} and {back}, {loss.missing} requests are missing"


def _spans(one: Evidence) -> Gate:
    made = sum(worker.spans_made for worker in one.load.workers)
    dropped = sum(worker.spans_dropped for worker in one.load.workers)
    return Gate(
        name=GateName.SPANS,
        passed=dropped <= LOSS_TOLERANCE * made,
        seen=f"the load generators gave up {dropped} of {made} spans",
        bound=figures.percent(LOSS_TOLERANCE),
        where=one.where,
    )


def _graph(one: Evidence) -> Gate:
    """The graph against the generator's own count, and the marks that lost documents leave.

    A worker that was killed leaves its last requests untold, or without its own documents; the calls that
    they caused have both of theirs.
    """
    missing = 0 if one.tracing_rate is not None else one.missing
    untold = one.load.untold
    bound = LOSS_TOLERANCE * max(one.made or 0, 1) + untold
    unsettled = "" if one.stable else ", and it was still changing"
    lost = one.loss_share > LOSS_TOLERANCE + untold / max(one.load.requests, 1)
    size = (
        f"; in all about {100 * one.loss_share:.1f} % is lost (a batch mixes callers and callees)"
        if lost
        else ""
    )
    sampled = (
        ""
        if one.tracing_rate is None
        else f" (tracing is sampled at {100 * one.tracing_rate.estimate:.1f} %)"
    )
    whole = one.source if one.is_live else f"{_whole(one)}{sampled} and"
    extra = f" and {untold} that a lost worker did not tell of" if untold else ""
    return Gate(
        name=GateName.GRAPH,
        passed=one.stable
        and not lost
        and missing <= bound
        and one.lost_documents <= LOSS_TOLERANCE * max(one.calls, 1) + untold,
        seen=f"{whole} misses {one.lost_documents} {_missed(one)}{unsettled}{size}",
        bound=f"{100 * LOSS_TOLERANCE:.1f} %{extra}",
        where=one.where,
    )


def _whole(one: Evidence) -> str:
    if one.made is None:
        return (
            f"{one.source} counts nothing that the load generator counts, too; its {one.unit.value} "
            f"{'stayed' if one.stable else 'did not stay'} the same"
        )
    return f"{one.source} has {one.graph_requests} of {one.made} {one.unit.value}"


def _missed(one: Evidence) -> str:
    if one.unit is CountUnit.REQUESTS:
        return f"documents of {one.calls} calls"
    return f"of {one.calls} {one.unit.value}"


def _coverage(one: Evidence) -> Gate:
    noun = "call" if one.unit is CountUnit.REQUESTS else one.unit.value.removesuffix("s")
    known = f"no {noun}" if one.coverage is None else f"{100 * one.coverage:.1f} % of the {noun}s"
    return Gate(
        name=GateName.COVERAGE,
        passed=one.coverage is not None and one.coverage >= LEAST_COVERAGE,
        seen=f"the zones of {known} are known",
        bound=f"at least {figures.round_percent(LEAST_COVERAGE)}",
        where=one.where,
    )


def _hints(one: Evidence) -> Gate:
    """Every snapshot of the window shows the same hints."""
    seen = {_hints_of(snapshot, one.service) for snapshot in _within(one)}
    counts = sorted({sum(bool(zones or nodes) for _, zones, nodes in hints) for hints in seen})
    return Gate(
        name=GateName.HINTS,
        passed=len(seen) <= 1,
        seen="constant"
        if len(seen) <= 1
        else f"they changed; endpoints hinted: {' or '.join(map(str, counts))}",
        bound="constant",
        where=one.where,
    )


def _hints_of(
    snapshot: Snapshot, key: ServiceKey
) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(endpoint, zone hints, node hints) of a Service's ready endpoints, sorted."""
    return tuple(
        sorted(
            (
                f"{endpoint.addresses[0]} in {endpoint.zone}",
                tuple(map(str, endpoint.zone_hints)),
                tuple(map(str, endpoint.node_hints)),
            )
            for one in snapshot.slices
            if (one.namespace, one.service) == (key.namespace, key.name)
            for endpoint in one.endpoints
            if endpoint.ready
        )
    )


def _pods(one: Evidence) -> Gate:
    """No pod came, went, restarted or changed its readiness, but for workers whose loss is told."""
    replaced = {name for loss in one.load.losses for name in (loss.worker, loss.replaced_by)}
    views = [
        {
            (pod.namespace, str(pod.name)): _state(pod)
            for pod in snapshot.pods
            if pod.namespace in one.namespaces and str(pod.name) not in replaced
        }
        for snapshot in _within(one)
    ]
    changed = sorted({name for left, right in pairwise(views) for (_, name) in _differing(left, right)})
    shown = ", ".join(changed[:_SHOWN]) + (f" and {len(changed) - _SHOWN} more" if changed[_SHOWN:] else "")
    return Gate(
        name=GateName.PODS,
        passed=not changed,
        seen=f"{shown} changed" if changed else "none changed",
        bound="none may come, go, restart or change its readiness",
        where=one.where,
    )


PodState = tuple[str, int, bool, bool]


def _state(pod: Pod) -> PodState:
    return (pod.uid, pod.restarts, pod.ready, pod.terminating)


def _differing(
    left: dict[tuple[str, str], PodState], right: dict[tuple[str, str], PodState]
) -> Iterator[tuple[str, str]]:
    for key in {*left, *right}:
        if left.get(key) != right.get(key):
            yield key


def _within(one: Evidence) -> list[Snapshot]:
    """The snapshot in force when the window began, and those taken in it."""
    before = [snapshot for snapshot in one.topology if snapshot.taken_at_s <= one.window.start_s]
    inside = [
        snapshot for snapshot in one.topology if one.window.start_s < snapshot.taken_at_s <= one.window.end_s
    ]
    return before[-1:] + inside
