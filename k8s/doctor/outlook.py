"""What is to be expected of one Service's connections, by the predictor's own arithmetic.

So that a verdict cannot promise more than ``routing predict`` does for the same clients.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from k8s.doctor.situation import Situation
from k8s.errors import UsageError
from k8s.predict.carriage import Carriage
from k8s.predict.clients import Clients, of_pods, usual_clients
from k8s.predict.expected import ExpectedShare, expected_share
from k8s.predict.prediction import predict, with_mode
from k8s.predict.starting_point import StartingPoint, starting_point, with_port
from k8s.routing.carriers import Use
from k8s.routing.hints import SliceLists, without_hints
from k8s.routing.modes import mode_of

_BY_CPU = "assumed in proportion to the nodes' CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyOutlook:
    """Of one address family."""

    address_type: str
    now: Fraction
    """The expected same-zone share under the hints that are there."""
    next: Fraction | None
    """The least after the controller's next look; None where that is not known."""
    supposed: bool
    """Whether something of which it is not known is supposed to heed hints."""


def clients_and_basis(situation: Situation) -> tuple[Clients | None, str]:
    """Whose connections are meant, and in words; None where nobody can be assumed."""
    scene, carriage = situation.place.scene, situation.place.carriage
    try:
        if situation.clients:
            clients = of_pods(situation.clients, scene.snapshot.nodes, str(situation.client), carriage)
        else:
            clients = usual_clients(scene.snapshot, situation.key, carriage)
    except UsageError:
        return None, "clients not known"
    basis = "clients weighted by CPU" if clients.basis == _BY_CPU else clients.basis
    return clients, basis


def outlook_of(situation: Situation) -> tuple[tuple[FamilyOutlook, ...], str]:
    """One for each family that has ready endpoints, and whose connections are meant."""
    clients, basis = clients_and_basis(situation)
    if clients is None:
        return (), basis
    found = []
    for family in situation.families:
        try:
            start = starting_point(situation.place.scene, situation.key, clients, family=family.address_type)
            now = _now(start)
        except UsageError:
            continue
        if now.share is not None:
            found.append(
                FamilyOutlook(
                    address_type=family.address_type,
                    now=now.share,
                    next=_next(start, situation),
                    supposed=_supposed(start, situation.place.carriage),
                )
            )
    return tuple(found), basis


def _now(start: StartingPoint) -> ExpectedShare:
    used = with_port(start.slices, start.port)
    if start.service.cluster_ip == "None":
        used = without_hints(SliceLists(update=used)).every
    return expected_share(
        start.service,
        used,
        start.clients,
        start.nodes,
        minor=start.proxy_minor,
        minors=dict(start.proxy_minors),
    )


def _next(start: StartingPoint, situation: Situation) -> Fraction | None:
    if not situation.processed:
        return None
    share = predict(replace(start, service=with_mode(start.service, situation.mode)), situation.mode).share
    return None if share is None else share[0]


def _supposed(start: StartingPoint, carriage: Carriage) -> bool:
    mode = mode_of(start.service)
    meshed = carriage.ambient or carriage.linkerd
    return any(
        one.carrier.use_of(mode) is Use.UNKNOWN or (meshed and not one.carrier.by_pod)
        for one in start.clients.nodes
    )
