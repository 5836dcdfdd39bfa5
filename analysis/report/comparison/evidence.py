"""The tables behind the numbers: cost and its assumptions, routing facts, checks, methods and provenance."""

from collections.abc import Callable, Iterator

from analysis.model import ArmResult, Cost
from analysis.report import counted, names, units
from analysis.report.lookup import arms, change_of, find
from analysis.report.notes import Notes, Side, Topic
from analysis.report.tables import Cell, Column, Row, Table, Tone, columns, row
from analysis.statistics.interval import Interval
from analysis.verdict.compared import Comparison
from k8s.topology import HintsSeen
from loadtest.asking import rate_text
from loadtest.worker.plan import LoadPlan


def cost_of(arm: ArmResult, comparison: Comparison) -> Cost | None:
    """The arm's cost of the focus pair; None where none was worked out."""
    return next((cost for cost in arm.costs if (cost.client, cost.server) == comparison.focus), None)


def costs(comparison: Comparison, notes: Notes) -> Table:
    """Money for the bytes that cross zones, with every assumption beside it."""
    noun = counted.many(comparison.candidate.unit)
    rows = [_cost_row(cost, side, arm, notes) for side, arm in arms(comparison) for cost in arm.costs]
    for change in comparison.changes:
        if change.usd_per_month is not None:
            difference = units.usd_month_change(change.usd_per_month)
            label = names.pair(change.client, change.server)
            rows.append((*row(label, "change", *("",) * 6), Cell(text=difference, tone=Tone.STRONG)))
    sources = dict.fromkeys(cost.price_source for _, arm in arms(comparison) for cost in arm.costs)
    return Table(
        key="cost",
        title=f"Cost of cross-zone {noun}",
        about=(
            f"Cross-zone {noun} per second, times request and response bytes per {noun[:-1]}, times 30 days, "
            "times the price, which is charged twice: for leaving one zone and for entering the other. "
            + "".join(f"Price: {source}. " for source in sources)
        ).strip(),
        columns=(
            *columns("Pair", "Arm", "Bytes", numbers=(noun.capitalize(), f"Cross-zone {noun}")),
            *columns(numbers=("Request", "Response", "Price, each direction", "Cost")),
        ),
        rows=tuple(rows),
        empty="No cost was worked out.",
    )


def _cost_row(cost: Cost, side: Side, arm: ArmResult, notes: Notes) -> Row:
    marks = notes.touching(Topic.COST, side=side)
    return (
        Cell(text=names.pair(cost.client, cost.server)),
        Cell(text=f"{side.value}: {names.arm(arm)}"),
        Cell(text=cost.bytes_source),
        Cell(text=units.rate(cost.calls_per_s)),
        Cell(text=units.rate_interval(cost.cross_calls_per_s), tone=Tone.CROSS),
        Cell(text=units.size(cost.request_bytes_per_call)),
        Cell(text=units.size(cost.response_bytes_per_call)),
        Cell(text=units.usd_per_gb(cost.usd_per_gb_each_direction)),
        Cell(text=units.usd_month(cost.usd_per_month), tone=Tone.STRONG, notes=marks),
    )


def hints(seen: HintsSeen) -> str:
    """Hints in words, e.g. ``6 of 6 ready endpoints hinted, 5 of them to their own zone only``."""
    words = f"{units.count(seen.hinted)} of {units.count(seen.endpoints)} ready endpoints hinted"
    return f"{words}, {units.count(seen.own_zone)} of them to their own zone only" if seen.hinted else words


def hinted_zones(seen: HintsSeen) -> str:
    """Ready endpoints hinted to each zone, e.g. ``eu-west-1a 2, eu-west-1b 2``."""
    return ", ".join(f"{zone} {units.count(endpoints)}" for zone, endpoints in seen.by_zone) or units.NOTHING


def _both(comparison: Comparison, label: str, tell: Callable[[ArmResult], str]) -> Row:
    """A row that says the same thing of both arms."""
    return row(label, *(tell(arm) for _, arm in arms(comparison)))


def _arm_columns(first: str, comparison: Comparison, notes: Notes, *topics: Topic) -> tuple[Column, ...]:
    return (
        Column(title=first),
        *(
            Column(title=f"{side.value}: {names.arm(arm)}", notes=notes.touching(*topics, side=side))
            for side, arm in arms(comparison)
        ),
    )


def routing(comparison: Comparison, notes: Notes) -> Table:
    """The routing mode that was asked for, and the hints that were seen."""
    return Table(
        key="routing",
        title="Routing requested and seen",
        about=(
            f"EndpointSlice hints of {comparison.service}. kube-proxy keeps calls in their zone only while "
            "every ready endpoint has a hint."
        ),
        columns=_arm_columns("Fact", comparison, notes, Topic.ROUTING),
        rows=(
            _both(comparison, "Mode requested", lambda arm: arm.mode),
            _both(comparison, "Hints at the start", lambda arm: hints(arm.hints_start)),
            _both(comparison, "Hints at the end", lambda arm: hints(arm.hints_end)),
            _both(comparison, "Hinted to zones, start", lambda arm: hinted_zones(arm.hints_start)),
            _both(comparison, "Hinted to zones, end", lambda arm: hinted_zones(arm.hints_end)),
            *_place_rows(comparison),
        ),
    )


def _place_rows(comparison: Comparison) -> Iterator[Row]:
    """Who carries the traffic, and who was restarted, where that was looked at or done."""
    both = [arm for _, arm in arms(comparison)]
    if any(arm.data_plane for arm in both):
        yield _both(comparison, "Data plane", lambda arm: ", ".join(arm.data_plane) or units.NOTHING)
    if any(arm.recycled for arm in both):
        yield _both(comparison, "Clients restarted before the load", _recycled)


def _recycled(arm: ArmResult) -> str:
    done = arm.recycled
    if done is None:
        return "none"
    return f"{', '.join(done.deployments)} ({units.count(done.pods)} pods): {done.reason}"


def events(comparison: Comparison) -> Table:
    """The Service's own events: what the controller said it did."""
    return Table(
        key="events",
        title="Events of the Service",
        columns=columns("Arm", "Last seen", "Type", "Reason", "Message", numbers=("Count",)),
        rows=tuple(
            (
                Cell(text=side.value),
                Cell(text=units.utc(event.last_seen_s)),
                Cell(text=event.type, tone=Tone.WARN if event.type == "Warning" else Tone.PLAIN),
                *row(event.reason, event.message, units.count(event.count)),
            )
            for side, arm in arms(comparison)
            for event in arm.events
        ),
        empty="The Service had no events.",
    )


def trust(comparison: Comparison, notes: Notes) -> Table:
    """What could make the graph wrong, each with an independent count."""
    unit = comparison.candidate.unit
    where = "the graph" if unit == counted.REQUESTS else "the counts"
    checks: tuple[tuple[str, Callable[[ArmResult], Cell]], ...] = (
        ("Load achieved, of the load requested", _load),
        ("Failed requests", lambda arm: _none(arm.failures)),
        (f"{unit.capitalize()} in {where}, of those the generator counted", _reconciled),
        ("Spans the generator dropped", lambda arm: _none(arm.loss.spans_dropped)),
        ("Calls whose server never reported", lambda arm: _none(arm.loss.lost_callees)),
        ("Requests whose caller never reported", lambda arm: _none(arm.loss.orphans)),
        ("Zones in the spans compared with the Kubernetes API", _zone_check),
        (f"{where[4:].capitalize()} compared with the relays' connection counters", _truth_check),
        *((("How losses are known", _meter),) if comparison.candidate.loss_meter else ()),
    )
    return Table(
        key="trust",
        title="Checks",
        about="What could make the graph wrong, and what was found. Unexpected values are marked.",
        columns=_arm_columns("Check", comparison, notes, Topic.TRUST, Topic.CLIENTS),
        rows=tuple(
            (Cell(text=label), *(check(arm) for _, arm in arms(comparison))) for label, check in checks
        ),
    )


def _judged(text: str, *, good: bool) -> Cell:
    return Cell(text=text, tone=Tone.PLAIN if good else Tone.WARN)


def _none(count: int) -> Cell:
    """A count that should be zero."""
    return _judged(units.count(count), good=count == 0)


def _load(arm: ArmResult) -> Cell:
    seen = units.rate(arm.rate_per_s)
    asked = "" if arm.rate_asked_per_s is None else f" of {units.rate(arm.rate_asked_per_s)}"
    return Cell(text=f"{seen}{asked} over {units.seconds(arm.load_s)}")


def _meter(arm: ArmResult) -> Cell:
    return Cell(text=f"{counted.meter(arm.loss_meter)}; {units.count(arm.loss.unattributed)} told")


def _reconciled(arm: ArmResult) -> Cell:
    if not arm.loss.is_reconcilable:
        return Cell(text=f"nothing that the generator counts is in the {arm.unit} of {arm.source}")
    graph, generator = arm.loss.graph_requests, arm.loss.generator_requests
    return _judged(f"{units.count(graph)} of {units.count(generator)}", good=graph == generator)


def _zone_check(arm: ArmResult) -> Cell:
    check = arm.zone_check
    if check is None:
        return Cell(text="not checked")
    text = (
        f"{units.count(check.agree)} of {units.count(check.segments)} segments agree, "
        f"{units.count(check.disagree)} disagree, {units.count(check.silent)} name no zone "
        f"({units.count(check.traces)} traces)"
    )
    return _judged(text, good=check.disagree == 0)


def _truth_check(arm: ArmResult) -> Cell:
    check = arm.truth_check
    if check is None:
        return Cell(text="no relay counters (lab only)")
    ends = "pod pairs" if arm.grain == counted.POD else "pairs of workloads and zones"
    noun = counted.many(arm.unit)
    text = (
        f"{units.count(check.graph_calls)} {noun}, {units.count(check.relay_connections)} connections; "
        f"the worst of {units.count(check.pairs)} {ends} is off by "
        f"{units.percent(check.worst_relative_error)}"
    )
    return _judged(text, good=check.worst_relative_error == 0)


def methods(comparison: Comparison) -> Table:
    """Every interval of the focus pair with its method, level and the observations behind it."""
    rows: list[Row] = []
    for name, shown, interval in _statistics(comparison):
        if interval is not None:
            least = units.NOTHING if interval.least_n is None else units.count(interval.least_n)
            rows.append(
                row(name, interval.method, shown, units.level(interval), units.count(interval.n), least)
            )
    return Table(
        key="methods",
        title="How each interval was made",
        about=(
            "n counts independent observations. For a share these are connections: kube-proxy chooses once "
            "for a connection, and every request on it follows. Least n is what a share needs in each arm "
            "for an interval of \u00b15 points."
        ),
        columns=columns("Figure", "Method", numbers=("Estimate", "Level", "n", "Least n")),
        rows=tuple(rows),
        empty="No interval could be made.",
    )


def _statistics(comparison: Comparison) -> Iterator[tuple[str, str, Interval | None]]:
    """(name, estimate as text, interval) of every statistic of the focus pair."""
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if pair is not None:
            extra = pair.cross_minus_same_s
            same, cross = pair.same_latency.mean_s, pair.cross_latency.mean_s
            yield f"same-zone share, {side.value}", units.percent_interval(pair.share), pair.share
            yield f"mean time of same-zone calls, {side.value}", units.milliseconds_interval(same), same
            yield f"mean time of cross-zone calls, {side.value}", units.milliseconds_interval(cross), cross
            yield f"what crossing a zone adds, {side.value}", units.milliseconds_change(extra), extra
        cost = cost_of(arm, comparison)
        if cost is not None:
            yield f"cost, {side.value}", units.usd_month(cost.usd_per_month), cost.usd_per_month
    change = change_of(comparison, comparison.focus)
    if change is not None:
        moved = units.points_change(change.share, changed=change.changed)
        yield "change of the share", moved, change.share
        yield "change of the mean time", units.milliseconds_change(change.mean_s), change.mean_s
        yield "change of the cost", units.usd_month_change(change.usd_per_month), change.usd_per_month


def unknown_calls(comparison: Comparison) -> Table:
    """Why calls of the focus pair have no zone."""
    noun = counted.many(comparison.candidate.unit)
    return Table(
        key="unknown",
        title=f"Why {noun} are unknown",
        columns=columns("Arm", "Reason", numbers=(noun.capitalize(),)),
        rows=tuple(
            row(side.value, reason, units.count(calls))
            for side, arm in arms(comparison)
            if (pair := find(arm, comparison.focus)) is not None
            for reason, calls in pair.unknown_reasons
        ),
        empty=f"Every {noun[:-1]} has both zones known.",
    )


def provenance(comparison: Comparison) -> Table:
    """Where, when and with what it was measured, enough to do it again."""
    plan, arm = comparison.plan, comparison.candidate
    pages = ", ".join(f"{page.name} {page.path} (weight {page.weight})" for page in plan.pages)
    facts = [
        ("Place", f"{comparison.platform}, context {comparison.context}"),
        ("Zones", ", ".join(comparison.zones) or units.NOTHING),
        ("Service", comparison.service),
        *(
            (f"Run {side.value}", f"{arm.run_id} in folder {arm.folder}, {units.window(arm.window)}")
            for side, arm in arms(comparison)
        ),
        ("Counted by", counted.by_whom(arm.source, arm.unit, arm.grain)),
        ("Losses are known from", counted.meter(arm.loss_meter)),
        ("Load plan", _plan(comparison.plan)),
        ("Pages", pages),
        ("Compared", units.utc(comparison.created_s)),
        *((f"Version of {name}", version) for name, version in comparison.versions),
        ("Schema", f"comparison.json {comparison.schema}"),
    ]
    return Table(
        key="provenance",
        title="Where, when and with what",
        columns=columns("Fact", "Value"),
        rows=tuple(row(*fact) for fact in facts),
    )


def _plan(plan: LoadPlan) -> str:
    duration, warmup, quiet = map(units.seconds, (plan.duration_s, plan.warmup_s, plan.quiet_s))
    if plan.rate_asked_per_s is None:
        return (
            f"{units.count(plan.users)} closed-loop users of {plan.locustfile}, {duration} after {warmup} of "
            f"warm-up, {quiet} without load before and after"
        )
    return (
        f"{units.rate(plan.rate_per_s)}{rate_text.beside_mean(plan)}, {units.count(plan.users)} users, "
        f"{duration} after {warmup} of warm-up, {quiet} without load before and after, "
        f"requests per connection to the UI: {units.count(plan.requests_per_connection)}, "
        f"timeout {units.seconds(plan.timeout_s)}, seed {plan.seed}"
    )
