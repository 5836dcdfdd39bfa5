"""What changed, as tables: every effect before, after and between, and the change that was predicted."""

from collections.abc import Iterator, Mapping

from analysis.report import counted, units
from analysis.report.measures import Scale, figure
from analysis.report.tables import Row, Table, Tone, columns, row
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Effects


def effects(
    found: Effects,
    *,
    key: str = "effects",
    title: str = "What changed",
    noun: str = counted.CALLS,
    is_told: bool = True,
) -> Table:
    """Each figure before, after, and the change; if *is_told*, with what was taken for the unit of chance."""
    return Table(
        key=key,
        stacked=True,
        title=title,
        about=about(found, noun) if is_told else "",
        columns=columns("Figure", numbers=("Before", "After", "Change")),
        rows=tuple(_rows(found, noun)),
    )


def about(found: Effects, noun: str) -> str:
    """What was taken for one random choice, and what intervals count."""
    return (
        f"{found.why_unit or 'Intervals count connections, not calls.'} Intervals count "
        f"random choices of an endpoint; several {noun} can rest on one of them."
    )


def _rows(found: Effects, noun: str) -> Iterator[Row]:
    gain = figure(Scale.POINTS, found.share.interval)
    yield row(
        "Same-zone share",
        units.percent_interval(found.share_before),
        units.percent_interval(found.share_after),
        gain,
        tone=Tone.STRONG,
    )
    yield row("How likely chance alone would do that (p)", "", "", units.p_value(found.share.p_value))
    yield row(
        f"{noun.capitalize()} that rest on one choice (design effect)",
        units.fixed(found.design_effect_before, 2),
        units.fixed(found.design_effect_after, 2),
        "",
    )
    yield row(
        "Choices made by chance (effective n)",
        units.count(found.share_before.n),
        units.count(found.share_after.n),
        "",
    )
    if found.share.spread.blocks > 1:
        seen = found.share.spread
        text = f"{units.times(seen.ratio)} ({units.p_value(seen.p_value)})"
        yield row(f"Spread of {units.count(seen.blocks)} blocks, against chance alone", "", "", text)
    for label, ratio in (
        ("Median response time, after against before", found.p50_ratio),
        ("Slowest 1 % of calls (p99), after against before", found.p99_ratio),
        ("Mean response time, after against before", found.mean_ratio),
    ):
        yield row(label, "", "", _or_nothing(Scale.TIMES, ratio))
    yield row(
        "Failed requests",
        "",
        _or_nothing(Scale.SHARE, found.error_rate),
        _or_nothing(Scale.POINTS, found.error_gain),
    )
    yield row(
        "Busiest endpoint, against the mean",
        units.times_interval(found.skew_before),
        units.times_interval(found.skew),
        "",
    )
    yield row(f"{noun.capitalize()} with both zones known, at least", "", units.percent(found.coverage), "")
    yield row(
        f"Cost of cross-zone {noun}",
        units.usd_month(found.usd_before),
        units.usd_month(found.usd_after),
        units.usd_month_change(found.usd_gain),
        tone=Tone.STRONG,
    )


def _or_nothing(scale: Scale, interval: Interval | None) -> str:
    return units.NOTHING if interval is None else figure(scale, interval)


def counterfactual(found: Mapping[str, Effects]) -> Table:
    """The change of the mean response time that fewer cross-zone calls predict, and the one observed."""
    return Table(
        key="counterfactual",
        title="Response time: predicted and observed change",
        stacked=True,
        about=(
            "Predicted: what crossing a zone added to a call before, times the drop of the cross-zone share. "
            "If the observed change lies outside of that, something besides the routing changed, too."
        ),
        columns=columns("Mean response time", numbers=tuple(found) if len(found) > 1 else ("Change",)),
        rows=(
            row(
                "What crossing a zone added, before",
                *(units.milliseconds_change(one.counterfactual_s) for one in found.values()),
            ),
            row(
                "Predicted change",
                *(units.milliseconds_change(one.predicted_mean_s) for one in found.values()),
            ),
            row(
                "Observed change",
                *(units.milliseconds_change(one.observed_mean_s) for one in found.values()),
                tone=Tone.STRONG,
            ),
        ),
    )
