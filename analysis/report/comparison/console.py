"""Arms and comparisons for a terminal of 80 columns, with or without colour."""

from rich.console import Group, RenderableType
from rich.table import Table as RichTable

from analysis.model import ArmResult, PairResult
from analysis.report import counted, judgement, names, units
from analysis.report.comparison import dependencies, evidence, onward, under_test
from analysis.report.comparison.answer import answer
from analysis.report.comparison.answer import headline as answer_headline
from analysis.report.fitting import FirstThatFits, FittedTable
from analysis.report.lookup import Focus, arms, by_connection, cell_of, change_of, find, tone_of, zones_of
from analysis.report.notes import Side, number
from analysis.report.tables import Tone
from analysis.report.terminal import NAME, footnotes, grid, headline, points, stacked, table, text
from analysis.verdict.compared import Comparison
from loadtest.record import Caveat

_MOST_SERVERS = 8
"""Server pods that fit side by side; with more, each client's calls are summed up."""


def zone_matrix(arm: ArmResult, focus: Focus) -> RenderableType:
    """One arm: zone matrix, same-zone share with its interval, coverage, and who called whom."""
    pair = find(arm, focus)
    title = text(f"{names.pair(*focus)}, {names.arm(arm)}", Tone.STRONG)
    if pair is None or pair.calls == 0:
        return Group(title, text(f"No such {counted.one(arm.unit)} was seen."), _caveats(arm.caveats))
    title.append(
        f"  {units.count(pair.calls)} {counted.many(pair.unit)} in {units.seconds(arm.load_s)}", style="dim"
    )
    return Group(title, _matrix(pair), _share(pair), text(""), _pods(pair), _caveats(arm.caveats))


def _matrix(pair: PairResult) -> RenderableType:
    known = tuple(
        sorted({zone for cell in pair.cells for zone in (cell.client_zone, cell.server_zone) if zone})
    )
    client_zones, server_zones = zones_of(pair, known)
    heads = (names.elide(names.zone(zone), NAME) for zone in server_zones)
    drawn = grid(f"{names.elide(pair.client, 12)} \\ {names.elide(pair.server, 12)}", *heads)
    for client_zone in client_zones:
        calls = [cell_of(pair, client_zone, zone).calls for zone in server_zones]
        total = sum(calls)
        drawn.add_row(
            text(names.elide(names.zone(client_zone), NAME)),
            *(
                text(
                    f"{units.count(count)} {units.percent(count / total) if total else units.NOTHING:>8}",
                    tone_of(client_zone, zone),
                )
                for count, zone in zip(calls, server_zones, strict=True)
            ),
        )
    return drawn


def _share(pair: PairResult) -> RenderableType:
    lines = RichTable.grid(padding=(0, 2))
    share = pair.share
    how = "" if share is None else f"{units.level(share)} {share.method}, n = {units.count(share.n)}"
    estimate = text(counted.share(pair), Tone.STRONG)
    lines.add_row(text("same-zone share"), estimate, text(how, Tone.UNKNOWN))
    allowed = ""
    if pair.unknown and pair.share_bounds is not None:
        reach = units.percent_range(*pair.share_bounds)
        allowed = f"{units.count(pair.unknown)} unknown {counted.many(pair.unit)}: {reach}"
    lines.add_row(text("coverage"), text(units.percent(pair.coverage)), text(allowed, Tone.UNKNOWN))
    lines.add_row(text("random routing"), text(units.percent(pair.expected_even_share)), text(""))
    return lines


Ends = list[tuple[str, str | None]]
"""(pod, zone) of each client or each server, in zone order, unknown zones last."""


def _ends(found: set[tuple[str, str | None]]) -> Ends:
    return sorted(found, key=lambda end: (end[1] is None, end[1] or "", end[0]))


def _pods(pair: PairResult) -> RenderableType:
    """Calls from each client pod (rows) to each server pod (columns), or summed up where that is too wide."""
    clients = _ends({(flow.client, flow.client_zone) for flow in pair.flows})
    servers = _ends({(flow.server, flow.server_zone) for flow in pair.flows})
    short = names.short_names((client for client, _ in clients), most=NAME)
    tails = names.short_names((zone for _, zone in (*clients, *servers) if zone), most=7, least=2)
    summed = _summed(pair, clients, short, tails)
    if len(servers) > _MOST_SERVERS:
        return summed
    labels = names.short_names((server for server, _ in servers), most=7)
    heads = (labels[name] for name, _ in servers)
    drawn = grid(f"{names.elide(pair.client, 12)} {pair.grain}", "zone", *heads, words=2)
    below = (text(tails.get(zone or "", "?"), Tone.UNKNOWN) for _, zone in servers)
    drawn.add_row(text(""), text(""), *below)
    calls = {
        (flow.client, flow.client_zone, flow.server, flow.server_zone): flow.calls for flow in pair.flows
    }
    for client, client_zone in clients:
        cells = [
            (calls.get((client, client_zone, server, zone), 0), tone_of(client_zone, zone))
            for server, zone in servers
        ]
        drawn.add_row(
            text(short[client]),
            text(tails.get(client_zone or "", "?")),
            *(text(units.count(count), tone) if count else text("\u00b7") for count, tone in cells),
        )
    return FirstThatFits((drawn, summed))


def _summed(pair: PairResult, clients: Ends, short: dict[str, str], tails: dict[str, str]) -> FittedTable:
    """For each client pod its calls by kind, and how many server pods answered."""
    heads = ("same zone", "cross zone", "unknown", f"{names.elide(pair.server, 12)} {pair.grain}s reached")
    drawn = grid(f"{names.elide(pair.client, 12)} {pair.grain}", "zone", *heads, words=2)
    for client, client_zone in clients:
        flows = [flow for flow in pair.flows if (flow.client, flow.client_zone) == (client, client_zone)]
        sums = dict.fromkeys((Tone.SAME, Tone.CROSS, Tone.UNKNOWN), 0)
        for flow in flows:
            sums[tone_of(flow.client_zone, flow.server_zone)] += flow.calls
        drawn.add_row(
            text(short[client]),
            text(tails.get(client_zone or "", "?")),
            *(text(units.count(count), tone if count else Tone.PLAIN) for tone, count in sums.items()),
            text(units.count(len(flows))),
        )
    return drawn


def _caveats(caveats: tuple[Caveat, ...]) -> RenderableType:
    return Group(*(text(f"! {caveat.text}", Tone.WARN) for caveat in caveats))


def comparison(compared: Comparison) -> RenderableType:
    """Both arms of the focus pair, the difference, and every caveat."""
    compared = by_connection(compared)
    notes = number(compared)
    called = (onward.table(compared), dependencies.table(compared))
    shown = answer(compared, notes)
    return Group(
        headline(shown.headline, under_test.banner(compared)),
        points(f"{arm.label}: {arm.text}" for arm in shown.arms),
        *_of_pair(compared),
        *(part for one in compared.further for part in (text(answer_headline(one)), *_of_pair(one))),
        *(table(one) for one in called if one is not None),
        footnotes(notes.items, Side.BOTH),
    )


def _of_pair(compared: Comparison) -> tuple[RenderableType, ...]:
    """Figures and verdict of one pair under test."""
    verdict = compared.verdict
    judged = () if verdict is None else map(table, judgement.tables({"": verdict}, verdict.null))
    return (arms_table(compared), *judged)


def arms_table(compared: Comparison) -> RenderableType:
    """Before, after and difference of the focus pair."""
    drawn = grid(names.pair(*compared.focus), "before", "after", "change")
    rows = _rows(compared)
    for number_of_row, row in enumerate(rows):
        tone = Tone.STRONG if number_of_row == _SHARE_ROW else Tone.PLAIN
        drawn.add_row(text(row[0], tone), *(stacked(cell, tone) for cell in row[1:]))
    return drawn


_SHARE_ROW = 1


def _of(part: int, whole: int) -> str:
    return f"{units.count(part)} of {units.count(whole)}"


def _rows(compared: Comparison) -> list[tuple[str, str, str, str]]:
    """(what, before, after, difference) as text."""
    both = [arm for _, arm in arms(compared)]
    pairs = [find(arm, compared.focus) for arm in both]
    costs = [evidence.cost_of(arm, compared) for arm in both]
    change = change_of(compared, compared.focus)
    lines: list[tuple[str, list[str], str]] = [
        ("arm", [names.elide(names.arm(arm), NAME) for arm in both], ""),
        (
            "same-zone share",
            [counted.share(pair) if pair else units.NOTHING for pair in pairs],
            units.points_change(change.share, changed=change.changed) if change else units.NOTHING,
        ),
        (
            counted.many(compared.candidate.unit),
            [units.count(pair.calls if pair else 0) for pair in pairs],
            "",
        ),
        ("of these cross-zone", [units.count(pair.cross_zone if pair else 0) for pair in pairs], ""),
        ("coverage", [units.percent(pair.coverage if pair else None) for pair in pairs], ""),
        ("random routing", [units.percent(pair.expected_even_share if pair else None) for pair in pairs], ""),
        (
            "cost of crossing",
            [units.usd_month(cost.usd_per_month if cost else None) for cost in costs],
            units.usd_month_change(change.usd_per_month if change else None),
        ),
        (
            "mean, same zone",
            [units.milliseconds_interval(pair.same_latency.mean_s if pair else None) for pair in pairs],
            "",
        ),
        (
            "mean, cross zone",
            [units.milliseconds_interval(pair.cross_latency.mean_s if pair else None) for pair in pairs],
            "",
        ),
        ("mean, all calls", ["", ""], units.milliseconds_change(change.mean_s if change else None)),
        (
            "hinted at the end",
            [
                f"{units.count(arm.hints_end.hinted)} of {units.count(arm.hints_end.endpoints)}"
                for arm in both
            ],
            "",
        ),
        ("failed requests", [units.count(arm.failures) for arm in both], ""),
    ]
    return [(label, before, after, difference) for label, (before, after), difference in lines]
