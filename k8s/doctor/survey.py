"""All Services of a place at a glance: what each asks for, has, and could have (pure, linear)."""

from collections.abc import Iterable
from dataclasses import dataclass

from k8s.doctor.examination import find, would_refuse
from k8s.doctor.finding import Severity
from k8s.doctor.place import IndexedPlace, place_of
from k8s.doctor.shares import Range, share_now, shares_by_mode
from k8s.doctor.situation import Situation, situation_of
from k8s.model.scene import Scene
from k8s.routing.modes import RoutingMode
from k8s.topology import ServiceKey

BASIS = "clients: one a ready worker node, weighted by its allocatable CPU"
"""What the shares assume; a table of them must say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """One Service."""

    service: ServiceKey
    mode: RoutingMode
    endpoints: int
    """Ready ones, of the Service's first address family."""
    hinted: int
    """Of those, with a hint for a zone."""
    refusal: str | None
    """What the controller would say to Auto here; None where it would give hints."""
    share_now: float | None
    """Expected same-zone share under the present hints, 0 to 1; None where nothing can be said."""
    shares: tuple[tuple[RoutingMode, Range], ...]
    """Least and greatest expected share under each mode; empty where nothing can be said."""
    finding: str | None
    """Code of the first problem, else of the first risk; None where there is neither."""
    healthy: bool
    """Whether there is no problem."""


def survey(scene: Scene) -> tuple[SurveyRow, ...]:
    """One row for every Service that has endpoints, what matters first. Shares assume what ``BASIS`` says."""
    return survey_of(place_of(scene))


def survey_of(place: IndexedPlace, *, namespace: str | None = None) -> tuple[SurveyRow, ...]:
    """``survey`` in a place that is indexed already, of one *namespace* or of all.

    Sorted by what matters: problems, then risks, then the rest; the larger Service first.
    """
    keys = sorted(
        key for key in place.services if _has_endpoints(place, key) and namespace in (None, key.namespace)
    )
    rows = [_row(situation_of(place, key)) for key in keys]
    return tuple(sorted(rows, key=_urgency))


def _urgency(row: SurveyRow) -> tuple[bool, bool, int, ServiceKey]:
    """Problems first; among equals the larger Service, then by name."""
    return (row.healthy, row.finding is None, -row.endpoints, row.service)


def _has_endpoints(place: IndexedPlace, key: ServiceKey) -> bool:
    return any(one.endpoints for one in place.slices.get(key, ()))


def _row(situation: Situation) -> SurveyRow:
    family, place, tally = situation.families[0], situation.place, situation.tally
    problem, risk = _first(situation)
    shares = shares_by_mode(place, situation.service, family.slices, tally) if situation.processed else ()
    return SurveyRow(
        service=situation.key,
        mode=situation.mode,
        endpoints=family.usable,
        hinted=family.usable - len(family.unhinted),
        refusal=would_refuse(situation),
        share_now=share_now(situation.service, place.assumed, tally),
        shares=shares,
        finding=problem or risk,
        healthy=problem is None,
    )


def _first(situation: Situation) -> tuple[str | None, str | None]:
    """Codes of the first problem and of the first risk; the rest is not looked for."""
    risk = None
    for one in find(situation):
        if one.severity is Severity.PROBLEM:
            return one.code, risk
        if one.severity is Severity.RISK and risk is None:
            risk = one.code
    return None, risk


def unhealthy(rows: Iterable[SurveyRow]) -> tuple[ServiceKey, ...]:
    """The Services that have a problem."""
    return tuple(row.service for row in rows if not row.healthy)
