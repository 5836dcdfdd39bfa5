"""Predictions as lines for a terminal and as data for JSON (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from k8s.model import figures
from k8s.predict.expected import ExpectedShare, GapCause, GapPart
from k8s.predict.prediction import COUNTS_SPAN, Prediction, predict_all
from k8s.predict.shift import shift_advice
from k8s.predict.starting_point import StartingPoint, with_port
from k8s.routing.allocation import CpuRatios, ZoneAllocation, cpu_ratios
from k8s.routing.hints import count_ready, is_owned
from k8s.routing.modes import RoutingMode, mode_of
from k8s.routing.outcomes import HintOutcome
from k8s.topology import EndpointSlice, Zone

_MOST_OUTCOMES = 3
_NO_ZONE = "no zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A starting point, and what each mode would do from there."""

    start: StartingPoint
    predictions: tuple[Prediction, ...]
    by_port: tuple[tuple[StartingPoint, tuple[Prediction, ...]], ...] = ()
    """The same for each port that other endpoints serve."""


def forecast(start: StartingPoint) -> Forecast:
    """What each mode would do, for the first port and for those that other endpoints serve."""
    others = tuple(replace(start, port=port) for port in start.other_ports)
    return Forecast(
        start=start,
        predictions=predict_all(start),
        by_port=tuple(
            (other, predict_all(other)) for other in others if any(one.endpoints for one in _served(other))
        ),
    )


def _served(start: StartingPoint) -> tuple[EndpointSlice, ...]:
    return with_port(start.slices, start.port)


def as_text(source: str, found: Forecast) -> Iterator[str]:
    """What is predicted for whom, a table with a row for each mode, and what stands behind it."""
    start, predictions = found.start, found.predictions
    service = start.service
    zones = _zones(start, predictions)
    yield f"service  {service.key} ({source}), mode {mode_of(service).value}: {_places(start)}"
    by_zone = (f"{zone or _NO_ZONE} {figures.percent(share)}" for zone, share in start.clients.by_zone)
    yield f"clients  {start.clients.basis}: {', '.join(by_zone)}"
    if start.shift is not None:
        yield f"shift    away from {start.shift}: its endpoints and clients are out, its nodes stay Ready"
    if start.port is not None:
        yield f"port     {start.port}; the Service's ports are not all served by the same endpoints"
    yield ""
    heads = ("mode", "same-zone", "endpoint load", "falls back", f"hints in {'/'.join(zones)}")
    yield from _table([heads, *(_row(one, zones) for one in predictions)])
    notes = [
        *_port_lines(found),
        *_gap_lines(predictions),
        *_version_lines(start, predictions),
        *_shift_lines(found),
        *start.notes,
    ]
    if notes:
        yield ""
        yield from notes
    for one in predictions:
        if one.counts is not None:
            yield ""
            yield from _advice(one, cpu_ratios(start.nodes))


def _port_lines(found: Forecast) -> Iterator[str]:
    for other, predictions in found.by_port:
        shares = ", ".join(f"{one.mode.value} {_share(one)}" for one in predictions)
        yield f"port {other.port} ({_places(other)}): {shares}"


def _share(one: Prediction) -> str:
    return "none" if one.share is None else _range(*one.share)


def _shift_lines(found: Forecast) -> Iterator[str]:
    """The advice that a shift calls for."""
    if found.start.shift is None:
        return
    by_mode = {one.mode: one for one in found.predictions}
    auto, own = by_mode[RoutingMode.TAR], by_mode[RoutingMode.PREFER_SAME_ZONE]
    if own.acts_as is RoutingMode.OFF:
        own = by_mode[RoutingMode.PREFER_CLOSE]
    sentence = shift_advice(found.start.shift, auto, own)
    if sentence is not None:
        yield sentence


def _zones(start: StartingPoint, predictions: Sequence[Prediction]) -> tuple[Zone, ...]:
    found = {node.zone for node in start.nodes}
    found |= {endpoint.zone for one in start.slices for endpoint in one.endpoints}
    found |= {zone for one in predictions for each in one.outcomes for zone, _ in each.hinted}
    return tuple(sorted(zone for zone in found if zone))


def _places(start: StartingPoint) -> str:
    ready = [one for each in _served(start) for one in each.endpoints if one.ready is not False]
    zones = [one.zone or _NO_ZONE for one in ready]
    counts = ", ".join(f"{zone} {zones.count(zone)}" for zone in sorted(set(zones)))
    return f"{len(ready)} ready {'endpoint' if len(ready) == 1 else 'endpoints'}{counts and f': {counts}'}"


def _row(one: Prediction, zones: Sequence[Zone]) -> tuple[str, ...]:
    load = one.load
    return (
        one.mode.value,
        _share(one),
        "-" if load is None else f"{float(load[0]):.2f}x to {float(load[1]):.2f}x",
        ", ".join(zone or _NO_ZONE for zone in one.fallback_zones) or "-",
        f"refused: {one.message}" if one.message else _hints(one.outcomes, zones),
    )


def _hints(found: Sequence[HintOutcome], zones: Sequence[Zone]) -> str:
    if found == (HintOutcome(hinted=(), own=()),):
        return "none"
    shown = " or ".join(_counts(one, zones) for one in found[:_MOST_OUTCOMES])
    return shown if len(found) <= _MOST_OUTCOMES else f"{shown} or {len(found) - _MOST_OUTCOMES} others"


def _counts(one: HintOutcome, zones: Sequence[Zone]) -> str:
    hinted = "/".join(str(dict(one.hinted).get(zone, 0)) for zone in zones)
    own = "/".join(str(dict(one.own).get(zone, 0)) for zone in zones)
    return hinted if hinted == own else f"{hinted} ({own} at home)"


def _gap_lines(predictions: Sequence[Prediction]) -> Iterator[str]:
    """Why the connections of a mode leave their zone, in its worst case."""
    for one in predictions:
        worst = _worst(one)
        if worst.refused:
            yield f"{one.mode.value}: {figures.percent(worst.refused)} of the connections find no endpoint"
        for part in worst.gap:
            if part.cause is not GapCause.OFF:
                zones = ", ".join(zone or _NO_ZONE for zone in part.zones)
                why = f"; {part.reason.value}" if part.reason and part.cause is GapCause.IGNORED else ""
                crossing = f"{figures.percent(part.share)} cross from {zones}"
                yield f"{one.mode.value}: {crossing}: {part.cause.value}{why}"


def _worst(one: Prediction) -> ExpectedShare:
    """The case with the least share; one where nothing is established first."""
    return min((case.expected for case in one.cases), key=lambda expected: expected.share or Fraction(0))


def _version_lines(start: StartingPoint, predictions: Sequence[Prediction]) -> Iterator[str]:
    for one in predictions:
        if one.acts_as is not one.mode:
            acts_as = one.acts_as.value
            yield f"{one.mode.value}: Kubernetes 1.{start.minor} does not know it and acts as {acts_as}"


def _advice(one: Prediction, cpu: CpuRatios) -> Iterator[str]:
    """Which numbers of endpoints get hints, and where these are refused, the arithmetic behind it."""
    counts = one.counts
    if counts is None:
        return
    if cpu.by_zone is None:
        names = f" ({', '.join(broken)})" if (broken := [*cpu.zoneless, *cpu.zero_cpu]) else ""
        gaps = " and ".join(gap.value for gap in cpu.gaps)
        yield f"tar needs the nodes repaired first: {gaps}{names}"
        return
    if one.refusal is not None and one.allocation is not None:
        yield f"tar with {one.allocation.endpoints} ready endpoints:"
        heads = ("zone", "CPU share", "least", "fair", "most")
        yield from _table([heads, *map(_allocation_row, one.allocation.zones)])
    near = " and ".join(map(str, one.nearest))
    verdict, others = ("no hints", "that do") if one.refusal is not None else ("hints", "others that do")
    yield f"replicas: {counts.around} ready endpoints get {verdict} under tar; nearest {others}: {near}"
    refused = ", ".join(str(count) for count in counts.refused) or "none"
    yield f"replicas: within {COUNTS_SPAN} of {counts.around}, tar refuses: {refused}"


def _allocation_row(one: ZoneAllocation) -> tuple[str, ...]:
    return (
        one.zone,
        figures.percent(Fraction(one.ratio)),
        str(one.minimum),
        f"{one.desired:.2f}",
        str(one.maximum),
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns flush left, two blanks apart; the last one may be as long as it likes."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _range(least: Fraction, greatest: Fraction) -> str:
    shown = (figures.percent(least), figures.percent(greatest))
    return shown[0] if shown[0] == shown[1] else " to ".join(shown)


def as_data(source: str, found: Forecast) -> dict[str, Any]:
    """The same as JSON; shares are 0 to 1, loads multiples of the mean, an unknown zone is null."""
    start = found.start
    return {
        "service": str(start.service.key),
        "source": source,
        "address_type": start.address_type,
        "mode": mode_of(start.service).value,
        "endpoints": count_ready(one for one in start.slices if is_owned(one)),
        "shift": start.shift,
        "port": start.port,
        "clients": {
            "basis": start.clients.basis,
            "by_zone": [{"zone": zone, "share": float(share)} for zone, share in start.clients.by_zone],
        },
        "notes": list(start.notes),
        "predictions": [_prediction_data(one) for one in found.predictions],
        "other_ports": [
            {"port": other.port, "predictions": [_prediction_data(one) for one in predictions]}
            for other, predictions in found.by_port
        ],
    }


def _prediction_data(one: Prediction) -> dict[str, Any]:
    worst = _worst(one)
    data: dict[str, Any] = {
        "mode": one.mode.value,
        "acts_as": one.acts_as.value,
        "same_zone_share": _bounds(one.share),
        "endpoint_load": _bounds(one.load),
        "fallback_zones": list(one.fallback_zones),
        "refused_share": float(worst.refused),
        "outcomes": [{"hinted": dict(each.hinted), "own": dict(each.own)} for each in one.outcomes],
        "gap": [_gap_data(part) for part in worst.gap],
    }
    if one.mode is RoutingMode.TAR:
        data["refusal"] = one.message
        zones = one.allocation.zones if one.allocation else ()
        data["allocation"] = list(map(_allocation_data, zones))
        data["counts"] = None if one.counts is None else _counts_data(one)
    return data


def _bounds(pair: tuple[Fraction, Fraction] | None) -> Mapping[str, float] | None:
    return None if pair is None else {"least": float(pair[0]), "greatest": float(pair[1])}


def _gap_data(part: GapPart) -> dict[str, Any]:
    return {
        "cause": part.cause.name.lower(),
        "share": float(part.share),
        "reason": part.reason.value if part.reason else None,
        "client_zones": list(part.zones),
    }


def _allocation_data(one: ZoneAllocation) -> dict[str, Any]:
    return {
        "zone": one.zone,
        "cpu_share": one.ratio,
        "minimum": one.minimum,
        "desired": one.desired,
        "maximum": one.maximum,
    }


def _counts_data(one: Prediction) -> dict[str, Any]:
    counts = one.counts
    if counts is None:
        return {}
    return {
        "around": counts.around,
        "accepted": list(counts.accepted),
        "refused": list(counts.refused),
        "nearest": list(one.nearest),
    }
