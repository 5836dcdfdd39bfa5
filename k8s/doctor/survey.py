"""All Services of a place at a glance: what each asks for, has, and could have (pure, linear)."""

from collections.abc import Iterable
from dataclasses import dataclass

from k8s.doctor.examination import find, would_refuse
from k8s.doctor.finding import Severity
from k8s.doctor.place import Place, place_of
from k8s.doctor.shares import Clients, Range, clients_of, share_now, shares_by_mode, tally_of
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
    """Ready ones, of the first address family (IPv4 where there is one)."""
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
    """One row for every Service that has endpoints, sorted by name. Shares assume what ``BASIS`` says."""
    return survey_of(place_of(scene))


def survey_of(place: Place) -> tuple[SurveyRow, ...]:
    """``survey`` in a place that is indexed already."""
    clients = clients_of(place)
    keys = sorted(key for key in place.services if _has_endpoints(place, key))
    return tuple(_row(situation_of(place, key), clients) for key in keys)


def _has_endpoints(place: Place, key: ServiceKey) -> bool:
    return any(one.endpoints for one in place.slices.get(key, ()))


def _row(situation: Situation, clients: Clients | None) -> SurveyRow:
    family = situation.families[0]
    problem, risk = _first(situation)
    tally = tally_of(situation)
    return SurveyRow(
        service=situation.key,
        mode=situation.mode,
        endpoints=family.usable,
        hinted=family.usable - len(family.unhinted),
        refusal=would_refuse(situation),
        share_now=share_now(situation, clients, tally),
        shares=shares_by_mode(situation, clients, tally),
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
