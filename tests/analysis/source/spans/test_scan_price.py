"""What scans cost, in words."""

import pytest

from analysis.source.spans.scan_price import Scanned, of_pages, size_text


def test_a_query_counts_once_however_many_pages_it_has() -> None:
    """Each page repeats the statistics of the whole."""
    page = {"queryId": "a", "statistics": {"bytesScanned": 2e9, "recordsScanned": 5.0}}
    found = of_pages((page, page, page | {"queryId": "b"}, {"queryId": "c"}))
    assert found == Scanned(queries=3, records=10, bytes=4_000_000_000)
    assert found.usd == pytest.approx(0.02)
    assert str(found) == "4 GB, $0.0200 at $0.005 a GB"


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (2.5e6, "2.5 MB"), (1e12, "1e+03 GB")],
)
def test_sizes(length: float, text: str) -> None:
    """Three digits are enough."""
    assert size_text(length) == text


def test_small_prices_are_not_nothing() -> None:
    """Below a hundredth of a cent it is said to be that, and nothing costs nothing."""
    assert str(Scanned(bytes=1_000)) == "1 kB, <$0.0001 at $0.005 a GB"
    assert str(Scanned()).startswith("0 bytes, $0.0000")
