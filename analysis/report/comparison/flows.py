"""The picture of who talks to whom: pods in bands of their zone, a line for every pair that called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.model import PairResult, PodFlow
from analysis.report import counted, lettering, names, units
from analysis.report.drawing import Anchor, Box, Drawing, Label, Line, Mark, Paint
from analysis.report.lookup import tone_of
from analysis.report.pictures import PAINTS, WIDTH
from analysis.report.tables import Tone

MOST_CLIENTS = 12
MOST_SERVERS = 18
"""With more pods than these the picture shows zones in place of pods."""
_CLIENT, _SERVER = "client", "server"
_BOX_WIDTH, _BOX_HEIGHT, _ROW = 132.0, 20.0, 25.0
_HEAD, _GAP, _INSET = 22.0, 6.0, 10.0
_THINNEST = 0.7


_End = tuple[str, str | None, int]
"""(pod or zone, its zone, calls)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """A box at one side: a pod, or all pods of a zone."""

    key: str
    zone: str | None
    text: str
    calls: int
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """A zone's stripe with its clients on the left and its servers on the right."""

    zone: str | None
    top: float
    height: float
    clients: tuple[_Stop, ...]
    servers: tuple[_Stop, ...]


def by_zone_only(pair: PairResult) -> bool:
    """Whether the pair has too many pods to show each one, or its source names none."""
    if pair.grain != counted.POD:
        return True
    clients = {flow.client for flow in pair.flows}
    servers = {flow.server for flow in pair.flows} | {load.pod for load in pair.loads}
    return len(clients) > MOST_CLIENTS or len(servers) > MOST_SERVERS


def busiest(pair: PairResult, *, zones: bool) -> int:
    """Most calls of one box, at least 1: both arms must be drawn to one scale."""
    calls: dict[tuple[str, str], int] = {}
    for flow in _merged(pair) if zones else pair.flows:
        for end in ((_CLIENT, flow.client), (_SERVER, flow.server)):
            calls[end] = calls.get(end, 0) + flow.calls
    return max(calls.values(), default=1)


def flows(pair: PairResult, known: tuple[str, ...], title: str, most: int, *, zones: bool) -> Drawing:
    """Lines from clients to servers; a box' height is *most* calls. *zones* draws zones in place of pods."""
    shown = _merged(pair) if zones else pair.flows
    noun = counted.many(pair.unit)
    bands = _bands(pair, shown, known, zones=zones)
    spots = {
        (side, stop.key): _middle(band, number, len(stops))
        for band in bands
        for side, stops in ((_CLIENT, band.clients), (_SERVER, band.servers))
        for number, stop in enumerate(stops)
    }
    starts, ends = (_ports(shown, spots, side, most) for side in (_CLIENT, _SERVER))
    left, right = _INSET + _BOX_WIDTH, WIDTH - _INSET - _BOX_WIDTH
    marks: list[Mark] = []
    for band in bands:
        marks += _backdrop(band)
    order = {Tone.UNKNOWN: 0, Tone.CROSS: 1, Tone.SAME: 2}
    for flow in sorted(shown, key=lambda one: (order[tone_of(one.client_zone, one.server_zone)], one.calls)):
        way = (flow.client, flow.server)
        marks.append(_line(flow, (left, starts[way]), (right, ends[way]), _width(flow, most), noun))
    for band in bands:
        for x, side, stops in ((_INSET, _CLIENT, band.clients), (right, _SERVER, band.servers)):
            for stop in stops:
                marks += _box(stop, x, spots[side, stop.key])
    return Drawing(
        width=WIDTH,
        height=max(40.0, bands[-1].top + bands[-1].height if bands else 0.0),
        label=f"{title}: {noun} from {pair.client} pods (left) to {pair.server} pods (right), "
        f"{units.count(pair.same_zone)} in their zone, {units.count(pair.cross_zone)} across zones, "
        f"{units.count(pair.unknown)} unknown.",
        marks=tuple(marks),
    )


def _merged(pair: PairResult) -> tuple[PodFlow, ...]:
    """The matrix as flows between zones."""
    return tuple(
        PodFlow(
            client=names.zone(cell.client_zone),
            client_zone=cell.client_zone,
            server=names.zone(cell.server_zone),
            server_zone=cell.server_zone,
            calls=cell.calls,
            faults=0,
            mean_s=None,
        )
        for cell in pair.cells
        if cell.calls
    )


def _bands(
    pair: PairResult, shown: Sequence[PodFlow], known: tuple[str, ...], *, zones: bool
) -> tuple[_Band, ...]:
    noun = counted.many(pair.unit)
    idle = [(load.pod, load.zone, 0) for load in pair.loads]
    pods = (
        [(flow.client, flow.client_zone, flow.calls) for flow in pair.flows],
        [(flow.server, flow.server_zone, flow.calls) for flow in pair.flows] + idle,
    )
    if zones:
        crowds = [_crowds(ends, names_pods=pair.grain == counted.POD) for ends in pods]
        clients = _stops([(flow.client, flow.client_zone, flow.calls) for flow in shown], crowds[0], noun)
        servers = _stops([(flow.server, flow.server_zone, flow.calls) for flow in shown], crowds[1], noun)
    else:
        clients, servers = (
            _stops(ends, names.short_names((end[0] for end in ends), most=12), noun) for ends in pods
        )
    used = {stop.zone for stop in (*clients, *servers)}
    extra = sorted(zone for zone in used if zone is not None and zone not in known)
    bands: list[_Band] = []
    top = 0.0
    for zone in (*known, *extra, *((None,) if None in used else ())):
        here = [tuple(stop for stop in stops if stop.zone == zone) for stops in (clients, servers)]
        height = _HEAD + max(1, *map(len, here)) * _ROW + _GAP
        bands.append(_Band(zone=zone, top=top, height=height, clients=here[0], servers=here[1]))
        top += height + _GAP
    return tuple(bands)


def _crowds(ends: list[_End], *, names_pods: bool) -> dict[str, str]:
    """How many pods each zone has, in words; their names where those are no pods'."""
    if not names_pods:
        found: dict[str, set[str]] = {}
        for name, zone, _ in ends:
            found.setdefault(names.zone(zone), set()).add(name)
        return {zone: ", ".join(sorted(called)) for zone, called in found.items()}
    seen = Counter(names.zone(zone) for _, zone in {(pod, zone) for pod, zone, _ in ends})
    return {zone: f"{units.count(pods)} pods" for zone, pods in seen.items()}


def _stops(ends: list[_End], texts: dict[str, str], noun: str) -> tuple[_Stop, ...]:
    """One box for each name, with the sum of its calls."""
    calls: dict[str, int] = {}
    zones: dict[str, str | None] = {}
    for name, zone, count in ends:
        calls[name] = calls.get(name, 0) + count
        zones.setdefault(name, zone)

    return tuple(
        _Stop(
            key=name,
            zone=zones[name],
            text=texts[name],
            calls=calls[name],
            tip=f"{name} ({names.zone(zones[name])}): {units.count(calls[name])} {noun}",
        )
        for name in sorted(calls)
    )


def _middle(band: _Band, number: int, siblings: int) -> float:
    """The y of a box' middle; a short column is centred in its band."""
    room = band.height - _HEAD - _GAP
    return band.top + _HEAD + (room - siblings * _ROW) / 2 + (number + 0.5) * _ROW


def _backdrop(band: _Band) -> list[Mark]:
    text = names.zone(band.zone)
    return [
        Box(x=0, y=band.top, width=WIDTH, height=band.height, fill=Paint.BAND, radius=6),
        Label(
            x=_INSET,
            y=band.top + 16,
            text=lettering.fit(text, WIDTH - 2 * _INSET, size=12, bold=True),
            size=12,
            bold=True,
            paint=Paint.MUTED,
            tip=text,
        ),
    ]


def _width(flow: PodFlow, most: int) -> float:
    return max(_THINNEST, (_BOX_HEIGHT - 2) * flow.calls / most)


def _ports(
    shown: Sequence[PodFlow], spots: dict[tuple[str, str], float], side: str, most: int
) -> dict[tuple[str, str], float]:
    """The y at which each (client, server) line meets its box: stacked in the order of the other ends."""

    def far(flow: PodFlow) -> float:
        return spots[_SERVER, flow.server] if side == _CLIENT else spots[_CLIENT, flow.client]

    meeting: dict[str, list[PodFlow]] = {}
    for flow in shown:
        meeting.setdefault(flow.client if side == _CLIENT else flow.server, []).append(flow)
    found: dict[tuple[str, str], float] = {}
    for key, lines in meeting.items():
        y = spots[side, key] - sum(_width(flow, most) for flow in lines) / 2
        for flow in sorted(lines, key=far):
            width = _width(flow, most)
            found[flow.client, flow.server] = y + width / 2
            y += width
    return found


def _line(
    flow: PodFlow, start: tuple[float, float], end: tuple[float, float], width: float, noun: str
) -> Line:
    tone = tone_of(flow.client_zone, flow.server_zone)
    bend = (end[0] - start[0]) * 0.45
    return Line(
        points=(start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end),
        paint=PAINTS[tone],
        width=width,
        opacity=0.75,
        dashed=tone is Tone.UNKNOWN,
        tip=f"{flow.client} ({names.zone(flow.client_zone)}) \u2192 {flow.server} "
        f"({names.zone(flow.server_zone)}): {units.count(flow.calls)} {noun}",
    )


def _box(stop: _Stop, x: float, middle: float) -> list[Mark]:
    calls = units.count(stop.calls)
    room = _BOX_WIDTH - 14 - 6 - lettering.width(calls, size=11)
    return [
        Box(
            x=x,
            y=middle - _BOX_HEIGHT / 2,
            width=_BOX_WIDTH,
            height=_BOX_HEIGHT,
            fill=Paint.PAPER,
            stroke=Paint.RULE,
            radius=4,
            tip=stop.tip,
        ),
        Label(x=x + 7, y=middle + 4.5, text=lettering.fit(stop.text, room, size=12), size=12, tip=stop.tip),
        Label(
            x=x + _BOX_WIDTH - 7,
            y=middle + 4.5,
            text=calls,
            anchor=Anchor.END,
            size=11,
            paint=Paint.MUTED,
        ),
    ]
