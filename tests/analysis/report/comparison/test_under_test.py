"""Several pairs under test in every report, and where their calls go next."""

import io
import xml.etree.ElementTree as ET
from functools import cache

import pytest
from rich.console import Console

from analysis.report.comparison import console, html, junit, markdown, onward, under_test
from analysis.report.lookup import by_connection
from analysis.verdict.compare import compare
from analysis.verdict.compared import Comparison
from tests.analysis.chain import Chain
from tests.analysis.report.comparison import judged_samples
from tests.analysis.report.page import Page
from tests.analysis.report.test_suite import SCHEMA


@cache
def chain(payments: float = 1.0) -> Comparison:
    """Frontend to orders gets better; orders to payments as given."""
    return compare(
        Chain().inputs(),
        Chain(mode="tar", orders=1.0, payments=payments, run=3).inputs(),
        null=Chain(run=2).inputs(),
        created_s=1.0,
        versions=(),
    )


def test_the_banner_says_how_the_verdict_came_out_of_the_pairs():
    """The worst pair's reasons first, each with its pair."""
    shown = under_test.banner(chain(0.1))

    assert shown is not None
    assert shown.word == "Fail"
    assert shown.reasons[0] == (
        "2 pairs are under test, and the worst one decides: frontend \u2192 orders pass, "
        "orders \u2192 payments fail."
    )
    assert shown.reasons[1].startswith("orders \u2192 payments: ")


def test_the_page_has_each_pair_with_its_verdict_guards_cost_and_prediction():
    """Balanced, every id once."""
    text = html.render(chain())
    page = Page(text)

    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))
    words = " ".join(page.words)
    for wanted in (
        "Every pair under test",
        "orders \u2192 payments, Service payments/payments",
        "Where the calls go next",
        "Predicted after",
    ):
        assert wanted in words
    assert {"under-test", "pair-2", "onward"} <= set(page.ids)
    assert words.count("Predicted under the hints seen") == 2


def test_the_comment_and_the_terminal_show_each_pair_too():
    """Decision, figures and guards of both."""
    for text in (markdown.render(chain(0.1)), _printed(chain(0.1))):
        plain = " ".join(text.replace("\u200b", "").split())
        assert "2 pairs are under test" in plain
        assert plain.count("payments") > 5
        assert "Where the calls go next" in plain


def _printed(comparison: Comparison) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(console.comparison(comparison))
    return out.getvalue()


@pytest.mark.parametrize(("payments", "red"), [(1.0, False), (0.1, True)])
def test_junit_has_a_case_for_each_guard_of_each_pair(payments: float, red: bool):
    """Red exactly where the verdict over all is no pass; the form is the schema's."""
    text = junit.render(chain(payments))
    (suite,) = ET.fromstring(text)  # noqa: S314 - our own document
    classes = [one.get("classname", "") for one in suite.iter("testcase")]
    guards = [one for one in classes if one.endswith("guards")]

    assert SCHEMA.faults(text) == []
    assert sum("frontend" in one for one in guards) == sum("payments" in one for one in guards) > 0
    assert (int(suite.get("failures", "0")) + int(suite.get("errors", "0")) > 0) is red


def test_calls_that_stay_at_both_hops():
    """One third at the first, one half at the second, in every zone: a sixth of them."""
    first, second = (
        one.baseline.pairs[0]
        for one in compare(
            Chain(payments=0.5).inputs(), Chain(mode="tar", run=3).inputs(), created_s=1.0, versions=()
        ).each
    )

    assert onward.both_hops(first, second) == pytest.approx(1 / 6, abs=0.001)


def test_where_the_calls_go_next():
    """Each hop after one under test, before and after; a server that calls nothing has no such table."""
    found = onward.table(by_connection(chain()))

    assert found is not None
    rows = [[cell.text for cell in row] for row in found.rows]
    assert [row[:2] for row in rows] == [["frontend \u2192 orders", "orders \u2192 payments"]] * 3
    assert [row[5] for row in rows] == ["11.1\u00a0%", "100.0\u00a0%", ""]
    assert onward.table(judged_samples.passed()) is None


def test_a_single_pair_is_shown_as_ever():
    """No section, no word of several."""
    alone = judged_samples.passed()

    assert list(under_test.sections(alone)) == []
    assert "under test" not in markdown.render(alone)
