"""What a setting of the Service before a pair's callee would do to its calls (pure).

The prediction and the doctor of ``k8s/`` for one Service and one client: whether a mode would be in force
for that client, and which share it would keep in its zone. Where no Service stands before the callee, or one
that kube-proxy has no part in, there is nothing to set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.model import PairResult, Workload
from analysis.observe.apart import plain
from analysis.observe.observed import Hindrance, Lever, ModeOutlook, Outlook
from k8s.doctor.examination import diagnose
from k8s.doctor.finding import Severity
from k8s.doctor.place import IndexedPlace
from k8s.errors import UsageError
from k8s.model import figures
from k8s.predict.clients import Clients, by_calls, of_pods, pods_of
from k8s.predict.prediction import Prediction, predict_all
from k8s.predict.starting_point import starting_point
from k8s.routing.hints import is_processed
from k8s.routing.modes import RoutingMode, field_of, mode_of
from k8s.topology import Pod, Service, ServiceKey

WORTH: Final = 0.01
"""A predicted gain below one percentage point is none."""
REFUSED: Final = "refused"
OTHER_PATH: Final = "D45"
"""The doctor's code for connections that something carries which does not read the setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The client of a pair as the cluster knows it."""

    workload: Workload
    namespaces: tuple[str, ...]
    pods: Mapping[str, Pod]
    """By name: those that the cluster shows now."""


def outlook(place: IndexedPlace, pair: PairResult, services: Sequence[Service], caller: Caller) -> Outlook:
    """What would change; *services* are those before the callee's pods, or of its name."""
    if not services:
        return Outlook(
            lever=Lever.OUT_OF_REACH,
            why=f"No Service has {pair.server}'s pods as endpoints, so its callers choose their addresses.",
        )
    service, *others = sorted(services, key=lambda one: _order(one, pair.server))
    if (why := _aside(service)) is not None:
        return Outlook(lever=Lever.OUT_OF_REACH, why=why, service=str(service.key))
    if (clients := _clients(place, pair, caller)) is None:
        return Outlook(
            lever=Lever.NOT_KNOWN,
            why=f"No pod of {pair.client} is there now, so what a mode would do for it is not known.",
            service=str(service.key),
            mode_now=mode_of(service).value,
        )
    try:
        found = starting_point(place.scene, service.key, clients)
        predictions = predict_all(found)
        modes = tuple(_mode(place, service.key, caller, one) for one in predictions)
    except UsageError as error:
        return Outlook(
            lever=Lever.NOT_KNOWN,
            why=f"Nothing can be predicted: {str(error).rstrip('.')}.",
            service=str(service.key),
            mode_now=mode_of(service).value,
        )
    notes = [
        f"these pods are also behind Service {one.key}; which one was called, no trace says" for one in others
    ]
    lever, why, best = _judged(service, modes)
    return Outlook(
        lever=lever,
        why=why,
        service=str(service.key),
        mode_now=mode_of(service).value,
        best=best,
        modes=modes,
        clients=clients.basis,
        notes=(*found.notes, *notes),
    )


def _order(service: Service, server: Workload) -> tuple[bool, bool, ServiceKey]:
    """What kube-proxy serves comes first, then the workload's namesake."""
    return _aside(service) is not None, service.name != plain(server), service.key


def _aside(service: Service) -> str | None:
    """Why kube-proxy chooses no endpoint of the Service by hints, in a sentence; None where it does."""
    if service.type == "ExternalName":
        return f"Service {service.key} is an ExternalName: a name in DNS, without endpoints to choose among."
    if service.cluster_ip == "None":
        return f"Service {service.key} is headless: its clients choose among the addresses that DNS gives."
    if not is_processed(service):
        return f"Service {service.key} has no selector: no controller writes hints for its endpoints."
    return None


def _clients(place: IndexedPlace, pair: PairResult, caller: Caller) -> Clients | None:
    """The caller's pods, each as often as it called; of those that are gone, their successors alike."""
    seen = [(caller.pods[flow.client], flow.calls) for flow in pair.flows if flow.client in caller.pods]
    nodes, carriage = place.scene.snapshot.nodes, place.carriage
    if any(pod.node for pod, _ in seen):
        return by_calls(seen, nodes, f"the calls observed from {pair.client}", carriage)
    pods = [pod for key in _keys(caller) for pod in pods_of(place.scene.snapshot, key)]
    if not any(pod.ready and pod.node and not pod.terminating for pod in pods):
        return None
    return of_pods(pods, nodes, str(pair.client), carriage)


def _keys(caller: Caller) -> list[ServiceKey]:
    return [ServiceKey(namespace=space, name=plain(caller.workload)) for space in caller.namespaces]


def _mode(place: IndexedPlace, key: ServiceKey, caller: Caller, found: Prediction) -> ModeOutlook:
    hindrances = []
    if found.message is not None:
        hindrances.append(Hindrance(code=REFUSED, text=f"{found.message.rstrip('.')}."))
    if found.mode is not RoutingMode.OFF:
        if found.acts_as is not found.mode:
            text = f"This control plane does not know {found.mode.value} and acts as {found.acts_as.value}."
            hindrances.append(Hindrance(code=REFUSED, text=text))
        client = next((one for one in _keys(caller) if pods_of(place.scene.snapshot, one)), None)
        hindrances += [
            Hindrance(code=one.code, text=one.meaning)
            for one in diagnose(place, key, client, wanted=found.mode).findings
            if one.severity is Severity.PROBLEM
        ]
    share = found.share
    return ModeOutlook(
        mode=found.mode.value,
        share_low=None if share is None else float(share[0]),
        share_high=None if share is None else float(share[1]),
        hindrances=tuple(hindrances),
    )


def _judged(service: Service, modes: Sequence[ModeOutlook]) -> tuple[Lever, str, str]:
    """The answer, why, and the best mode."""
    present = mode_of(service)
    now = next(one for one in modes if one.mode == present.value)
    asked = [one for one in modes if one.mode != RoutingMode.OFF.value]
    free = [one for one in asked if not one.hindrances]
    if not free:
        return (*_none_in_force(asked), "")
    # Of equal ones the least far-reaching, which comes first.
    best = max(free, key=lambda one: one.share_low or 0.0)
    gain = (best.share_low or 0.0) - (now.share_high or 0.0)
    if gain > WORTH:
        why = (
            f"{_words(best.mode)} is predicted to keep {_percent(best)} of new connections in their zone, "
            f"{_percent(now)} now."
        )
        return Lever.CAN, why, best.mode
    if present is not RoutingMode.OFF and not now.hindrances:
        return (
            Lever.NO_GAIN,
            f"{_words(present.value)} is in force; no other mode is predicted to keep more.",
            "",
        )
    return Lever.NO_GAIN, f"No mode is predicted to keep more than {_percent(now)}, as now.", ""


def _none_in_force(asked: Sequence[ModeOutlook]) -> tuple[Lever, str]:
    """Every mode has something against it: what carries the calls, or what the controller says."""
    elsewhere = [next((h for h in one.hindrances if h.code == OTHER_PATH), None) for one in asked]
    if all(one is not None for one in elsewhere):
        first = elsewhere[0]
        assert first is not None  # noqa: S101 - all are there
        return Lever.OUT_OF_REACH, f"{first.code}: {first.text}"
    first_of = [(one.mode, one.hindrances[0]) for one in asked]
    texts = dict.fromkeys(f"{hindrance.code}: {hindrance.text}" for _, hindrance in first_of)
    return Lever.REFUSED, " ".join(texts)


def _words(mode: str) -> str:
    field = field_of(RoutingMode(mode))
    return "topology-mode: Auto" if field is None else f"trafficDistribution: {field.value}"


def _percent(one: ModeOutlook) -> str:
    if one.share_low is None or one.share_high is None:
        return "none"
    low, high = figures.percent(one.share_low), figures.percent(one.share_high)
    return low if low == high else f"{low} to {high}"
