"""The tables of an observation."""

from collections.abc import Iterator
from typing import Final

from analysis.model import PairResult
from analysis.observe.observed import Lever, ModeOutlook, Observation, ObservedPair
from analysis.report import counted, names, units
from analysis.report.observation.observation_answer import scope, title
from analysis.report.tables import Cell, Column, Row, Section, Table, Tone, columns, row
from k8s.routing.modes import RoutingMode

LEVERS: Final = {
    Lever.CAN: ("\u2713 can", Tone.PASS),
    Lever.REFUSED: ("\u2717 refused", Tone.FAIL),
    Lever.NO_GAIN: ("= no gain", Tone.PLAIN),
    Lever.OUT_OF_REACH: ("\u2013 out of reach", Tone.UNKNOWN),
    Lever.NOT_KNOWN: ("? not known", Tone.OPEN),
}
"""Whether a setting can, as a cell; the sign stands beside the colour."""


def sections(found: Observation) -> tuple[Section, ...]:
    """All tables in their order."""
    return (
        Section(key="pairs", title="Who calls whom", tables=(traffic(found),), folded=(zone_cells(found),)),
        Section(
            key="settings",
            title="What a Service setting would change",
            tables=(settings(found), predictions(found)),
            folded=tuple(_hindrances(found)),
        ),
        Section(key="money", title="Bytes and money", tables=(money(found),)),
        Section(key="latency", title="Response times", tables=(latency(found),)),
        Section(
            key="around",
            title="What stands around the pairs",
            tables=(dependencies(found), entries(found)),
            folded=(unknown(found), endpoints(found)),
        ),
        Section(
            key="provenance",
            title="Where this is from",
            tables=(provenance(found),),
            folded=tuple(counted.queries(found.queries)),
        ),
    )


def traffic(found: Observation) -> Table:
    """Calls of each pair, by zones."""
    noun = counted.many(found.unit)
    return Table(
        key="traffic",
        stacked=True,
        title=noun.capitalize(),
        about=(
            f"{noun.capitalize()} of one workload to another, {_told(found)}; what costs most comes first. A "
            f"{noun[:-1]} whose zones are not both known is in neither same nor cross."
        ),
        columns=columns(
            "Pair",
            "Setting",
            numbers=(noun.capitalize(), f"{noun.capitalize()} a second", "Same zone", "Cross zone", "Unknown",
                     "Coverage", "Same-zone share", "Cost a month"),
        ),
        rows=tuple(_traffic_row(one) for one in found.pairs),
    )  # fmt: skip


def _told(found: Observation) -> str:
    """Who counted, in a clause."""
    if found.unit == counted.REQUESTS and found.grain == counted.POD:
        return "as the callers' own records count them"
    return f"as {found.source} counts them"


def _traffic_row(one: ObservedPair) -> Row:
    pair = one.result
    missing = pair.unknown + pair.unsampled
    return (
        Cell(text=title(one), tone=Tone.STRONG),
        lever_cell(one),
        Cell(text=units.count(pair.calls)),
        Cell(text=units.rate(one.calls_per_s)),
        Cell(text=units.count(pair.same_zone), tone=Tone.SAME),
        Cell(text=units.count(pair.cross_zone), tone=Tone.CROSS),
        Cell(text=units.count(missing), tone=Tone.UNKNOWN if missing else Tone.PLAIN),
        Cell(text=units.percent(_coverage(pair))),
        Cell(text=counted.share(pair), tone=Tone.STRONG),
        Cell(text=units.NOTHING if one.usd_month is None else units.usd(one.usd_month)),
    )


def lever_cell(one: ObservedPair) -> Cell:
    """Whether a setting can change the pair."""
    text, tone = LEVERS[one.outlook.lever]
    return Cell(text=text, tone=tone)


def _coverage(pair: PairResult) -> float | None:
    """Known zones of all calls, those that no trace tells of among them."""
    return (pair.same_zone + pair.cross_zone) / pair.calls if pair.calls else None


def zone_cells(found: Observation) -> Table:
    """Every pair from zone to zone."""
    return Table(
        key="zones",
        title="From zone to zone",
        columns=columns("Pair", "From zone", "To zone", numbers=(counted.many(found.unit).capitalize(),)),
        rows=tuple(
            (
                Cell(text=title(one)),
                Cell(text=names.zone(cell.client_zone)),
                Cell(text=names.zone(cell.server_zone)),
                Cell(text=units.count(cell.calls), tone=_tone(cell.client_zone, cell.server_zone)),
            )
            for one in found.pairs
            for cell in one.result.cells
        ),
    )


def _tone(client: str | None, server: str | None) -> Tone:
    if client is None or server is None:
        return Tone.UNKNOWN
    return Tone.SAME if client == server else Tone.CROSS


def settings(found: Observation) -> Table:
    """Whether a setting can change each pair, and why."""
    return Table(
        key="settings",
        title="Can a setting change it?",
        about=(
            "The Service before the callee's pods, examined for this caller. Nothing was set: this is what "
            "the controller's and kube-proxy's rules make of the cluster as it is."
        ),
        columns=columns("Pair", "Service", "Mode now", "Setting", "Why"),
        rows=tuple(
            (
                Cell(text=title(one), tone=Tone.STRONG),
                Cell(text=one.outlook.service or units.NOTHING),
                Cell(text=one.outlook.mode_now or units.NOTHING),
                lever_cell(one),
                Cell(text=one.outlook.why),
            )
            for one in found.pairs
        ),
    )


def predictions(found: Observation) -> Table:
    """The share in each mode, beside the one observed."""
    modes = [mode.value for mode in RoutingMode]
    return Table(
        key="predictions",
        title="Same-zone share in each mode",
        about=(
            "Predicted for new connections, where this pair's callers were seen to call from; a dagger "
            "marks a mode that would not be in force here."
        ),
        columns=columns("Pair", numbers=("Observed", *modes)),
        rows=tuple(_prediction_row(one, modes) for one in found.pairs if one.outlook.modes),
        empty="Nothing could be predicted.",
    )


def _prediction_row(one: ObservedPair, modes: list[str]) -> Row:
    known = {mode.mode: mode for mode in one.outlook.modes}
    share = one.result.share
    return (
        Cell(text=title(one)),
        Cell(text=units.NOTHING if share is None else units.percent(share.estimate), tone=Tone.STRONG),
        *(_mode_cell(known.get(mode), is_best=mode == one.outlook.best) for mode in modes),
    )


def _mode_cell(mode: ModeOutlook | None, *, is_best: bool) -> Cell:
    if mode is None or mode.share_low is None or mode.share_high is None:
        return Cell(text=units.NOTHING)
    text = units.percent_range(mode.share_low, mode.share_high)
    if mode.hindrances:
        return Cell(text=f"{text} \u2020", tone=Tone.UNKNOWN)
    return Cell(text=text, tone=Tone.PASS if is_best else Tone.PLAIN)


def _hindrances(found: Observation) -> Iterator[Table]:
    rows = [
        (title(one), mode.mode, hindrance.code, hindrance.text)
        for one in found.pairs
        for mode in one.outlook.modes
        for hindrance in mode.hindrances
    ]
    notes = [(title(one), note) for one in found.pairs for note in one.outlook.notes]
    if rows:
        yield Table(
            key="hindrances",
            title="What stands against a mode",
            about="Codes are the doctor's: samezone routing doctor, with --mode, gives the fix.",
            columns=columns("Pair", "Mode", "Code", "Meaning"),
            rows=tuple(row(*texts) for texts in rows),
        )
    if notes:
        yield Table(
            key="outlook-notes",
            title="What the predictions do not tell",
            columns=columns("Pair", "Note"),
            rows=tuple(row(*texts) for texts in notes),
        )


def money(found: Observation) -> Table:
    """What crosses, in both directions."""
    noun = counted.many(found.unit)
    return Table(
        key="money",
        stacked=True,
        title="Cross-zone bytes a month, both directions",
        about=(
            "30 days at the rate of the window. A provider that charges each side charges requests and "
            "responses on both."
        ),
        columns=columns(
            "Pair",
            f"Bytes a {noun[:-1]}",
            numbers=(f"Crossing {noun} a second", "Request", "Response", "Requests a month",
                     "Responses a month", "Price", "Cost a month"),
        ),
        rows=tuple(_money_row(one) for one in found.pairs),
    )  # fmt: skip


def _money_row(one: ObservedPair) -> Row:
    cost = one.cost
    return row(
        title(one),
        cost.bytes_source,
        units.rate_interval(cost.cross_calls_per_s),
        units.size(cost.request_bytes_per_call),
        units.size(cost.response_bytes_per_call),
        _gb(one.request_gb_month),
        _gb(one.response_gb_month),
        units.usd_per_gb(cost.usd_per_gb_each_direction),
        units.usd_month(cost.usd_per_month),
    )


def _gb(amount: float | None) -> str:
    return units.NOTHING if amount is None else units.size(amount * 1e9)


def latency(found: Observation) -> Table:
    """Same-zone against cross-zone calls."""
    return Table(
        key="latency",
        stacked=True,
        title="Same-zone against cross-zone calls",
        about=(
            "Response times as the callers saw them, from the source's histograms. Pods of different zones "
            "may differ in more than distance."
        ),
        columns=columns(
            "Pair",
            numbers=("Mean same", "Mean cross", "What crossing adds", "p50 same", "p50 cross", "p99 same",
                     "p99 cross"),
        ),
        rows=tuple(_latency_row(one) for one in found.pairs),
    )  # fmt: skip


def _latency_row(one: ObservedPair) -> Row:
    same, cross = one.result.same_latency, one.result.cross_latency
    return row(
        title(one),
        units.milliseconds_interval(same.mean_s),
        units.milliseconds_interval(cross.mean_s),
        units.milliseconds_change(one.result.cross_minus_same_s),
        *(units.whole_milliseconds(value) for value in (same.p50_s, cross.p50_s, same.p99_s, cross.p99_s)),
    )


def dependencies(found: Observation) -> Table:
    """What the workloads call besides each other."""
    return Table(
        key="dependencies",
        title="Databases, cloud services and outside APIs",
        about=(
            "No Service setting reaches these. None sends trace documents, so its zone is not known, and its "
            "calls are part of no share, coverage or cost above."
        ),
        columns=columns("Name", "Type", "Called by", "From zone", numbers=("Calls",)),
        rows=tuple(
            row(
                one.name,
                one.type or units.NOTHING,
                one.client,
                names.zone(one.client_zone),
                units.count(one.calls),
            )
            for one in found.dependencies
        ),
        empty="None was called.",
    )


def entries(found: Observation) -> Table:
    """Where requests begin."""
    return Table(
        key="entries",
        title="Where requests begin",
        about="Traces begin here: nobody that is traced made these requests.",
        columns=columns("Workload", "Namespace", numbers=("Requests",)),
        rows=tuple(
            row(one.workload, ", ".join(one.namespaces) or units.NOTHING, units.count(one.requests))
            for one in found.entries
        ),
        empty="No request is known to begin at these workloads.",
    )


def unknown(found: Observation) -> Table:
    """Why calls are in no zone."""
    noun = counted.many(found.unit)
    rows = [
        (title(one), reason, units.count(count))
        for one in found.pairs
        for reason, count in one.result.unknown_reasons
    ]
    rows += [
        (title(one), "counted, but in no trace that was read", units.count(one.result.unsampled))
        for one in found.pairs
        if one.result.unsampled
    ]
    return Table(
        key="unknown",
        title=f"{noun.capitalize()} in no zone, and why",
        columns=columns("Pair", "Why", numbers=(noun.capitalize(),)),
        rows=tuple(row(*texts) for texts in rows),
        empty=f"Every {noun[:-1]}'s zones are known.",
    )


def endpoints(found: Observation) -> Table:
    """How even the callees' load was."""
    return Table(
        key="endpoints",
        title="Load of each endpoint",
        columns=columns("Pair", "Pod", "Zone", numbers=("Calls", "Times the mean")),
        rows=tuple(
            row(
                title(one),
                load.pod,
                names.zone(load.zone),
                units.count(load.calls),
                units.times(load.times_mean),
            )
            for one in found.pairs
            for load in one.result.loads
        ),
    )  # fmt: skip


def provenance(found: Observation) -> Table:
    """What was read, and when."""
    rows = [
        ("Place", f"{found.platform}, {found.place}"),
        ("Region", found.region or units.NOTHING),
        ("Zones", ", ".join(found.zones) or units.NOTHING),
        ("Looked at", scope(found)),
        ("Window", units.window(found.window)),
        ("Calls counted by", counted.by_whom(found.source, found.unit, found.grain)),
        ("Told of losses by", counted.meter(found.loss_meter)),
        ("Calls outside of what was looked at", units.count(found.out_of_scope)),
        ("Single traces read", units.count(found.traces)),
        ("Looks at the cluster", units.count(found.snapshots)),
        *((f"Version of {name}", version) for name, version in found.versions),
    ]
    return Table(
        key="provenance",
        title="Provenance",
        columns=(Column(title="What"), Column(title="Value")),
        rows=tuple(row(*texts) for texts in rows),
    )
