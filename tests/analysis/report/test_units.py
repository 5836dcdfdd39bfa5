"""Numbers as text."""

import pytest

from analysis.report import units
from analysis.statistics.interval import Interval
from loadtest.record import Window

NB, THIN, MINUS = "\u00a0", "\u202f", "\u2212"


def between(low: float, estimate: float, high: float) -> Interval:
    """An interval at 95 %."""
    return Interval(estimate=estimate, low=low, high=high, level=0.95, n=100, method="test")


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.3342, "33.4 %"),
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.9997, "99.97 %"),
        (0.0004, "0.04 %"),
        (0.999_98, "99.998 %"),
        (0.999_999_9, "> 99.999 %"),
        (0.000_000_1, "< 0.001 %"),
        (None, "\u2013"),
        (float("nan"), "\u2013 %"),
    ],
)
def test_percent(ratio, text):
    """A share has one decimal, and more where it would be rounded to an all or a nothing that it is not."""
    assert text.replace(" ", NB) == units.percent(ratio)


def test_percent_interval():
    """A share stands with its interval in per cent."""
    assert f"33.4{NB}% [31.9,{NB}34.9]" == units.percent_interval(between(0.319, 0.334, 0.349))


def test_percent_interval_around_all():
    """The interval of an all shows how far from all it could be."""
    assert f"100.0{NB}% [99.998,{NB}100.000]" == units.percent_interval(between(0.99998, 1.0, 1.0))


@pytest.mark.parametrize(("low", "high", "text"), [(0.319, 0.349, "31.9 % to 34.9 %"), (1.0, 1.0, "100.0 %")])
def test_percent_range(low, high, text):
    """A range is no interval and is written otherwise; its ends once where they are one."""
    assert text.replace(" %", f"{NB}%") == units.percent_range(low, high)


def test_points():
    """A difference of shares has a sign, also in its interval."""
    change = between(0.64, 0.653, 0.666)

    assert f"+65.3{NB}points [+64.0,{NB}+66.6]" == units.points_change(change, changed=True)


def test_points_unchanged():
    """No significant change is one sign and the interval that says so."""
    change = between(-0.012, 0.001, 0.015)

    assert f"no clear change [{MINUS}1.2,{NB}+1.5]{NB}points" == units.points_change(change, changed=False)


def test_no_negative_zero():
    """What rounds to zero has no sign."""
    assert f"0.0{NB}points" == units.points(-0.00001)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00123, "1.23 ms"), (0.0123, "12.3 ms"), (1.23456, f"1{THIN}235 ms"), (None, "\u2013")],
)
def test_milliseconds(seconds, text):
    """Durations are always in ms, with three digits that mean something."""
    assert text.replace(" ", NB) == units.milliseconds(seconds)


def test_whole_milliseconds():
    """A quantile of X-Ray's histogram is known to 1 ms."""
    assert [f"<{NB}1{NB}ms", f"1{NB}ms", f"3{NB}ms"] == [
        units.whole_milliseconds(seconds) for seconds in (0.0, 0.001, 0.003)
    ]


def test_milliseconds_change():
    """A difference of durations that includes zero is no change."""
    assert f"no clear change [{MINUS}0.10,{NB}+0.12]{NB}ms" == units.milliseconds_change(
        between(-0.0001, 0.00001, 0.00012)
    )
    assert f"{MINUS}0.62{NB}ms [{MINUS}0.70,{NB}{MINUS}0.54]" == units.milliseconds_change(
        between(-0.0007, -0.00062, -0.00054)
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "$0.00"),
        (12.345, "$12.35"),
        (1333.3, f"$1{THIN}333"),
        (0.0123, "$0.01"),
        (0.0049, "<$0.01"),
        (-0.0049, f">{MINUS}$0.01"),
        (-4.2, f"{MINUS}$4.20"),
    ],
)
def test_usd(amount, text):
    """Cents; no cents from 1000 dollars up; less than half a cent is not nothing."""
    assert text == units.usd(amount)


def test_usd_month():
    """A cost has cents, and so have the ends of its interval."""
    assert f"$12.32{NB}a{NB}month [12.07,{NB}12.57]" == units.usd_month(between(12.07, 12.32, 12.57))
    assert f"$0.00{NB}a{NB}month [0.00,{NB}<0.01]" == units.usd_month(between(0.0, 0.0, 0.0039))


def test_usd_month_change():
    """A difference of costs has its sign before the dollar."""
    assert f"{MINUS}$11.20{NB}a{NB}month [{MINUS}11.90,{NB}{MINUS}10.50]" == units.usd_month_change(
        between(-11.9, -11.2, -10.5)
    )


def test_price():
    """A price is written as the provider lists it."""
    assert units.usd_per_gb(0.01) == "$0.01/GB"


def test_count():
    """Thousands are set apart by thin spaces."""
    assert f"1{THIN}234{THIN}567" == units.count(1_234_567)


def test_size():
    """Bytes are in decimal units."""
    assert [f"412{NB}B", f"3.6{NB}kB", f"1.2{NB}MB", f"2.0{NB}GB"] == [
        units.size(value) for value in (412, 3_620, 1_200_000, 2e9)
    ]


def test_window():
    """A window is in UTC, with its length."""
    assert f"2023-11-14 22:13:20 to 22:14:03 UTC (43.0{NB}s)" == units.window(
        Window(start_s=1_700_000_000.0, end_s=1_700_000_043.0)
    )


def test_window_over_midnight():
    """A window that ends on another day says which."""
    assert "2023-11-14 22:13:20 to 2023-11-15 22:13:20 UTC" in units.window(
        Window(start_s=1_700_000_000.0, end_s=1_700_086_400.0)
    )


@pytest.mark.parametrize(("low", "high", "sure"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.2, False)])
def test_sure(low, high, sure):
    """A difference is sure when its interval excludes zero."""
    assert sure is units.sure(between(low, (low + high) / 2, high))


@pytest.mark.parametrize(
    ("length_s", "text"),
    [(40.0, f"40{NB}s"), (119.4, f"119{NB}s"), (750.0, f"12{NB}min"), (9000.0, f"2.5{NB}h")],
)
def test_span(length_s, text):
    """A length of time in the unit that people would use."""
    assert text == units.span(length_s)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "p < 0.0001"), (0.0005, "p = 0.0005"), (0.041, "p = 0.041")]
)
def test_p_value(value, text):
    """No more digits than anybody needs."""
    assert text == units.p_value(value)


def test_times_and_half_widths():
    """Multiples with their interval, half-widths in points, and nothing where nothing was measured."""
    assert units.times_interval(between(0.95, 1.02, 1.1)) == "1.02\u00d7 [0.95,\u00a01.10]"
    assert units.half_width(0.014) == f"\u00b11.4{NB}points"
    assert (units.times_interval(None), units.half_width(None)) == (units.NOTHING, units.NOTHING)


def test_clock():
    """The time of day in UTC."""
    assert units.clock(1_700_000_000.0) == "22:13"
