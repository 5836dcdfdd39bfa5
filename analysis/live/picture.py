"""Glimpses -> what the Zones tab is told (pure)."""

import math
from collections.abc import Sequence
from typing import Final

from analysis.live.glimpse import Glimpse, Whereabouts, summed
from analysis.model import EndpointLoad, PairResult
from analysis.observe.outlooks import Caller, outlook
from analysis.verdict.guards import SKEW_MARGIN
from k8s.doctor.place import place_of
from k8s.errors import UsageError
from k8s.model.scene import Scene
from k8s.topology import ServiceKey
from loadtest.worker.live_view import (
    CallsNow,
    EndpointShare,
    ModeMark,
    PredictedShare,
    ShareSlice,
    ZoneFlow,
)

NOW_S: Final = 10.0
"""The newest seconds that are *now*: long enough for a share, and for a mode to be seen at work."""
ENDPOINTS_S: Final = 60.0
"""The newest seconds whose calls tell how busy an endpoint is."""
_SIGMAS: Final = 3.0
_REASONS: Final = 3


def share_slice(one: Glimpse, where: Whereabouts) -> ShareSlice:
    """A glimpse as a point of the chart."""
    found = summed([one], where)
    return ShareSlice(
        start_s=one.window.start_s,
        end_s=one.window.end_s,
        same=found.same_zone,
        cross=found.cross_zone,
        unknown=found.unknown,
    )


def under_mode(glimpses: Sequence[Glimpse], marks: Sequence[ModeMark], length_s: float) -> list[Glimpse]:
    """The glimpses of the newest *length_s* seconds that are wholly of the mode in force.

    Where none is yet, the newest one.
    """
    if not glimpses:
        return []
    since_s = glimpses[-1].window.end_s - length_s
    if marks:
        since_s = max(since_s, marks[-1].at_s)
    return [one for one in glimpses if one.window.start_s >= since_s] or [glimpses[-1]]


def calls_now(glimpses: Sequence[Glimpse], marks: Sequence[ModeMark], where: Whereabouts) -> CallsNow:
    """The newest seconds in figures; without a call where there is no glimpse yet."""
    newest = under_mode(glimpses, marks, NOW_S)
    if not newest:
        return CallsNow()
    found = summed(newest, where)
    return CallsNow(
        start_s=newest[0].window.start_s,
        end_s=newest[-1].window.end_s,
        same=found.same_zone,
        cross=found.cross_zone,
        unknown=found.unknown,
        reasons=tuple(reason for reason, _ in found.unknown_reasons[:_REASONS]),
        flows=tuple(
            ZoneFlow(client_zone=cell.client_zone or "", server_zone=cell.server_zone or "", calls=cell.calls)
            for cell in found.cells
        ),
        endpoints=endpoints(summed(under_mode(glimpses, marks, ENDPOINTS_S), where)),
    )


def endpoints(found: PairResult) -> tuple[EndpointShare, ...]:
    """How busy each endpoint is; one is hot where it is above the guard rail by more than chance."""
    return tuple(
        EndpointShare(
            pod=one.pod,
            zone=one.zone or "",
            calls=one.calls,
            times_mean=one.times_mean,
            is_hot=_is_hot(one),
        )
        for one in found.loads
    )


def _is_hot(one: EndpointLoad) -> bool:
    """Above the margin by three standard deviations of a count that is exactly at it (Poisson).

    Calls of one connection go to one endpoint, so where connections are kept chance does more than that: a
    warning of a screen, and no verdict.
    """
    if not one.times_mean:
        return False
    at_margin = SKEW_MARGIN * one.calls / one.times_mean
    return one.calls > at_margin + _SIGMAS * math.sqrt(at_margin)


def predicted(
    scene: Scene, found: PairResult, service: ServiceKey, client: ServiceKey
) -> tuple[PredictedShare, ...]:
    """What each mode would keep in its zone, of clients as they call now; none where nobody can tell."""
    services = [one for one in scene.snapshot.services if one.key == service]
    caller = Caller(
        workload=found.client,
        namespaces=(client.namespace,),
        pods={pod.name: pod for pod in scene.snapshot.pods},
    )
    try:
        modes = outlook(place_of(scene), found, services, caller).modes if services else ()
    except UsageError:
        return ()
    return tuple(
        PredictedShare(
            mode=one.mode,
            low=one.share_low,
            high=one.share_high,
            against=one.hindrances[0].text if one.hindrances else "",
        )
        for one in modes
        if one.share_low is not None and one.share_high is not None
    )
