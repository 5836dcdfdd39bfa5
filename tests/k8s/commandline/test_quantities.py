"""Lengths of time and amounts as people type them."""

import argparse

import pytest

from k8s.commandline.quantities import amount, count, seconds, some_seconds


@pytest.mark.parametrize(
    ("text", "length_s"),
    [
        *(("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("500ms", 0.5), ("1.5s", 1.5), ("2d", 172800.0)),
        *(("40", 40.0), ("0", 0.0), (" 5S ", 5.0), (".5s", 0.5)),
    ],
)
def test_a_length_of_time(text: str, length_s: float) -> None:
    """With units, or as plain seconds."""
    assert seconds(text) == length_s


@pytest.mark.parametrize("text", ["-5s", "s", "5 s", "\u0665s", "1e3s", "nan", "inf", "", "10 minutes", "-1"])
def test_what_is_none_is_refused_with_examples(text: str) -> None:
    """An argparse error is one line, and exit code 2."""
    with pytest.raises(argparse.ArgumentTypeError, match="90s, 10m or 1h30m"):
        seconds(text)


def test_some_time_is_more_than_none() -> None:
    """Where a length of 0 makes no sense."""
    assert some_seconds("1ms") == 0.001
    with pytest.raises(argparse.ArgumentTypeError, match="above 0"):
        some_seconds("0s")


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("50k", 50_000), ("1.5k", 1500), ("2M", 2_000_000), ("0", 0)]
)
def test_an_amount(text: str, number: int) -> None:
    """K is a thousand, M a million."""
    assert amount(text) == count(text) == number


@pytest.mark.parametrize("text", ["-1", "many", "nan", "1e3", "", "5g"])
def test_what_is_no_amount(text: str) -> None:
    """It says what is one."""
    with pytest.raises(argparse.ArgumentTypeError, match="50k"):
        amount(text)


def test_people_and_pods_are_whole() -> None:
    """No half user."""
    assert amount("1.5") == 1.5
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number"):
        count("1.5")
