"""Where both sides of calls are: each name is looked up once, however many calls it is in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.arm.pod_flows import PodFlows
from analysis.model import Placed, Placement, Unplaced
from analysis.placement import Timeline
from analysis.source.calls import NONE, Calls, compact
from analysis.source.interface import PODS, Basis, Call, Grain
from analysis.statistics import arrays
from analysis.statistics.arrays import Codes, Flags
from k8s.topology import Zone


def ends(call: Call, timeline: Timeline, basis: Basis = PODS) -> tuple[Placement, Placement]:
    """Where both sides of a call are: by the timeline, or as the source states it of what is no pod."""
    return (
        _place(call.client, call.client_zone, timeline, basis),
        _place(call.server, call.server_zone, timeline, basis),
    )


def _place(name: str, stated: Zone | None, timeline: Timeline, basis: Basis) -> Placement:
    """A workload is where the source says; by its name alone it is nowhere, as it has pods in every zone."""
    if not basis.names_pods and stated is not None:
        return Placed(zone=stated)
    if basis.grain is Grain.WORKLOAD or (basis.grain is Grain.SERVICE and not timeline.has(name)):
        return Unplaced(reason=f"{basis.title} states no zone of it")
    found = timeline.place(name)
    return Placed(zone=stated) if isinstance(found, Unplaced) and stated is not None else found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedCalls:
    """Calls with the zones of both ends."""

    calls: Calls
    zones: tuple[Zone | None, ...]
    """Sorted; None, for an unknown zone, comes first."""
    client_zone: Codes
    """Of each call: a place in *zones*."""
    server_zone: Codes
    why_client: Mapping[int, str]
    """Of the places of the calls' names: why the name has no zone as a caller."""
    why_server: Mapping[int, str]

    @property
    def is_known(self) -> Flags:
        """Of each call: whether both zones are."""
        found: Flags = (self.client_zone > 0) & (self.server_zone > 0)
        return found

    @property
    def is_same(self) -> Flags:
        """Of each call: whether both ends are in one zone, or both unknown."""
        found: Flags = self.client_zone == self.server_zone
        return found

    def cells(self) -> Counter[tuple[Zone | None, Zone | None]]:
        """Calls by the zones of client and server."""
        width = len(self.zones)
        found = arrays.sums(self.client_zone * width + self.server_zone, self.calls.counts, width**2)
        return Counter(
            {
                (self.zones[at // width], self.zones[at % width]): int(found[at])
                for at in np.flatnonzero(found).tolist()
            }
        )

    def made(self) -> Counter[Zone]:
        """Calls by the zone of the client, where that is known."""
        width = len(self.zones)
        found = arrays.sums(self.client_zone, self.calls.counts, width)
        seen = arrays.occurring(self.client_zone, width).tolist()
        return Counter({zone: int(found[at]) for at in seen if (zone := self.zones[at]) is not None})

    def unknown(self) -> Iterator[tuple[str, int]]:
        """(why, calls), in the order in which these came first."""
        rows = np.flatnonzero(~self.is_known)
        if not len(rows):
            return
        at_client = self.client_zone[rows] == 0
        culprit = np.where(at_client, self.calls.client[rows], self.calls.server[rows]) * 2 + at_client
        found, first, group = np.unique(culprit, return_index=True, return_inverse=True)
        sums = np.zeros(len(found), np.int64)
        np.add.at(sums, group, self.calls.counts[rows])
        for at in np.argsort(first).tolist():
            name, is_client = divmod(int(found[at]), 2)
            side, why = ("caller", self.why_client) if is_client else ("callee", self.why_server)
            yield f"{side} {self.calls.names[name]}: {why[name]}", int(sums[at])

    def flows(self) -> PodFlows:
        """Sorted by client and server, and by zones: of two workloads there may be several."""
        calls = self.calls
        order: Codes | slice = slice(None)
        if not calls.is_sorted:
            order = np.lexsort((self.server_zone, self.client_zone, calls.server, calls.client))
        counts = calls.counts[order]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_s = np.where(counts == 0, np.nan, calls.total_s[order] / counts)
        return PodFlows(
            names=calls.names,
            zones=self.zones,
            client=(calls.client[order], self.client_zone[order]),
            server=(calls.server[order], self.server_zone[order]),
            calls=compact(counts),
            faults=calls.faults[order],
            mean_s=mean_s,
        )


def placed(calls: Calls, timeline: Timeline, basis: Basis = PODS) -> PlacedCalls:
    """The calls with their places."""
    sides = [
        _side(calls, column, stated, timeline, basis)
        for column, stated in ((calls.client, calls.client_zone), (calls.server, calls.server_zone))
    ]
    zones = sorted({zone for found, _, _ in sides for zone in found if zone is not None})
    at: dict[Zone | None, int] = {zone: code for code, zone in enumerate((None, *zones))}
    client_zone, server_zone = (
        np.array([at[zone] for zone in found], np.int32)[inverse] for found, inverse, _ in sides
    )
    return PlacedCalls(
        calls=calls,
        zones=(None, *zones),
        client_zone=client_zone,
        server_zone=server_zone,
        why_client=sides[0][2],
        why_server=sides[1][2],
    )


def _side(
    calls: Calls, column: Codes, stated: Codes | None, timeline: Timeline, basis: Basis
) -> tuple[list[Zone | None], Codes, dict[int, str]]:
    """The zones that occur at one side, for each call the place of its own, and why names have none."""
    width = len(calls.zones) + 1
    key = column.astype(np.int64) * width + (0 if stated is None else stated.astype(np.int64) - NONE)
    found, inverse = arrays.grouped(key, len(calls.names) * width)
    zones: list[Zone | None] = []
    why: dict[int, str] = {}
    for one in found.tolist():
        name, zone = divmod(one, width)
        place = _place(calls.names[name], calls.zones[zone - 1] if zone else None, timeline, basis)
        zones.append(place.zone if isinstance(place, Placed) else None)
        if isinstance(place, Unplaced):
            why[name] = place.reason
    return zones, inverse, why
