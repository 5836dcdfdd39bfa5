"""Counts and topology -> an observation: the same numbers as a run's, of everybody's calls (pure)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analysis.arm import chances, cost, pairs, splitting, surroundings, tariffs, tracing
from analysis.arm.pairs import LostCalls, Pair
from analysis.arm.result import AssumedBytes, by_chance, told_bytes
from analysis.arm.splitting import Ours
from analysis.model import Cost, PairResult, Workload
from analysis.observe import apart, remarks, repeating
from analysis.observe.observed import EnteredAt, Lever, Observation, ObservedPair, Outlook, Scope
from analysis.observe.outlooks import Caller, outlook
from analysis.placement import Timeline, workload_of
from analysis.source.facts import Facts, facts_without_run
from analysis.source.interface import Call, Counts, CountUnit, Reader, Received
from k8s.doctor.place import IndexedPlace, place_of
from k8s.errors import InvalidRunError
from k8s.model.scene import Scene
from k8s.topology import Pod, Service, ServiceKey, Snapshot
from loadtest.record import Caveat, Place, Window

FILES: Final = "files"
"""The platform of an observation that read files alone."""
UNSEEN: Final = (
    "No cluster was looked at, so nothing is known of Services and of what a setting would change."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What an observation is made of."""

    place: Place
    scene: Scene
    """The cluster at the end, or as it was saved."""
    snapshots: tuple[Snapshot, ...]
    """The cluster over the window, oldest first; where it was not watched, the scene's alone."""
    watched: bool
    """Whether the snapshots are of the window itself."""
    window: Window
    reader: Reader
    received: Received
    stable: bool
    left_out: tuple[str, ...] = ()
    """A sentence each on what the traces were not drawn from, and on what went wrong while watching."""
    scope: Scope
    assumed: AssumedBytes
    reach: tuple[str, ...] = ()
    created_s: float
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """The calls of a window with their places."""

    material: Gathered
    topology: tuple[Snapshot, ...]
    """Workloads of one name told apart."""
    timeline: Timeline
    answered: Counts
    """As the source told them."""
    found: Ours
    """By pod where that is known."""
    namespaces: Mapping[Workload, tuple[str, ...]]
    services: Mapping[Workload, tuple[Service, ...]]
    """Those before a workload's pods."""


def facts_of_place(snapshots: Sequence[Snapshot]) -> Facts:
    """What a source may know of the cluster."""
    topology = apart.told_apart(snapshots)
    return facts_without_run(topology, Timeline(topology))


def observation(material: Gathered) -> Observation:
    """Every number; InvalidRunError where there is no call at all."""
    seen = _seen(material)
    lost = _lost(seen)
    by_pair = pairs.grouped(seen.found.counts.calls, seen.timeline, seen.answered.basis)
    results = [
        _result(seen, pair, by_pair, lost)
        for pair in sorted({*by_pair, *lost, *seen.found.unplaced, *seen.found.unsampled})
    ]
    results = [one for one in results if one.calls]
    if not results:
        raise _nothing(seen)
    inside = [one for one in results if _in_scope(seen, one)]
    if not inside:
        raise _nothing_asked_for(seen, results)
    place = place_of(material.scene)
    if not _is_looked_at(seen) and not any(one.same_zone + one.cross_zone for one in results):
        raise InvalidRunError(
            f"observing {remarks.of_window(material.window)}: {seen.answered.title} states no zones, and no "
            f"cluster was looked at ({material.place.context}); have one, or a profile with both zones"
        )
    found = [_pair(seen, place, one) for one in inside]
    dependencies = surroundings.dependencies(seen.found.counts.leaves, seen.timeline)
    shown = {one.client for one in inside} | {one.server for one in inside}
    return Observation(
        created_s=material.created_s,
        window=material.window,
        platform=material.place.platform,
        place=material.place.context,
        region=material.place.region,
        zones=tuple(sorted(_zones(seen, inside))),
        source=seen.answered.title,
        unit=seen.answered.unit.value,
        grain=seen.answered.grain.value,
        loss_meter=seen.answered.loss_meter,
        queries=seen.answered.queries,
        scope=material.scope,
        reach=material.reach,
        pairs=tuple(sorted(found, key=_order)),
        out_of_scope=sum(one.calls for one in results) - sum(one.calls for one in inside),
        dependencies=tuple(one for one in dependencies if one.client in shown),
        entries=_entries(seen, shown),
        traces=seen.answered.sample.traces,
        snapshots=len(material.snapshots),
        caveats=_caveats(seen, found),
        versions=material.versions,
    )


def _is_looked_at(seen: Seen) -> bool:
    """Whether there is a cluster, live or saved, whose settings and pods are known."""
    return bool(seen.material.scene.snapshot.nodes) or not seen.answered.members_only


def _zones(seen: Seen, results: Sequence[PairResult]) -> set[str]:
    """Of the nodes; without any, those that the source states."""
    if _is_looked_at(seen):
        return {str(node.zone) for node in seen.material.scene.snapshot.nodes if node.zone}
    cells = [cell for one in results for cell in one.cells]
    return {zone for cell in cells for zone in (cell.client_zone, cell.server_zone) if zone is not None}


def _seen(material: Gathered) -> Seen:
    topology = apart.told_apart(material.snapshots)
    timeline = Timeline(topology)
    facts = facts_without_run(topology, timeline, first=material.scope.services)
    answered = material.reader.read(material.received, facts)
    return Seen(
        material=material,
        topology=topology,
        timeline=timeline,
        answered=answered,
        found=splitting.everything(answered, timeline, facts),
        namespaces=apart.namespaces(topology, timeline),
        services=_services(topology, timeline, material.scene),
    )


def _services(
    topology: Sequence[Snapshot], timeline: Timeline, scene: Scene
) -> dict[Workload, tuple[Service, ...]]:
    """Services by the workload behind them; one without endpoints by its own name."""
    found: dict[Workload, list[Service]] = defaultdict(list)
    for service in scene.snapshot.services:
        found[workload_of(service.key, topology, timeline)].append(service)
    return {workload: tuple(services) for workload, services in found.items()}


def _lost(seen: Seen) -> dict[Pair, list[LostCalls]]:
    """Calls of which the callee's document is missing, by what is known of it."""
    lost: dict[Pair, list[LostCalls]] = defaultdict(list)
    for call in seen.found.counts.lost:
        pair = (seen.timeline.workload(call.client), Workload(call.server))
        reason = f"callee {call.server} (inferred): its segment never arrived"
        lost[pair].append(LostCalls(reason=reason, count=call.count))
    return lost


def _result(
    seen: Seen, pair: Pair, by_pair: Mapping[Pair, Sequence[Call]], lost: Mapping[Pair, list[LostCalls]]
) -> PairResult:
    """The pair's numbers, with the interval that its connections and the drawing of traces allow."""
    timeline, sample = seen.timeline, seen.found.counts.sample.calls
    found = replace(
        pairs.result(
            pair,
            by_pair.get(pair, []),
            timeline,
            lost=(*lost.get(pair, ()), *seen.found.unplaced.get(pair, ())),
            basis=seen.answered.basis,
        ),
        unsampled=seen.found.unsampled.get(pair, 0),
    )
    chance = chances.chance_of_calls(
        found,
        sample,
        timeline,
        affinity=chances.ties(pair[1], seen.topology, timeline),
        basis=seen.answered.basis,
    )
    if seen.answered.members_only:  # no traces are drawn there
        return by_chance(found, chance)
    # Nobody's count says which part of the calls is traced, so they are taken for a sample.
    return by_chance(found, None if chance is None else tracing.widened(chance, found, sample, timeline))


def _in_scope(seen: Seen, pair: PairResult) -> bool:
    scope = seen.material.scope
    spaces = {*seen.namespaces.get(pair.client, ()), *seen.namespaces.get(pair.server, ())}
    behind = {one.key for one in seen.services.get(pair.server, ())}
    return (not scope.namespaces or bool(spaces & {*scope.namespaces})) and (
        not scope.services or bool(behind & {*scope.services})
    )


def _pair(seen: Seen, place: IndexedPlace, pair: PairResult) -> ObservedPair:
    services = seen.services.get(pair.server, ())
    money = _cost(seen, pair, services)
    cross = money.cross_calls_per_s
    month = None if cross is None else cross.estimate * cost.SECONDS_PER_MONTH / cost.BYTES_PER_GB
    spaces = seen.namespaces.get(pair.client, ())
    pods: dict[str, Pod] = {pod.name: pod for pod in seen.material.scene.snapshot.pods}
    return ObservedPair(
        result=pair,
        client_namespaces=spaces,
        server_namespaces=seen.namespaces.get(pair.server, ()),
        calls=pair.calls,
        calls_per_s=money.calls_per_s,
        cost=money,
        request_gb_month=None if month is None else month * money.request_bytes_per_call,
        response_gb_month=None if month is None else month * money.response_bytes_per_call,
        outlook=outlook(place, pair, services, Caller(workload=pair.client, namespaces=spaces, pods=pods))
        if _is_looked_at(seen)
        else Outlook(lever=Lever.NOT_KNOWN, why=UNSEEN),
    )


def _cost(seen: Seen, pair: PairResult, services: Sequence[Service]) -> Cost:
    assumed, region = seen.material.assumed, seen.material.place.region
    price = tariffs.tariff(region) if assumed.usd_per_gb is None else tariffs.own(assumed.usd_per_gb)
    if seen.answered.unit is CountUnit.BYTES:
        return cost.of_bytes(pair, load_s=seen.material.window.length_s, tariff=price)
    service = services[0] if services else Service(namespace="", name=pair.server)
    told = next((found for one in services if (found := told_bytes(one, assumed)).source != "assumed"), None)
    return cost.of_pair(
        pair, told or told_bytes(service, assumed), load_s=seen.material.window.length_s, tariff=price
    )


def _order(one: ObservedPair) -> tuple[float, int, str, str]:
    """What costs most first, then what calls most."""
    return -(one.usd_month or 0.0), -one.result.calls, one.result.client, one.result.server


def _entries(seen: Seen, shown: set[Workload]) -> tuple[EnteredAt, ...]:
    """Requests by the workload where they begin, most first."""
    found: Counter[Workload] = Counter()
    for one in seen.answered.entries:
        found[seen.timeline.workload(one.name)] += one.count
    return tuple(
        EnteredAt(workload=name, namespaces=seen.namespaces.get(name, ()), requests=count)
        for name, count in found.most_common()
        if name in shown
    )


def _caveats(seen: Seen, found: Sequence[ObservedPair]) -> tuple[Caveat, ...]:
    material = seen.material
    return remarks.caveats(
        remarks.Remarks(
            place=material.place,
            window=material.window,
            watched=material.watched,
            taken_at_s=material.snapshots[-1].taken_at_s,
            counts=seen.answered,
            found=seen.found,
            timeline=seen.timeline,
            pairs=tuple(found),
            stable=material.stable,
            left_out=material.left_out,
            gaps=material.scene.gaps,
            again=repeating.watching(material.scope, material.reach),
            looked_at=_is_looked_at(seen),
        )
    )


def _nothing(seen: Seen) -> InvalidRunError:
    counts, window = seen.answered, seen.material.window
    if counts.members_only:
        return InvalidRunError(
            f"observing {remarks.of_window(window)}: {counts.title} counted no {counts.unit.value}; does it "
            "scrape these pods, is the profile that of what they run, and was there traffic? A longer window "
            "may show some"
        )
    entered = sum(one.count for one in counts.entries)
    what = (
        f"{entered} requests enter, but no service calls another: is trace context passed on "
        "(the same OTEL_PROPAGATORS in all of them)?"
        if entered
        else "do the pods send their spans to the collector, the collector to this region's "
        f"{counts.title}, and was there traffic? A longer window may show some"
    )
    return InvalidRunError(
        f"observing {remarks.of_window(window)}: {counts.title} shows no call between services; {what}"
    )


def _nothing_asked_for(seen: Seen, results: Sequence[PairResult]) -> InvalidRunError:
    scope = seen.material.scope
    asked = [*(f"namespace {one}" for one in scope.namespaces), *(f"Service {one}" for one in scope.services)]
    known = sorted({space for one in results for name in (one.client, one.server)
                    for space in seen.namespaces.get(name, ())})  # fmt: skip
    return InvalidRunError(
        f"observing {remarks.of_window(seen.material.window)}: no call of {', '.join(asked)}; calls were "
        f"seen between {len(results)} pairs, of namespaces {', '.join(known) or 'that nobody knows'}"
    )


def keys_missing(scene: Scene, scope: Scope) -> tuple[ServiceKey, ...]:
    """Services that were asked for and are not there."""
    known = {one.key for one in scene.snapshot.services}
    return tuple(one for one in scope.services if one not in known)
