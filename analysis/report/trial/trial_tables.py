"""A trial's tables: contests, looks, plan and course, the tournament, windows, costs, provenance."""

from collections.abc import Iterator

from analysis.report import counted, judgement, measures, units
from analysis.report.measures import Scale, figure
from analysis.report.tables import Cell, Row, Table, Tone, columns, row
from analysis.statistics.interval import Interval
from analysis.trial.values import BlockWindow, Contest, Trial
from loadtest.asking import rate_text
from loadtest.record import Traffic


def contests(trial: Trial) -> Table:
    """Every candidate against the reference, one row each."""
    return Table(
        key="contests",
        stacked=True,
        title=f"Every mode against {trial.arms[0]}",
        about=(
            "Over all blocks. The rise of the share is adjusted for every look that was taken. "
            "Response times are of single calls as their callers saw them; \u201cagainst it\u201d means as a "
            f"multiple of those under {trial.arms[0]}."
        ),
        columns=columns(
            "Mode",
            "Verdict",
            numbers=(
                "Same-zone share",
                "Rise of the share",
                "Median, against it",
                "p99",
                "p99, against it",
                "Rise of failed requests",
                "Busiest endpoint",
                "Cost a month",
            ),
        ),
        rows=(*_reference(trial), *(_contest(one) for one in trial.contests)),
        empty="No block was complete, so no mode can be held against another one.",
    )


def _reference(trial: Trial) -> Iterator[Row]:
    if trial.contests:
        found = trial.contests[0].effects
        yield (
            Cell(text=trial.arms[0]),
            Cell(text="reference", tone=Tone.UNKNOWN),
            Cell(text=units.percent_interval(found.share_before), tone=Tone.STRONG),
            *row("", "", "", "", ""),
            Cell(text=units.times_interval(found.skew_before)),
            Cell(text=units.usd_month(found.usd_before), tone=Tone.STRONG),
        )


def _contest(one: Contest) -> Row:
    found, decision = one.effects, one.verdict.decision
    return (
        Cell(text=one.arm),
        Cell(text=judgement.decision_text(decision), tone=judgement.tone(decision)),
        Cell(text=units.percent_interval(found.share_after), tone=Tone.STRONG),
        Cell(text=figure(Scale.POINTS, one.gain), tone=Tone.STRONG),
        Cell(text=_or_nothing(Scale.TIMES, found.p50_ratio)),
        Cell(text=units.milliseconds(one.p99_s)),
        Cell(text=_or_nothing(Scale.TIMES, found.p99_ratio)),
        Cell(text=_or_nothing(Scale.POINTS, found.error_gain)),
        Cell(text=units.times_interval(found.skew)),
        Cell(text=units.usd_month(found.usd_after), tone=Tone.STRONG),
    )


def _or_nothing(scale: Scale, interval: Interval | None) -> str:
    return units.NOTHING if interval is None else figure(scale, interval)


def looks(trial: Trial) -> Table:
    """Each look at the running experiment."""
    return Table(
        key="looks",
        title="Looks during the trial",
        about=(
            "Each look is a chance to find a change that is none; so every look has a boundary of its own, "
            "and its interval holds at this look and all the others at once."
        ),
        columns=columns(
            "Mode", "Then", "Because", numbers=("After blocks", "Rise of the share", "Boundary (z)")
        ),
        rows=tuple(
            (
                Cell(text=contest.arm),
                Cell(text=look.action, tone=Tone.STRONG),
                Cell(text=look.reason),
                Cell(text=units.count(look.after_blocks)),
                Cell(text=figure(Scale.POINTS, look.interval)),
                Cell(text=units.fixed(look.boundary_z, 2)),
            )
            for contest in trial.contests
            for look in contest.looks
        ),
        empty="Nobody looked before the end.",
    )


def plan(trial: Trial) -> Table:
    """What was planned, and what happened."""
    planned, done = trial.planned, len(trial.order)
    if planned is None:
        return _unplanned(trial)
    reached = max((_half(one.gain) for one in trial.contests), default=None)
    effect = max((one.effects.design_effect_after for one in trial.contests), default=None)
    after = ", ".join(map(units.count, planned.looks_after)) or "the end"
    taken = sorted({look.after_blocks for one in trial.contests for look in one.looks})
    calls = sum(one.calls for one in trial.windows)
    return Table(
        key="plan",
        title="Plan and outcome",
        about=(
            f"Ended after {units.count(done)} of {units.count(planned.blocks)} blocks: {trial.stopped}. "
            "The plan was made from the null pairs' own figures."
        ),
        columns=columns("", "Planned", "Outcome"),
        rows=(
            row("Blocks", units.count(planned.blocks), units.count(done), tone=Tone.STRONG),
            row(
                "Measured of each arm in a block",
                units.span(planned.block_s),
                f"{units.count(calls)} {counted.many(trial.unit)} in all",
            ),
            row("Looks after blocks", after, ", ".join(map(units.count, taken)) or "none"),
            row(
                "Precision of the share's change",
                f"{units.half_width(planned.wanted_half_width)} wanted, "
                f"{units.half_width(planned.expected_half_width)} expected",
                units.half_width(reached),
            ),
            row(
                "Calls that rest on one choice (design effect)",
                units.fixed(planned.design_effect, 2),
                units.NOTHING if effect is None else units.fixed(effect, 2),
            ),
            row("Total time", "", units.span(trial.measuring.seconds)),
            row(
                "A fixed run of that precision",
                "more than a day per arm"
                if planned.fixed_run_s is None
                else f"{units.span(planned.fixed_run_s)} per arm",
                "not done: it cannot tell a change from a drift",
            ),
            row(
                f"A fixed run of 60{units.GAP}min per arm",
                units.half_width(planned.hour_half_width),
                "not done",
            ),
        ),
    )


def _unplanned(trial: Trial) -> Table:
    """It ended with the null pairs."""
    return Table(
        key="plan",
        title="Plan and outcome",
        about=f"Ended before there was anything to plan from: {trial.stopped}.",
        columns=columns("", "Planned", "Outcome"),
        rows=(
            row("Blocks", units.NOTHING, units.count(0), tone=Tone.STRONG),
            row("Total time", "", units.span(trial.measuring.seconds)),
        ),
    )


def _half(interval: Interval) -> float:
    return (interval.high - interval.low) / 2


def duels(trial: Trial) -> Table | None:
    """Every two modes; None without a tournament."""
    if trial.standing is None:
        return None
    return Table(
        key="duels",
        title="Pairs of modes",
        about=(
            "Right minus left same-zone share. With so many pairs some differ by chance; the adjusted p "
            "(after Benjamini and Hochberg) keeps those to one in twenty of what is called different."
        ),
        columns=columns("Left", "Right", "Differ", numbers=("Right minus left", "p", "Adjusted p")),
        rows=tuple(
            (
                Cell(text=one.duel.left),
                Cell(text=one.duel.right),
                Cell(
                    text="\u2260 yes" if one.differs else "not shown",
                    tone=Tone.STRONG if one.differs else Tone.PLAIN,
                ),
                Cell(text=figure(Scale.POINTS, one.duel.interval)),
                Cell(text=units.p_value(one.duel.p_value)),
                Cell(text=units.p_value(one.adjusted_p)),
            )
            for one in trial.standing.duels
        ),
        empty="No two modes were compared.",
    )


def standing(trial: Trial) -> Table | None:
    """The modes of the Pareto set; None without a tournament."""
    if trial.standing is None:
        return None
    found = {one.arm: one for one in trial.contests}
    rows = []
    for mode in trial.standing.pareto:
        contest = found.get(mode)
        share = contest.effects.share_after if contest else None
        if contest is None and mode == trial.arms[0] and trial.contests:
            share = trial.contests[0].effects.share_before
        rows.append(
            (
                Cell(text=mode),
                Cell(
                    text="chosen" if mode == trial.standing.choice else "",
                    tone=Tone.PASS,
                ),
                Cell(
                    text="reference"
                    if contest is None
                    else judgement.decision_text(contest.verdict.decision),
                    tone=Tone.UNKNOWN if contest is None else judgement.tone(contest.verdict.decision),
                ),
                Cell(text=units.percent_interval(share)),
                Cell(text=units.milliseconds(contest.p99_s if contest else None)),
                Cell(text=units.times_interval(contest.effects.skew if contest else None)),
                Cell(text=units.usd_month(contest.effects.usd_after if contest else None)),
            )
        )
    return Table(
        key="standing",
        title="Modes that no other beats",
        about=("By share, p99, load and cost together."),
        columns=columns(
            "Mode", "", "Verdict", numbers=("Same-zone share", "p99", "Busiest endpoint", "Cost a month")
        ),
        rows=tuple(rows),
        empty="There is no mode to choose from.",
    )


def windows(trial: Trial) -> Table:
    """Every window in the order of time."""
    return Table(
        key="windows",
        title=f"Every window ({units.count(len(trial.windows))})",
        about="In the order of time. Null pairs are two windows of one arm.",
        columns=columns(
            "Block",
            "Mode",
            "Start",
            "Gates",
            "Folder",
            numbers=(
                "Same-zone share",
                counted.many(trial.unit).capitalize(),
                "Unknown",
                "Requests",
                "Failed",
                "Rate",
                "p99",
                "Cost a month",
            ),
        ),
        rows=tuple(map(_window, sorted(trial.windows, key=lambda one: one.start_s))),
        empty="No window was measured.",
    )


def _window(one: BlockWindow) -> Row:
    gates = ", ".join(one.failed_gates)
    return (
        Cell(text="null pair" if one.block == 0 else units.count(one.block)),
        Cell(text=one.arm),
        Cell(text=units.utc(one.start_s)),
        Cell(
            text=f"\u2717 {gates}" if gates else "\u2713 all passed",
            tone=Tone.FAIL if gates else Tone.PLAIN,
        ),
        Cell(text=one.folder),
        Cell(text=units.percent_interval(one.share), tone=Tone.STRONG),
        Cell(text=units.count(one.calls)),
        Cell(text=units.count(one.unknown), tone=Tone.UNKNOWN),
        Cell(text=units.count(one.requests)),
        Cell(text=units.count(one.failures), tone=Tone.WARN if one.failures else Tone.PLAIN),
        Cell(text=units.rate(one.rate_per_s)),
        Cell(text=units.milliseconds(one.p99_s)),
        Cell(text=units.usd_month(one.cost.usd_per_month if one.cost else None)),
    )


def measuring(trial: Trial) -> Table:
    """What measuring itself took."""
    spent = trial.measuring
    return Table(
        key="measuring",
        title="Cost of measuring",
        columns=columns("What", numbers=("Amount",)),
        rows=(
            row("Time, from the first change to the last restore", units.span(spent.seconds)),
            row("Windows measured", units.count(len(trial.windows))),
            *(() if trial.traffic is Traffic.LIVE else _sent(trial)),
        ),
    )


def _sent(trial: Trial) -> Iterator[Row]:
    """What the load was, and its traces where those were what was counted; X-Ray's price is of its own."""
    yield row("Requests sent", units.count(sum(one.requests for one in trial.windows)))
    if trial.source in counted.TRACED:
        yield row("Traces recorded", units.count(trial.measuring.traces))
    if trial.source == counted.X_RAY:
        yield row("Their list price at X-Ray", units.usd(trial.measuring.usd))


def provenance(trial: Trial) -> Table:
    """Where, when and with what it was measured, enough to do it again."""
    prices = dict.fromkeys(one.cost.price_source for one in trial.windows if one.cost)
    bytes_ = dict.fromkeys(one.cost.bytes_source for one in trial.windows if one.cost)
    facts = (
        ("Place", f"{trial.platform}, context {trial.context}, region {trial.region or units.NOTHING}"),
        ("Zones", ", ".join(trial.zones) or units.NOTHING),
        ("Calls", f"{trial.client} to {trial.service}"),
        ("Modes", ", ".join(measures.arm_name(arm) for arm in trial.arms)),
        (
            "Order of each block",
            "; ".join(f"{number}: {', '.join(arms)}" for number, arms in enumerate(trial.order, 1))
            or units.NOTHING,
        ),
        (
            "Load of a window",
            _load(trial),
        ),
        *_counted_by(trial),
        ("Bytes", ", ".join(bytes_) or units.NOTHING),
        ("Price", ", ".join(prices) or units.NOTHING),
        ("Judged", units.utc(trial.created_s)),
        *((f"Version of {name}", version) for name, version in trial.versions),
        ("Schema", f"trial.json {trial.schema}"),
    )
    return Table(
        key="provenance",
        title="Where, when and with what",
        columns=columns("Fact", "Value"),
        rows=tuple(row(*fact) for fact in facts),
    )


def _counted_by(trial: Trial) -> Iterator[tuple[str, str]]:
    """Who counted what, and what it was asked: each window's own graph.json says that."""
    for one in trial.windows[:1]:
        asked = "; the queries sent are in each window's graph.json" if one.loss_meter else ""
        yield "Counted by", f"{counted.by_whom(one.source, one.unit, one.grain)}{asked}"
        yield "Losses are known from", counted.meter(one.loss_meter)


def _load(trial: Trial) -> str:
    asked = trial.plan
    measured, warmup = units.seconds(asked.duration_s), units.seconds(asked.warmup_s)
    if trial.traffic is Traffic.LIVE:
        return f"live traffic, {measured} after {warmup} under the mode"
    if asked.rate_asked_per_s is None:
        return (
            f"{units.count(asked.users)} closed-loop users of {asked.locustfile}, {measured} after {warmup} "
            "of warm-up"
        )
    return (
        f"{units.rate(asked.rate_per_s)}{rate_text.beside_mean(asked)}, {units.count(asked.users)} users, "
        f"{measured} after {warmup} of warm-up, seed {asked.seed}"
    )
