"""The comment."""

import re

import pytest

from analysis.report.comparison import markdown
from tests.analysis.report.comparison import samples

SAMPLES = ("tar", "unknown", "hostile", "empty")


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_fit_their_head(name):
    """Every row of a table has as many cells as its head, whatever the cells contain."""
    blocks = re.findall(r"(?:^\|.*\n)+", markdown.render(getattr(samples, name)()), flags=re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()} for block in blocks]

    assert len(widths) > 5
    assert [width for width in widths if len(width) != 1] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_only_our_own_tags(name):
    """The only HTML is ours, and folds close."""
    text = markdown.render(getattr(samples, name)())

    assert {"<details>", "</details>", "<summary>", "</summary>"} >= set(re.findall(r"<[^>]*>", text)) - {
        "<sup>",
        "</sup>",
    }
    assert text.count("<details>") == text.count("</details>")


def test_answer_comes_first():
    """The first line is the answer."""
    first = markdown.render(samples.tar()).splitlines()[0]

    assert first.startswith("### Topology Aware Routing raised the same-zone share")


@pytest.mark.parametrize("name", [*SAMPLES, "crowd", "city"])
def test_fits_a_comment(name):
    """GitHub takes at most 65 536 characters; long pod tables stay out."""
    assert len(markdown.render(getattr(samples, name)())) < 65_536
