"""CPU quantities."""

import pytest

from k8s.errors import UsageError
from k8s.model.quantity import cpu_milli


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("1930m", 1930),
        ("2", 2000),
        (4, 4000),
        ("1.5", 1500),
        ("0.1", 100),
        (".5", 500),
        ("1.", 1000),
        ("+3", 3000),
        ("0", 0),
        ("-0", 0),
        ("4e3", 4_000_000),
        ("4E3", 4_000_000),
        ("12e-3", 12),
        ("100u", 1),
        ("1n", 1),
        ("1001u", 2),
        ("1.0001m", 2),
        ("1k", 1_000_000),
        ("1M", 1_000_000_000),
        ("1E", 10**21),
        ("1Ki", 1_024_000),
        ("0.5Ki", 512_000),
        ("1Ei", 2**60 * 1000),
        ("0.30000000000000000001", 301),
    ],
)
def test_milli(text: str | int, milli: int) -> None:
    """Quantities are exact and rounded up to the next milli-CPU."""
    assert milli == cpu_milli(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "1K",
        "1 ",
        " 1",
        "1mi",
        "0x2",
        "1e",
        "1e+",
        "1,5",
        "--1",
        "\u0661",
        "NaN",
        "1e99999",
        True,
        "1ki",
    ],
)
def test_malformed(text: str | bool) -> None:
    """What the API's grammar does not allow is refused."""
    with pytest.raises(UsageError, match="is not a CPU quantity"):
        cpu_milli(text)


def test_negative() -> None:
    """There is no negative CPU."""
    with pytest.raises(UsageError, match="'-100m' is negative"):
        cpu_milli("-100m")
