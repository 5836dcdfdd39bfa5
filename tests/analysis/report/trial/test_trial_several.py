"""A trial of several pairs in every format."""

import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

from analysis.model import Workload
from analysis.report.trial import console, html, junit, markdown
from analysis.trial.values import FurtherPair, Trial
from analysis.verdict.judged import Decision
from tests.analysis.report.page import Page
from tests.analysis.report.test_suite import SCHEMA
from tests.analysis.report.trial import trial_samples


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Two arms, and a second pair that failed its guards."""
    whole, failed = trial_samples.two(), trial_samples.failing()
    pair = FurtherPair(
        service="shop/payments",
        client=Workload("orders"),
        server=Workload("payments"),
        null=failed.null,
        contests=failed.contests[:1],
    )
    reasons = tuple(f"{pair.title}: {one}" for one in failed.contests[0].verdict.reasons)
    return replace(whole, further=(pair,), decision=Decision.FAIL, reasons=reasons)


def test_the_page_has_a_section_for_each_further_pair(trial: Trial):
    """Balanced, every id once."""
    page = Page(html.render(trial))

    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))
    assert "pair-2" in page.ids
    assert "orders \u2192 payments, Service shop/payments" in " ".join(page.words)


def test_the_comment_and_the_terminal_name_it(trial: Trial):
    """With its verdict."""
    out = io.StringIO()
    Console(file=out, width=100).print(console.trial(trial))
    for text in (markdown.render(trial), out.getvalue()):
        assert "Service shop/payments" in " ".join(text.split())


def test_junit_is_red_for_the_pair_that_failed(trial: Trial):
    """Its guards are cases of their own."""
    text = junit.render(trial)
    (suite,) = ET.fromstring(text)  # noqa: S314 - our own document
    red = [one.get("classname", "") for one in suite.iter("testcase") if one.find("failure") is not None]

    assert SCHEMA.faults(text) == []
    assert red
    assert all("orders to payments" in one for one in red)
