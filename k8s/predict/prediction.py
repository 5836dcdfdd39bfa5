"""What each routing mode would do to a Service here, before anything is changed (pure).

A prediction is the controller's decision (``k8s/routing/hints.py``, all its possible outcomes from
``k8s/routing/outcomes.py``) followed by kube-proxy's choice (``k8s/predict/expected.py``). It starts from the
hints and the order the slices have now: under ``topology-mode: Auto`` (KEP-2433) both decide what comes out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from k8s.predict.expected import ExpectedShare, expected_share
from k8s.predict.starting_point import StartingPoint, with_port
from k8s.routing.allocation import (
    SAFE_COUNT_PER_ZONE,
    Allocation,
    CpuRatios,
    FeasibleCounts,
    Refusal,
    cpu_ratios,
    feasible_counts,
)
from k8s.routing.assignments import assignments, extremes, realised
from k8s.routing.hints import (
    HintsCache,
    SliceLists,
    count_ready,
    effective_mode,
    hint_counts,
    is_owned,
    is_processed,
    own_zone_counts,
    reconcile,
    without_hints,
)
from k8s.routing.modes import RoutingMode, RoutingSettings, settings_for, settings_of
from k8s.routing.outcomes import HintOutcome
from k8s.topology import (
    OLD_HINTS_ANNOTATION,
    TOPOLOGY_MODE_ANNOTATION,
    EndpointSlice,
    Service,
    Zone,
)

COUNTS_SPAN = 3
"""How far from the present number of endpoints the refused ones are listed."""
MOST_CASES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hint assignment that can come out, and what it leads to."""

    hints: HintOutcome
    expected: ExpectedShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one mode would do."""

    mode: RoutingMode
    acts_as: RoutingMode
    """What a controller of this version makes of it: an unknown field value is off."""
    outcomes: tuple[HintOutcome, ...]
    """The distinct hints per zone that can come out, sorted; a single empty one: no hints."""
    cases: tuple[Case, ...]
    """What each leads to; of more than 64 only those that bound share and load. Never empty."""
    allocation: Allocation | None = None
    """Under TAR: minimum, desired and maximum per zone."""
    refusal: Refusal | None = None
    message: str | None = None
    """The controller's event where it refuses."""
    counts: FeasibleCounts | None = None
    """Under TAR: which numbers of ready endpoints within 3 are accepted, which refused."""
    nearest: tuple[int, ...] = ()
    """Under TAR: the nearest accepted numbers below and above, however far; empty if none can be."""

    @property
    def share(self) -> tuple[Fraction, Fraction] | None:
        """Least and greatest expected same-zone share; None where no connection is established."""
        found = [case.expected.share for case in self.cases if case.expected.share is not None]
        return (min(found), max(found)) if found else None

    @property
    def load(self) -> tuple[Fraction, Fraction] | None:
        """Load of the least and the most loaded endpoint over all cases, as multiples of the mean."""
        found = [case.expected.load for case in self.cases if case.expected.load is not None]
        return (min(one.least for one in found), max(one.greatest for one in found)) if found else None

    @property
    def fallback_zones(self) -> tuple[Zone | None, ...]:
        """Client zones that use every endpoint in at least one case, sorted."""
        found = {zone for case in self.cases for zone in case.expected.fallback_zones}
        return tuple(sorted(found, key=lambda zone: (zone is None, zone or "")))


def predict(start: StartingPoint, mode: RoutingMode) -> Prediction:
    """What *mode* would do, in every case that can come out.

    UsageError where a client's kube-proxy is too old to be modelled (below 1.27).
    """
    service = with_mode(start.service, mode)
    own = tuple(one for one in start.slices if is_owned(one))
    foreign = tuple(one for one in start.slices if not is_owned(one))
    evaluate = _evaluation(replace(start, service=service), foreign)
    if not is_processed(service):
        case = evaluate(own)
        return Prediction(mode=mode, acts_as=mode, outcomes=(case.hints,), cases=(case,))
    cpu = cpu_ratios(start.nodes)
    lists = SliceLists(unchanged=own)
    done = reconcile(
        service,
        cpu,
        lists,
        HintsCache(),
        address_type=start.address_type,
        minor=start.minor,
    )
    counts, nearest = _counts(cpu, own) if mode is RoutingMode.TAR else (None, ())
    ends: tuple[tuple[EndpointSlice, ...], ...] = (done.slices.every,)
    possible: tuple[HintOutcome, ...] = (_outcome(done.slices.every),)
    if done.allocation is not None and done.refusal is None:
        found = assignments(cpu, lists, done.allocation)
        possible = tuple(sorted({one.outcome for one in found}))
        weights = {zone: float(share) for zone, share in start.clients.by_zone if zone is not None}
        ends = tuple(map(realised, found if len(found) <= MOST_CASES else extremes(found, weights)))
    return Prediction(
        mode=mode,
        acts_as=effective_mode(service, start.minor),
        outcomes=possible,
        cases=tuple(map(evaluate, ends)),
        allocation=done.allocation,
        refusal=done.refusal,
        message=done.event.message if done.refusal is not None and done.event is not None else None,
        counts=counts,
        nearest=nearest,
    )


def with_mode(service: Service, mode: RoutingMode) -> Service:
    """The Service after ``samezone routing set``."""
    wanted = settings_for(mode, settings_of(service))
    return replace(
        service,
        annotations=_annotations(service, wanted),
        traffic_distribution=wanted.traffic_distribution,
    )


def _annotations(service: Service, wanted: RoutingSettings) -> tuple[tuple[str, str], ...]:
    knobs = {
        TOPOLOGY_MODE_ANNOTATION: wanted.topology_mode,
        OLD_HINTS_ANNOTATION: wanted.topology_aware_hints,
    }
    merged = dict(service.annotations) | knobs
    return tuple(sorted((key, value) for key, value in merged.items() if value is not None))


def _outcome(slices: tuple[EndpointSlice, ...]) -> HintOutcome:
    return HintOutcome(hinted=hint_counts(slices), own=own_zone_counts(slices))


def _evaluation(
    start: StartingPoint, foreign: tuple[EndpointSlice, ...]
) -> Callable[[tuple[EndpointSlice, ...]], Case]:
    """From the slices as the controller leaves them to what they lead to."""
    minors = dict(start.proxy_minors)

    def evaluate(own: tuple[EndpointSlice, ...]) -> Case:
        used = with_port(own + foreign, start.port)
        if start.service.cluster_ip == "None":
            used = without_hints(SliceLists(update=used)).every
        return Case(
            hints=_outcome(own),
            expected=expected_share(
                start.service,
                used,
                start.clients,
                start.nodes,
                minor=start.proxy_minor,
                minors=minors,
            ),
        )

    return evaluate


def _counts(cpu: CpuRatios, own: tuple[EndpointSlice, ...]) -> tuple[FeasibleCounts, tuple[int, ...]]:
    ready = count_ready(own)
    far = feasible_counts(cpu, ready, max(1, SAFE_COUNT_PER_ZONE * len(cpu.by_zone or ())))
    nearest = tuple(count for count in (far.nearest_below, far.nearest_above) if count is not None)
    return feasible_counts(cpu, ready, COUNTS_SPAN), nearest


def predict_all(start: StartingPoint) -> tuple[Prediction, ...]:
    """One prediction a mode, in the order of the modes."""
    return tuple(predict(start, mode) for mode in RoutingMode)
