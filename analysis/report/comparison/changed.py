"""What changed, as tables: every effect before, after and between, and what its reason would have brought."""

from collections.abc import Iterator, Mapping

from analysis.report import units
from analysis.report.measures import Scale, figure
from analysis.report.tables import Row, Table, Tone, columns, row
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Effects


def effects(found: Effects, *, key: str = "effects", title: str = "What changed") -> Table:
    """Each figure before, after, and the change, with the connection as the unit of chance."""
    return Table(
        key=key,
        stacked=True,
        title=title,
        about=(
            "With the connection as the unit of chance: the design effect says how many calls count as one "
            "independent choice of an endpoint, the effective n how many such choices there were."
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
    yield row("p-value, had nothing changed", "", "", units.p_value(found.share.p_value))
    yield row(
        "Design effect, calls a choice",
        units.times(found.design_effect_before),
        units.times(found.design_effect_after),
        "",
    )
    yield row(
        "Effective n, independent choices",
        units.count(found.share_before.n),
        units.count(found.share_after.n),
        "",
    )
    if found.share.spread.blocks > 1:
        seen = found.share.spread
        text = f"{units.times(seen.ratio)} ({units.p_value(seen.p_value)})"
        yield row(f"Spread of {units.count(seen.blocks)} blocks over what chance allows", "", "", text)
    for label, ratio in (
        ("Median response time, after over before", found.p50_ratio),
        ("p99 response time, after over before", found.p99_ratio),
        ("Mean response time, after over before", found.mean_ratio),
    ):
        yield row(label, "", "", _or_nothing(Scale.TIMES, ratio))
    yield row(
        "Failed requests",
        "",
        _or_nothing(Scale.SHARE, found.error_rate),
        _or_nothing(Scale.POINTS, found.error_gain),
    )
    yield row(
        "Busiest endpoint over the mean",
        units.times_interval(found.skew_before),
        units.times_interval(found.skew),
        "",
    )
    yield row("Both zones known, the lower of both", "", units.percent(found.coverage), "")
    yield row(
        "Cost of the calls that cross",
        units.usd_month(found.usd_before),
        units.usd_month(found.usd_after),
        units.usd_month_change(found.usd_gain),
        tone=Tone.STRONG,
    )


def _or_nothing(scale: Scale, interval: Interval | None) -> str:
    return units.NOTHING if interval is None else figure(scale, interval)


def counterfactual(found: Mapping[str, Effects]) -> Table:
    """What crossing costs in time, what fewer crossings should have brought, and what was seen."""
    return Table(
        key="counterfactual",
        title="What fewer crossings should have brought",
        about=(
            "A cross-zone call against a same-zone one within the baseline's own windows, times the share "
            "that no longer crosses, predicts the change of the mean response time. Where the change seen "
            "lies outside, something besides the routes changed too."
        ),
        columns=columns("Mean response time", numbers=tuple(found) if len(found) > 1 else ("Change",)),
        rows=(
            row(
                "A crossing costs, within the baseline",
                *(units.milliseconds_change(one.counterfactual_s) for one in found.values()),
            ),
            row(
                "Predicted change of the mean",
                *(units.milliseconds_change(one.predicted_mean_s) for one in found.values()),
            ),
            row(
                "Observed change of the mean",
                *(units.milliseconds_change(one.observed_mean_s) for one in found.values()),
                tone=Tone.STRONG,
            ),
        ),
    )
