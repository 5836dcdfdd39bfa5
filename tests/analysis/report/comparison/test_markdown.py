"""The comment."""

import re

import pytest

from analysis.report.comparison import comment, markdown
from tests.analysis.report import golden
from tests.analysis.report.comparison import samples

SAMPLES = ("tar", "unknown", "hostile", "empty")
ZERO = "\u200b"


@pytest.mark.parametrize("name", SAMPLES)
def test_golden(name):
    """The comment is what it was when somebody last looked at it."""
    golden.check(f"report-{name}.md", markdown.render(getattr(samples, name)()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("`code` *bold* _it_ ~gone~ \\", "\\`code\\` \\*bold\\* \\_it\\_ \\~gone\\~ \\\\"),
        ("<b> & co", "&lt;b&gt; &amp; co"),
        ("two\nlines", "two lines"),
        ("[a](b) [c][d]", f"[a]{ZERO}(b) [c]{ZERO}[d]"),
        ("@team #12", f"@{ZERO}team #{ZERO}12"),
        ("https://example.org www.example.org", f"https:{ZERO}//example.org w{ZERO}ww.example.org"),
        ("$1 and $2", "&#36;1 and &#36;2"),
    ],
)
def test_escape(text, shown):
    """Nothing in a text is markup, a link, a mention or a formula on GitHub."""
    assert shown == comment.escape(text)


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
