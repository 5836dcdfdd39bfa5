"""The tables of how the calls went: latency by zone, load of each endpoint, and what the shoppers saw."""

from collections.abc import Iterator

from analysis.report import names, units
from analysis.report.lookup import arms, change_of, find
from analysis.report.notes import Notes, Side, Topic
from analysis.report.tables import Cell, Column, Row, Table, Tone, columns, row
from analysis.verdict.compared import Comparison


def latency(comparison: Comparison, notes: Notes) -> Table:
    """Response times of same-zone and cross-zone calls of the focus pair."""
    rows: list[Row] = []
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if pair is None:
            continue
        marks = notes.touching(Topic.LATENCY, side=side)
        label = f"{side.value}: {names.arm(arm)}"
        for kind, tone, seen in (
            ("same zone", Tone.SAME, pair.same_latency),
            ("cross zone", Tone.CROSS, pair.cross_latency),
        ):
            texts = (units.whole_milliseconds(seen.p50_s), units.whole_milliseconds(seen.p99_s))
            rows.append(
                (
                    Cell(text=label),
                    Cell(text=kind, tone=tone),
                    Cell(text=units.count(seen.calls)),
                    Cell(text=units.milliseconds_interval(seen.mean_s), notes=marks),
                    *row(*texts),
                )
            )
        extra = units.milliseconds_change(pair.cross_minus_same_s)
        rows.append((Cell(text=label), *row("what crossing adds", "", extra, "", "", tone=Tone.STRONG)))
    change = change_of(comparison, comparison.focus)
    if change is not None:
        difference = units.milliseconds_change(change.mean_s)
        rows.append(row("change", "all calls", "", difference, "", "", tone=Tone.STRONG))
    return Table(
        key="latency",
        title="Latency of same-zone and cross-zone calls",
        about=(
            f"Response times of {names.pair(*comparison.focus)} calls as the client pods saw them. Quantiles "
            "are good to 1 ms: X-Ray rounds its histograms."
        ),
        columns=columns("Arm", "Kind", numbers=("Calls", "Mean", "p50", "p99")),
        rows=tuple(rows),
    )


def loads(comparison: Comparison, notes: Notes) -> Table:
    """Calls each server pod of the focus pair received, over the mean of all ready pods."""
    seen: dict[tuple[str | None, str], dict[Side, tuple[str, str]]] = {}
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        for load in pair.loads if pair else ():
            texts = (units.count(load.calls), units.times(load.times_mean))
            seen.setdefault((load.zone, load.pod), {})[side] = texts
    absent = (units.NOTHING, units.NOTHING)
    return Table(
        key="loads",
        title="Load of each endpoint",
        about=(
            "Calls received, against the mean of the Service's ready pods; 1.00\u00d7 is an even load. "
            "Keeping calls in their zone moves load to zones with many clients and few endpoints."
        ),
        columns=(
            *columns("Server pod", "Zone"),
            *(
                column
                for side in (Side.BEFORE, Side.AFTER)
                for column in (
                    Column(title=f"Calls {side.value}", numeric=True),
                    Column(
                        title=f"Against the mean {side.value}",
                        numeric=True,
                        notes=notes.touching(Topic.LOAD, side=side),
                    ),
                )
            ),
        ),
        rows=tuple(
            row(pod, names.zone(zone), *values.get(Side.BEFORE, absent), *values.get(Side.AFTER, absent))
            for (zone, pod), values in sorted(seen.items(), key=_by_zone)
        ),
    )


def _by_zone(item: tuple[tuple[str | None, str], object]) -> tuple[bool, str, str]:
    (zone, pod), _ = item
    return (zone is None, zone or "", pod)


def shoppers(comparison: Comparison, notes: Notes) -> Table:
    """What the load generator's workers of each zone saw."""
    return Table(
        key="shoppers",
        title="Load generator by zone",
        about=(
            "What Locust's workers sent, and how it was answered. Times from the intended start include "
            "waiting behind a stalled request; lag is how late the generator itself was."
        ),
        columns=(
            Column(title="Zone"),
            Column(title="Arm"),
            *columns(numbers=("Workers", "Requests", "Failures", "Rate", "p50", "p99")),
            *columns(numbers=("p99 from intended start", "Lag p99")),
        ),
        rows=tuple(_shopper_rows(comparison, notes)),
    )


def _shopper_rows(comparison: Comparison, notes: Notes) -> Iterator[Row]:
    found = [
        (client.zone, order, side, client)
        for order, (side, arm) in enumerate(arms(comparison))
        for client in arm.clients
    ]
    for zone, _, side, client in sorted(found, key=lambda item: item[:2]):
        spans = (client.p50_ms, client.p99_ms, client.p99_intended_ms, client.lag_p99_ms)
        yield (
            Cell(text=zone),
            Cell(text=side.value, notes=notes.touching(Topic.CLIENTS, side=side)),
            Cell(text=units.count(client.workers)),
            Cell(text=units.count(client.requests)),
            Cell(text=units.count(client.failures), tone=Tone.WARN if client.failures else Tone.PLAIN),
            Cell(text=units.rate(client.rate_per_s)),
            *(Cell(text=units.milliseconds(None if span is None else span / 1000)) for span in spans),
        )
