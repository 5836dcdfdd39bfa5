"""D50-D51: connections that were made before the hints, and clients that may not choose again."""

from k8s.doctor.commands import kubectl, owner_of, patch_service
from k8s.doctor.finding import MOST_SHOWN, Evidence, Finding, Severity, seen
from k8s.doctor.situation import Situation
from k8s.routing.hints import ENABLED_REASON
from k8s.routing.modes import RoutingMode

_RESTARTED = frozenset({"deployment", "statefulset", "daemonset"})
"""What ``kubectl rollout restart`` knows; an Argo Rollout makes new pods for those that are deleted."""


def d50_pools(situation: Situation) -> Finding | None:
    """Hints decide where a connection goes when it is opened; open ones stay where they are."""
    if situation.acts is RoutingMode.OFF or not situation.hinted or situation.store_pools is False:
        return None
    known = situation.store_pools is True
    said = "kept open" if known else "not known"
    return Finding(
        code="D50",
        severity=Severity.RISK if known else Severity.NOTE,
        evidence=(
            seen(f"clients of {situation.key}", "connections", f"{said}; their ages are not known"),
            *_hints_since(situation),
        ),
        meaning="Connections that were opened before the hints came keep their endpoint, in whatever zone "
        "it is" + ("." if known else "; whether the clients keep any is not known."),
        fix=_restart(situation),
        blocks_hints=False,
    )


def _hints_since(situation: Situation) -> tuple[Evidence, ...]:
    enabled = [event for event in situation.events or () if event.reason == ENABLED_REASON]
    if not enabled:
        return ()
    age_s = situation.place.scene.snapshot.taken_at_s - enabled[0].last_seen_s
    return (seen(situation.subject, f"event {ENABLED_REASON}", f"{max(age_s, 0):.0f} s ago"),)


def _restart(situation: Situation) -> str:
    """Restarted clients open new connections."""
    if situation.client is None:
        # Nobody knows who calls: this shows who may, and is a command all the same.
        every = kubectl("get", "deployments,statefulsets,daemonsets", "-A")
        return f"{every}  # restart those that call {situation.key}, or name one by --client"
    namespace, name = situation.client.namespace, situation.client.name
    if (namespace, name) in {(pod.namespace, str(pod.name)) for pod in situation.clients}:
        return kubectl("-n", namespace, "delete", "pod", name)
    owner = next((found for pod in situation.clients if (found := owner_of(pod))), f"deployment/{name}")
    if owner.partition("/")[0] not in _RESTARTED:
        return kubectl("-n", namespace, "delete", "pod", *_named(situation))
    return kubectl("-n", namespace, "rollout", "restart", owner)


def _named(situation: Situation) -> list[str]:
    return sorted(str(pod.name) for pod in situation.clients)[:MOST_SHOWN]


def d51_affinity(situation: Situation) -> Finding | None:
    """``sessionAffinity: ClientIP`` keeps a client at its endpoint, for three hours by default."""
    if situation.wanted is RoutingMode.OFF or situation.service.session_affinity != "ClientIP":
        return None
    evidence: tuple[Evidence, ...] = (seen(situation.subject, "spec.sessionAffinity", "ClientIP"),)
    return Finding(
        code="D51",
        severity=Severity.RISK,
        evidence=evidence,
        meaning="A client keeps its endpoint (for 3 h unless set otherwise), also when hints come or "
        "change, and few clients spread unevenly.",
        fix=patch_service(situation.key, {"spec": {"sessionAffinity": "None"}}),
        blocks_hints=False,
    )
