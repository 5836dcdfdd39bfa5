"""An observation as a page, a comment and a terminal's table."""

import io

import pytest
from rich.console import Console

from analysis.observe.observed import Observation
from analysis.report import formats
from analysis.report.observation import console, html, markdown
from analysis.report.observation.observation_answer import headline
from tests.analysis.observe.looks import cluster, seen
from tests.analysis.traced_shop import Shop


@pytest.fixture(scope="module")
def found() -> Observation:
    return seen(Shop(by_pod=True))


def terminal(found: Observation) -> str:
    shown = Console(width=80, record=True, file=io.StringIO())
    shown.print(console.observation(found))
    return shown.export_text()


def test_every_format_calls_itself_observed_first(found: Observation):
    """Not controlled: in the first words of each."""
    assert headline(found).startswith("Observed, not controlled: ")
    assert terminal(found).startswith("Observed, not controlled: ")
    assert markdown.render(found).startswith("### Observed, not controlled: ")
    assert "<title>samezone: observed, not controlled</title>" in html.render(found)
    assert set(formats.OBSERVATION) == {"report.html", "report.md"}


def test_the_page_needs_nothing_else(found: Observation):
    """No script, no request."""
    page = html.render(found)

    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_what_can_be_changed_is_a_part_of_what_it_costs(found: Observation):
    """Only the pair that a Service stands before; the load's own calls are out of reach here."""
    assert "a Service setting can change $" in headline(found)
    assert "no Service setting would change that" in headline(seen(Shop(by_pod=True), shown=cluster((), ())))


def test_a_terminal_of_80_columns_holds_it(found: Observation):
    """No line is longer."""
    assert max(map(len, terminal(found).splitlines())) <= 80
