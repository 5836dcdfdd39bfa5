"""What changed, as tables: every effect before, after and between, and the change that was predicted."""

from collections.abc import Iterator, Mapping

from analysis.report import units
from analysis.report.measures import Scale, figure
from analysis.report.tables import Row, Table, Tone, columns, row
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Effects


def effects(found: Effects, *, key: str = "effects", title: str = "What changed") -> Table:
    """Each figure before, after, and the change, with what was taken for the unit of chance."""
    return Table(
        key=key,
        stacked=True,
        title=title,
        about=(
            f"{found.why_unit or 'Intervals count connections, not calls.'} The design effect is the number "
            "of calls that count as one independent choice of an endpoint, the effective n the number of "
            "such choices."
        ),
        columns=columns("Figure", numbers=("Before", "After", "Change")),
        rows=tuple(_rows(found)),
    )


def _rows(found: Effects) -> Iterator[Row]:
    gain = figure(Scale.POINTS, found.share.interval)
    yield row(
        "Same-zone share",
        units.percent_interval(found.share_before),
        units.percent_interval(found.share_after),
        gain,
        tone=Tone.STRONG,
    )
    yield row("p-value for no change of the share", "", "", units.p_value(found.share.p_value))
    yield row(
        "Design effect (calls per independent choice)",
        units.fixed(found.design_effect_before, 2),
        units.fixed(found.design_effect_after, 2),
        "",
    )
    yield row(
        "Effective n (independent choices)",
        units.count(found.share_before.n),
        units.count(found.share_after.n),
        "",
    )
    if found.share.spread.blocks > 1:
        seen = found.share.spread
        text = f"{units.times(seen.ratio)} ({units.p_value(seen.p_value)})"
        yield row(f"Spread of {units.count(seen.blocks)} blocks relative to chance alone", "", "", text)
    for label, ratio in (
        ("Median response time, after relative to before", found.p50_ratio),
        ("p99 response time, after relative to before", found.p99_ratio),
        ("Mean response time, after relative to before", found.mean_ratio),
    ):
        yield row(label, "", "", _or_nothing(Scale.TIMES, ratio))
    yield row(
        "Failed requests",
        "",
        _or_nothing(Scale.SHARE, found.error_rate),
        _or_nothing(Scale.POINTS, found.error_gain),
    )
    yield row(
        "Busiest endpoint relative to the mean",
        units.times_interval(found.skew_before),
        units.times_interval(found.skew),
        "",
    )
    yield row("Coverage, the lower of both arms", "", units.percent(found.coverage), "")
    yield row(
        "Cost of cross-zone calls",
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
            "The prediction is the difference between cross-zone and same-zone calls in the baseline, times "
            "the drop of the cross-zone share. An observed change outside of it means that something besides "
            "the routing changed too."
        ),
        columns=columns("Mean response time", numbers=tuple(found) if len(found) > 1 else ("Change",)),
        rows=(
            row(
                "Cross-zone minus same-zone calls, baseline",
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
