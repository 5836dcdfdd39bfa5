"""What each routing mode would do to a Service here, before anything is changed (pure).

A prediction is the controller's decision (``k8s/routing/hints.py``, all its possible outcomes from
``k8s/routing/outcomes.py``) followed by kube-proxy's choice (``k8s/predict/expected.py``). It starts from the
hints and the order the slices have now: under ``topology-mode: Auto`` (KEP-2433) both decide what comes out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from k8s.errors import UsageError
from k8s.model.scene import Scene
from k8s.predict.clients import Clients
from k8s.predict.expected import ExpectedShare, expected_share
from k8s.routing.allocation import Allocation, CpuRatios, FeasibleCounts, Refusal, cpu_ratios, feasible_counts
from k8s.routing.assignments import assignments, extremes, realised
from k8s.routing.hints import (
    NEWEST_MINOR,
    HintsCache,
    SliceLists,
    count_ready,
    effective_mode,
    hint_counts,
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
    Node,
    NodeName,
    Service,
    ServiceKey,
    Zone,
)

CONTROLLER = "endpointslice-controller.k8s.io"
"""Slices managed by anybody else keep their hints, and kube-proxy uses them all the same."""
COUNTS_SPAN = 3
"""How far from the present number of endpoints the refused ones are listed."""
MOST_CASES = 64
_SAFE_COUNT_PER_ZONE = 6
"""With this many endpoints a zone none is refused: minimums take 5/6 of N, and less than one more each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a prediction starts from."""

    service: Service
    slices: tuple[EndpointSlice, ...]
    """All of the Service and one address family, with their present hints, in stored order."""
    nodes: tuple[Node, ...]
    clients: Clients
    minor: int = NEWEST_MINOR
    """The EndpointSlice controller's version 1.x."""
    proxy_minor: int = NEWEST_MINOR
    """kube-proxy's, on nodes not in *proxy_minors*."""
    proxy_minors: tuple[tuple[NodeName, int], ...] = ()
    notes: tuple[str, ...] = ()
    """What the numbers do not tell, one sentence each."""

    @property
    def address_type(self) -> str:
        """The family predicted."""
        return self.slices[0].address_type


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


def situation(scene: Scene, key: ServiceKey, clients: Clients, *, family: str | None = None) -> Situation:
    """The Service *key* of a scene as a prediction needs it.

    Without *family* it is IPv4 where there is such a slice. UsageError where Service, nodes or endpoints
    are not there.
    """
    snapshot = scene.snapshot
    service = next((one for one in snapshot.services if one.key == key), None)
    if service is None:
        near = ", ".join(sorted(str(one.key) for one in snapshot.services if one.name == key.name))
        raise UsageError(
            f"predicting Service {key}: not in {scene.source}{f'; there is {near}' * bool(near)}"
        )
    if not snapshot.nodes:
        raise UsageError(f"predicting Service {key}: no nodes in {scene.source}; save them too")
    slices = [one for one in snapshot.slices if (one.namespace, one.service) == (key.namespace, key.name)]
    families = sorted({one.address_type for one in slices if one.address_type != "FQDN"})
    chosen = family or (families[0] if families else None)
    used = tuple(sorted((one for one in slices if one.address_type == chosen), key=lambda one: one.name))
    if not any(one.endpoints for one in used):
        wanted = f"{family} " if family else ""
        raise UsageError(f"predicting Service {key}: it has no {wanted}endpoints in {scene.source}")
    known = dict(scene.proxy_minors)
    minor = scene.server_minor or max(known.values(), default=NEWEST_MINOR)
    return Situation(
        service=service,
        slices=used,
        nodes=snapshot.nodes,
        clients=clients,
        minor=minor,
        proxy_minor=minor,
        proxy_minors=scene.proxy_minors,
        notes=tuple(_notes(service, families, used)),
    )


def _notes(service: Service, families: Sequence[str], used: Sequence[EndpointSlice]) -> Iterator[str]:
    others = [one for one in families if one != used[0].address_type]
    if others:
        yield f"{used[0].address_type} is predicted; {service.key} has slices of {' and '.join(others)} too"
    if not is_processed(service):
        yield f"Service {service.key} has no selector: no controller writes its hints, no mode changes them"
    if service.cluster_ip == "None":
        yield f"Service {service.key} is headless: its clients choose by DNS, hints are not used"
    if service.session_affinity != "None":
        yield "session affinity pins each client to one endpoint: the shares hold over many clients only"
    if service.internal_traffic_policy == "Local":
        yield "internalTrafficPolicy is Local: hints are not used, a node without an endpoint refuses"


def predict(situation: Situation, mode: RoutingMode) -> Prediction:
    """What *mode* would do, in every case that can come out.

    UsageError where a client's kube-proxy is too old to be modelled (below 1.27).
    """
    service = with_mode(situation.service, mode)
    own = tuple(one for one in situation.slices if one.managed_by in ("", CONTROLLER))
    foreign = tuple(one for one in situation.slices if one.managed_by not in ("", CONTROLLER))
    evaluate = _evaluation(replace(situation, service=service), foreign)
    if not is_processed(service):
        case = evaluate(own)
        return Prediction(mode=mode, acts_as=mode, outcomes=(case.hints,), cases=(case,))
    cpu = cpu_ratios(situation.nodes)
    lists = SliceLists(unchanged=own)
    done = reconcile(
        service,
        cpu,
        lists,
        HintsCache(),
        address_type=situation.address_type,
        minor=situation.minor,
    )
    counts, nearest = _counts(cpu, own) if mode is RoutingMode.TAR else (None, ())
    ends: tuple[tuple[EndpointSlice, ...], ...] = (done.slices.every,)
    possible: tuple[HintOutcome, ...] = (_outcome(done.slices.every),)
    if done.allocation is not None and done.refusal is None:
        found = assignments(cpu, lists, done.allocation)
        possible = tuple(sorted({one.outcome for one in found}))
        weights = {zone: float(share) for zone, share in situation.clients.by_zone if zone is not None}
        ends = tuple(map(realised, found if len(found) <= MOST_CASES else extremes(found, weights)))
    return Prediction(
        mode=mode,
        acts_as=effective_mode(service, situation.minor),
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
    situation: Situation, foreign: tuple[EndpointSlice, ...]
) -> Callable[[tuple[EndpointSlice, ...]], Case]:
    """From the slices as the controller leaves them to what they lead to."""
    minors = dict(situation.proxy_minors)

    def evaluate(own: tuple[EndpointSlice, ...]) -> Case:
        used = own + foreign
        if situation.service.cluster_ip == "None":
            used = without_hints(SliceLists(update=used)).every
        return Case(
            hints=_outcome(own),
            expected=expected_share(
                situation.service,
                used,
                situation.clients,
                situation.nodes,
                minor=situation.proxy_minor,
                minors=minors,
            ),
        )

    return evaluate


def _counts(cpu: CpuRatios, own: tuple[EndpointSlice, ...]) -> tuple[FeasibleCounts, tuple[int, ...]]:
    ready = count_ready(own)
    far = feasible_counts(cpu, ready, max(1, _SAFE_COUNT_PER_ZONE * len(cpu.by_zone or ())))
    nearest = tuple(count for count in (far.nearest_below, far.nearest_above) if count is not None)
    return feasible_counts(cpu, ready, COUNTS_SPAN), nearest


def predict_all(situation: Situation) -> tuple[Prediction, ...]:
    """One prediction a mode, in the order of the modes."""
    return tuple(predict(situation, mode) for mode in RoutingMode)
