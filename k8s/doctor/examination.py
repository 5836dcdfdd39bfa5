"""Why zone routing does not work for a Service, with evidence and the smallest fix (pure).

Codes are evaluated in order, causes before effects: what the Service says (D01-D04), what was read and what
the controller knows of the nodes (D10-D16), whether the number of endpoints can get hints (D20-D23), whether
those that are there are right (D30-D36), whether whatever carries the connections can use them (D40-D46), and
what connections and their load make of it (D50-D53). Sources: KEP-2433, KEP-4444, KEP-3015 and the code of
kubernetes/endpointslice and kube-proxy; each file names its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from k8s.doctor import (
    absence,
    connections,
    counts,
    cpu,
    dataplane,
    knobs,
    load,
    loadbalancers,
    reach,
    staleness,
)
from k8s.doctor.finding import Finding, Severity, seen
from k8s.doctor.outlook import FamilyOutlook, outlook_of
from k8s.doctor.place import IndexedPlace, place_of
from k8s.doctor.situation import Situation, situation_of
from k8s.model import figures
from k8s.model.scene import Scene
from k8s.routing.allocation import Refusal
from k8s.routing.modes import RoutingMode, field_of
from k8s.topology import ServiceKey

Check = Callable[[Situation], Finding | None]

AS_ASKED = "D00"
"""The code of the finding that nothing is wrong."""

CHECKS: tuple[tuple[str, Check], ...] = (
    ("D01", knobs.d01_annotation),
    ("D02", knobs.d02_not_processed),
    ("D03", knobs.d03_both),
    ("D04", knobs.d04_stray),
    ("D10", cpu.d10_node_without_zone),
    ("D11", cpu.d11_node_without_cpu),
    ("D12", cpu.d12_zones),
    ("D13", cpu.d13_restarted),
    ("D14", absence.d14_not_written),
    ("D15", absence.d15_not_read),
    ("D16", absence.d16_no_zones),
    ("D20", counts.d20_fewer_than_zones),
    ("D21", counts.d21_minimums),
    ("D22", counts.d22_rounding),
    ("D23", counts.d23_endpoint_without_zone),
    ("D30", staleness.d30_lost),
    ("D31", staleness.d31_stale),
    ("D32", staleness.d32_uncounted_zone),
    ("D33", staleness.d33_node_hints),
    ("D34", staleness.d34_moved),
    ("D35", staleness.d35_lost),
    ("D36", staleness.d36_pending),
    ("D40", reach.d40_unhinted),
    ("D41", reach.d41_client_without_zone),
    ("D42", reach.d42_zone_without_hint),
    ("D43", reach.d43_local),
    ("D44", dataplane.d44_versions),
    ("D45", dataplane.d45_other_path),
    ("D45", loadbalancers.d45_load_balancer),
    ("D46", reach.d46_ports),
    ("D50", connections.d50_pools),
    ("D51", connections.d51_affinity),
    ("D52", load.d52_hot),
    ("D53", load.d53_shift),
)
"""Every diagnosis, in the order of evaluation."""

_EXPLAINED_BY = {"D30": {"D13"}, "D42": {"D34"}, "D52": {"D34", "D40", "D44", "D45"}}
"""A finding that another one, more exact, makes superfluous; a note does not."""

_AUTO_DOES = "topology-mode: Auto hints endpoints to zones in proportion to the nodes' CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A Service, examined."""

    service: ServiceKey
    mode: RoutingMode
    """What its knobs say."""
    findings: tuple[Finding, ...]
    """Never empty: where there is no problem the first is ``D00``, what is in force and what it does."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is a problem; risks and notes are not."""
        return all(one.severity is not Severity.PROBLEM for one in self.findings)


def examine(
    scene: Scene,
    service_key: ServiceKey,
    client: ServiceKey | None = None,
    *,
    store_pools: bool | None = None,
    wanted: RoutingMode | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with the zone routing of a Service, in the order of evaluation; never empty.

    *client* names a pod or workload whose view counts (without it that of all nodes). *store_pools* says
    whether the clients keep connections open. *wanted* examines as if that mode were asked for, e.g. before
    it is set. UsageError where the Service or the client is not in the scene.
    """
    return diagnose(place_of(scene), service_key, client, store_pools=store_pools, wanted=wanted).findings


def diagnose(
    place: IndexedPlace,
    service_key: ServiceKey,
    client: ServiceKey | None = None,
    *,
    store_pools: bool | None = None,
    wanted: RoutingMode | None = None,
) -> Diagnosis:
    """``examine`` in a place that is indexed already."""
    situation = situation_of(place, service_key, client, store_pools=store_pools)
    if wanted is not None:
        situation = replace(situation, wanted=wanted)
    findings = tuple(find(situation))
    if all(one.severity is not Severity.PROBLEM for one in findings):
        findings = (as_asked(situation), *findings)
    return Diagnosis(service=service_key, mode=situation.mode, findings=findings)


def find(situation: Situation) -> Iterator[Finding]:
    """What is found, in the order of evaluation, without D00."""
    found: set[str] = set()
    for code, check in CHECKS:
        if _EXPLAINED_BY.get(code, set()) & found:
            continue
        finding = check(situation)
        if finding is not None:
            if finding.severity is not Severity.NOTE:
                found.add(code)
            yield finding


def would_refuse(situation: Situation) -> str | None:
    """What the controller would say to ``topology-mode: Auto`` now; None where it would give hints."""
    if not situation.processed:
        return "no selector: the controller does not look after this Service"
    if not situation.families:
        return "no endpoints"
    for family in situation.families:
        if family.allocation.refusal is not None:
            return family.allocation.message
        if any(not one.endpoint.zone_hints for one in family.zoneless):
            return Refusal.ENDPOINT_WITHOUT_ZONE
    return None


def as_asked(situation: Situation) -> Finding:
    """Which mode is in force and what it does, where there is no problem."""
    return Finding(
        code=AS_ASKED,
        severity=Severity.NOTE,
        evidence=(
            seen(situation.subject, "mode", situation.mode.value),
            *(
                seen(
                    situation.label(family),
                    "ready endpoints; with hints; by zone hinted to",
                    f"{family.usable}; {family.usable - len(family.unhinted)}; "
                    + (", ".join(f"{zone} {count}" for zone, count in family.have) or "none"),
                )
                for family in situation.families
            ),
            dataplane.carried_by(situation),
        ),
        meaning=_sentence(situation),
        fix="",
        blocks_hints=False,
    )


def _sentence(situation: Situation) -> str:
    outlooks, basis = outlook_of(situation)
    stays = _stays(outlooks, basis, several=len(situation.families) > 1)
    if not any(family.usable for family in situation.families):
        stays += "; there is no ready endpoint"
    if situation.mode is not RoutingMode.OFF:
        field = field_of(situation.mode)
        does = _AUTO_DOES if field is None else f"{field.value} {field.does}"
        return f"In force: {does}{stays}."
    refusal = would_refuse(situation)
    auto = f"Auto would be refused: {refusal}" if refusal else "topology-mode: Auto could be asked for"
    if any(not family.bare for family in situation.families):
        return f"Nothing is asked for, but there are hints, which kube-proxy heeds since 1.31{stays}; {auto}."
    return f"Nothing is asked for: connections go to any endpoint{stays}; {auto}."


def _stays(outlooks: tuple[FamilyOutlook, ...], basis: str, *, several: bool) -> str:
    """What stays in its zone, of the first family and of others that differ from it."""
    if not outlooks:
        return ""
    first = outlooks[0]
    told = f", {_percent(first)} of new connections ({basis}) stay in their zone"
    if first.supposed:
        told += " if what carries them heeds hints"
    others = [one for one in outlooks[1:] if _percent(one) != _percent(first)]
    if several and others:
        told += "".join(f"; {one.address_type} {_percent(one)}" for one in others)
    later = first.next
    if later is not None and round(float(later), 3) != round(float(first.now), 3):
        told += f" now, {figures.percent(later)} after the controller's next look"
    return told


def _percent(one: FamilyOutlook) -> str:
    return figures.percent(one.now)
