"""D52-D53: endpoints that carry more than the others, now or under a zonal shift."""

from k8s.doctor.commands import by_field, spread
from k8s.doctor.finding import Evidence, Finding, Severity, few, seen
from k8s.doctor.outlook import clients_and_basis
from k8s.doctor.shares import load_now
from k8s.doctor.situation import Family, Situation
from k8s.errors import UsageError
from k8s.predict.expected import expected_share
from k8s.predict.shift import OVERLOADED, busiest_after_shift
from k8s.predict.starting_point import with_port
from k8s.routing.hints import NEWEST_MINOR
from k8s.routing.modes import FIELD_MODES, RoutingMode
from k8s.topology import Zone


def d52_hot(situation: Situation) -> Finding | None:
    """Pods and clients are spread unevenly, and hints keep the clients at their own zone's pods."""
    if situation.acts not in FIELD_MODES or not situation.hinted or not situation.families:
        return None
    load, basis = _load(situation)
    if load is None or load <= float(OVERLOADED) + 1e-9:
        return None
    family = situation.families[0]
    return Finding(
        code="D52",
        severity=Severity.RISK,
        evidence=(
            seen(situation.label(family), "load of the busiest endpoint", f"{load:.2f} times the mean"),
            *_by_zone(situation, family),
        ),
        meaning=f"{FIELD_MODES[situation.acts].value} keeps clients at the endpoints of their zone, however "
        f"few these are: the busiest endpoint gets {load:.2f} times the mean ({basis}), and no autoscaler "
        "looks at zones.",
        fix=spread(situation, family),
        blocks_hints=False,
    )


def _by_zone(situation: Situation, family: Family) -> tuple[Evidence, ...]:
    hinted = dict(family.have)
    pods = dict(family.pods_by_zone)
    zones = sorted({*hinted, *pods, *situation.place.zones})
    return few(
        zones,
        lambda zone: seen(
            f"zone {zone}", "endpoints in it; hinted to it", f"{pods.get(zone, 0)}; {hinted.get(zone, 0)}"
        ),
    )


def _load(situation: Situation) -> tuple[float | None, str]:
    """The busiest endpoint's, and for which clients."""
    if not situation.clients:
        found = load_now(situation.service, situation.place.assumed, situation.tally)
        return found, "clients weighted by CPU"
    # One client on one node is no reason to call its zone hot: what matters is who else calls.
    clients, basis = clients_and_basis(situation)
    if clients is None or len(clients.by_zone) < 2:  # noqa: PLR2004 - clients in one zone say nothing of others
        return None, basis
    scene = situation.place.scene
    try:
        share = expected_share(
            situation.service,
            with_port(situation.families[0].slices, next(iter(situation.ports), None)),
            clients,
            scene.snapshot.nodes,
            minor=scene.server_minor or NEWEST_MINOR,
            minors=dict(scene.proxy_minors),
        )
    except UsageError:
        return None, basis
    return (None if share.load is None else float(share.load.greatest)), basis


def d53_shift(situation: Situation) -> Finding | None:
    """EKS can shift a zone away, and Auto goes on counting its nodes."""
    place = situation.place
    auto = situation.mode is RoutingMode.TAR and situation.processed and situation.hinted
    if not auto or not place.scene.is_eks or place.assumed is None or place.cpu.by_zone is None:
        return None
    family = situation.families[0]
    pods = dict(family.pods_by_zone)
    weights = place.assumed.by_zone
    # Where one zone is left to call from and to, nothing can cross, whatever the hints.
    after = {
        zone: busiest_after_shift(place.cpu, pods, weights, zone)
        for zone in sorted(pods)
        if len({*pods, *weights} - {zone}) > 1 and len(pods) > 1 and not family.lost
    }
    bad = {zone: load for zone, load in after.items() if load is None or load > float(OVERLOADED) + 1e-9}
    if not bad:
        return None
    return Finding(
        code="D53",
        severity=Severity.RISK,
        evidence=few(list(bad.items()), _shift_seen),
        meaning=f"In a zonal shift (ARC) a zone's endpoints leave and its nodes stay, so Auto goes on giving "
        f"endpoints to a zone that nobody calls from: {_worst(bad)}. Set trafficDistribution, which stays "
        "even, before a shift.",
        fix=by_field(situation),
        blocks_hints=False,
    )


def _shift_seen(pair: tuple[Zone, float | None]) -> Evidence:
    zone, load = pair
    value = "hints are lost" if load is None else f"{load:.2f} times the mean"
    return seen(f"zone {zone}", "busiest endpoint after a shift away from it", value)


def _worst(bad: dict[Zone, float | None]) -> str:
    loads = [load for load in bad.values() if load is not None]
    if len(loads) < len(bad):
        return "hints would be lost"
    return f"the busiest endpoint would get {max(loads):.2f} times the mean"
