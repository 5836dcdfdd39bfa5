"""Two observations beside each other."""

import io

import pytest
from rich.console import Console

from analysis.observe.contrast import contrast
from analysis.observe.observed import Scope
from analysis.report.observation import console
from tests.analysis.observe.looks import seen
from tests.analysis.traced_shop import Shop


def test_the_caveat_is_the_first_line_and_no_difference_is_none():
    """Two windows of one routing: the caveat first, and an interval around zero."""
    before, after = (seen(Shop(by_pod=True, seed=seed)) for seed in (1, 2))

    found = contrast(before, after)
    terminal = Console(width=80, record=True, file=io.StringIO())
    terminal.print(console.contrast(found))

    assert terminal.export_text().startswith("Observed, not controlled")
    assert found.caveat.endswith(
        "To find that out: samezone experiment --service catalog/catalog --client ui/ui "
        "--arms off,prefer-close --traffic live --platform cluster"
    )
    difference = found.pairs[0].difference
    assert difference is not None
    assert difference.low < 0 < difference.high
    assert difference.estimate == pytest.approx(
        after.pairs[0].result.share.estimate - before.pairs[0].result.share.estimate
    )


def test_a_pair_of_one_window_alone_has_no_difference():
    """It is shown with what is known of it."""
    shop = Shop(by_pod=True)

    found = contrast(seen(shop), seen(shop, scope=Scope(namespaces=("catalog",))))

    assert [(one.client, one.calls_per_s_after is None) for one in found.pairs] == [
        ("ui", False),
        ("locust", True),
    ]
    assert found.pairs[1].difference is None
