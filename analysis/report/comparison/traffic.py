"""The tables of who called whom: workload pairs, zones and pods."""

from analysis.model import ArmResult, PairResult, PodFlow
from analysis.report import counted, names, units
from analysis.report.lookup import (
    Focus,
    arms,
    cell_of,
    change_of,
    find,
    flow_order,
    focuses,
    tone_of,
    zones_of,
)
from analysis.report.notes import Notes, Side, Topic
from analysis.report.tables import Cell, Column, Row, Table, Tone, columns
from analysis.verdict.compared import Comparison, PairChange


def pairs(comparison: Comparison, notes: Notes) -> Table:
    """Same, cross and unknown calls of every workload pair, before, after and changed."""
    noun, source = counted.many(comparison.candidate.unit), comparison.candidate.source
    side_told = " from the caller's side" if noun == counted.CALLS else ""
    heads = (noun.capitalize(), "Same zone", "Cross zone", "Unknown", "Coverage", "Same-zone share")
    rows: list[Row] = []
    for focus in focuses(comparison):
        for side, arm in arms(comparison):
            found = find(arm, focus)
            if found is not None:
                rows.append(_pair_row(found, side, arm, notes))
        change = change_of(comparison, focus)
        if change is not None:
            rows.append(_change_row(change))
    return Table(
        key="pairs",
        title="Every workload pair",
        about=(
            f"{noun.capitalize()} counted by {source}{side_told}. Coverage is known over all {noun}. The "
            f"range says where the share lies if every unknown {counted.one(comparison.candidate.unit)} "
            "crossed zones, and if none did. Random routing is what an even choice among the pods seen would "
            "give."
        ),
        columns=(
            *columns("Pair", "Arm", numbers=heads),
            *columns(numbers=(f"Range with unknown {noun}", "Random routing")),
        ),
        rows=tuple(rows),
    )


def _pair_row(pair: PairResult, side: Side, arm: ArmResult, notes: Notes) -> Row:
    bounds = units.NOTHING if pair.share_bounds is None else units.percent_range(*pair.share_bounds)
    coverage = notes.touching(Topic.COVERAGE, side=side)
    return (
        Cell(text=names.pair(pair.client, pair.server)),
        Cell(text=f"{side.value}: {names.arm(arm)}"),
        Cell(text=units.count(pair.calls)),
        Cell(text=units.count(pair.same_zone), tone=Tone.SAME),
        Cell(text=units.count(pair.cross_zone), tone=Tone.CROSS),
        Cell(text=units.count(pair.unknown), tone=Tone.UNKNOWN, notes=coverage),
        Cell(text=units.percent(pair.coverage), notes=coverage),
        Cell(
            text=counted.share(pair),
            tone=Tone.STRONG,
            notes=notes.touching(Topic.SHARE, side=side),
        ),
        Cell(text=bounds),
        Cell(text=units.percent(pair.expected_even_share)),
    )


def _change_row(change: PairChange) -> Row:
    blank = Cell(text="")
    return (
        Cell(text=names.pair(change.client, change.server)),
        Cell(text="change", tone=Tone.STRONG),
        *(blank,) * 5,
        Cell(text=units.points_change(change.share, changed=change.changed), tone=Tone.STRONG),
        *(blank,) * 2,
    )


def matrix(arm: ArmResult, side: Side, pair: PairResult, known: tuple[str, ...]) -> Table:
    """Calls from each client zone (rows) to each server zone (columns) with the share of the row."""
    client_zones, server_zones = zones_of(pair, known)
    return Table(
        key=f"matrix-{side.name.lower()}",
        title=f"Zone matrix, {side.value}: {names.arm(arm)}",
        about=f"Rows: zone of the {pair.client} pod. Columns: zone of the {pair.server} pod.",
        columns=columns(
            f"{pair.client} in",
            numbers=tuple(f"{pair.server} in {names.zone(zone)}" for zone in server_zones),
        ),
        rows=tuple(
            (Cell(text=names.zone(zone)), *_matrix_cells(pair, zone, server_zones)) for zone in client_zones
        ),
    )


def _matrix_cells(pair: PairResult, client_zone: str | None, server_zones: tuple[str | None, ...]) -> Row:
    cells = [cell_of(pair, client_zone, zone) for zone in server_zones]
    total = sum(cell.calls for cell in cells)
    return tuple(
        Cell(
            text=f"{units.count(cell.calls)} ({units.percent(cell.calls / total)})"
            if total
            else units.NOTHING,
            tone=tone_of(client_zone, cell.server_zone),
        )
        for cell in cells
    )


def flows(arm: ArmResult, side: Side, focus: Focus, notes: Notes) -> Table:
    """Calls from each client pod to each server pod in one arm."""
    pair = find(arm, focus)
    found = sorted(pair.flows, key=flow_order) if pair else []
    grain = pair.grain if pair else arm.grain
    return Table(
        key=f"flows-{side.name.lower()}",
        title=f"{grain.capitalize()} to {grain}, {side.value}: {names.arm(arm)}",
        about=f"{names.pair(*focus)}. The mean is the response time as the client pod saw it.",
        columns=(
            *columns(f"Client {grain}", "Zone", f"Server {grain}", "Zone"),
            Column(title=counted.many(arm.unit).capitalize(), numeric=True),
            Column(title="Faults", numeric=True),
            Column(title="Mean", numeric=True, notes=notes.touching(Topic.LATENCY, side=side)),
        ),
        rows=tuple(_flow_row(flow) for flow in found),
        empty=f"No {counted.many(arm.unit)} of this pair were seen in this arm.",
    )


def _flow_row(flow: PodFlow) -> Row:
    tone = tone_of(flow.client_zone, flow.server_zone)
    return (
        Cell(text=flow.client),
        Cell(text=names.zone(flow.client_zone), tone=tone),
        Cell(text=flow.server),
        Cell(text=names.zone(flow.server_zone), tone=tone),
        Cell(text=units.count(flow.calls)),
        Cell(text=units.count(flow.faults), tone=Tone.WARN if flow.faults else Tone.PLAIN),
        Cell(text=units.milliseconds(flow.mean_s)),
    )
